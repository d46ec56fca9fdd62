//! What an auditor needs of an answer that has come to its end.

use protocol::{FinishReason, PromptInput, PromptRequest, Sampling};

use super::Prompt;
use crate::dispatch::audits::Evidence;
use crate::dispatch::said::unsound_from_the_start;

impl Prompt {
    /// None where several nodes gave the answer, or where the model alone did not choose its tokens. What is
    /// taken is of no use to the prompt any more.
    pub(crate) fn take_evidence(&mut self, finish_reason: FinishReason) -> Option<Box<Evidence>> {
        let given = self.assignment.as_ref()?;
        if given.resumed_after > 0 || unsound_from_the_start(&self.request).is_some() {
            return None;
        }
        let emptied = PromptRequest {
            model: self.request.model.clone(),
            input: PromptInput::Raw {
                prompt: String::new(),
                suffix: None,
            },
            sampling: Sampling::default(),
            response_format: None,
        };
        let (answer, token_ids) = std::mem::take(&mut self.said).into_parts();
        Some(Box::new(Evidence {
            request: std::mem::replace(&mut self.request, emptied),
            owner: self.owner.clone(),
            offered: given.offered.clone(),
            answer,
            token_ids,
            finish_reason,
        }))
    }
}
