//! A prompt as handlers hand it in.

use protocol::{Owner, PromptRequest};
use scheduler::NodePreference;

use super::estimate;
use crate::keys::Bill;

/// A prompt on its way in.
#[derive(Clone, Debug)]
pub struct PromptSubmission {
    /// `request.model` may be a model's id, an alias or a family.
    pub request: PromptRequest,
    pub preference: NodePreference,
    /// What the key that it was sent with demands beside that.
    pub demand: NodePreference,
    /// Whose prompt it is: it may go to that owner's nodes, too.
    pub owner: Option<Owner>,
    /// For whom it is counted, and whose share of the network it takes.
    pub bill: Bill,
    /// Whether another node may go on in the middle of the answer.
    pub resume: bool,
}

impl PromptSubmission {
    /// A guess at the tokens of prompt and answer.
    pub fn expected_tokens(&self) -> u32 {
        estimate::prompt_tokens(&self.request)
            .saturating_add(estimate::answer_tokens(&self.request))
    }
}
