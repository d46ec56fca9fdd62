//! A prompt whose first token is late may be asked for a second time, on a node that is idle anyway.

use std::time::Duration;

use crate::prompt::Running;
use crate::{Effect, PromptId, Scheduler};

/// When a first token is late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HedgeSettings {
    /// At so many times the expected time.
    pub multiple: f64,
    /// Never before this: a model may have to be loaded first.
    pub least: Duration,
}

impl HedgeSettings {
    pub(crate) fn patience(self, expected: Duration) -> Duration {
        let seconds = expected.as_secs_f64() * self.multiple;
        let late = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        late.max(self.least)
    }
}

impl Scheduler {
    /// Asks for second attempts at what is late, as far as nodes are idle that nobody waits for.
    pub(crate) fn hedge(&mut self, effects: &mut Vec<Effect>) {
        if !self.has_free_slot() {
            return;
        }
        let is_late = |running: &Running| running.hedge_at.is_some_and(|at| at <= self.now);
        let late = self.running.iter().filter(|(_, running)| is_late(running));
        let mut late: Vec<PromptId> = late.map(|(id, _)| *id).collect();
        late.sort_unstable();
        // One at a time: whether a second node is idle shows once the first has been asked.
        let elsewhere = |id: &PromptId| {
            let running = &self.running[id];
            self.best_but(&running.prompt, Some(running.node)).is_some()
        };
        let Some(prompt) = late.into_iter().find(elsewhere) else {
            return;
        };
        if let Some(running) = self.running.get_mut(&prompt) {
            running.hedge_at = None;
            effects.push(Effect::Hedge { prompt });
        }
    }

    /// When the next first token will be late.
    pub(crate) fn next_late(&self) -> Option<Duration> {
        let due = self.running.values().filter_map(|running| running.hedge_at);
        due.filter(|at| *at > self.now).min()
    }
}
