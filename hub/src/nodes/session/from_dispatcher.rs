//! What the dispatcher's commands mean to a node's session.

use std::sync::Arc;

use protocol::{
    AuditPrompt, Drain, FinishReason, HubMessage, LlmErrorCode, LlmPrompt, TaskId, Timings, Usage,
};
use tokio::time::Instant;

use super::{Flow, Session};
use crate::dispatch::{Command, FailureKind, Prompt, Rest};
use crate::nodes::outgoing::SendError;
use crate::nodes::violation::Closing;

impl Session<'_> {
    pub(super) async fn command(&mut self, command: Command) -> Flow {
        match command {
            Command::Answer(prompt) => self.answer(prompt).await,
            Command::Cancel(id) => match self.held.cancel(id, Instant::now()) {
                Some(prompt) => {
                    let sent = self.send_cancel(&prompt.task_id);
                    let evidence = prompt.evidence_so_far();
                    prompt.cancel();
                    self.abandoned(evidence).await;
                    sent
                }
                // It ended while the cancel was on its way.
                None => Flow::Continue(()),
            },
            Command::Stop(id) => match self.held.cancel(id, Instant::now()) {
                Some(prompt) => {
                    let sent = self.send_cancel(&prompt.task_id);
                    prompt.stop();
                    sent
                }
                None => Flow::Continue(()),
            },
            Command::Late(id) => {
                self.held.late(id);
                Flow::Continue(())
            }
            Command::Audit(audit) => self.audit(audit).await,
            Command::StopAudit(task_id) => self.stop_audit(task_id),
            Command::GiveBack => self.give_all_back().await,
            Command::Drain => self.send(&HubMessage::Drain(Drain::default())),
            Command::Move(within) => {
                let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
                self.send(&HubMessage::Drain(Drain {
                    reconnect_within_ms: Some(within),
                }))?;
                Flow::Break(Closing::HubStopping)
            }
            Command::Ban(ban) => Flow::Break(Closing::Banned(ban)),
            Command::Close => Flow::Break(Closing::HubStopping),
        }
    }

    async fn audit(&mut self, audit: Box<AuditPrompt>) -> Flow {
        let task_id = audit.task_id.clone();
        match self.send_audit(audit) {
            Ok(()) => {
                self.audits.insert(task_id);
                Flow::Continue(())
            }
            Err(SendError::Closing(closing)) => Flow::Break(closing),
            Err(SendError::TooLong) => {
                self.audited(task_id, Err(LlmErrorCode::InvalidRequest))
                    .await;
                Flow::Continue(())
            }
        }
    }

    fn stop_audit(&mut self, task_id: TaskId) -> Flow {
        if !self.audits.remove(&task_id) {
            // It ended while this was on its way.
            return Flow::Continue(());
        }
        let sent = self.send_cancel(&task_id);
        self.held.put_up_with(task_id, Instant::now());
        sent
    }

    async fn give_all_back(&mut self) -> Flow {
        while let Some(prompt) = self.held.cancel_any(Instant::now()) {
            let sent = self.send_cancel(&prompt.task_id);
            let message = format!(
                "the node '{}', which was answering, was taken out of service; send the prompt again",
                self.name
            );
            self.give_back(prompt, FailureKind::Unavailable, message, true)
                .await;
            if sent.is_break() {
                return sent;
            }
        }
        Flow::Continue(())
    }

    async fn answer(&mut self, prompt: Box<Prompt>) -> Flow {
        let Some(rest) = prompt.rest() else {
            // The node before this one was lost right before it could say so.
            self.finish(
                prompt,
                FinishReason::Length,
                Usage::default(),
                Timings::default(),
            )
            .await;
            return Flow::Continue(());
        };
        self.settings = Arc::clone(&self.decisions.settings.shown().tuned.nodes);
        match self.send_prompt(&prompt, rest) {
            Ok(()) => self.held.insert(prompt, &self.settings, Instant::now()),
            Err(SendError::Closing(closing)) => {
                self.held.insert(prompt, &self.settings, Instant::now());
                return Flow::Break(closing);
            }
            Err(error @ SendError::TooLong) => {
                let kind = FailureKind::InvalidRequest;
                self.give_back(prompt, kind, error.to_string(), false).await;
            }
        }
        Flow::Continue(())
    }

    /// Apart from `audit`, as `send_prompt` from `answer`: what lives there while it waits, every idle session
    /// has room for.
    fn send_audit(&self, audit: Box<AuditPrompt>) -> Result<(), SendError> {
        self.outgoing.send(&HubMessage::AuditPrompt(*audit))
    }

    fn send_prompt(&self, prompt: &Prompt, rest: Rest) -> Result<(), SendError> {
        self.outgoing.send(&HubMessage::LlmPrompt(LlmPrompt {
            task_id: prompt.task_id.clone(),
            request: rest.request,
            continue_from: rest.continue_from,
            continue_token_ids: rest.continue_token_ids,
        }))
    }
}
