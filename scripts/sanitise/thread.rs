//! Lets two threads write the same memory at the same time when it is given an argument.

use std::ffi::{c_int, c_void};
use std::ptr;

// Not the standard library's threads: without a library that is built for the sanitizer they look like a race.
unsafe extern "C" {
    fn pthread_create(
        thread: *mut usize,
        attributes: *const c_void,
        start: extern "C" fn(*mut c_void) -> *mut c_void,
        argument: *mut c_void,
    ) -> c_int;
    fn pthread_join(thread: usize, value: *mut *mut c_void) -> c_int;
}

static mut COUNT: usize = 0;

extern "C" fn count(_: *mut c_void) -> *mut c_void {
    for _ in 0..1000 {
        // SAFETY: none where two threads do it, and on purpose: the sanitizer must say so.
        unsafe { COUNT += 1 };
    }
    ptr::null_mut()
}

fn start() -> usize {
    let mut thread = 0;
    // SAFETY: the arguments are as POSIX wants them.
    let error = unsafe { pthread_create(&mut thread, ptr::null(), count, ptr::null_mut()) };
    assert_eq!(error, 0);
    thread
}

fn wait_for(thread: usize) {
    // SAFETY: the thread was started, and is waited for once.
    let error = unsafe { pthread_join(thread, ptr::null_mut()) };
    assert_eq!(error, 0);
}

fn main() {
    if std::env::args().len() > 1 {
        [start(), start()].map(wait_for);
    } else {
        wait_for(start());
        wait_for(start());
    }
}
