//! Threads for the engine. A browser starts them from JavaScript only, and only while the worker's
//! event loop runs, so they are started beforehand and wait here for something to do.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

type Body = Box<dyn FnOnce() + Send>;

struct Waiting {
    bodies: VecDeque<Body>,
    /// Threads with nothing to do, less the bodies that wait for one.
    free: usize,
    started: usize,
    ended: bool,
}

static WAITING: Mutex<Waiting> = Mutex::new(Waiting {
    bodies: VecDeque::new(),
    free: 0,
    started: 0,
    ended: false,
});
static SOMETHING_TO_DO: Condvar = Condvar::new();

#[wasm_bindgen(module = "/src/threads.js")]
extern "C" {
    #[wasm_bindgen(js_name = startThread)]
    fn start_thread(module: JsValue, memory: JsValue) -> Promise;
}

/// Makes sure that there are `count` threads, or as many as the browser gives.
pub(crate) async fn start(count: usize) {
    let started = with(|waiting| waiting.started);
    for _ in started..count {
        let thread = start_thread(wasm_bindgen::module(), wasm_bindgen::memory());
        if JsFuture::from(thread).await.is_err() {
            return;
        }
        with(|waiting| {
            waiting.started += 1;
            waiting.free += 1;
        });
    }
}

/// The engine's way to start a thread.
pub(crate) fn spawn(body: Body) -> bool {
    let taken = with(|waiting| {
        let free = waiting.free > 0;
        if free {
            waiting.free -= 1;
            waiting.bodies.push_back(body);
        }
        free
    });
    if taken {
        SOMETHING_TO_DO.notify_one();
    }
    taken
}

/// Lets the threads end that have nothing to do, and with them the memory that they share.
pub(crate) fn end() {
    with(|waiting| waiting.ended = true);
    SOMETHING_TO_DO.notify_all();
}

/// A thread's life, called in its own worker.
#[wasm_bindgen(js_name = runThread)]
#[expect(unreachable_pub, reason = "JavaScript reaches it")]
pub fn run_thread() {
    loop {
        let waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = SOMETHING_TO_DO.wait_while(waiting, |waiting| {
            waiting.bodies.is_empty() && !waiting.ended
        });
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let Some(body) = waiting.bodies.pop_front() else {
            return;
        };
        drop(waiting);
        body();
        with(|waiting| waiting.free += 1);
    }
}

fn with<R>(change: impl FnOnce(&mut Waiting) -> R) -> R {
    change(&mut WAITING.lock().unwrap_or_else(PoisonError::into_inner))
}
