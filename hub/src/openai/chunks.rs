//! An answer's events as OpenAI's chunks: the one path that every answer takes.

use std::{
    iter,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{Stream, StreamExt, stream};
use protocol::{FinishReason, NodeKind};
use serde::Serialize;

use crate::{
    dispatch::{Answer, AnswerEvent, Done, Handover},
    error::ApiError,
};

/// One `chat.completion.chunk`.
#[derive(Debug, Serialize)]
pub(super) struct Chunk {
    pub(super) id: Arc<str>,
    pub(super) object: &'static str,
    /// Unix time in seconds.
    pub(super) created: u64,
    pub(super) model: Arc<str>,
    pub(super) choices: Vec<ChunkChoice>,
    /// Absent where nobody asked for it; else `null` in all chunks but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Option<CompletionUsage>>,
    /// In the last chunk only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kipina: Option<KipinaReport>,
}

#[derive(Debug, Serialize)]
pub(super) struct ChunkChoice {
    pub(super) index: u32,
    pub(super) delta: Delta,
    /// Always null: nodes don't report them.
    logprobs: (),
    pub(super) finish_reason: Option<FinishReason>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct CompletionUsage {
    prompt_tokens: u32,
    completion_tokens: u32,
    total_tokens: u32,
    prompt_tokens_details: PromptTokensDetails,
}

#[derive(Clone, Debug, Serialize)]
struct PromptTokensDetails {
    cached_tokens: u32,
}

/// Who answered, and how fast.
#[derive(Clone, Debug, Serialize)]
pub(super) struct KipinaReport {
    node: String,
    kind: NodeKind,
    model: Arc<str>,
    queued_ms: f64,
    first_token_ms: f64,
    /// While decoding, as the node measured it; null where it did not.
    tokens_per_second: Option<f64>,
    /// Where nodes were lost on the way; absent where none was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    handovers: Vec<HandoverReport>,
}

/// Which node was lost, after how many tokens of the answer, and why.
#[derive(Clone, Debug, Serialize)]
struct HandoverReport {
    node: String,
    after_tokens: u32,
    reason: &'static str,
}

/// The chunks of an answer: the role, the text piece by piece, the end. An error is the last item.
pub(super) fn chunks(
    answer: Answer,
    include_usage: bool,
) -> impl Stream<Item = Result<Chunk, ApiError>> + Send {
    let writer = ChunkWriter::new(&answer, include_usage);
    let opening = Ok(writer.opening());
    stream::iter(iter::once(opening))
        .chain(answer.flat_map(move |event| stream::iter(writer.write(event))))
}

/// What all chunks of one answer have in common.
struct ChunkWriter {
    id: Arc<str>,
    created: u64,
    model: Arc<str>,
    include_usage: bool,
    /// Complete but for the speed, which only the end tells, as it tells who got there.
    report: KipinaReport,
}

impl ChunkWriter {
    fn new(answer: &Answer, include_usage: bool) -> Self {
        let model: Arc<str> = answer.model.as_str().into();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            id: format!("chatcmpl-{}", answer.task_id).into(),
            created: now.as_secs(),
            model: Arc::clone(&model),
            include_usage,
            report: KipinaReport {
                node: answer.node.name.clone(),
                kind: answer.node.kind,
                model,
                queued_ms: milliseconds(answer.queued),
                first_token_ms: milliseconds(answer.first_token),
                tokens_per_second: None,
                handovers: Vec::new(),
            },
        }
    }

    fn opening(&self) -> Chunk {
        let role = Some("assistant");
        self.chunk(vec![choice(
            Delta {
                role,
                content: Some(String::new()),
            },
            None,
        )])
    }

    fn write(&self, event: AnswerEvent) -> Vec<Result<Chunk, ApiError>> {
        match event {
            // A token may be a part of a character: its text comes with the next.
            AnswerEvent::Token(token) if token.text.is_empty() => Vec::new(),
            AnswerEvent::Token(token) => {
                let delta = Delta {
                    role: None,
                    content: Some(token.text),
                };
                vec![Ok(self.chunk(vec![choice(delta, None)]))]
            }
            AnswerEvent::Done(done) => self.ending(&done).into_iter().map(Ok).collect(),
            AnswerEvent::Failed(failure) => vec![Err(failure.into())],
        }
    }

    fn ending(&self, done: &Done) -> Vec<Chunk> {
        let finish = self.chunk(vec![choice(Delta::default(), Some(done.finish_reason))]);
        let mut ending = vec![finish];
        if self.include_usage {
            let usage = Some(Some(done.into()));
            ending.push(Chunk {
                usage,
                ..self.chunk(Vec::new())
            });
        }
        if let Some(last) = ending.last_mut() {
            last.kipina = Some(KipinaReport {
                node: done.node.name.clone(),
                kind: done.node.kind,
                tokens_per_second: done.tokens_per_second.map(round),
                handovers: done.handovers.iter().map(HandoverReport::from).collect(),
                ..self.report.clone()
            });
        }
        ending
    }

    fn chunk(&self, choices: Vec<ChunkChoice>) -> Chunk {
        Chunk {
            id: Arc::clone(&self.id),
            object: "chat.completion.chunk",
            created: self.created,
            model: Arc::clone(&self.model),
            choices,
            usage: self.include_usage.then_some(None),
            kipina: None,
        }
    }
}

impl From<&Handover> for HandoverReport {
    fn from(handover: &Handover) -> Self {
        Self {
            node: handover.node.name.clone(),
            after_tokens: handover.after_tokens,
            reason: handover.reason.as_str(),
        }
    }
}

impl From<&Done> for CompletionUsage {
    fn from(done: &Done) -> Self {
        let usage = done.usage;
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            // The counts are a node's word: they may be anything.
            total_tokens: usage.prompt_tokens.saturating_add(usage.completion_tokens),
            prompt_tokens_details: PromptTokensDetails {
                cached_tokens: usage.cached_tokens,
            },
        }
    }
}

fn choice(delta: Delta, finish_reason: Option<FinishReason>) -> ChunkChoice {
    ChunkChoice {
        index: 0,
        delta,
        logprobs: (),
        finish_reason,
    }
}

fn milliseconds(duration: Duration) -> f64 {
    round(duration.as_secs_f64() * 1000.0)
}

/// To two places: more would only look exact.
fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
