//! Proof of compute, as the dispatcher's task does it: which answers are judged by whom, and what follows.
//! The rule itself is [`scheduler::audit`]'s; the judging a trusted node's engine does.

mod evidence;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use protocol::{AuditPrompt, AuditResult, Catalogue, NodeModel, TaskId};
use scheduler::audit::{self, AuditSettings, Identity, Runtime, Sampled, Subject};
use scheduler::{NodeId, Scheduler};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::node::Node;
use super::{AuditRecord, OutcomeSink, Record};
pub(crate) use evidence::Evidence;
use work::{Purpose, Trial, Waiting, Work};

/// Owned by the dispatcher's task.
pub(super) struct Audits {
    standings: audit::Audits,
    work: Work,
    /// What the weights of the catalogue's models are: a node that has others under the same name is
    /// judged by these.
    digests: BTreeMap<String, String>,
    random: fastrand::Rng,
    sink: Arc<dyn OutcomeSink>,
    counts: AuditCounts,
}

/// Since the hub started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct AuditCounts {
    /// Answers that waited for an audit now.
    pub waiting: usize,
    /// Answers that are being judged now.
    pub running: usize,
    pub judged: u64,
    /// Wanted, but not done: nobody had the time, or the auditor failed.
    pub missed: u64,
    pub faults: u64,
}

/// How one node that is here stands with one of its models.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct NodeStanding {
    pub node_id: String,
    pub node_name: String,
    pub model: String,
    pub digest: String,
    pub runtime: String,
    pub suspended: bool,
    /// In a row.
    pub good_verdicts: u32,
    /// The share of its answers that is audited.
    pub audited_share: f64,
    /// Of the last verdict; absent before the first.
    pub mean_margin: Option<f32>,
    pub threshold: Option<f32>,
}

impl Audits {
    pub(super) fn new(
        settings: AuditSettings,
        digests: BTreeMap<String, String>,
        run: &str,
        sink: Arc<dyn OutcomeSink>,
    ) -> Self {
        Self {
            standings: audit::Audits::new(settings),
            work: Work::new(run),
            digests,
            random: fastrand::Rng::new(),
            sink,
            counts: AuditCounts::default(),
        }
    }

    /// Takes an answer that has ended. It is judged where the rule says so and somebody could.
    pub(super) fn offer(
        &mut self,
        node: &Node,
        nodes: &BTreeMap<NodeId, Node>,
        evidence: Evidence,
    ) {
        if !is_anybodys(node, &evidence) {
            return;
        }
        let Some(sampled) = Sampled::of(&evidence.request.sampling) else {
            return;
        };
        let models = &node.introduction.models;
        let Some(model) = models.iter().find(|m| m.id == evidence.request.model) else {
            return;
        };
        let Some(subject) = self.subject(node, model) else {
            return;
        };
        if !self.standings.wants(&subject, self.random.f64()) {
            return;
        }
        let digest = subject.digest.clone();
        if !nodes
            .values()
            .any(|node| auditing_model(node, &digest).is_some())
        {
            return;
        }
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
    pub(super) fn next(
        &mut self,
        scheduler: &Scheduler,
        nodes: &BTreeMap<NodeId, Node>,
    ) -> Option<(NodeId, Box<AuditPrompt>)> {
        self.work.next(|waiting, busy| {
            let mut able = nodes.iter().filter(|(id, _)| !busy(**id));
            able.find_map(|(id, node)| {
                let model = auditing_model(node, waiting.digest())?;
                // A contest is part of a prompt, and no prompt need wait for another's end.
                let has_time = if waiting.is_contest() {
                    scheduler.load(*id).is_some_and(|load| !load.paused)
                } else {
                    scheduler.has_time_for_audits(*id)
                };
                has_time.then(|| (*id, model.id.clone()))
            })
        })
    }

    /// Has an answer judged that competes with others; `reply` is dropped where nobody can.
    pub(super) fn contest(
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
    pub(super) fn has_judge(
        &self,
        node: &Node,
        model: &str,
        nodes: &BTreeMap<NodeId, Node>,
    ) -> bool {
        self.digest(node, model).is_some_and(|digest| {
            let mut nodes = nodes.values();
            nodes.any(|node| auditing_model(node, &digest).is_some())
        })
    }

    fn digest(&self, node: &Node, model: &str) -> Option<String> {
        let mut models = node.introduction.models.iter();
        let model = models.find(|known| known.id == model)?;
        Some(self.subject(node, model)?.digest)
    }

    /// What an auditor found; `None` where it could not judge. Returns who is to be suspended.
    pub(super) fn judged(
        &mut self,
        auditor_id: NodeId,
        task_id: &TaskId,
        found: Option<&AuditResult>,
        nodes: &BTreeMap<NodeId, Node>,
    ) -> Option<Identity> {
        let trial = match self.work.done(auditor_id, task_id)? {
            Purpose::Trial(trial) => trial,
            Purpose::Contest(reply) => {
                // Whoever asked may have gone.
                let _ = reply.send(found.cloned());
                return None;
            }
        };
        let (Some(found), Some(auditor)) = (found, nodes.get(&auditor_id)) else {
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
            digest: trial.subject.digest.clone(),
            runtime: trial.subject.runtime.clone(),
            auditor_id: auditor.node_id.to_string(),
            sampled: trial.sampled,
            verdict,
        }));
        if verdict.good {
            return None;
        }
        self.counts.faults += 1;
        tracing::warn!(
            "{} ('{}') is suspended: over {} tokens its answers with '{}' lie {:.3} below what the \
             model would have said, and {:.3} is the most of an honest node; pardon it in the admin \
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
    pub(super) fn left(&mut self, auditor: NodeId) {
        self.work.left(auditor);
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

    pub(super) fn pardon(&mut self, identity: &Identity) -> bool {
        self.standings.pardon(identity)
    }

    pub(super) fn counts(&self) -> AuditCounts {
        let (waiting, running) = self.work.counts();
        AuditCounts {
            waiting,
            running,
            ..self.counts
        }
    }

    /// Of the nodes that are audited.
    pub(super) fn standings<'a>(
        &'a self,
        nodes: impl Iterator<Item = &'a Node>,
    ) -> Vec<NodeStanding> {
        let of_node = |node: &'a Node| {
            let models = node.introduction.models.iter();
            models.filter_map(move |model| {
                let subject = self.subject(node, model)?;
                let standing = self.standings.standing(&subject);
                Some(NodeStanding {
                    node_id: node.node_id.to_string(),
                    node_name: node.introduction.name.clone(),
                    model: model.id.clone(),
                    suspended: self.is_suspended(&subject.identity),
                    good_verdicts: standing.good_verdicts,
                    audited_share: self.standings.share(&subject),
                    mean_margin: standing.last.map(|verdict| verdict.mean_margin),
                    threshold: standing.last.map(|verdict| verdict.threshold),
                    digest: subject.digest,
                    runtime: subject.runtime,
                })
            })
        };
        let volunteers = nodes.filter(|node| !node.introduction.trusted);
        volunteers.flat_map(of_node).collect()
    }

    /// None where nobody knows which weights the node should have.
    fn subject(&self, node: &Node, model: &NodeModel) -> Option<Subject> {
        let known = self.digests.get(&model.id);
        Some(Subject {
            identity: node.identity.clone(),
            digest: known.or(model.digest.as_ref())?.clone(),
            runtime: model.runtime.clone(),
        })
    }
}

/// The digests of the catalogue's models, by id and alias, as nodes tell them.
pub(super) fn digests(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let of_model = |model: &protocol::CatalogueModel| {
        let digest = format!("sha256:{}", model.sha256.as_ref()?);
        let names = std::iter::once(&model.id).chain(&model.aliases);
        let named: Vec<_> = names.map(|name| (name.clone(), digest.clone())).collect();
        Some(named)
    };
    catalogue
        .models
        .iter()
        .filter_map(of_model)
        .flatten()
        .collect()
}

/// Trusted nodes are not audited, and what is only between an owner and his node is nobody else's.
fn is_anybodys(node: &Node, evidence: &Evidence) -> bool {
    let introduction = &node.introduction;
    let is_own = evidence.owner.is_some() && evidence.owner == introduction.owner;
    !introduction.trusted && !is_own
}

/// The model of these very weights that the node can judge with.
fn auditing_model<'a>(node: &'a Node, digest: &str) -> Option<&'a NodeModel> {
    let introduction = &node.introduction;
    let able = |model: &&NodeModel| {
        Runtime::of(introduction.kind, &model.runtime).can_audit()
            && model.digest.as_deref() == Some(digest)
    };
    let mut models = introduction.models.iter().filter(|_| introduction.trusted);
    models.find(able)
}
