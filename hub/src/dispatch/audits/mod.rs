//! Proof of compute, as the dispatcher's task does it: which answers are judged by whom, and what follows.
//! The rule itself is [`scheduler::audit`]'s; the judging a trusted node's engine does.

mod contestants;
mod evidence;
mod handle;
mod identity;
mod judgement;
mod judges;
mod questions;
mod standing;
mod subject;
mod waiting;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use protocol::{AuditPrompt, AuditResult, Catalogue, TaskId};
use scheduler::audit::{self, Identity, Remembered, Runtime, Sampled};
use scheduler::{ModelNames, NodeId, Scheduler};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::node::Node;
use super::{DispatchSettings, OutcomeSink, estimate};
pub(crate) use evidence::Evidence;
use judges::{Judges, Needed, digests};
pub(super) use questions::Question;
pub use standing::{AuditCounts, AuditOverview, NodeStanding, Suspended};
use waiting::{MOST_ANSWER_BYTES, Purpose, Trial, Waiting};
use work::Work;

/// For a node to find the time for what nobody waits for, which a busy network may never have.
const PATIENCE: Duration = Duration::from_secs(120);

/// Owned by the dispatcher's task.
pub(super) struct Audits {
    standings: audit::Audits,
    work: Work,
    judges: Judges,
    /// What the weights of the catalogue's models are.
    digests: BTreeMap<String, String>,
    names: ModelNames,
    random: fastrand::Rng,
    sink: Arc<dyn OutcomeSink>,
    counts: AuditCounts,
    /// How long somebody who waits for a judge waits for one with time: as long as for a node.
    contest_patience: Duration,
}

/// What was known of nodes before a restart, the oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnownAudits {
    pub standings: Vec<Remembered>,
    pub suspended: Vec<Identity>,
}

impl Audits {
    pub(super) fn new(
        settings: &DispatchSettings,
        catalogue: &Catalogue,
        run: &str,
        sink: Arc<dyn OutcomeSink>,
    ) -> Self {
        Self {
            standings: audit::Audits::new(settings.audits),
            work: Work::new(run),
            judges: Judges::default(),
            digests: digests(catalogue),
            names: ModelNames::new(catalogue),
            random: fastrand::Rng::new(),
            sink,
            counts: AuditCounts::default(),
            contest_patience: settings.queue_deadline,
        }
    }

    pub(super) fn tune(&mut self, settings: &DispatchSettings) {
        self.contest_patience = settings.queue_deadline;
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

    /// Takes what a node has answered, whole or broken off. It is judged where the rule says so and somebody could.
    pub(super) fn offer(&mut self, node: &Node, mut evidence: Evidence) {
        if !is_anybodys(node, &evidence) || self.is_suspended(node) {
            return;
        }
        let Some(model) = evidence.offered.clone() else {
            return;
        };
        let Some(subject) = self.subject(node, &model) else {
            return;
        };
        evidence.shorten(MOST_ANSWER_BYTES);
        // Without its tokens nobody knows which draw made which part of a text.
        let is_alike = !evidence.token_ids.is_empty()
            && self.judges.any(Needed {
                digest: &subject.digest,
                runtime: Some(&subject.runtime),
                tokens: estimate::prompt_tokens(&evidence.request),
            });
        let Some(sampled) = Sampled::of(&evidence.request.sampling, is_alike) else {
            return;
        };
        if !self.standings.wants(&subject, self.random.f64()) {
            return;
        }
        let digest = subject.digest.clone();
        let trial = Trial {
            node_id: Arc::clone(&node.node_id),
            node_name: node.introduction.name.clone(),
            model: model.id.clone(),
            audited: Runtime::of(node.introduction.kind, &model.runtime),
            subject,
            newcomers: node.newcomers.clone(),
            sampled,
        };
        let waiting = Waiting::new(evidence, digest, Purpose::Trial(trial), PATIENCE);
        let has_judge = self.judges.any(waiting.needed());
        if has_judge && !self.work.wait(waiting) {
            self.counts.missed += 1;
        }
    }

    /// The next answer that a node has time to judge.
    fn next(&mut self, scheduler: &Scheduler) -> Option<(NodeId, Box<AuditPrompt>)> {
        let (judges, now) = (&self.judges, Instant::now());
        self.work
            .drop_abandoned(|waiting| judges.any(waiting.needed()));
        let next = self.work.next(|waiting, busy| {
            // A contest is part of a prompt, and no prompt need wait for another's end. What has waited for long is judged
            // between prompts: who is busy for ever would let everybody off.
            let presses = |id| waiting.is_overdue(now) && judges.spares_one(id, now);
            let has_time = |id: NodeId| {
                scheduler.has_time_for_audits(id)
                    || scheduler.is_open(id) && (waiting.is_contest() || presses(id))
            };
            let able = judges.able(waiting.needed(), now);
            let mut able = able.into_iter();
            let (id, model) = able.find(|(id, _)| !busy(*id) && has_time(*id))?;
            Some((id, model.to_owned()))
        });
        next.inspect(|(judge, _)| self.judges.asked(*judge, now))
    }

    /// Audits that nobody wants to know of any more, and who was to judge them.
    fn take_cancelled(&mut self) -> Vec<(NodeId, TaskId)> {
        self.work.take_cancelled()
    }

    /// Has an answer judged that competes with others; `reply` is dropped where nobody can.
    fn contest(
        &mut self,
        node: &Node,
        mut evidence: Evidence,
        reply: oneshot::Sender<Option<AuditResult>>,
    ) {
        let Some(offered) = node.offered(&evidence.request.model) else {
            return;
        };
        if let Some(subject) = self.subject(node, offered) {
            evidence.offered = Some(offered.clone());
            let purpose = Purpose::Contest(reply);
            let waiting = Waiting::new(evidence, subject.digest, purpose, self.contest_patience);
            self.work.wait(waiting);
        }
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

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let somebody_waits = self.work.counts().0 > 0;
        let rested = || self.judges.next_rested(Instant::now());
        let rested = somebody_waits.then(rested).flatten();
        [self.work.next_deadline(), rested]
            .into_iter()
            .flatten()
            .min()
    }

    fn reinstate(&mut self, identity: &Identity) -> bool {
        self.standings.reinstate(identity)
    }
}

/// Trusted nodes are not audited, and what is only between an owner and his node is nobody else's.
fn is_anybodys(node: &Node, evidence: &Evidence) -> bool {
    let is_own = evidence.owner.is_some() && evidence.owner == node.introduction.owner;
    !node.is_trusted() && !is_own
}
