//! What a node needs of whatever computes its answers.

mod answer_writer;
mod body_lines;
pub mod engine;
mod http;
mod line_splitter;
pub mod ollama;
pub mod openai;
mod server_sent_events;
mod tool_calls;

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use protocol::{FinishReason, LlmErrorCode, LlmPrompt, NodeModel, PromptInput, Timings, Usage};

pub use answer_writer::AnswerWriter;

/// Computes answers to prompts.
pub trait Backend: Debug + Send + Sync {
    /// The models that it can answer with at this moment.
    fn models(&self) -> BoxFuture<'_, Result<Vec<NodeModel>, Failure>>;

    /// Answers one prompt: the text goes to `answer` as it comes, the ending is returned. Dropping
    /// the future abandons the answer and frees what computes it.
    fn answer<'a>(
        &'a self,
        prompt: &'a LlmPrompt,
        answer: &'a mut AnswerWriter,
    ) -> BoxFuture<'a, Result<Ending, Failure>>;
}

/// How an answer that was not disturbed ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ending {
    pub finish_reason: FinishReason,
    pub usage: Usage,
    pub timings: Timings,
}

/// Why there is no answer, or no more of it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub code: LlmErrorCode,
    /// For whoever sent the prompt: what happened, and what to do.
    pub message: String,
    /// Whether another node may succeed.
    pub retryable: bool,
}

impl Failure {
    pub fn new(code: LlmErrorCode, message: impl Into<String>) -> Self {
        let retryable = match code {
            LlmErrorCode::ContextLengthExceeded | LlmErrorCode::InvalidRequest => false,
            LlmErrorCode::ModelUnavailable
            | LlmErrorCode::Unavailable
            | LlmErrorCode::OutOfMemory
            | LlmErrorCode::BackendFailed
            | LlmErrorCode::Other => true,
        };
        Self {
            code,
            message: message.into(),
            retryable,
        }
    }

    pub fn backend(message: impl Into<String>) -> Self {
        Self::new(LlmErrorCode::BackendFailed, message)
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(LlmErrorCode::InvalidRequest, message)
    }
}

/// The text that the answer goes on from: the prompt's own beginning of it, and what another node
/// has already sent.
fn text_to_continue(prompt: &LlmPrompt) -> String {
    let prefill = match &prompt.request.input {
        PromptInput::Chat { prefill, .. } => prefill.as_deref().unwrap_or_default(),
        PromptInput::Raw { .. } => "",
    };
    [prefill, prompt.continue_from.as_deref().unwrap_or_default()].concat()
}
