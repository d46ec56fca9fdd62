//! A prompt on its way through the hub, together with the only way to whoever asked for it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use protocol::{FinishReason, Owner, PromptInput, PromptRequest, Sampling, TaskId, Timings, Usage};
use scheduler::{GiveUpReason, PromptId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::answer::AnswerEnd;
use super::audits::Evidence;
use super::{
    AnsweringNode, Done, Ending, FailureKind, OutcomeSink, PromptFailure, PromptOutcome, Record,
    Refusal, Token,
};
use crate::keys::Bill;

/// Nodes come and go within seconds: worth another try soon.
const RETRY_WITHOUT_NODE: Duration = Duration::from_secs(5);

/// A full queue takes about this long to have room again.
const RETRY_AFTER_FULL_QUEUE: Duration = Duration::from_secs(10);

/// Owned by the handler that made it, then by the dispatcher while it waits, then by the session
/// of the node that answers it. Whoever owns it at its end ends it, which consumes it, tells the
/// reader and records the outcome: so that happens exactly once.
pub(crate) struct Prompt {
    pub(crate) id: PromptId,
    pub(crate) task_id: TaskId,
    /// Its `model` is what was asked for until a node has the prompt, then that node's own name.
    pub(crate) request: PromptRequest,
    pub(super) owner: Option<Owner>,
    requested_model: String,
    bill: Bill,
    submitted: Instant,
    submitted_at: SystemTime,
    attempts: u32,
    assignment: Option<Assignment>,
    first_token: Option<Instant>,
    /// Tokens that reached the reader.
    passed_on: u32,
    /// Their text, kept where another node may go on from it.
    text: String,
    /// The ids of its tokens, as far as nodes told them.
    token_ids: Vec<u32>,
    /// Why the last node could not answer.
    failure: Option<PromptFailure>,
    reader: Reader,
    sink: Arc<dyn OutcomeSink>,
}

/// The sending ends of the channels whose receiving ends make an [`super::Answer`].
pub(super) struct Reader {
    /// Taken by the first token: from then on the answer has begun.
    pub(super) beginning: Option<oneshot::Sender<Result<Beginning, Refusal>>>,
    pub(super) tokens: mpsc::Sender<Token>,
    pub(super) ending: oneshot::Sender<AnswerEnd>,
}

/// Who answers: known with the first token.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) node: AnsweringNode,
    pub(super) model: String,
    pub(super) queued: Duration,
    pub(super) first_token: Duration,
}

#[derive(Clone, Debug)]
struct Assignment {
    node: AnsweringNode,
    at: Instant,
    /// The first that this node sent.
    first_token: Option<Instant>,
    /// Tokens that other nodes had sent before.
    resumed_after: u32,
}

/// What became of a token on its way to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Or thrown away, where the reader just left: the cancel is on its way.
    Passed,
    /// The reader takes tokens more slowly than they come.
    ReaderTooSlow,
}

impl Prompt {
    pub(super) fn new(
        id: PromptId,
        task_id: TaskId,
        request: PromptRequest,
        bill: Bill,
        reader: Reader,
        sink: Arc<dyn OutcomeSink>,
    ) -> Self {
        Self {
            id,
            task_id,
            owner: None,
            requested_model: request.model.clone(),
            request,
            bill,
            submitted: Instant::now(),
            submitted_at: SystemTime::now(),
            attempts: 0,
            assignment: None,
            first_token: None,
            passed_on: 0,
            text: String::new(),
            token_ids: Vec::new(),
            failure: None,
            reader,
            sink,
        }
    }

    pub(super) fn assign(&mut self, node: AnsweringNode, model: String) {
        self.request.model = model;
        self.attempts += 1;
        self.assignment = Some(Assignment {
            node,
            at: Instant::now(),
            first_token: None,
            resumed_after: self.passed_on,
        });
    }

    pub(super) fn set_failure(&mut self, failure: PromptFailure) {
        self.failure = Some(failure);
    }

    /// Whether another node can go on in the middle of the answer: one that must obey a format, or may be
    /// a call, is more than its text.
    pub(super) fn is_resumable(&self) -> bool {
        let has_tools = match &self.request.input {
            PromptInput::Chat { tools, .. } => !tools.is_empty(),
            PromptInput::Raw { suffix, .. } => suffix.is_some(),
        };
        !has_tools && self.request.response_format.is_none()
    }

    /// What a node is to answer, and the text of the answer that it goes on from; none where nothing is
    /// left to answer.
    pub(crate) fn rest(&self) -> Option<(PromptRequest, Option<String>)> {
        let mut request = self.request.clone();
        if let Some(most) = &mut request.sampling.max_tokens {
            *most = most.saturating_sub(self.passed_on);
            if *most == 0 && self.passed_on > 0 {
                return None;
            }
        }
        let begun = (!self.text.is_empty()).then(|| self.text.clone());
        Some((request, begun))
    }

    pub(crate) fn answer_bytes(&self) -> usize {
        self.text.len()
    }

    /// Passes a frame on to the reader; the first one begins the answer. Never waits.
    pub(crate) fn pass_on(&mut self, token: Token) -> Delivery {
        self.begin();
        if let Some(assignment) = &mut self.assignment {
            assignment.first_token.get_or_insert_with(Instant::now);
        }
        if self.is_resumable() {
            self.text.push_str(&token.text);
            self.token_ids.extend_from_slice(&token.token_ids);
        }
        // Runtimes that tell no ids send a token a frame.
        let tokens = u32::try_from(token.token_ids.len())
            .unwrap_or(u32::MAX)
            .max(1);
        match self.reader.tokens.try_send(token) {
            Ok(()) => {
                self.passed_on = self.passed_on.saturating_add(tokens);
                Delivery::Passed
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Delivery::Passed,
            Err(mpsc::error::TrySendError::Full(_)) => Delivery::ReaderTooSlow,
        }
    }

    /// What an auditor needs of an answer that has come to its end; none where several nodes gave it, or
    /// where it is more than text. What is taken is of no use to the prompt any more.
    pub(crate) fn take_evidence(&mut self, finish_reason: FinishReason) -> Option<Box<Evidence>> {
        let given = self.assignment.as_ref()?;
        if given.resumed_after > 0 || !self.is_resumable() {
            return None;
        }
        let emptied = PromptRequest {
            model: self.request.model.clone(),
            input: PromptInput::Raw {
                prompt: String::new(),
                suffix: None,
            },
            sampling: Sampling::default(),
            response_format: None,
        };
        Some(Box::new(Evidence {
            request: std::mem::replace(&mut self.request, emptied),
            owner: self.owner.clone(),
            answer: std::mem::take(&mut self.text),
            token_ids: std::mem::take(&mut self.token_ids),
            finish_reason,
        }))
    }

    /// The node's timings, with the hub's own in place of what the node did not measure.
    pub(crate) fn timings(&self, told: Timings) -> Timings {
        let milliseconds = |from: Option<Instant>, to: Option<Instant>| match (from, to) {
            (Some(from), Some(to)) => to.saturating_duration_since(from).as_secs_f64() * 1000.0,
            _ => 0.0,
        };
        let credible = |told: f64, seen: f64| {
            if told.is_finite() && told > 0.0 {
                told
            } else {
                seen
            }
        };
        let assigned = self.assignment.as_ref().map(|assignment| assignment.at);
        let first_token = self.assignment.as_ref().and_then(|given| given.first_token);
        Timings {
            load_ms: credible(told.load_ms, 0.0),
            prefill_ms: credible(told.prefill_ms, milliseconds(assigned, first_token)),
            decode_ms: credible(
                told.decode_ms,
                milliseconds(first_token, Some(Instant::now())),
            ),
        }
    }

    /// `usage` and `timings`: the last node's own.
    pub(crate) fn finish(mut self, finish_reason: FinishReason, usage: Usage, timings: Timings) {
        // An answer may be empty: then its end is also its beginning.
        self.begin();
        let Some(given) = &self.assignment else {
            return;
        };
        let decode_seconds = timings.decode_ms / 1000.0;
        let tokens_per_second =
            (decode_seconds > 0.0).then(|| f64::from(usage.completion_tokens) / decode_seconds);
        // To that node, what others had sent was prompt.
        let before = given.resumed_after;
        let usage = Usage {
            prompt_tokens: usage.prompt_tokens.saturating_sub(before),
            completion_tokens: usage.completion_tokens.saturating_add(before),
            ..usage
        };
        let done = Done {
            finish_reason,
            usage,
            tokens_per_second,
            node: given.node.clone(),
        };
        self.end(Ending::Finished(finish_reason), usage, Ok(done));
    }

    pub(crate) fn cancel(self) {
        let usage = self.usage_so_far();
        // Nobody listens; the ending only has to be something.
        let nobody = failure(FailureKind::ClientTooSlow, "the answer was cancelled");
        self.end(Ending::Cancelled, usage, Err(nobody));
    }

    fn refuse(mut self, refusal: Refusal) {
        let ending = match &refusal {
            Refusal::NoNode { .. } | Refusal::TooFewNodes { .. } | Refusal::NoJudge { .. } => {
                Ending::NoNode
            }
            Refusal::QueueFull { .. } => Ending::QueueFull,
            Refusal::DeadlineExpired { .. } => Ending::DeadlineExpired,
            Refusal::Failed(failure) => Ending::Failed(failure.kind),
            Refusal::Stopping => Ending::Stopping,
        };
        let usage = self.usage_so_far();
        let end = match &refusal {
            Refusal::Failed(failure) => failure.clone(),
            // Where the answer had begun: what cut it off says more than why nobody went on.
            other => self
                .failure
                .take()
                .unwrap_or_else(|| failure(FailureKind::HubStopping, &other.to_string())),
        };
        if let Some(beginning) = self.reader.beginning.take() {
            // A reader that left needs no refusal.
            let _ = beginning.send(Err(refusal));
        }
        self.end(ending, usage, Err(end));
    }

    /// Ends a prompt that the scheduler gives up.
    pub(super) fn give_up(mut self, reason: GiveUpReason) {
        let model = self.requested_model.clone();
        let refusal = match reason {
            GiveUpReason::NoNode { known } => Refusal::NoNode {
                model,
                known,
                retry_after: RETRY_WITHOUT_NODE,
            },
            GiveUpReason::QueueFull { waiting } => Refusal::QueueFull {
                model,
                waiting,
                retry_after: RETRY_AFTER_FULL_QUEUE,
            },
            GiveUpReason::DeadlineExpired => Refusal::DeadlineExpired {
                model,
                waited: self.submitted.elapsed(),
            },
            GiveUpReason::Stopping => Refusal::Stopping,
            GiveUpReason::Failed => Refusal::Failed(self.failure.take().unwrap_or_else(|| {
                failure(
                    FailureKind::NodeLost,
                    "the node that had this prompt was lost",
                )
            })),
        };
        self.refuse(refusal);
    }

    fn begin(&mut self) {
        let (Some(assignment), Some(beginning)) = (&self.assignment, self.reader.beginning.take())
        else {
            return;
        };
        let now = Instant::now();
        self.first_token = Some(now);
        // A reader that left has its cancel on the way.
        let _ = beginning.send(Ok(Beginning {
            node: assignment.node.clone(),
            model: self.request.model.clone(),
            queued: assignment.at - self.submitted,
            first_token: now - self.submitted,
        }));
    }

    fn usage_so_far(&self) -> Usage {
        Usage {
            completion_tokens: self.passed_on,
            ..Usage::default()
        }
    }

    fn end(self, ending: Ending, usage: Usage, end: AnswerEnd) {
        let total = self.submitted.elapsed();
        self.sink.record(Record::PromptEnded(PromptOutcome {
            task_id: self.task_id,
            bill: self.bill,
            requested_model: self.requested_model,
            model: self.assignment.is_some().then_some(self.request.model),
            attempts: self.attempts,
            submitted_at: self.submitted_at,
            queued: self
                .assignment
                .as_ref()
                .map_or(total, |given| given.at - self.submitted),
            node: self.assignment.map(|assignment| assignment.node),
            first_token: self
                .first_token
                .map(|first_token| first_token - self.submitted),
            total,
            usage,
            ending,
        }));
        // The record comes first: whoever has read the end finds it in the statistics soon.
        let _ = self.reader.ending.send(end);
    }
}

/// Without the prompt's text: this may end up in a log.
impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prompt")
            .field("task_id", &self.task_id)
            .finish_non_exhaustive()
    }
}

fn failure(kind: FailureKind, message: &str) -> PromptFailure {
    PromptFailure {
        kind,
        message: message.to_owned(),
    }
}
