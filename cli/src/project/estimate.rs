//! How many tokens a text has, without the model's tokenizer: an estimate on the safe side, set right by what the hub counts.

use pipeline::most_tokens;

/// The next question may be of other text than those before.
const MARGIN: f64 = 1.25;
/// Counts are a machine's word. No tokenizer has fewer tokens of code than this part of the estimate.
const LEAST_SHARE: f64 = 0.5;

/// What part of the estimate a model's tokenizer makes of a team's questions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Estimate {
    /// The largest so far; None before the first answer.
    seen: Option<f64>,
}

impl Estimate {
    pub(super) fn count(self, text: &str) -> usize {
        let share = self
            .seen
            .map_or(1.0, |seen| (seen * MARGIN).clamp(LEAST_SHARE, 1.0));
        (most_tokens(text) as f64 * share).ceil() as usize
    }

    /// `counted`: the tokens of a question of these texts, its chat template included.
    pub(super) fn learn(&mut self, texts: [&str; 3], counted: u64) {
        let estimated: usize = texts.into_iter().map(most_tokens).sum();
        if counted > 0 && estimated > 0 {
            let share = counted as f64 / estimated as f64;
            self.seen = Some(self.seen.map_or(share, |seen| seen.max(share)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_follows_the_largest_share_with_a_margin_and_within_bounds() {
        let text = "x".repeat(2000);
        let question = [text.as_str(), "", ""];
        let mut estimate = Estimate::default();
        assert_eq!(estimate.count(&text), 1000);
        estimate.learn(question, 0);
        assert_eq!(estimate.count(&text), 1000, "nobody counted");
        estimate.learn(question, 600);
        assert_eq!(estimate.count(&text), 750);
        estimate.learn(question, 1);
        assert_eq!(estimate.count(&text), 750, "another text had more");
        estimate.learn(question, 5000);
        assert_eq!(estimate.count(&text), 1000, "never above the safe side");
        let mut low = Estimate::default();
        low.learn(question, 1);
        assert_eq!(
            low.count(&text),
            500,
            "a machine that lies does little harm"
        );
    }
}
