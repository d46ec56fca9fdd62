//! How much of a prompt a step computes: little enough that a cancellation is soon noticed, and enough
//! that a GPU's weights are not read too often. And how much of an answer a GPU computes unseen: likewise.

use std::time::Duration;

/// What a step should take.
const STEP: Duration = Duration::from_millis(300);

/// For how long a GPU may compute an answer before somebody looks at it.
const LOOK: Duration = Duration::from_millis(100);

const MOST_AHEAD: usize = 32;

const FEWEST: usize = 16;
const MOST: usize = 256;

/// Learns from every step how fast this machine is, from prompt to prompt.
#[derive(Debug)]
pub(crate) struct Pace {
    tokens: usize,
    ahead: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            tokens: 2 * FEWEST,
            ahead: 1,
        }
    }
}

impl Pace {
    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Tokens of an answer between two looks.
    pub(crate) fn ahead(&self) -> usize {
        self.ahead
    }

    /// So many tokens of an answer came in so long.
    pub(crate) fn learn_answer(&mut self, tokens: usize, took: Duration) {
        if !took.is_zero() {
            let wanted = tokens as f64 * LOOK.as_secs_f64() / took.as_secs_f64();
            self.ahead = (wanted as usize).clamp(1, MOST_AHEAD);
        }
    }

    /// A step computed so many tokens in so long.
    pub(crate) fn learn(&mut self, tokens: usize, took: Duration) {
        // The rest of a prompt is too short to tell. A step that was short in tokens alone is a slow machine's.
        if took.is_zero() || (tokens < FEWEST && took < STEP) {
            return;
        }
        let wanted = tokens as f64 * STEP.as_secs_f64() / took.as_secs_f64();
        // One slow step, as when a browser does something else, must not make the next ones tiny.
        let wanted = (wanted as usize).max(self.tokens / 2);
        self.tokens = wanted.clamp(FEWEST, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After some steps on a machine of so many tokens a second.
    fn settled(tokens_per_second: f64) -> usize {
        let mut pace = Pace::default();
        for _ in 0..8 {
            let tokens = pace.tokens();
            pace.learn(
                tokens,
                Duration::from_secs_f64(tokens as f64 / tokens_per_second),
            );
        }
        pace.tokens()
    }

    #[test]
    fn a_step_takes_about_as_long_as_it_should() {
        assert_eq!(settled(100.0), 30);
        assert_eq!(settled(400.0), 120);
    }

    #[test]
    fn slow_and_fast_machines_keep_within_bounds() {
        assert_eq!(settled(3.0), FEWEST);
        assert_eq!(settled(100_000.0), MOST);
    }

    #[test]
    fn a_slow_gpu_is_looked_at_after_every_token_and_a_fast_one_seldom() {
        let mut pace = Pace::default();
        let ahead = [2.0, 50.0, 5000.0].map(|tokens_per_second| {
            pace.learn_answer(20, Duration::from_secs_f64(20.0 / tokens_per_second));
            pace.ahead()
        });
        assert_eq!(ahead, [1, 5, MOST_AHEAD]);
    }

    #[test]
    fn one_slow_step_halves_it_at_most_and_a_prompts_rest_says_nothing() {
        let mut pace = Pace::default();
        pace.learn(32, Duration::from_millis(80));
        assert_eq!(pace.tokens(), 120);
        pace.learn(3, Duration::from_millis(200));
        assert_eq!(pace.tokens(), 120);
        pace.learn(120, Duration::from_secs(60));
        assert_eq!(pace.tokens(), 60);
        // A layer of a chunk, on a machine where that takes long.
        pace.learn(9, Duration::from_secs(3));
        assert_eq!(pace.tokens(), 30);
    }
}
