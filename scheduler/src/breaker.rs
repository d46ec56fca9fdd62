//! A node that keeps failing gets a rest: after some failures in a row none of its slots counts for a
//! while, then one prompt is tried. If that fails too, the rest is twice as long.

use std::time::Duration;

/// When a node rests, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row after which it rests.
    pub failures: u32,
    pub shortest_rest: Duration,
    pub longest_rest: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 3,
            shortest_rest: Duration::from_secs(5),
            longest_rest: Duration::from_secs(300),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    failures: u32,
    /// Rests since the last success.
    rests: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    /// No prompts until then; after that, one.
    Open { until: Duration },
    /// That one is under way.
    Trial,
}

impl Breaker {
    pub(crate) fn allows(&self, now: Duration) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } => until <= now,
            State::Trial => false,
        }
    }

    /// When it will be worth another try.
    pub(crate) fn rests_until(&self) -> Option<Duration> {
        match self.state {
            State::Open { until } => Some(until),
            State::Closed | State::Trial => None,
        }
    }

    /// The node was given a prompt.
    pub(crate) fn tried(&mut self) {
        if matches!(self.state, State::Open { .. }) {
            self.state = State::Trial;
        }
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn failed(&mut self, now: Duration, settings: BreakerSettings) {
        self.failures = self.failures.saturating_add(1);
        let is_open = matches!(self.state, State::Open { .. });
        // What was begun before the rest says nothing new.
        if is_open || self.failures < settings.failures {
            return;
        }
        let doubled = 1_u32.checked_shl(self.rests).unwrap_or(u32::MAX);
        let rest = settings.shortest_rest.saturating_mul(doubled);
        self.rests = self.rests.saturating_add(1);
        self.state = State::Open {
            until: now.saturating_add(rest.min(settings.longest_rest)),
        };
    }

    /// A prompt left the node without a verdict: cancelled, or refused for what it is.
    pub(crate) fn undecided(&mut self, now: Duration) {
        if self.state == State::Trial {
            self.state = State::Open { until: now };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        failures: 3,
        shortest_rest: Duration::from_secs(5),
        longest_rest: Duration::from_secs(60),
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn failing(times: u32) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..times {
            breaker.failed(at(0), SETTINGS);
        }
        breaker
    }

    #[test]
    fn a_few_failures_cost_nothing_and_a_success_forgets_them() {
        let mut breaker = failing(2);
        assert!(breaker.allows(at(0)));
        breaker.succeeded();
        breaker.failed(at(1), SETTINGS);
        breaker.failed(at(1), SETTINGS);
        assert!(breaker.allows(at(1)));
    }

    #[test]
    fn after_its_rest_a_node_gets_one_prompt_and_then_all_or_none() {
        let mut breaker = failing(3);
        assert!(!breaker.allows(at(4)));
        assert_eq!(breaker.rests_until(), Some(at(5)));
        assert!(breaker.allows(at(5)));
        breaker.tried();
        assert!(!breaker.allows(at(5)), "one at a time");
        breaker.succeeded();
        assert!(breaker.allows(at(5)));
    }

    #[test]
    fn each_rest_is_twice_as_long_up_to_a_limit() {
        let mut breaker = failing(3);
        let mut now = at(5);
        for rest in [10, 20, 40, 60, 60] {
            breaker.tried();
            breaker.failed(now, SETTINGS);
            assert_eq!(breaker.rests_until(), Some(now + at(rest)));
            now += at(rest);
        }
        for _ in 0..100 {
            breaker.tried();
            breaker.failed(now, SETTINGS);
        }
        assert_eq!(breaker.rests_until(), Some(now + at(60)));
    }

    #[test]
    fn what_was_begun_before_the_rest_does_not_make_it_longer() {
        let breaker = failing(8);
        assert_eq!(breaker.rests_until(), Some(at(5)));
    }

    #[test]
    fn a_trial_without_a_verdict_is_tried_again() {
        let mut breaker = failing(3);
        breaker.tried();
        breaker.undecided(at(9));
        assert!(breaker.allows(at(9)));
    }
}
