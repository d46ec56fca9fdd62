//! What the nodes have in common, in whichever shell they live: prompts in the engine's words,
//! answers as the wire's frames, and waiting between two connections. No I/O and no clock.

mod audit;
mod backoff;
mod engine;
mod failure;
mod frames;

pub use audit::{audit_frame, engine_audit};
pub use backoff::Backoff;
pub use engine::{Ending, engine_request};
pub use failure::Failure;
pub use frames::AnswerFrames;

use protocol::{LlmPrompt, PromptInput};

/// What the built-in engine is called beside other runtimes.
pub const RUNTIME: &str = concat!("kipina-engine ", env!("CARGO_PKG_VERSION"));

/// The text that the answer goes on from: the prompt's own beginning of it, and what another node
/// has already sent.
pub fn text_to_continue(prompt: &LlmPrompt) -> String {
    let prefill = match &prompt.request.input {
        PromptInput::Chat { prefill, .. } => prefill.as_deref().unwrap_or_default(),
        PromptInput::Raw { .. } => "",
    };
    [prefill, prompt.continue_from.as_deref().unwrap_or_default()].concat()
}
