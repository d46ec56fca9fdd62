//! What a node's frames mean to its session.

use axum::extract::ws::Message;
use protocol::{
    AuditResult, BenchmarkResult, FinishReason, LlmDone, LlmError, LlmErrorCode, LlmToken,
    NodeMessage, NodeStatus, TaskId, Timings, Usage,
};
use tokio::time::Instant;

use super::{Flow, Session};
use crate::dispatch::{Benchmark, Evidence, FailureKind, Prompt, Report};
use crate::nodes::held::Progress;
use crate::nodes::hello::{check_models, clean, limit_slots};
use crate::nodes::violation::{Closing, Violation};

/// What a node's error message may take up in an answer.
const MESSAGE_CHARACTERS: usize = 500;

impl Session<'_> {
    pub(super) async fn frame(&mut self, frame: Option<Result<Message, axum::Error>>) -> Flow {
        let now = Instant::now();
        self.last_heard = now;
        self.metrics.frame_in();
        if !self.rate_limit.take(now) {
            return Flow::Break(Closing::RateLimited);
        }
        let message = match read(frame) {
            Ok(Some(message)) => message,
            Ok(None) => return Flow::Continue(()),
            Err(closing) => return Flow::Break(closing),
        };
        let handled = match message {
            NodeMessage::LlmToken(token) => self.token(token, now).await,
            NodeMessage::LlmDone(done) => self.done(done).await,
            NodeMessage::LlmError(error) => self.error(error).await,
            NodeMessage::NodeStatus(status) => self.status(status).await,
            NodeMessage::Hello(_) => Err(Violation::SecondHello),
            NodeMessage::BenchmarkResult(result) => self.benchmarked(result).await,
            NodeMessage::AuditResult(result) => {
                let task_id = result.task_id.clone();
                if self.audits.remove(&task_id) {
                    self.audited(task_id, Ok(result)).await;
                    Ok(Flow::Continue(()))
                } else {
                    // What was cancelled may have been on its way.
                    self.held.tail_ended(&task_id).map(Flow::Continue)
                }
            }
        };
        handled.unwrap_or_else(|violation| Flow::Break(violation.into()))
    }

    async fn token(&mut self, token: LlmToken, now: Instant) -> Result<Flow, Violation> {
        match self.held.token(token, &self.settings, now)? {
            Progress::Nothing => {}
            Progress::Started(prompt) => {
                let node = self.membership.node;
                self.dispatcher
                    .report(Report::Started { node, prompt })
                    .await;
            }
            Progress::ReaderTooSlow(prompt) => {
                let message =
                    "the answer came faster than it was read; read faster or ask for less";
                let cancelled = self.send_cancel(&prompt.task_id);
                self.give_back(
                    prompt,
                    FailureKind::ClientTooSlow,
                    message.to_owned(),
                    false,
                )
                .await;
                return Ok(cancelled);
            }
        }
        Ok(Flow::Continue(()))
    }

    async fn done(&mut self, done: LlmDone) -> Result<Flow, Violation> {
        if let Some(prompt) = self.held.ended(&done.task_id)? {
            let timings = prompt.timings(done.timings);
            let usage = self.credible(done.usage);
            self.finish(prompt, done.finish_reason, usage, timings)
                .await;
        }
        Ok(Flow::Continue(()))
    }

    pub(super) async fn finish(
        &self,
        mut prompt: Box<Prompt>,
        finish_reason: FinishReason,
        usage: Usage,
        timings: Timings,
    ) {
        let (node, id) = (self.membership.node, prompt.id);
        let evidence = prompt.take_evidence(finish_reason);
        // Before the reader hears of it, so that what it asks next finds the slot free.
        self.dispatcher
            .report(Report::Finished {
                node,
                prompt: id,
                usage,
                timings,
                evidence,
            })
            .await;
        prompt.finish(finish_reason, usage, timings);
    }

    pub(super) async fn abandoned(&self, evidence: Option<Box<Evidence>>) {
        if let Some(evidence) = evidence {
            let node = self.membership.node;
            self.dispatcher
                .report(Report::Abandoned { node, evidence })
                .await;
        }
    }

    pub(super) async fn audited(&self, task_id: TaskId, found: Result<AuditResult, LlmErrorCode>) {
        self.dispatcher
            .report(Report::Audited {
                node: self.membership.node,
                task_id,
                found,
            })
            .await;
    }

    async fn error(&mut self, error: LlmError) -> Result<Flow, Violation> {
        if self.audits.remove(&error.task_id) {
            self.audited(error.task_id, Err(error.code)).await;
            return Ok(Flow::Continue(()));
        }
        if let Some(prompt) = self.held.ended(&error.task_id)? {
            let message = clean(&error.message, MESSAGE_CHARACTERS);
            self.give_back(prompt, failure_kind(error.code), message, error.retryable)
                .await;
        }
        Ok(Flow::Continue(()))
    }

    async fn status(&mut self, mut status: NodeStatus) -> Result<Flow, Violation> {
        status.slots = status.slots.map(limit_slots);
        if let Some(slots) = status.slots {
            self.rate_limit.set(self.settings.frames(slots));
        }
        status.models = status.models.map(check_models).transpose()?;
        for model in status.models.iter().flatten() {
            self.context_length = self.context_length.max(model.context_length);
        }
        self.dispatcher
            .report(Report::Changed {
                node: self.membership.node,
                status,
            })
            .await;
        Ok(Flow::Continue(()))
    }

    /// Only the one benchmark that it was given, and that only once.
    async fn benchmarked(&mut self, result: BenchmarkResult) -> Result<Flow, Violation> {
        if self.benchmark.as_ref() != Some(&result.task_id) {
            return Err(Violation::Foreign);
        }
        self.benchmark = None;
        self.dispatcher
            .report(Report::Benchmarked {
                node: self.membership.node,
                benchmark: Benchmark {
                    cpu_multiply_adds_per_second: result.cpu_multiply_adds_per_second,
                    gpu_multiply_adds_per_second: result.gpu_multiply_adds_per_second,
                },
            })
            .await;
        Ok(Flow::Continue(()))
    }

    /// A node's counts end up in totals: none may exceed what fits its largest context.
    fn credible(&self, usage: Usage) -> Usage {
        let most = self.context_length;
        Usage {
            prompt_tokens: usage.prompt_tokens.min(most),
            cached_tokens: usage.cached_tokens.min(usage.prompt_tokens).min(most),
            completion_tokens: usage.completion_tokens.min(most),
        }
    }
}

/// None where the frame only shows that the node is there.
fn read(frame: Option<Result<Message, axum::Error>>) -> Result<Option<NodeMessage>, Closing> {
    match frame {
        Some(Ok(Message::Text(text))) => {
            let message = serde_json::from_str(&text).map_err(Violation::from)?;
            Ok(Some(message))
        }
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(Violation::Binary.into()),
        Some(Ok(Message::Close(_))) | None => Err(Closing::ConnectionLost),
        Some(Err(error)) => Err(Violation::Unreadable(error.to_string()).into()),
    }
}

fn failure_kind(code: LlmErrorCode) -> FailureKind {
    match code {
        LlmErrorCode::ContextLengthExceeded => FailureKind::ContextLengthExceeded,
        LlmErrorCode::InvalidRequest => FailureKind::InvalidRequest,
        LlmErrorCode::ModelUnavailable => FailureKind::ModelUnavailable,
        LlmErrorCode::Unavailable => FailureKind::Unavailable,
        LlmErrorCode::OutOfMemory => FailureKind::OutOfMemory,
        LlmErrorCode::BackendFailed | LlmErrorCode::Other => FailureKind::BackendFailed,
    }
}
