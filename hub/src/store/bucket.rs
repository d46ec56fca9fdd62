//! What the prompts of one stretch of time come to.

use std::collections::{HashMap, HashSet};

use protocol::HistoryBucket;

#[derive(Debug, Default)]
pub(super) struct Bucket {
    prompts: u64,
    failed: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    /// After the first of each answer, and how long they took.
    decoded_tokens: u64,
    decode_ms: u64,
    first_tokens_ms: Vec<u64>,
    /// Names of each kind: as in the table of nodes, both together are a node.
    nodes: HashMap<String, HashSet<String>>,
}

impl Bucket {
    pub(super) fn add_prompt(&mut self, failed: bool, prompt_tokens: u32, completion_tokens: u32) {
        self.prompts += 1;
        self.failed += u64::from(failed);
        self.prompt_tokens += u64::from(prompt_tokens);
        self.completion_tokens += u64::from(completion_tokens);
    }

    /// An answer that began, whether or not it came to its end.
    pub(super) fn add_answer(&mut self, first_token_ms: u64, total_ms: u64, tokens: u32) {
        self.first_tokens_ms.push(first_token_ms);
        let decode_ms = total_ms.saturating_sub(first_token_ms);
        if tokens > 1 && decode_ms > 0 {
            self.decoded_tokens += u64::from(tokens - 1);
            self.decode_ms += decode_ms;
        }
    }

    pub(super) fn add_node(&mut self, kind: &str, name: &str) {
        let known = self
            .nodes
            .get(kind)
            .is_some_and(|names| names.contains(name));
        if !known {
            let names = self.nodes.entry(kind.to_owned()).or_default();
            names.insert(name.to_owned());
        }
    }

    pub(super) fn summary(self, start: i64) -> HistoryBucket {
        let nodes: usize = self.nodes.values().map(HashSet::len).sum();
        HistoryBucket {
            start,
            prompts: self.prompts,
            failed: self.failed,
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens,
            tokens_per_second: (self.decode_ms > 0)
                .then(|| self.decoded_tokens as f64 * 1000.0 / self.decode_ms as f64),
            first_token_ms: median(self.first_tokens_ms),
            nodes: u32::try_from(nodes).unwrap_or(u32::MAX),
        }
    }
}

/// Of an even number of values: the upper of the two in the middle.
fn median(mut values: Vec<u64>) -> Option<f64> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable(middle).1 as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_prompts_come_to_nothing() {
        let expected = HistoryBucket {
            start: 7,
            ..HistoryBucket::default()
        };
        assert_eq!(Bucket::default().summary(7), expected);
    }

    #[test]
    fn prompts_are_counted_and_speeds_weighed_by_tokens() {
        let mut bucket = Bucket::default();
        bucket.add_prompt(false, 10, 101);
        bucket.add_answer(500, 10_500, 101);
        bucket.add_prompt(false, 20, 51);
        bucket.add_answer(100, 1_100, 51);
        bucket.add_prompt(true, 30, 0);
        let summary = bucket.summary(0);
        assert_eq!((summary.prompts, summary.failed), (3, 1));
        assert_eq!(
            (summary.prompt_tokens, summary.completion_tokens),
            (60, 152)
        );
        // 150 tokens in 11 seconds, not the mean of 10 and 50 a second.
        assert_eq!(summary.tokens_per_second, Some(150.0 / 11.0));
    }

    #[test]
    fn what_was_not_decoded_has_no_speed() {
        let mut bucket = Bucket::default();
        bucket.add_answer(300, 300, 5);
        bucket.add_answer(300, 900, 1);
        bucket.add_answer(300, 200, 9);
        assert_eq!(bucket.summary(0).tokens_per_second, None);
    }

    #[test]
    fn the_wait_for_the_first_token_is_the_median() {
        let first_token_ms = |times: &[u64]| {
            let mut bucket = Bucket::default();
            times.iter().for_each(|time| bucket.add_answer(*time, 0, 0));
            bucket.summary(0).first_token_ms
        };
        assert_eq!(first_token_ms(&[90_000, 10, 20]), Some(20.0));
        assert_eq!(first_token_ms(&[10, 20]), Some(20.0));
        assert_eq!(first_token_ms(&[5]), Some(5.0));
    }

    #[test]
    fn a_node_is_its_kind_and_its_name() {
        let mut bucket = Bucket::default();
        for (kind, name) in [
            ("native", "a"),
            ("native", "a"),
            ("browser", "a"),
            ("native", "b"),
        ] {
            bucket.add_node(kind, name);
        }
        assert_eq!(bucket.summary(0).nodes, 3);
    }
}
