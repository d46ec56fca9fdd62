//! How much work a prompt is expected to be: a guess that only the comparison of nodes rests on.

use protocol::{PromptInput, PromptRequest};

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
            let text: usize = messages.iter().map(|message| message.content.len()).sum();
            let tools: usize = tools.iter().map(|tool| tool.to_string().len()).sum();
            let prefill = prefill.as_ref().map_or(0, String::len);
            (text + tools + prefill) / BYTES_PER_TOKEN + messages.len() * TOKENS_PER_MESSAGE
        }
        PromptInput::Raw { prompt, suffix } => {
            (prompt.len() + suffix.as_ref().map_or(0, String::len)) / BYTES_PER_TOKEN
        }
    };
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

pub(super) fn answer_tokens(request: &PromptRequest) -> u32 {
    request
        .sampling
        .max_tokens
        .map_or(USUAL_ANSWER_TOKENS, |most| most.min(USUAL_ANSWER_TOKENS))
}
