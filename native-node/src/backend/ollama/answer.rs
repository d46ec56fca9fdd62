//! Ollama's stream of lines as one answer.

use protocol::{FinishReason, LlmErrorCode, Timings, Usage};

use super::{
    failure::failure,
    wire::{AnswerLine, AnswerMessage},
};
use crate::backend::{AnswerWriter, Ending, Failure, body_lines::BodyLines, tool_calls};

/// Passes the stream on until its last line, and checks that it was a whole answer to the whole
/// prompt.
pub(super) async fn relay(
    mut lines: BodyLines,
    context_length: u32,
    answer: &mut AnswerWriter,
) -> Result<Ending, Failure> {
    let mut called_tool = false;
    while let Some(line) = lines.next().await? {
        if line.trim().is_empty() {
            continue;
        }
        let line: AnswerLine = serde_json::from_str(&line).map_err(|error| {
            tracing::debug!("not a line of Ollama's API: {error}");
            Failure::backend("Ollama sent a line that can't be read: is it really Ollama?")
        })?;
        if let Some(message) = &line.error {
            return Err(failure(None, message));
        }
        called_tool |= line
            .message
            .as_ref()
            .is_some_and(|message| !message.tool_calls.is_empty());
        let text = text(line.message.as_ref(), line.response.as_deref());
        answer.write(&text, Vec::new()).await?;
        if line.done {
            return ending(&line, called_tool, context_length);
        }
    }
    // Ollama does this on purpose when a model says the same thing over and over, and another node
    // with the same model would go the same way.
    Err(Failure {
        retryable: false,
        ..Failure::backend(
            "Ollama stopped before the answer's end, as it does when a model repeats itself: \
             raise `repeat_penalty` or `temperature`",
        )
    })
}

fn text(message: Option<&AnswerMessage>, response: Option<&str>) -> String {
    let mut text = response.unwrap_or_default().to_owned();
    if let Some(message) = message {
        text.push_str(&message.content);
        for call in &message.tool_calls {
            text.push_str(&tool_calls::as_text(
                &call.function.name,
                &call.function.arguments,
            ));
        }
    }
    text
}

fn ending(line: &AnswerLine, called_tool: bool, context_length: u32) -> Result<Ending, Failure> {
    // A prompt that fills the context leaves no room to answer. More than fills it: it was cut.
    if line.prompt_eval_count >= context_length {
        return Err(Failure::new(
            LlmErrorCode::ContextLengthExceeded,
            format!(
                "the prompt has {} tokens or more, and this model's context holds \
                 {context_length} for prompt and answer together: shorten the prompt",
                line.prompt_eval_count
            ),
        ));
    }
    let finish_reason = match line.done_reason.as_deref() {
        Some("length") => FinishReason::Length,
        _ if called_tool => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    };
    Ok(Ending {
        finish_reason,
        usage: Usage {
            prompt_tokens: line.prompt_eval_count,
            // Ollama reuses its cache and does not tell how much of it.
            cached_tokens: 0,
            completion_tokens: line.eval_count,
        },
        timings: Timings {
            load_ms: milliseconds(line.load_duration),
            prefill_ms: milliseconds(line.prompt_eval_duration),
            decode_ms: milliseconds(line.eval_duration),
        },
    })
}

fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}
