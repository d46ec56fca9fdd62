//! An answer that has ended, as an auditor needs it.

use protocol::{FinishReason, Owner, PromptRequest};

/// A prompt and its answer, by one node from beginning to end. It lives as long as the audit, and is
/// written nowhere.
pub(crate) struct Evidence {
    /// Its `model` is the answering node's own name for it.
    pub(crate) request: PromptRequest,
    /// Whose prompt it was.
    pub(crate) owner: Option<Owner>,
    pub(crate) answer: String,
    pub(crate) token_ids: Vec<u32>,
    pub(crate) finish_reason: FinishReason,
}

/// Without any text: this may end up in a log.
impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evidence")
            .field("answer_bytes", &self.answer.len())
            .finish_non_exhaustive()
    }
}
