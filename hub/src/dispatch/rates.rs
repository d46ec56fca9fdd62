//! What was answered in the last minute, second by second: the same little memory however busy the hub is.

use std::time::Duration;

use protocol::Rates;

const SECONDS: u64 = 60;

#[derive(Clone, Debug)]
pub(super) struct RecentAnswers {
    /// Each second at its number modulo 60.
    seconds: [Second; SECONDS as usize],
}

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    /// Counted from wherever time starts.
    number: u64,
    prompts: u32,
    tokens: f64,
}

impl RecentAnswers {
    pub(super) fn new() -> Self {
        Self {
            seconds: [Second::default(); SECONDS as usize],
        }
    }

    /// An answer has ended. `now` never goes backwards. Its tokens count when they were decoded, not
    /// all at its end: else a long answer would look like a fast network.
    pub(super) fn count(&mut self, now: Duration, tokens: u32, decode: Duration) {
        let last = now.as_secs();
        self.second(last).prompts += 1;
        let seconds = decode.as_secs().saturating_add(1);
        let each = f64::from(tokens) / seconds as f64;
        let seen = seconds.min(SECONDS).min(last + 1);
        for number in last + 1 - seen..=last {
            self.second(number).tokens += each;
        }
    }

    pub(super) fn rates(&self, now: Duration) -> Rates {
        let last = now.as_secs();
        let mut rates = Rates::default();
        for second in &self.seconds {
            if second.number + SECONDS > last {
                rates.prompts_per_minute += f64::from(second.prompts);
                rates.tokens_per_second += second.tokens / SECONDS as f64;
            }
        }
        // Sums of thirds are no reason to tell everybody of a change.
        rates.tokens_per_second = (rates.tokens_per_second * 100.0).round() / 100.0;
        rates
    }

    fn second(&mut self, number: u64) -> &mut Second {
        let second = &mut self.seconds[(number % SECONDS) as usize];
        if second.number != number {
            *second = Second {
                number,
                ..Second::default()
            };
        }
        second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn rates(answers: &RecentAnswers, now: u64) -> (f64, f64) {
        let rates = answers.rates(at(now));
        (rates.prompts_per_minute, rates.tokens_per_second)
    }

    #[test]
    fn a_hub_that_answered_nothing_has_no_rates() {
        let answers = RecentAnswers::new();
        for now in [0, 1, 59, 60, 10_000] {
            assert_eq!(rates(&answers, now), (0.0, 0.0));
        }
    }

    #[test]
    fn answers_count_for_a_minute() {
        let mut answers = RecentAnswers::new();
        answers.count(at(100), 120, at(0));
        answers.count(at(130), 60, at(0));
        assert_eq!(rates(&answers, 130), (2.0, 3.0));
        assert_eq!(rates(&answers, 159), (2.0, 3.0));
        assert_eq!(rates(&answers, 160), (1.0, 1.0));
        assert_eq!(rates(&answers, 189), (1.0, 1.0));
        assert_eq!(rates(&answers, 190), (0.0, 0.0));
    }

    #[test]
    fn a_second_that_comes_round_again_starts_anew() {
        let mut answers = RecentAnswers::new();
        answers.count(at(5), 600, at(0));
        answers.count(at(65), 60, at(0));
        assert_eq!(rates(&answers, 65), (1.0, 1.0));
    }

    #[test]
    fn a_long_answer_counts_with_what_it_decoded_in_the_last_minute() {
        let mut answers = RecentAnswers::new();
        answers.count(at(1000), 1200, at(119));
        assert_eq!(rates(&answers, 1000), (1.0, 10.0));
        assert_eq!(rates(&answers, 1030), (1.0, 5.0));
        assert_eq!(rates(&answers, 1059).0, 1.0);
        assert_eq!(rates(&answers, 1060), (0.0, 0.0));
    }

    #[test]
    fn what_nodes_claim_of_their_time_does_no_harm() {
        let mut answers = RecentAnswers::new();
        answers.count(at(3), u32::MAX, Duration::MAX);
        answers.count(at(3), 4, at(1));
        let (prompts, tokens) = rates(&answers, 3);
        assert_eq!(prompts, 2.0);
        assert!((0.0..1.0).contains(&tokens), "{tokens}");
    }
}
