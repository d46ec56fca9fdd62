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
        let here = AtomicUsize::new(0);
        pool.run(&|_| {
            here.fetch_add(1, Ordering::Relaxed);
            // Nobody leaves until all have come.
            while here.load(Ordering::Relaxed) < 3 {
                thread::yield_now();
            }
        });
        assert_eq!(here.into_inner(), 3);
    }
}

#[test]
fn who_does_not_come_is_not_waited_for() {
    static MAY_COME: AtomicBool = AtomicBool::new(false);
    let late: Spawn = |body| {
        spawn_thread(Box::new(|| {
            while !MAY_COME.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            body();
        }))
    };
    let mut pool = Pool::new(2, late);
    for _ in 0..3 {
        let done = AtomicUsize::new(0);
        pool.for_each(10, 1, &|thread, range| {
            assert_eq!(thread, 0);
            done.fetch_add(range.len(), Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), 10);
    }
    // It comes to the next job, and not to those that are over.
    MAY_COME.store(true, Ordering::Relaxed);
    let came = AtomicBool::new(false);
    pool.run(&|thread| {
        came.fetch_or(thread == 1, Ordering::Relaxed);
        while !came.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    });
}

#[test]
fn jobs_that_follow_each_other_are_not_mixed_up() {
    let mut pool = Pool::new(4, spawn_thread);
    for job in 0..20_000 {
        let sum = AtomicUsize::new(0);
        pool.for_each(8, 1, &|_, range| {
            sum.fetch_add(job + range.start, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 8 * job + 28);
    }
}

#[test]
#[should_panic(expected = "a compute thread panicked")]
fn a_panic_in_a_worker_reaches_the_caller() {
    let came = AtomicBool::new(false);
    Pool::new(2, spawn_thread).run(&|thread| {
        came.fetch_or(thread == 1, Ordering::Relaxed);
        assert_eq!(thread, 0, "on purpose");
        while !came.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    });
}
