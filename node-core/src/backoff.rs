//! How long to wait before the next connection.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// A connection that lasted this long was a good one: the next loss starts from the beginning.
const GOOD: Duration = Duration::from_secs(60);

/// Doubles the wait with every connection that fails soon.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// `lived`: how long the connection that was just lost had lasted. `random`: from 0 to 1.
    pub fn next(&mut self, lived: Duration, random: f64) -> Duration {
        if lived >= GOOD {
            self.failures = 0;
        }
        let delay = delay(self.failures, random);
        self.failures = self.failures.saturating_add(1);
        delay
    }
}

/// Between half of the full delay and all of it: when a hub comes back, its nodes do not come all
/// at once, and none comes at once.
fn delay(failures: u32, random: f64) -> Duration {
    let full = FIRST.saturating_mul(1 << failures.min(16)).min(LONGEST);
    full.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..8)
            .map(|_| backoff.next(Duration::ZERO, 1.0).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn chance_spreads_the_wait_over_its_upper_half() {
        for failures in [0, 3, 20, u32::MAX] {
            let longest = delay(failures, 1.0);
            assert_eq!(delay(failures, 0.0), longest / 2);
            assert!(delay(failures, 0.5) > longest / 2 && delay(failures, 0.5) < longest);
            assert_eq!(delay(failures, 7.0), longest);
        }
    }

    #[test]
    fn a_good_connection_forgets_what_was_before() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.next(Duration::from_secs(1), 1.0);
        }
        assert_eq!(backoff.next(GOOD, 1.0), FIRST);
        assert_eq!(backoff.next(Duration::ZERO, 1.0), FIRST * 2);
    }
}
