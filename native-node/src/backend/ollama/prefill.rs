//! Going on from the beginning of an answer, whatever the model's template makes of one.
//!
//! Ollama renders a last assistant message like any other. Templates of its own library leave such
//! a message open; one that somebody imported from a file may close it and begin another, and the
//! model would start anew. Such models get the rendered conversation and the beginning as raw text.

use std::sync::Arc;

use protocol::{ChatMessage, LlmPrompt, PromptInput, Role};
use tokio::sync::OnceCell;

use super::{
    client::OllamaClient,
    model::OllamaModel,
    request::{self, Call},
};
use crate::backend::{Failure, text_to_continue};

/// Whether a model's template leaves a last assistant message open; asked once per model, with
/// the first prompt that needs to know.
pub(super) type LeavesOpen = Arc<OnceCell<bool>>;

const BEGINNING: &str = "kipina";

pub(super) async fn call(
    client: &OllamaClient,
    prompt: &LlmPrompt,
    model: &OllamaModel,
) -> Result<Call, Failure> {
    let begun = text_to_continue(prompt);
    let is_chat = matches!(prompt.request.input, PromptInput::Chat { .. });
    if begun.is_empty() || !is_chat {
        return request::call(prompt, model);
    }
    let probe = || leaves_open(client, prompt, model);
    if *model.leaves_open.get_or_try_init(probe).await? {
        return request::call(prompt, model);
    }
    let mut before = prompt.clone();
    before.continue_from = None;
    if let PromptInput::Chat { prefill, .. } = &mut before.request.input {
        *prefill = None;
    }
    match client.rendered(&request::render(&before, model)?).await? {
        Some(rendered) => request::go_on(prompt, model, rendered + &begun),
        None => request::call(prompt, model),
    }
}

async fn leaves_open(
    client: &OllamaClient,
    prompt: &LlmPrompt,
    model: &OllamaModel,
) -> Result<bool, Failure> {
    let mut probe = prompt.clone();
    probe.continue_from = None;
    probe.request.input = PromptInput::Chat {
        messages: vec![ChatMessage {
            role: Role::User,
            content: "Hei".into(),
            name: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
        }],
        tools: Vec::new(),
        prefill: Some(BEGINNING.into()),
    };
    // An Ollama that can't tell is trusted to do as its documentation says.
    let rendered = client.rendered(&request::render(&probe, model)?).await?;
    Ok(rendered.is_none_or(|text| text.ends_with(BEGINNING)))
}
