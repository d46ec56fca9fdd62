//! One answer's text on its way out: tokens gathered into frames, so that a fast engine does not send
//! a frame for each, and none waits long.

use std::time::Duration;

use node_core::AnswerFrames;
use protocol::{NodeMessage, TaskId};

/// The longest that a token waits for company.
const LONGEST_WAIT: Duration = Duration::from_millis(30);

#[derive(Debug)]
pub(crate) struct Gathered {
    frames: AnswerFrames,
    text: String,
    token_ids: Vec<u32>,
    /// When the first of what is gathered came.
    since: Duration,
    /// When the last token came.
    last: Duration,
}

impl Gathered {
    pub(crate) fn new(task_id: TaskId, frame_bytes: usize, now: Duration) -> Self {
        Self {
            frames: AnswerFrames::new(task_id, frame_bytes),
            text: String::new(),
            token_ids: Vec::new(),
            since: now,
            last: now,
        }
    }

    /// Takes a token in. Returns what is to be sent now: everything, unless the next token will
    /// probably come, going by the time this one took, before the first has waited too long.
    pub(crate) fn push(&mut self, text: &str, token_id: u32, now: Duration) -> Vec<NodeMessage> {
        if self.token_ids.is_empty() {
            self.since = now;
        }
        let next = now + now.saturating_sub(self.last);
        self.last = now;
        self.text.push_str(text);
        self.token_ids.push(token_id);
        // Half a character is no text yet: nobody would see it.
        if self.text.is_empty() || next < self.since + LONGEST_WAIT {
            return Vec::new();
        }
        self.flush("")
    }

    /// What is gathered, and the answer's last piece of text.
    pub(crate) fn flush(&mut self, last: &str) -> Vec<NodeMessage> {
        self.text.push_str(last);
        let text = std::mem::take(&mut self.text);
        self.frames
            .frames(&text, std::mem::take(&mut self.token_ids))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn texts(frames: &[NodeMessage]) -> Vec<&str> {
        let text = |frame: &'_ NodeMessage| match frame {
            NodeMessage::LlmToken(token) => token.text.as_str().to_owned().leak() as &str,
            other => panic!("{other:?}"),
        };
        frames.iter().map(text).collect()
    }

    fn gathered() -> Gathered {
        Gathered::new(TaskId("t".into()), 1 << 20, at(0))
    }

    #[test]
    fn a_slow_engines_tokens_leave_one_by_one() {
        let mut answer = gathered();
        assert_eq!(texts(&answer.push("a", 1, at(100))), ["a"]);
        assert_eq!(texts(&answer.push("b", 2, at(200))), ["b"]);
    }

    #[test]
    fn a_fast_engines_tokens_leave_together_before_the_first_has_waited_too_long() {
        let mut answer = gathered();
        let mut waits = Vec::new();
        let mut since = None;
        for token in 1..100 {
            let now = at(token * 8);
            since = since.or(Some(now));
            if !answer.push("x", 1, now).is_empty() {
                waits.extend(since.take().map(|since| now - since));
            }
        }
        assert!(
            waits.len() > 10
                && waits
                    .iter()
                    .all(|wait| (at(16)..=LONGEST_WAIT).contains(wait))
        );
    }

    #[test]
    fn half_a_character_waits_for_the_rest_of_it() {
        let mut answer = gathered();
        assert!(answer.push("", 1, at(100)).is_empty());
        let frames = answer.push("ö", 2, at(200));
        assert!(matches!(&frames[..], [NodeMessage::LlmToken(token)] if token.token_ids == [1, 2]));
    }

    #[test]
    fn the_end_takes_what_is_left_along() {
        let mut answer = gathered();
        assert!(answer.push("a", 1, at(1)).is_empty());
        assert_eq!(texts(&answer.flush("!")), ["a!"]);
        assert!(answer.flush("").is_empty());
    }
}
