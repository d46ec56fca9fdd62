//! Proof of compute, as the dispatcher's task does it: which answers are judged by whom, and what follows.
//! The rule itself is [`scheduler::audit`]'s; the judging a trusted node's engine does.

mod evidence;
mod handle;
mod identity;
mod judges;
mod questions;
mod standing;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use protocol::{AuditPrompt, AuditResult, Catalogue, NodeModel, TaskId};
use scheduler::audit::{self, AuditSettings, Identity, Remembered, Runtime, Sampled, Subject};
use scheduler::{ModelNames, NodeId, Scheduler};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::node::Node;
use super::{AuditRecord, OutcomeSink, Record};
pub(crate) use evidence::Evidence;
use judges::{Judges, digests};
pub(super) use questions::Question;
pub use standing::{AuditCounts, AuditOverview, NodeStanding, Suspended};
use work::{Purpose, Trial, Waiting, Work};

/// Owned by the dispatcher's task.
pub(super) struct Audits {
    standings: audit::Audits,
    work: Work,
    judges: Judges,
    /// What the weights of the catalogue's models are: a node that has others under the same name is
    /// judged by these.
    digests: BTreeMap<String, String>,
    names: ModelNames,
    random: fastrand::Rng,
    sink: Arc<dyn OutcomeSink>,
    counts: AuditCounts,
}

/// What was known of nodes before a restart, the oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnownAudits {
    pub standings: Vec<Remembered>,
    pub suspended: Vec<Identity>,
}

impl Audits {
    pub(super) fn new(
        settings: AuditSettings,
        catalogue: &Catalogue,
        run: &str,
        sink: Arc<dyn OutcomeSink>,
    ) -> Self {
        Self {
            standings: audit::Audits::new(settings),
            work: Work::new(run),
            judges: Judges::default(),
            digests: digests(catalogue),
            names: ModelNames::new(catalogue),
            random: fastrand::Rng::new(),
            sink,
            counts: AuditCounts::default(),
        }
    }

    /// A node joined, or is another than before.
    pub(super) fn know(&mut self, id: NodeId, node: &Node) {
        self.judges.know(id, node);
    }

    /// Tells who is suspended by that.
    fn remember(&mut self, known: KnownAudits) -> Vec<Identity> {
        self.standings.remember(known.standings);
        for identity in &known.suspended {
            self.standings.suspend(identity);
        }
        known.suspended
    }

    /// Takes an answer that has ended. It is judged where the rule says so and somebody could.
    pub(super) fn offer(&mut self, node: &Node, evidence: Evidence) {
        if !is_anybodys(node, &evidence) {
            return;
        }
        let Some(sampled) = Sampled::of(&evidence.request.sampling) else {
            return;
        };
        let Some(model) = evidence.offered.clone() else {
            return;
        };
        let Some(subject) = self.subject(node, &model) else {
            return;
        };
        if !self.standings.wants(&subject, self.random.f64()) || !self.judges.any(&subject.digest) {
            return;
        }
        let digest = subject.digest.clone();
        let trial = Trial {
            node_id: Arc::clone(&node.node_id),
            node_name: node.introduction.name.clone(),
            model: model.id.clone(),
            audited: Runtime::of(node.introduction.kind, &model.runtime),
            subject,
            sampled,
        };
        let waiting = Waiting::new(evidence, digest, Purpose::Trial(trial));
        if !self.work.wait(waiting) {
            self.counts.missed += 1;
        }
    }

    /// The next answer that a node has time to judge.
    fn next(&mut self, scheduler: &Scheduler) -> Option<(NodeId, Box<AuditPrompt>)> {
        let judges = &self.judges;
        self.work.next(|waiting, busy| {
            let mut able = judges.of(waiting.digest()).filter(|(id, _)| !busy(*id));
            // A contest is part of a prompt, and no prompt need wait for another's end.
            let has_time = |id: NodeId| {
                if waiting.is_contest() {
                    scheduler.is_open(id)
                } else {
                    scheduler.has_time_for_audits(id)
                }
            };
            let (id, model) = able.find(|(id, _)| has_time(*id))?;
            Some((id, model.to_owned()))
        })
    }

    /// Has an answer judged that competes with others; `reply` is dropped where nobody can.
    fn contest(
        &mut self,
        node: &Node,
        evidence: Evidence,
        reply: oneshot::Sender<Option<AuditResult>>,
    ) {
        if let Some(digest) = self.digest(node, &evidence.request.model) {
            let waiting = Waiting::new(evidence, digest, Purpose::Contest(reply));
            self.work.wait(waiting);
        }
    }

    /// Whether anybody could judge this node's answers.
    fn has_judge(&self, node: &Node, model: &str) -> bool {
        let digest = self.digest(node, model);
        digest.is_some_and(|digest| self.judges.any(&digest))
    }

    /// What an auditor found; `None` where it could not judge. Returns who is to be suspended.
    pub(super) fn judged(
        &mut self,
        auditor: NodeId,
        auditor_id: &str,
        task_id: &TaskId,
        found: Option<&AuditResult>,
    ) -> Option<Identity> {
        let trial = match self.work.done(auditor, task_id)? {
            Purpose::Trial(trial) => trial,
            Purpose::Contest(reply) => {
                // Whoever asked may have gone.
                let _ = reply.send(found.cloned());
                return None;
            }
        };
        let Some(found) = found else {
            self.counts.missed += 1;
            return None;
        };
        self.counts.judged += 1;
        // Judged twice over would count twice.
        if self.standings.is_suspended(&trial.subject.identity) {
            return None;
        }
        let evidence = audit::Evidence {
            auditor: Runtime::Engine,
            audited: trial.audited,
            sampled: trial.sampled,
            margins: &found.sampling_margins,
        };
        let verdict = self.standings.judge(&trial.subject, evidence)?;
        self.sink.record(Record::Audited(AuditRecord {
            at: SystemTime::now(),
            node_id: trial.node_id.to_string(),
            node_name: trial.node_name.clone(),
            model: trial.model.clone(),
            auditor_id: auditor_id.to_owned(),
            sampled: trial.sampled,
            verdict,
            good_verdicts: self.standings.standing(&trial.subject).good_verdicts,
            subject: trial.subject.clone(),
        }));
        if verdict.good {
            return None;
        }
        self.counts.faults += 1;
        self.work.drop_trials_of(&trial.subject.identity);
        tracing::warn!(
            "{} ('{}') is suspended: over {} tokens its answers with '{}' lie {:.3} below what the \
             model would have said, and {:.3} is the most of an honest node; reinstate it in the admin \
             pages if you know better",
            trial.node_id,
            trial.node_name,
            verdict.tokens,
            trial.model,
            verdict.mean_margin,
            verdict.threshold,
        );
        Some(trial.subject.identity)
    }

    /// What the node was judging goes to another.
    pub(super) fn left(&mut self, node: NodeId) {
        self.judges.forget(node);
        self.work.left(node);
    }

    /// The hub is ending: nothing that waits will be judged, and nobody is to wait for it.
    fn give_up(&mut self) {
        self.counts.missed += self.work.give_up();
    }

    pub(super) fn expire(&mut self) {
        self.counts.missed += self.work.expire(Instant::now());
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.work.next_deadline()
    }

    pub(super) fn is_suspended(&self, identity: &Identity) -> bool {
        self.standings.is_suspended(identity)
    }

    fn reinstate(&mut self, identity: &Identity) -> bool {
        self.standings.reinstate(identity)
    }

    fn digest(&self, node: &Node, model: &str) -> Option<String> {
        Some(self.subject(node, node.offered(model)?)?.digest)
    }

    /// None where nobody knows which weights the node should have.
    fn subject(&self, node: &Node, model: &NodeModel) -> Option<Subject> {
        // By the one spelling that prompts find it by.
        let known = self.digests.get(self.names.canonical(&model.id));
        Some(Subject {
            identity: node.good_name.clone(),
            digest: known.or(model.digest.as_ref())?.clone(),
            runtime: model.runtime.clone(),
        })
    }
}

/// Trusted nodes are not audited, and what is only between an owner and his node is nobody else's.
fn is_anybodys(node: &Node, evidence: &Evidence) -> bool {
    let is_own = evidence.owner.is_some() && evidence.owner == node.introduction.owner;
    !node.is_trusted() && !is_own
}
