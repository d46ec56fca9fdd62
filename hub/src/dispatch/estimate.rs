//! How much work a prompt is expected to be: a guess that only the comparison of nodes rests on.

use protocol::{ChatMessage, PromptInput, PromptRequest};
use serde_json::Value;

/// English and code are near four bytes a token; Finnish and CJK have more tokens than this says.
const BYTES_PER_TOKEN: usize = 4;

/// What a chat template adds to every message.
const TOKENS_PER_MESSAGE: usize = 4;

/// Answers that are not limited are about this long.
const USUAL_ANSWER_TOKENS: u32 = 400;

pub(super) fn prompt_tokens(request: &PromptRequest) -> u32 {
    let tokens = match &request.input {
        PromptInput::Chat {
            messages,
            tools,
            prefill,
        } => {
            let messages: usize = messages.iter().map(message_tokens).sum();
            let prefill = prefill.as_ref().map_or(0, String::len);
            messages + tools_tokens(tools) + prefill / BYTES_PER_TOKEN
        }
        PromptInput::Raw { prompt, suffix } => {
            (prompt.len() + suffix.as_ref().map_or(0, String::len)) / BYTES_PER_TOKEN
        }
    };
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

pub(super) fn message_tokens(message: &ChatMessage) -> usize {
    message.content.len() / BYTES_PER_TOKEN + TOKENS_PER_MESSAGE
}

pub(super) fn tools_tokens(tools: &[Value]) -> usize {
    let bytes: usize = tools.iter().map(|tool| tool.to_string().len()).sum();
    bytes / BYTES_PER_TOKEN
}

pub(super) fn answer_tokens(request: &PromptRequest) -> u32 {
    request
        .sampling
        .max_tokens
        .map_or(USUAL_ANSWER_TOKENS, |most| most.min(USUAL_ANSWER_TOKENS))
}
