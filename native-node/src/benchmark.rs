//! How fast this machine's CPU multiplies and adds, measured for the hub. A GPU's speed is the backend's to tell.

use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

/// A hub may ask for no longer than this.
const LONGEST: Duration = Duration::from_secs(5);

/// Independent sums per thread: enough that each multiply-add need not wait for the one before.
const LANES: usize = 64;

/// Rounds between two looks at the clock.
const ROUNDS: u32 = 10_000;

/// Multiply-adds of 32-bit numbers per second, in all `threads` together. Blocks for `duration`.
pub fn multiply_adds_per_second(threads: usize, duration: Duration) -> f64 {
    let duration = duration.min(LONGEST);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1))
            .map(|_| scope.spawn(move || one_thread(duration)))
            .collect();
        // A thread that panicked has measured nothing.
        workers
            .into_iter()
            .filter_map(|worker| worker.join().ok())
            .sum()
    })
}

fn one_thread(duration: Duration) -> f64 {
    let mut sums = [0.0_f32; LANES];
    let mut multiply_adds = 0_u64;
    let started = Instant::now();
    loop {
        for _ in 0..ROUNDS {
            // Hidden from the compiler: it would compute the whole loop's result beforehand.
            let factor = black_box(0.999_f32);
            for sum in &mut sums {
                *sum = *sum * factor + 1.0;
            }
        }
        multiply_adds += u64::from(ROUNDS) * LANES as u64;
        let elapsed = started.elapsed();
        if elapsed >= duration {
            black_box(sums);
            return multiply_adds as f64 / elapsed.as_secs_f64();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_as_long_as_asked_and_measures_something_plausible() {
        let started = Instant::now();
        let speed = multiply_adds_per_second(1, Duration::from_millis(50));
        let took = started.elapsed();
        assert!(
            took >= Duration::from_millis(50) && took < Duration::from_secs(2),
            "{took:?}"
        );
        // Between a microcontroller and more than any core can do: the loop was not left out.
        assert!((1e6..1e12).contains(&speed), "{speed}");
    }
}
