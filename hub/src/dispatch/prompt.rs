//! A prompt on its way through the hub, together with the only way to whoever asked for it.

mod ending;
mod evidence;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use protocol::{NodeModel, Owner, PromptRequest, TaskId, Timings};
use scheduler::PromptId;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::answer::AnswerEnd;
use super::asked::Late;
use super::said::{Rest, Said, Unsound, unsound_from_the_start};
use super::trail::Trail;
use super::{
    AnsweringNode, FailureKind, Handover, HandoverReason, OutcomeSink, PromptFailure, Refusal,
    Token,
};
use crate::keys::{Bill, Client};

/// Owned by the handler that made it, then by the dispatcher while it waits, then by the session
/// of the node that answers it. Whoever owns it at its end ends it, which consumes it, tells the
/// reader and records the outcome: so that happens exactly once.
pub(crate) struct Prompt {
    pub(crate) id: PromptId,
    pub(crate) task_id: TaskId,
    /// Its `model` is what was asked for until a node has the prompt, then that node's own name.
    pub(crate) request: PromptRequest,
    /// Whose it is, if somebody's.
    pub(super) owner: Option<Owner>,
    requested_model: String,
    bill: Bill,
    submitted: Instant,
    submitted_at: SystemTime,
    attempts: u32,
    assignment: Option<Assignment>,
    first_token: Option<Instant>,
    said: Said,
    /// Whether another node may go on in the middle, as far as whoever asks is concerned.
    resume: bool,
    /// The nodes that had it before this one.
    handovers: Vec<Handover>,
    /// Why the last node could not answer.
    failure: Option<PromptFailure>,
    reader: Reader,
    trail: Trail,
    sink: Arc<dyn OutcomeSink>,
}

/// The sending ends of the channels whose receiving ends make an [`super::Answer`].
pub(super) struct Reader {
    /// Taken by the first token: from then on the answer has begun.
    pub(super) beginning: Option<oneshot::Sender<Result<Beginning, Refusal>>>,
    /// Taken where the first token is late.
    pub(super) late: Option<oneshot::Sender<Late>>,
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
    offered: Option<NodeModel>,
    at: Instant,
    /// The first that this node sent.
    first_token: Option<Instant>,
    resumed_at: Seam,
}

/// What other nodes had sent before.
#[derive(Clone, Copy, Debug)]
struct Seam {
    tokens: u32,
    bytes: usize,
    /// None where not every one is known.
    token_ids: Option<usize>,
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
        resume: bool,
        reader: Reader,
        sink: Arc<dyn OutcomeSink>,
    ) -> Self {
        Self {
            id,
            trail: Trail::begin(&task_id, &request.model),
            task_id,
            requested_model: request.model.clone(),
            request,
            owner: None,
            bill,
            submitted: Instant::now(),
            submitted_at: SystemTime::now(),
            attempts: 0,
            assignment: None,
            first_token: None,
            said: Said::default(),
            resume,
            handovers: Vec::new(),
            failure: None,
            reader,
            sink,
        }
    }

    pub(super) fn client(&self) -> Client {
        self.bill.client
    }

    /// Its answer takes the place of one that this node is late with.
    pub(super) fn stands_in_for(&mut self, late: AnsweringNode, submitted: Instant) {
        self.submitted = submitted;
        self.handovers.push(Handover {
            node: late,
            after_tokens: 0,
            reason: HandoverReason::FirstTokenLate,
        });
    }

    /// Tells the reader that it might ask once more.
    pub(crate) fn tell_late(&mut self) {
        let (Some(given), Some(late)) = (&self.assignment, self.reader.late.take()) else {
            return;
        };
        let mut request = self.request.clone();
        request.model.clone_from(&self.requested_model);
        // A reader that left has its cancel on the way.
        let _ = late.send(Late {
            request,
            node: given.node.clone(),
            bill: self.bill,
            submitted: self.submitted,
        });
    }

    /// `offered`: what the node tells of the model now; it may tell something else later.
    pub(super) fn assign(
        &mut self,
        node: AnsweringNode,
        model: String,
        offered: Option<NodeModel>,
    ) {
        if let Some(before) = self.assignment.take() {
            self.handovers.push(Handover {
                node: before.node,
                after_tokens: self.said.tokens(),
                reason: HandoverReason::Failed(
                    self.failure
                        .as_ref()
                        .map_or(FailureKind::NodeLost, |failure| failure.kind),
                ),
            });
        }
        let digest = offered.as_ref().and_then(|model| model.digest.as_deref());
        self.said.goes_on_with(digest);
        self.trail.assigned(&node, &model);
        self.request.model = model;
        self.attempts += 1;
        self.assignment = Some(Assignment {
            node,
            offered,
            at: Instant::now(),
            first_token: None,
            resumed_at: Seam {
                tokens: self.said.tokens(),
                bytes: self.said.bytes(),
                token_ids: self.said.token_ids().map(<[u32]>::len),
            },
        });
    }

    pub(super) fn set_failure(&mut self, failure: PromptFailure) {
        self.trail.failed(&failure);
        self.failure = Some(failure);
    }

    /// Whether another node may ever go on in the middle of the answer.
    pub(super) fn is_resumable(&self) -> bool {
        self.resume && unsound_from_the_start(&self.request).is_none()
    }

    /// Why no other node may go on with what was said so far; none where nothing was.
    pub(super) fn unsound(&self) -> Option<Unsound> {
        if self.said.tokens() == 0 {
            return None;
        }
        if !self.resume {
            return Some(Unsound::NotWanted);
        }
        self.said.unsound(&self.request)
    }

    /// What a node is to answer; none where nothing is left to answer.
    pub(crate) fn rest(&self) -> Option<Rest> {
        self.said.rest(&self.request)
    }

    pub(crate) fn answer_bytes(&self) -> usize {
        self.said.bytes()
    }

    /// Passes a frame on to the reader; the first one begins the answer. Never waits.
    pub(crate) fn pass_on(&mut self, token: Token) -> Delivery {
        self.begin();
        if let Some(assignment) = &mut self.assignment {
            assignment.first_token.get_or_insert_with(|| {
                self.trail.first_token();
                Instant::now()
            });
        }
        if unsound_from_the_start(&self.request).is_none() {
            self.said.keep(&token);
        }
        let token_ids = token.token_ids.len();
        match self.reader.tokens.try_send(token) {
            Ok(()) => {
                self.said.count(token_ids);
                Delivery::Passed
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Delivery::Passed,
            Err(mpsc::error::TrySendError::Full(_)) => Delivery::ReaderTooSlow,
        }
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
}

/// Without the prompt's text: this may end up in a log.
impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prompt")
            .field("task_id", &self.task_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
