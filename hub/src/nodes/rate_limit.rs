//! A token bucket: so many at once, so many a second in the long run.

use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct RateLimit {
    per_second: f64,
    burst: f64,
    available: f64,
    last: Instant,
}

impl RateLimit {
    pub(super) fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst);
        Self {
            per_second: f64::from(per_second),
            burst,
            available: burst,
            last: now,
        }
    }

    /// Takes one; false where none is left.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let refilled = now.saturating_duration_since(self.last).as_secs_f64() * self.per_second;
        self.available = (self.available + refilled).min(self.burst);
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
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_only_the_steady_rate() {
        let start = Instant::now();
        let mut limit = RateLimit::new(10, 3, start);
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
}
