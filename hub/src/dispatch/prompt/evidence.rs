//! What an auditor needs of what a node has said.

use protocol::{FinishReason, PromptInput, PromptRequest, Sampling};

use super::Prompt;
use crate::dispatch::audits::Evidence;
use crate::dispatch::said::unsound_from_the_start;

/// A beginning that was broken off is worth a pass over its prompt from so much text on: some ten tokens. Bytes,
/// since tokens are the node's own count.
const LEAST_BYTES: usize = 40;

impl Prompt {
    /// Of an answer that has come to its end. None where the model alone did not choose its tokens. What is taken
    /// is of no use to the prompt any more.
    pub(crate) fn take_evidence(&mut self, finish_reason: FinishReason) -> Option<Box<Evidence>> {
        let others_tokens = self.others_tokens()?;
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
            offered: self.assignment.as_ref()?.offered.clone(),
            answer,
            token_ids: token_ids.unwrap_or_default(),
            others_tokens,
            finish_reason: Some(finish_reason),
        }))
    }

    /// Of what the node has said so far, where it says no more.
    pub(crate) fn evidence_so_far(&self) -> Option<Box<Evidence>> {
        let given = self.assignment.as_ref()?;
        if self.said.bytes() - given.resumed_at.bytes < LEAST_BYTES {
            return None;
        }
        Some(Box::new(Evidence {
            request: self.request.clone(),
            owner: self.owner.clone(),
            offered: given.offered.clone(),
            answer: self.said.text().to_owned(),
            token_ids: self.said.token_ids().unwrap_or_default().to_vec(),
            others_tokens: self.others_tokens()?,
            finish_reason: None,
        }))
    }

    /// Tokens of other nodes before this one's: without a word of them, or where nobody knows how many they are, it is
    /// none's.
    fn others_tokens(&self) -> Option<usize> {
        let resumed_at = &self.assignment.as_ref()?.resumed_at;
        if unsound_from_the_start(&self.request).is_some() {
            return None;
        }
        if resumed_at.bytes == 0 {
            return Some(0);
        }
        // Where the last node's tokens are known, so are all before them.
        self.said.token_ids()?;
        let is_its_own = self.said.bytes() > resumed_at.bytes;
        resumed_at.token_ids.filter(|_| is_its_own)
    }
}
