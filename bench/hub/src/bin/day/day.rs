//! How much happens when: two busy spells and two quiet ones, so that every hour has a twin.

use std::{f64::consts::PI, time::Duration};

pub(crate) const HOURS: u32 = 24;

/// Hours from one busy spell to the next.
pub(crate) const PERIOD: u32 = 12;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Day {
    pub(crate) prompts: u32,
    /// Nodes that come, and leave some time later.
    pub(crate) visits: u32,
    /// How long it takes here.
    pub(crate) length: Duration,
}

impl Day {
    /// How busy it is at this moment: 1 on the day's average.
    pub(crate) fn busy(&self, since_start: Duration) -> f64 {
        let part = since_start.as_secs_f64() / self.length.as_secs_f64();
        let hours = part * f64::from(HOURS);
        1.0 - 0.8 * (hours / f64::from(PERIOD) * 2.0 * PI).cos()
    }

    pub(crate) fn is_over(&self, since_start: Duration) -> bool {
        since_start >= self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_what_it_should_have_in_all_and_every_hour_its_twin() {
        let length = Duration::from_secs(2400);
        let day = Day {
            prompts: 0,
            visits: 0,
            length,
        };
        let at = |second: u64| day.busy(Duration::from_secs(second));
        let sum: f64 = (0..2400).map(at).sum();
        assert!((sum / 2400.0 - 1.0).abs() < 0.01, "{sum}");
        for second in 0..1200 {
            assert!((at(second) - at(second + 1200)).abs() < 1e-9);
        }
    }
}
