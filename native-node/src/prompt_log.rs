//! One line when a prompt comes, one when its answer ends: the owner's view of the node.

use std::time::{Duration, Instant};

use protocol::{LlmPrompt, PromptInput};

use crate::{
    backend::{Ending, Failure},
    language::Language,
    status::PromptStatus,
};

const LAST_LINE_CHARACTERS: usize = 60;

/// Writes the first line when it is made, and the last exactly once: when it is told the end, or
/// when it is dropped without one, which is what a cancelled prompt does.
#[derive(Debug)]
pub struct PromptLog {
    task_id: String,
    model: String,
    started: Instant,
    language: Language,
    /// Told the same end as the log; `None` once it was.
    status: Option<PromptStatus>,
}

impl PromptLog {
    pub fn begin(prompt: &LlmPrompt, language: Language, status: PromptStatus) -> Self {
        tracing::info!("{}", line_in(prompt));
        Self {
            task_id: prompt.task_id.to_string(),
            model: prompt.request.model.clone(),
            started: Instant::now(),
            language,
            status: Some(status),
        }
    }

    pub fn done(mut self, ending: &Ending) {
        let took = self.started.elapsed();
        tracing::info!("{}", line_out(&self.model, ending, took));
        if let Some(status) = self.status.take() {
            status.served(ending.usage.completion_tokens, decode_time(ending, took));
        }
    }

    pub fn failed(mut self, failure: &Failure) {
        tracing::warn!("{}", self.line_lost(&failure.message));
        if let Some(status) = self.status.take() {
            status.failed(&self.model, failure.code);
        }
    }

    fn line_lost(&self, reason: &str) -> String {
        let milliseconds = self.started.elapsed().as_millis();
        format!(
            "✗ {} | {} | {milliseconds} ms | {}",
            self.model,
            self.task_id,
            printable(reason)
        )
    }
}

impl Drop for PromptLog {
    fn drop(&mut self) {
        if self.status.is_some() {
            tracing::info!("{}", self.line_lost(self.language.cancelled()));
        }
    }
}

/// `→ task_id | 42 lines | "last line, 60 chars…"`
fn line_in(prompt: &LlmPrompt) -> String {
    let texts: Vec<&str> = match &prompt.request.input {
        PromptInput::Chat { messages, .. } => messages
            .iter()
            .map(|message| message.content.as_str())
            .collect(),
        PromptInput::Raw { prompt, .. } => vec![prompt],
    };
    let lines: usize = texts.iter().map(|text| text.lines().count()).sum();
    let last = texts.iter().rev().flat_map(|text| text.lines().rev());
    let last = last
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    format!(
        "→ {} | {lines} lines | \"{}\"",
        prompt.task_id,
        shortened(&printable(last))
    )
}

/// `✓ qwen2.5-coder:3b | 438 tok | 4952 ms | 93.4 tok/s`: all of the time that the prompt took,
/// and the speed of decoding alone.
fn line_out(model: &str, ending: &Ending, took: Duration) -> String {
    let tokens = ending.usage.completion_tokens;
    let decode_seconds = decode_time(ending, took).as_secs_f64();
    let speed = if decode_seconds > 0.0 {
        f64::from(tokens) / decode_seconds
    } else {
        0.0
    };
    format!(
        "✓ {model} | {tokens} tok | {} ms | {speed:.1} tok/s",
        took.as_millis()
    )
}

/// As the backend measured it; all of the time where it did not.
fn decode_time(ending: &Ending, took: Duration) -> Duration {
    let measured = Duration::try_from_secs_f64(ending.timings.decode_ms / 1e3);
    measured
        .ok()
        .filter(|measured| !measured.is_zero())
        .unwrap_or(took)
}

fn shortened(line: &str) -> String {
    if line.chars().count() <= LAST_LINE_CHARACTERS {
        return line.to_owned();
    }
    line.chars()
        .take(LAST_LINE_CHARACTERS)
        .chain(['…'])
        .collect()
}

/// Somebody else's text in the owner's terminal must not steer it.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use protocol::{FinishReason, Timings, Usage};
    use serde_json::json;

    use super::*;
    use crate::status::Status;

    fn prompt(messages: &[&str]) -> LlmPrompt {
        let messages: Vec<_> = messages
            .iter()
            .map(|text| json!({"role": "user", "content": text}))
            .collect();
        serde_json::from_value(json!({"task_id": "t1", "model": "m", "messages": messages}))
            .unwrap()
    }

    #[test]
    fn the_line_in_counts_lines_and_shows_the_last() {
        let line = line_in(&prompt(&["Be brief.", "fn main() {\n}\n\nMend it.\n\n"]));
        assert_eq!(line, "→ t1 | 6 lines | \"Mend it.\"");
        assert_eq!(line_in(&prompt(&[])), "→ t1 | 0 lines | \"\"");
    }

    #[test]
    fn a_long_last_line_is_cut_between_characters() {
        let line = line_in(&prompt(&[&"ö".repeat(61)]));
        assert_eq!(line, format!("→ t1 | 1 lines | \"{}…\"", "ö".repeat(60)));
        let whole = line_in(&prompt(&[&"ö".repeat(60)]));
        assert!(whole.ends_with("ö\""));
    }

    #[test]
    fn a_prompt_can_not_steer_the_terminal() {
        let line = line_in(&prompt(&["\u{1b}[2Jhei\u{7}"]));
        assert_eq!(line, "→ t1 | 1 lines | \" [2Jhei \"");
    }

    #[test]
    fn the_line_out_tells_tokens_time_and_decoding_speed() {
        let ending = Ending {
            finish_reason: FinishReason::Stop,
            usage: Usage {
                prompt_tokens: 9,
                cached_tokens: 0,
                completion_tokens: 438,
            },
            timings: Timings {
                load_ms: 0.0,
                prefill_ms: 262.0,
                decode_ms: 4690.0,
            },
        };
        let line = line_out("qwen2.5-coder:3b", &ending, Duration::from_millis(4952));
        assert_eq!(line, "✓ qwen2.5-coder:3b | 438 tok | 4952 ms | 93.4 tok/s");
    }

    #[test]
    fn without_a_measured_decode_the_whole_time_counts() {
        let ending = Ending {
            finish_reason: FinishReason::Stop,
            usage: Usage {
                completion_tokens: 10,
                ..Usage::default()
            },
            timings: Timings::default(),
        };
        let line = line_out("m", &ending, Duration::from_secs(2));
        assert_eq!(line, "✓ m | 10 tok | 2000 ms | 5.0 tok/s");
        assert_eq!(
            line_out("m", &ending, Duration::ZERO),
            "✓ m | 10 tok | 0 ms | 0.0 tok/s"
        );
    }

    #[test]
    fn the_line_of_a_lost_prompt_names_the_reason() {
        let status = Status::default().prompt_began();
        let log = PromptLog::begin(&prompt(&["hei"]), Language::English, status);
        let line = log.line_lost("out\nof memory");
        assert!(line.starts_with("✗ m | t1 | "), "{line}");
        assert!(line.ends_with(" ms | out of memory"), "{line}");
    }
}
