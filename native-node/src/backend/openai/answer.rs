//! A stream of OpenAI chunks as one answer.

use std::time::Instant;

use protocol::{FinishReason, Timings, Usage};

use super::{
    failure::failure,
    wire::{Choice, Chunk, ChunkTimings, ChunkUsage, ToolCallDelta},
};
use crate::backend::{
    AnswerWriter, Ending, Failure, body_lines::BodyLines, http::message_of,
    server_sent_events::EventData, tool_calls,
};

const NAME: &str = "the node's model server";

/// Passes the stream on until its end. `started`: when the request was sent.
pub(super) async fn relay(
    mut lines: BodyLines,
    started: Instant,
    answer: &mut AnswerWriter,
) -> Result<Ending, Failure> {
    let mut event = EventData::default();
    let mut progress = Progress::new(started);
    loop {
        let line = lines.next().await?;
        let (data, ended) = match &line {
            Some(line) => (event.push_line(line), false),
            None => (event.finish(), true),
        };
        let done = data.as_deref() == Some("[DONE]");
        if let Some(data) = data.filter(|_| !done) {
            progress.take(&parse(&data)?, answer).await?;
        }
        if done || ended {
            return progress.ending(answer).await;
        }
    }
}

fn parse(data: &str) -> Result<Chunk, Failure> {
    let chunk: Chunk = serde_json::from_str(data).map_err(|error| {
        tracing::debug!("not a chunk of OpenAI's API: {error}");
        Failure::backend(format!("{NAME} sent an event that can't be read"))
    })?;
    match &chunk.error {
        Some(_) => Err(failure(None, &message_of(data))),
        None => Ok(chunk),
    }
}

/// What has come of an answer so far.
#[derive(Debug)]
struct Progress {
    started: Instant,
    first_text: Option<Instant>,
    pieces: u32,
    calls: Vec<PartialCall>,
    finish_reason: Option<FinishReason>,
    usage: Option<ChunkUsage>,
    timings: Option<ChunkTimings>,
}

#[derive(Debug, Default)]
struct PartialCall {
    name: String,
    arguments: String,
}

impl Progress {
    fn new(started: Instant) -> Self {
        Self {
            started,
            first_text: None,
            pieces: 0,
            calls: Vec::new(),
            finish_reason: None,
            usage: None,
            timings: None,
        }
    }

    async fn take(&mut self, chunk: &Chunk, answer: &mut AnswerWriter) -> Result<(), Failure> {
        if let Some(choice) = chunk.choices.first() {
            self.take_choice(choice, answer).await?;
        }
        if let Some(usage) = &chunk.usage {
            self.usage = Some(usage.clone());
        }
        if let Some(timings) = &chunk.timings {
            self.timings = Some(*timings);
        }
        Ok(())
    }

    async fn take_choice(
        &mut self,
        choice: &Choice,
        answer: &mut AnswerWriter,
    ) -> Result<(), Failure> {
        let delta = choice.delta.as_ref();
        let text = delta
            .and_then(|delta| delta.content.as_deref())
            .or(choice.text.as_deref());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.count_piece();
            answer.write(text, Vec::new()).await?;
        }
        for call in delta
            .and_then(|delta| delta.tool_calls.as_deref())
            .unwrap_or_default()
        {
            self.count_piece();
            self.add_to_call(call)?;
        }
        self.finish_reason = match choice.finish_reason.as_deref() {
            Some("length") => Some(FinishReason::Length),
            Some("tool_calls") => Some(FinishReason::ToolCalls),
            Some(_) => Some(FinishReason::Stop),
            None => self.finish_reason,
        };
        Ok(())
    }

    fn count_piece(&mut self) {
        self.pieces += 1;
        self.first_text.get_or_insert_with(Instant::now);
    }

    fn add_to_call(&mut self, delta: &ToolCallDelta) -> Result<(), Failure> {
        // Calls are numbered from zero, each begun before the next.
        if delta.index > self.calls.len() {
            return Err(Failure::backend(format!(
                "{NAME} sent tool calls out of order"
            )));
        }
        if delta.index == self.calls.len() {
            self.calls.push(PartialCall::default());
        }
        let call = &mut self.calls[delta.index];
        call.name
            .push_str(delta.function.name.as_deref().unwrap_or_default());
        call.arguments
            .push_str(delta.function.arguments.as_deref().unwrap_or_default());
        Ok(())
    }

    async fn ending(self, answer: &mut AnswerWriter) -> Result<Ending, Failure> {
        let Some(finish_reason) = self.finish_reason else {
            return Err(Failure::backend(format!(
                "{NAME} stopped before the answer's end"
            )));
        };
        for call in &self.calls {
            let arguments = tool_calls::parse_arguments(&call.arguments.as_str().into());
            answer
                .write(&tool_calls::as_text(&call.name, &arguments), Vec::new())
                .await?;
        }
        Ok(Ending {
            finish_reason,
            usage: self.usage(),
            timings: self.timings(),
        })
    }

    /// A server that tells no usage sends a token per piece, or nearly so.
    fn usage(&self) -> Usage {
        let Some(usage) = &self.usage else {
            return Usage {
                completion_tokens: self.pieces,
                ..Usage::default()
            };
        };
        let details = usage.prompt_tokens_details.as_ref();
        let cached = details.and_then(|details| details.cached_tokens);
        Usage {
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: cached
                .or(self.timings.map(|timings| timings.cache_n))
                .unwrap_or(0),
            completion_tokens: usage.completion_tokens,
        }
    }

    fn timings(&self) -> Timings {
        if let Some(timings) = self.timings {
            let (prefill_ms, decode_ms) = (timings.prompt_ms, timings.predicted_ms);
            return Timings {
                load_ms: 0.0,
                prefill_ms,
                decode_ms,
            };
        }
        let now = Instant::now();
        let first_text = self.first_text.unwrap_or(now);
        let milliseconds = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1e3;
        Timings {
            load_ms: 0.0,
            prefill_ms: milliseconds(self.started, first_text),
            decode_ms: milliseconds(first_text, now),
        }
    }
}
