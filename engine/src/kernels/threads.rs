//! A pool of threads for many tiny jobs: between two jobs of one token a worker spins for a moment
//! instead of sleeping, since waking it would take longer than the job.
//!
//! A job is whoever's who comes: its pieces are taken one after another, and a worker that comes when all are done is not
//! waited for. So where other programs want the cores too, a worker that has none for a while costs what it would have
//! computed, and not the wait for it at each of a token's jobs.

use std::cell::UnsafeCell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};

/// Rounds of spinning before a worker sleeps: some tens of microseconds.
const SPINS_BEFORE_SLEEP: u32 = 10_000;
/// Rounds of spinning before the caller, waiting for its workers, lets others have the core.
const SPINS_BEFORE_YIELD: u32 = 1_000;

type Job = dyn Fn(usize) + Sync + 'static;

/// One job after another, as one word, so that a worker joins a job or finds it closed.
#[derive(Clone, Copy)]
struct State(u64);

impl State {
    const OPEN: u64 = 1 << 16;
    /// Workers that have joined the job and not finished it.
    const JOINED: u64 = Self::OPEN - 1;

    fn epoch(self) -> u64 {
        self.0 / (2 * Self::OPEN)
    }

    fn is_open(self) -> bool {
        self.0 & Self::OPEN != 0
    }

    fn joined(self) -> u64 {
        self.0 & Self::JOINED
    }

    /// The next job, which nobody has joined yet.
    fn next(self) -> Self {
        Self(((self.epoch() + 1) * 2 * Self::OPEN) | Self::OPEN)
    }
}

struct Shared {
    /// A [`State`].
    state: AtomicU64,
    /// Written by the pool's owner only, and only while the last job is closed and nobody is in it.
    job: UnsafeCell<Option<*const Job>>,
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

// SAFETY: `job` is written while no worker reads it, since none can join a job that is closed, and published by `state`.
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

impl Shared {
    fn state(&self, ordering: Ordering) -> State {
        State(self.state.load(ordering))
    }

    /// Whether a worker is in this job now; not where it is over.
    fn join(&self, mut state: State) -> bool {
        let epoch = state.epoch();
        while state.epoch() == epoch && state.is_open() {
            let (one_more, acquire) = (state.0 + 1, Ordering::Acquire);
            match self
                .state
                .compare_exchange_weak(state.0, one_more, acquire, acquire)
            {
                Ok(_) => return true,
                Err(now) => state = State(now),
            }
        }
        false
    }
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
            state: AtomicU64::new(0),
            job: UnsafeCell::new(None),
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

    /// Runs `job(thread)` on this thread and, once each, on those that come before this one has done its share; returns
    /// when all that came are done. `&mut self`, since a pool does one job at a time.
    fn run(&mut self, job: &(dyn Fn(usize) + Sync + '_)) {
        if self.workers == 0 {
            return job(0);
        }
        let shared = &*self.shared;
        // SAFETY: extends the job's lifetime for the workers, which can't join it any more and have all finished with it
        // when `wait` is dropped, which is before `job` can be. No worker reads the cell: the last job is closed.
        unsafe {
            *shared.job.get() = Some(std::mem::transmute::<
                *const (dyn Fn(usize) + Sync + '_),
                *const Job,
            >(job));
        }
        let next = shared.state(Ordering::Relaxed).next();
        // The order of this against `asleep` decides who sees whom: both are sequentially consistent.
        shared.state.store(next.0, Ordering::SeqCst);
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

/// Closes the job and waits when dropped, so that a panic in the caller's own share can't free what workers still use.
struct WaitForWorkers<'a>(&'a Shared);

impl Drop for WaitForWorkers<'_> {
    fn drop(&mut self) {
        self.0.state.fetch_and(!State::OPEN, Ordering::Relaxed);
        let mut spins = 0;
        while self.0.state(Ordering::Acquire).joined() > 0 {
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
        let state = wait_for_job(shared, worker, seen);
        seen = state.epoch();
        if shared.stop.load(Ordering::Relaxed) {
            shared.alive.fetch_sub(1, Ordering::Release);
            return;
        }
        if !shared.join(state) {
            continue;
        }
        // SAFETY: the owner wrote the job before it opened it, and keeps it alive until whoever joined has left.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| unsafe {
            if let Some(job) = *shared.job.get() {
                (*job)(index + 1);
            }
        }));
        if outcome.is_err() {
            shared.panicked.store(true, Ordering::Relaxed);
        }
        shared.state.fetch_sub(1, Ordering::Release);
    }
}

fn wait_for_job(shared: &Shared, worker: &Worker, seen: u64) -> State {
    for _ in 0..SPINS_BEFORE_SLEEP {
        let state = shared.state(Ordering::Acquire);
        if state.epoch() != seen {
            return state;
        }
        std::hint::spin_loop();
    }
    worker.asleep.store(true, Ordering::SeqCst);
    loop {
        let state = shared.state(Ordering::SeqCst);
        if state.epoch() != seen {
            worker.asleep.store(false, Ordering::Relaxed);
            return state;
        }
        thread::park();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let next = self.shared.state(Ordering::Relaxed).next();
        self.shared.state.store(next.0, Ordering::SeqCst);
        self.shared.workers.iter().for_each(Worker::wake);
        while self.shared.alive.load(Ordering::Acquire) > 0 {
            thread::yield_now();
        }
    }
}

// In a browser the standard library starts no threads.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
