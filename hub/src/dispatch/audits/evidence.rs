//! What a node has answered, as an auditor needs it.

use protocol::{FinishReason, NodeModel, Owner, PromptRequest};

/// A prompt and its answer, whose end is one node's. It lives as long as the audit, and is written nowhere.
pub(crate) struct Evidence {
    /// Its `model` is the answering node's own name for it.
    pub(crate) request: PromptRequest,
    /// Whose prompt it was.
    pub(crate) owner: Option<Owner>,
    /// What the node told of the model when it got the prompt.
    pub(crate) offered: Option<NodeModel>,
    pub(crate) answer: String,
    pub(crate) token_ids: Vec<u32>,
    /// The first so many tokens are other nodes'.
    pub(crate) others_tokens: usize,
    /// None where the answer was broken off.
    pub(crate) finish_reason: Option<FinishReason>,
}

impl Evidence {
    /// Length is no way out of an audit: the beginning is judged.
    pub(super) fn shorten(&mut self, most_bytes: usize) {
        if self.answer.len() > most_bytes {
            let end = self.answer.floor_char_boundary(most_bytes);
            self.answer.truncate(end);
            self.token_ids.clear();
            self.finish_reason = None;
        }
    }

    /// Those of an answer's margins that are this node's doing.
    pub(super) fn own<'a>(&self, margins: &'a [f32]) -> &'a [f32] {
        margins.get(self.others_tokens..).unwrap_or_default()
    }
}

/// Without any text: this may end up in a log.
impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evidence")
            .field("answer_bytes", &self.answer.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use protocol::{PromptInput, Sampling};

    use super::*;

    fn evidence() -> Evidence {
        Evidence {
            request: PromptRequest {
                model: "m".to_owned(),
                input: PromptInput::Raw {
                    prompt: "hei".to_owned(),
                    suffix: None,
                },
                sampling: Sampling::default(),
                response_format: None,
            },
            owner: None,
            offered: None,
            answer: "hyvää".to_owned(),
            token_ids: vec![1, 2],
            others_tokens: 0,
            finish_reason: Some(FinishReason::Stop),
        }
    }

    #[test]
    fn of_a_long_answer_the_beginning_is_kept() {
        let mut evidence = evidence();
        evidence.shorten(8);
        assert_eq!(evidence.token_ids, [1, 2], "it is short enough");
        evidence.shorten(4);
        assert_eq!(evidence.answer, "hyv");
        assert!(evidence.token_ids.is_empty());
        assert_eq!(evidence.finish_reason, None);
    }

    #[test]
    fn nobody_answers_for_what_others_said_before() {
        let mut evidence = evidence();
        assert_eq!(evidence.own(&[1.0, 2.0]), [1.0, 2.0]);
        evidence.others_tokens = 1;
        assert_eq!(evidence.own(&[1.0, 2.0]), [2.0]);
        evidence.others_tokens = 3;
        assert!(evidence.own(&[1.0, 2.0]).is_empty());
    }
}
