//! Durations and what is said of many of them.

use std::time::Duration;

/// Durations in order.
#[derive(Clone, Debug, Default)]
pub struct Sorted(Vec<Duration>);

impl Sorted {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The duration that this part of all does not exceed, in milliseconds; no number where there are none.
    pub fn percentile(&self, part: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = (last as f64 * part).round() as usize;
        self.0.get(at).copied().map_or(f64::NAN, milliseconds)
    }

    pub fn median(&self) -> f64 {
        self.percentile(0.5)
    }

    /// As in `p50 0.75 ms, p99 2.13 ms, most 10.5 ms`.
    pub fn words(&self) -> String {
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|part| self.percentile(part));
        format!("p50 {p50:.2} ms, p99 {p99:.2} ms, most {most:.1} ms")
    }
}

impl FromIterator<Duration> for Sorted {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        let mut durations: Vec<Duration> = durations.into_iter().collect();
        durations.sort_unstable();
        Self(durations)
    }
}

pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_durations() {
        let sorted: Sorted = (1..=101).rev().map(Duration::from_millis).collect();
        let parts = [0.0, 0.5, 0.99, 1.0].map(|part| sorted.percentile(part));
        assert_eq!(parts, [1.0, 51.0, 100.0, 101.0]);
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert!(Sorted::default().percentile(0.5).is_nan());
    }
}
