//! How a prompt comes to its end: told to its reader and recorded, once.

use std::time::Duration;

use protocol::{FinishReason, Timings, Usage};
use scheduler::GiveUpReason;

use super::Prompt;
use crate::dispatch::answer::AnswerEnd;
use crate::dispatch::{
    Done, Ending, FailureKind, PromptFailure, PromptOutcome, Record, Refusal, estimate,
};

/// Nodes come and go within seconds: worth another try soon.
const RETRY_WITHOUT_NODE: Duration = Duration::from_secs(5);

/// A full queue takes about this long to have room again, where nobody knows better.
const RETRY_AFTER_FULL_QUEUE: Duration = Duration::from_secs(10);

/// Nodes may join in the meantime: nobody is sent away for longer.
const LONGEST_RETRY: Duration = Duration::from_secs(120);

impl Prompt {
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
        let before = given.resumed_at.tokens;
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
            handovers: self.handovers.clone(),
        };
        self.end(Ending::Finished(finish_reason), usage, Ok(done));
    }

    pub(crate) fn cancel(self) {
        let usage = self.usage_so_far();
        // Nobody listens; the ending only has to be something.
        let nobody = failure(FailureKind::ClientTooSlow, "the answer was cancelled");
        self.end(Ending::Cancelled, usage, Err(nobody));
    }

    /// The hub's operator wants it to end, and whoever asked hears so.
    pub(crate) fn stop(self) {
        let stopped = failure(
            FailureKind::CancelledByOperator,
            "the hub's operator cancelled this prompt; ask the operator before sending it again",
        );
        self.refuse(Refusal::Failed(stopped));
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
    pub(in crate::dispatch) fn give_up(mut self, reason: GiveUpReason) {
        let model = self.requested_model.clone();
        let refusal = match reason {
            GiveUpReason::NoNode { known } => Refusal::NoNode {
                model,
                known,
                retry_after: RETRY_WITHOUT_NODE,
            },
            GiveUpReason::QueueFull { waiting, standing } => Refusal::QueueFull {
                model,
                waiting,
                standing,
                retry_after: standing
                    .expected_wait
                    .map_or(RETRY_AFTER_FULL_QUEUE, |wait| wait.min(LONGEST_RETRY)),
            },
            GiveUpReason::DeadlineExpired => Refusal::DeadlineExpired {
                model,
                waited: self.submitted.elapsed(),
            },
            GiveUpReason::Stopping => Refusal::Stopping,
            GiveUpReason::Failed => Refusal::Failed(self.last_failure()),
        };
        self.refuse(refusal);
    }

    fn last_failure(&mut self) -> PromptFailure {
        let unsound = self.unsound();
        let mut last = self.failure.take().unwrap_or_else(|| {
            failure(
                FailureKind::NodeLost,
                "the node that had this prompt was lost",
            )
        });
        if let Some(unsound) = unsound {
            last.message = format!("{}; {unsound}", last.message);
        }
        last
    }

    /// Nodes tell the prompt's tokens at its end only: until then they are estimated.
    fn usage_so_far(&self) -> Usage {
        let was_read = self.first_token.is_some();
        Usage {
            prompt_tokens: if was_read {
                estimate::prompt_tokens(&self.request)
            } else {
                0
            },
            completion_tokens: self.said.tokens(),
            ..Usage::default()
        }
    }

    fn end(self, ending: Ending, usage: Usage, end: AnswerEnd) {
        let total = self.submitted.elapsed();
        let outcome = PromptOutcome {
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
        };
        self.trail.end(&outcome);
        self.sink.record(Record::PromptEnded(outcome));
        // The record comes first: whoever has read the end finds it in the statistics soon.
        let _ = self.reader.ending.send(end);
    }
}

fn failure(kind: FailureKind, message: &str) -> PromptFailure {
    PromptFailure {
        kind,
        message: message.to_owned(),
    }
}
