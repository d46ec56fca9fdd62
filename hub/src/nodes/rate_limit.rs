//! A token bucket: so many at once, so many a second in the long run.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct RateLimit {
    per_second: f64,
    /// In seconds.
    burst: f64,
    available: f64,
    last: Instant,
}

impl RateLimit {
    pub(super) fn new(per_second: u32, burst: Duration, now: Instant) -> Self {
        let (per_second, burst) = (f64::from(per_second), burst.as_secs_f64());
        Self {
            per_second,
            burst,
            available: per_second * burst,
            last: now,
        }
    }

    /// From now on. What was saved up is kept, as far as it may be.
    pub(super) fn set(&mut self, per_second: u32) {
        self.per_second = f64::from(per_second);
    }

    /// Takes one; false where none is left.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let refilled = now.saturating_duration_since(self.last).as_secs_f64() * self.per_second;
        self.available = (self.available + refilled).min(self.per_second * self.burst);
        self.last = now;
        let allowed = self.available >= 1.0;
        if allowed {
            self.available -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_only_the_steady_rate() {
        let start = Instant::now();
        let mut limit = RateLimit::new(10, Duration::from_millis(300), start);
        assert_eq!(
            [(); 4].map(|()| limit.take(start)),
            [true, true, true, false]
        );
        let later = start + Duration::from_millis(100);
        assert_eq!([(); 2].map(|()| limit.take(later)), [true, false]);
        let much_later = start + Duration::from_secs(60);
        assert_eq!(
            [(); 4].map(|()| limit.take(much_later)),
            [true, true, true, false]
        );
    }

    #[test]
    fn another_rate_holds_from_then_on() {
        let start = Instant::now();
        let mut limit = RateLimit::new(10, Duration::from_millis(200), start);
        assert_eq!([(); 3].map(|()| limit.take(start)), [true, true, false]);
        limit.set(20);
        let later = start + Duration::from_secs(1);
        assert_eq!(
            [(); 5].map(|()| limit.take(later)),
            [true, true, true, true, false]
        );
    }
}
