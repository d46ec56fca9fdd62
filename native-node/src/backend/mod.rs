//! What a node needs of whatever computes its answers.

mod answer_writer;
mod body_lines;
pub mod engine;
pub(crate) mod http;
mod line_splitter;
pub mod ollama;
pub mod openai;
mod server_sent_events;
mod tool_calls;

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use protocol::{AuditPrompt, LlmErrorCode, LlmPrompt, NodeMessage, NodeModel};

pub use answer_writer::AnswerWriter;
pub(crate) use node_core::text_to_continue;
pub use node_core::{Ending, Failure};

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

    /// Judges somebody else's answer; returns the frame that says how. Only what sees a model's own
    /// logits can.
    fn audit(&self, _audit: AuditPrompt) -> BoxFuture<'_, Result<NodeMessage, Failure>> {
        Box::pin(std::future::ready(Err(Failure::new(
            LlmErrorCode::ModelUnavailable,
            "this node can't judge answers: only the built-in engine can",
        ))))
    }

    /// How fast the GPU that answers are computed with is, measured now; absent where none does, or the
    /// backend does not see it.
    fn gpu_multiply_adds_per_second(&self) -> BoxFuture<'_, Option<f64>> {
        Box::pin(std::future::ready(None))
    }

    /// The network has too few of these models; a backend that can may offer some of them.
    fn want<'a>(&'a self, _models: &'a [String]) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}
