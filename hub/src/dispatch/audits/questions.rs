//! What handlers ask of audits, and what the dispatcher's task does about it.

use protocol::{AuditResult, TaskId};
use scheduler::audit::Identity;
use scheduler::{EnsembleId, Event, NodeId, NodePreference, PromptProfile};
use tokio::sync::oneshot;

use super::{AuditOverview, Evidence, KnownAudits};
use crate::dispatch::Refusal;
use crate::dispatch::message::Command;
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
            Question::Overview(reply) => {
                let _ = reply.send(self.audits.overview(self.nodes.values()));
            }
            Question::Reinstate(identity, reply) => {
                let was_suspended = self.audits.reinstate(&identity);
                if was_suspended {
                    self.set_suspended(&identity, false);
                }
                let _ = reply.send(was_suspended);
            }
            Question::Remember(known) => {
                for identity in self.audits.remember(*known) {
                    self.set_suspended(&identity, true);
                }
            }
        }
    }

    /// A suspended node's prompts go to others; what it has answered the reader has.
    pub(in crate::dispatch) fn set_suspended(&mut self, identity: &Identity, suspended: bool) {
        let its = self
            .nodes
            .iter()
            .filter(|(_, node)| node.good_name == *identity);
        let nodes: Vec<NodeId> = its.map(|(id, _)| *id).collect();
        for node in nodes {
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
        found: Option<&AuditResult>,
    ) {
        let Some(node) = self.nodes.get(&auditor) else {
            return;
        };
        let caught = self.audits.judged(auditor, &node.node_id, task_id, found);
        if let Some(identity) = caught {
            self.set_suspended(&identity, true);
        }
    }

    pub(in crate::dispatch) fn begin_audits(&mut self) {
        if self.is_ending() {
            return self.audits.give_up();
        }
        while let Some((node, audit)) = self.audits.next(&self.scheduler) {
            self.command(node, Command::Audit(audit));
        }
    }

    fn ensemble(&mut self, profile: &PromptProfile, size: usize) -> Result<EnsembleId, Refusal> {
        let model = profile.model.clone();
        // What is between an owner and his nodes is no judge's business.
        if [profile.preference, profile.demand].contains(&NodePreference::Own) {
            return Err(Refusal::NoJudge { model });
        }
        let able = self.scheduler.able_nodes(profile);
        let is_judged = |(id, model): &&(NodeId, String)| {
            let node = self.nodes.get(id);
            node.is_some_and(|node| self.audits.has_judge(node, model))
        };
        let (here, judged) = (able.len(), able.iter().filter(is_judged).count());
        if here < size {
            return Err(Refusal::TooFewNodes {
                model,
                wanted: size,
                here,
            });
        }
        if judged < size {
            return Err(Refusal::NoJudge { model });
        }
        self.next_ensemble += 1;
        Ok(EnsembleId(self.next_ensemble))
    }
}
