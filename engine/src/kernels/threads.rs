//! A pool of threads for many tiny jobs: between two jobs of one token a worker spins for a moment
//! instead of sleeping, since waking it would take longer than the job.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};

/// Rounds of spinning before a worker sleeps: some tens of microseconds.
const SPINS_BEFORE_SLEEP: u32 = 10_000;
/// Rounds of spinning before the caller, waiting for its workers, lets others have the core.
const SPINS_BEFORE_YIELD: u32 = 1_000;

type Job = dyn Fn(usize) + Sync + 'static;

struct Shared {
    /// Counts jobs; a worker that sees it change runs `job`.
    epoch: AtomicUsize,
    /// Written by the pool's owner only, and only while `running` is 0.
    job: UnsafeCell<Option<*const Job>>,
    /// Workers that have not finished the current job.
    running: AtomicUsize,
    workers: Vec<Worker>,
    /// Workers that have not ended yet.
    alive: AtomicUsize,
    stop: AtomicBool,
    panicked: AtomicBool,
}

#[derive(Default)]
struct Worker {
    /// Set while it sleeps, or is about to.
    asleep: AtomicBool,
    /// Known once it has started.
    thread: OnceLock<Thread>,
}

impl Worker {
    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

// SAFETY: `job` is written while no worker reads it (`running` is 0) and published by `epoch`.
unsafe impl Sync for Shared {}
// SAFETY: the pointer in `job` is only followed while the owner keeps its target alive.
unsafe impl Send for Shared {}

/// Threads that wait for jobs; the caller of a job is one of them.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    workers: usize,
}

/// Starts a thread that runs the function it is given, and says whether it could. Where the
/// standard library can't start threads, as in a browser, the caller of the engine can.
pub type Spawn = fn(Box<dyn FnOnce() + Send>) -> bool;

/// Threads of the operating system.
pub fn spawn_thread(body: Box<dyn FnOnce() + Send>) -> bool {
    thread::Builder::new()
        .name("compute".into())
        .spawn(body)
        .is_ok()
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({} threads)", self.threads())
    }
}

impl Pool {
    /// `threads` counts the caller; with 1 no thread is started.
    pub(crate) fn new(threads: usize, spawn: Spawn) -> Self {
        let wanted = threads.max(1) - 1;
        let shared = Arc::new(Shared {
            epoch: AtomicUsize::new(0),
            job: UnsafeCell::new(None),
            running: AtomicUsize::new(0),
            workers: (0..wanted).map(|_| Worker::default()).collect(),
            alive: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
        });
        // A machine that refuses another thread computes with those it gave.
        let started = |index: &usize| {
            let (index, its_shared) = (*index, Arc::clone(&shared));
            shared.alive.fetch_add(1, Ordering::Relaxed);
            let started = spawn(Box::new(move || work(&its_shared, index)));
            if !started {
                shared.alive.fetch_sub(1, Ordering::Relaxed);
            }
            started
        };
        let workers = (0..wanted).take_while(started).count();
        Self { shared, workers }
    }

    pub(crate) fn threads(&self) -> usize {
        self.workers + 1
    }

    /// Runs `job(thread)` once on every thread and returns when all are done. `&mut self`, since
    /// a pool does one job at a time.
    fn run(&mut self, job: &(dyn Fn(usize) + Sync + '_)) {
        if self.workers == 0 {
            return job(0);
        }
        let shared = &*self.shared;
        // SAFETY: extends the job's lifetime for the workers, which have all finished with it when
        // `wait` is dropped, which is before `job` can be. No worker reads the cell: `running` is 0.
        unsafe {
            *shared.job.get() = Some(std::mem::transmute::<
                *const (dyn Fn(usize) + Sync + '_),
                *const Job,
            >(job));
        }
        shared.running.store(self.workers, Ordering::Relaxed);
        // The order of this against `asleep` decides who sees whom: both are sequentially consistent.
        shared.epoch.fetch_add(1, Ordering::SeqCst);
        for worker in &shared.workers[..self.workers] {
            if worker.asleep.load(Ordering::SeqCst) {
                worker.wake();
            }
        }
        let wait = WaitForWorkers(shared);
        job(0);
        drop(wait);
        assert!(
            !shared.panicked.load(Ordering::Relaxed),
            "a compute thread panicked"
        );
    }

    /// Splits `0..total` into pieces of `chunk` and calls `body(thread, piece)` for each, on
    /// whichever thread is free next.
    pub(crate) fn for_each(
        &mut self,
        total: usize,
        chunk: usize,
        body: &(dyn Fn(usize, Range<usize>) + Sync),
    ) {
        self.for_each_shrinking(total, chunk, chunk, body);
    }

    /// The same with pieces of `most` down to `least`, of which each is a multiple: large ones first, and so small ones
    /// in the end that all threads end together.
    pub(crate) fn for_each_shrinking(
        &mut self,
        total: usize,
        least: usize,
        most: usize,
        body: &(dyn Fn(usize, Range<usize>) + Sync),
    ) {
        let least = least.max(1);
        let threads = self.threads();
        let length = |start: usize| {
            let share = (total - start) / (2 * threads);
            (share / least * least).clamp(least, most.max(least))
        };
        let next = AtomicUsize::new(0);
        self.run(&|thread| {
            loop {
                let taken = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |start| {
                    (start < total).then(|| start + length(start))
                });
                let Ok(start) = taken else {
                    return;
                };
                body(thread, start..(start + length(start)).min(total));
            }
        });
    }
}

/// Waits when dropped, so that a panic in the caller's own share can't free what workers still use.
struct WaitForWorkers<'a>(&'a Shared);

impl Drop for WaitForWorkers<'_> {
    fn drop(&mut self) {
        let mut spins = 0;
        while self.0.running.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins < SPINS_BEFORE_YIELD {
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
    }
}

fn work(shared: &Shared, index: usize) {
    let worker = &shared.workers[index];
    worker.thread.get_or_init(thread::current);
    let mut seen = 0;
    loop {
        seen = wait_for_epoch(shared, worker, seen);
        if shared.stop.load(Ordering::Relaxed) {
            shared.alive.fetch_sub(1, Ordering::Release);
            return;
        }
        // SAFETY: the owner wrote the job before it changed the epoch, and keeps it alive until
        // `running` has come down to 0.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| unsafe {
            if let Some(job) = *shared.job.get() {
                (*job)(index + 1);
            }
        }));
        if outcome.is_err() {
            shared.panicked.store(true, Ordering::Relaxed);
        }
        shared.running.fetch_sub(1, Ordering::Release);
    }
}

fn wait_for_epoch(shared: &Shared, worker: &Worker, seen: usize) -> usize {
    for _ in 0..SPINS_BEFORE_SLEEP {
        let epoch = shared.epoch.load(Ordering::Acquire);
        if epoch != seen {
            return epoch;
        }
        std::hint::spin_loop();
    }
    worker.asleep.store(true, Ordering::SeqCst);
    loop {
        let epoch = shared.epoch.load(Ordering::SeqCst);
        if epoch != seen {
            worker.asleep.store(false, Ordering::Relaxed);
            return epoch;
        }
        thread::park();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        self.shared.workers.iter().for_each(Worker::wake);
        while self.shared.alive.load(Ordering::Acquire) > 0 {
            thread::yield_now();
        }
    }
}

/// A mutable slice that several threads write to, each in places of its own.
#[derive(Debug)]
pub(crate) struct SharedSlice<'a, T> {
    pointer: *mut T,
    length: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: access is only through unsafe methods whose callers promise not to overlap.
unsafe impl<T: Send> Sync for SharedSlice<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for SharedSlice<'_, T> {}

impl<'a, T> SharedSlice<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self {
            pointer: slice.as_mut_ptr(),
            length: slice.len(),
            lifetime: PhantomData,
        }
    }

    /// # Safety
    /// No other live reference covers any of `range`.
    #[allow(
        clippy::mut_from_ref,
        reason = "that is what this type is for; see its contract"
    )]
    pub(crate) unsafe fn slice_mut(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.length);
        // SAFETY: in bounds by the assertion, not aliased by the caller's promise.
        unsafe {
            std::slice::from_raw_parts_mut(self.pointer.add(range.start), range.end - range.start)
        }
    }
}

// In a browser the standard library starts no threads.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_visited_once() {
        for threads in [1, 2, 5] {
            let mut pool = Pool::new(threads, spawn_thread);
            for total in [0, 1, 7, 1000] {
                let visits: Vec<AtomicUsize> = (0..total).map(|_| AtomicUsize::new(0)).collect();
                pool.for_each(total, 3, &|_, range| {
                    for index in range {
                        visits[index].fetch_add(1, Ordering::Relaxed);
                    }
                });
                assert!(
                    visits
                        .iter()
                        .all(|visits| visits.load(Ordering::Relaxed) == 1)
                );
            }
        }
    }

    #[test]
    fn pieces_shrink_from_the_most_to_the_least() {
        for (threads, total) in [(1, 1000), (3, 1000), (2, 5), (2, 0)] {
            let mut pool = Pool::new(threads, spawn_thread);
            let pieces = std::sync::Mutex::new(Vec::new());
            pool.for_each_shrinking(total, 4, 64, &|_, range| {
                pieces.lock().unwrap().push(range);
            });
            let mut pieces = pieces.into_inner().unwrap();
            pieces.sort_by_key(|piece| piece.start);
            let mut end = 0;
            let mut before = 64;
            for piece in pieces {
                assert_eq!(piece.start, end);
                assert!(piece.len() <= before);
                assert!(piece.len().is_multiple_of(4) || piece.end == total);
                (end, before) = (piece.end, piece.len());
            }
            assert_eq!(end, total);
            assert!(total < 1000 || before <= 4);
        }
    }

    #[test]
    fn threads_that_cannot_be_had_are_done_without() {
        let mut pool = Pool::new(4, |_| false);
        assert_eq!(pool.threads(), 1);
        let done = AtomicUsize::new(0);
        pool.for_each(10, 1, &|_, range| {
            done.fetch_add(range.len(), Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), 10);
    }

    #[test]
    fn workers_that_fell_asleep_wake_up() {
        let mut pool = Pool::new(3, spawn_thread);
        for _ in 0..3 {
            thread::sleep(std::time::Duration::from_millis(30));
            let done = AtomicUsize::new(0);
            pool.run(&|_| {
                done.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(done.into_inner(), 3);
        }
    }

    #[test]
    #[should_panic(expected = "a compute thread panicked")]
    fn a_panic_in_a_worker_reaches_the_caller() {
        Pool::new(2, spawn_thread).run(&|thread| assert_eq!(thread, 0, "on purpose"));
    }
}
