//! What handlers ask of audits, and what the dispatcher's task does about it.

use protocol::{AuditResult, LlmErrorCode, TaskId};
use scheduler::audit::Identity;
use scheduler::{EnsembleId, Event, NodeId, PromptProfile};
use tokio::sync::oneshot;

use super::{AuditOverview, Evidence, KnownAudits};
use crate::dispatch::Refusal;
use crate::dispatch::message::Command;
use crate::dispatch::node::Node;
use crate::dispatch::task::Task;

#[derive(Debug)]
pub(in crate::dispatch) enum Question {
    /// Whether so many nodes could answer this, and somebody judge them.
    Ensemble {
        profile: Box<PromptProfile>,
        size: usize,
        reply: oneshot::Sender<Result<EnsembleId, Refusal>>,
    },
    /// Judge an answer that somebody waits for. Dropping the other end of `reply` gives it up.
    Judge {
        node_id: String,
        evidence: Box<Evidence>,
        reply: oneshot::Sender<Option<AuditResult>>,
    },
    /// Somebody who waited for a judgement has left.
    GaveUp,
    Overview(oneshot::Sender<AuditOverview>),
    /// Told whether it had been suspended.
    Reinstate(Identity, oneshot::Sender<bool>),
    /// What was known before a restart.
    Remember(Box<KnownAudits>),
}

impl Task {
    pub(in crate::dispatch) fn question(&mut self, question: Question) {
        // Whoever asked may have left.
        match question {
            Question::Ensemble {
                profile,
                size,
                reply,
            } => {
                let _ = reply.send(self.ensemble(&profile, size));
            }
            Question::Judge {
                node_id,
                evidence,
                reply,
            } => {
                let mut nodes = self.nodes.values();
                if let Some(node) = nodes.find(|node| *node.node_id == *node_id) {
                    self.audits.contest(node, *evidence, reply);
                }
            }
            // The judge hears of it like of everything that nobody wants to know any more.
            Question::GaveUp => {}
            Question::Overview(reply) => {
                let _ = reply.send(self.audits.overview(self.nodes.values()));
            }
            Question::Reinstate(identity, reply) => {
                let was_suspended = self.audits.reinstate(&identity);
                if was_suspended {
                    self.suspend_or_not(&identity);
                }
                let _ = reply.send(was_suspended);
            }
            Question::Remember(known) => {
                for identity in self.audits.remember(*known) {
                    self.suspend_or_not(&identity);
                }
            }
        }
    }

    /// Whoever has this name is suspended from now on, or no more. A suspended node's prompts go to others; what it
    /// has answered the reader has.
    fn suspend_or_not(&mut self, identity: &Identity) {
        let has_it =
            |node: &Node| node.good_name == *identity || node.newcomers.as_ref() == Some(identity);
        let its = self.nodes.iter().filter(|(_, node)| has_it(node));
        let nodes: Vec<(NodeId, bool)> = its
            .map(|(id, node)| (*id, self.audits.is_suspended(node)))
            .collect();
        for (node, suspended) in nodes {
            self.handle(Event::NodeSuspended { node, suspended });
            if suspended {
                self.command(node, Command::GiveBack);
            }
        }
    }

    /// What a node found of another's answer.
    pub(in crate::dispatch) fn audited(
        &mut self,
        auditor: NodeId,
        task_id: &TaskId,
        found: Result<AuditResult, LlmErrorCode>,
    ) {
        let Some(node) = self.nodes.get(&auditor) else {
            return;
        };
        let caught = self.audits.judged(auditor, &node.node_id, task_id, found);
        if let Some(identity) = caught {
            self.suspend_or_not(&identity);
        }
    }

    pub(in crate::dispatch) fn begin_audits(&mut self) {
        if self.is_ending() {
            self.audits.give_up();
        }
        while let Some((node, audit)) = self.audits.next(&self.scheduler) {
            self.command(node, Command::Audit(audit));
        }
        for (node, task_id) in self.audits.take_cancelled() {
            self.command(node, Command::StopAudit(task_id));
        }
    }
}
