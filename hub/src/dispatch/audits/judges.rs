//! Who may judge what: trusted nodes with the built-in engine and the very weights.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::{Catalogue, NodeModel};
use scheduler::NodeId;
use scheduler::audit::Runtime;
use tokio::time::Instant;

use crate::dispatch::node::Node;

/// How long a judge rests that could not judge with a model; twice as long each time in a row.
const REST: Duration = Duration::from_secs(10);
const LONGEST_REST: Duration = Duration::from_secs(600);

/// How long a judge without an idle moment is left alone after an audit.
const RESPITE: Duration = Duration::from_secs(30);

/// What a judge must have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needed<'a> {
    pub(super) digest: &'a str,
    /// The program that draws as the answering node does, where it is draws that are judged.
    pub(super) runtime: Option<&'a str>,
    /// What its context must have room for.
    pub(super) tokens: u32,
}

/// Those that are here. They are few beside the volunteers, who are asked for at every turn.
#[derive(Debug, Default)]
pub(super) struct Judges {
    nodes: BTreeMap<NodeId, Judge>,
    asked: u64,
}

#[derive(Debug)]
struct Judge {
    models: Vec<JudgedWith>,
    /// When it was last asked, counted in askings: they take turns.
    asked: u64,
    asked_at: Option<Instant>,
}

#[derive(Debug)]
struct JudgedWith {
    digest: String,
    /// The node's own name for the model.
    model: String,
    runtime: String,
    context_length: u32,
    /// In a row.
    failures: u32,
    rests_until: Option<Instant>,
}

impl Judges {
    /// A node joined, or is another than before.
    pub(super) fn know(&mut self, id: NodeId, node: &Node) {
        let introduction = &node.introduction;
        // Its key says whose word it is; an operator's trust in a name does not.
        let has_a_word = introduction.trusted && node.is_trusted();
        let able = |model: &&NodeModel| {
            has_a_word && Runtime::of(introduction.kind, &model.runtime).can_audit()
        };
        let models = introduction.models.iter().filter(able);
        self.set(id, models.filter_map(JudgedWith::new).collect());
    }

    /// What went wrong with a model stays known while the node keeps it.
    fn set(&mut self, id: NodeId, mut models: Vec<JudgedWith>) {
        let before = self.nodes.remove(&id);
        if models.is_empty() {
            return;
        }
        for model in &mut models {
            let known = before.as_ref().and_then(|judge| judge.with(&model.digest));
            if let Some(known) = known {
                (model.failures, model.rests_until) = (known.failures, known.rests_until);
            }
        }
        let judge = Judge {
            models,
            asked: before.as_ref().map_or(0, |judge| judge.asked),
            asked_at: before.and_then(|judge| judge.asked_at),
        };
        self.nodes.insert(id, judge);
    }

    pub(super) fn forget(&mut self, id: NodeId) {
        self.nodes.remove(&id);
    }

    /// Whether one is here, though perhaps not now.
    pub(super) fn any(&self, needed: Needed<'_>) -> bool {
        let mut nodes = self.nodes.values();
        nodes.any(|judge| {
            let with = judge.with(needed.digest);
            with.is_some_and(|model| model.has(needed))
        })
    }

    /// Those that do not rest, each with its own name for the model of these weights. Whoever was asked longest ago
    /// comes first.
    pub(super) fn able(&self, needed: Needed<'_>, now: Instant) -> Vec<(NodeId, &str)> {
        let able = self.nodes.iter().filter_map(|(id, judge)| {
            let model = judge.with(needed.digest)?;
            let rests = model.rests_until.is_some_and(|until| now < until);
            let can = !rests && model.has(needed);
            can.then_some((judge.asked, *id, model.model.as_str()))
        });
        let mut able: Vec<_> = able.collect();
        able.sort_unstable();
        able.into_iter().map(|(_, id, model)| (id, model)).collect()
    }

    pub(super) fn context_length(&self, id: NodeId, digest: &str) -> u32 {
        let model = self.nodes.get(&id).and_then(|judge| judge.with(digest));
        model.map_or(0, |model| model.context_length)
    }

    pub(super) fn asked(&mut self, id: NodeId, now: Instant) {
        self.asked += 1;
        if let Some(judge) = self.nodes.get_mut(&id) {
            judge.asked = self.asked;
            judge.asked_at = Some(now);
        }
    }

    /// Whether it can be asked to judge between its prompts, where it has no idle moment.
    pub(super) fn spares_one(&self, id: NodeId, now: Instant) -> bool {
        let judge = self.nodes.get(&id);
        let asked_at = judge.and_then(|judge| judge.asked_at);
        asked_at.is_none_or(|at| at + RESPITE <= now)
    }

    pub(super) fn succeeded(&mut self, id: NodeId, digest: &str) {
        if let Some(model) = self.model_mut(id, digest) {
            model.failures = 0;
        }
    }

    /// It could not judge with these weights, and is not asked for a while.
    pub(super) fn failed(&mut self, id: NodeId, digest: &str, now: Instant) {
        if let Some(model) = self.model_mut(id, digest) {
            let rest = REST.saturating_mul(2_u32.saturating_pow(model.failures));
            model.failures = model.failures.saturating_add(1);
            model.rests_until = Some(now + rest.min(LONGEST_REST));
        }
    }

    /// When the next one has rested.
    pub(super) fn next_rested(&self, now: Instant) -> Option<Instant> {
        let models = self.nodes.values().flat_map(|judge| &judge.models);
        let ends = models.filter_map(|model| model.rests_until);
        ends.filter(|until| now < *until).min()
    }

    fn model_mut(&mut self, id: NodeId, digest: &str) -> Option<&mut JudgedWith> {
        let judge = self.nodes.get_mut(&id)?;
        let mut models = judge.models.iter_mut();
        models.find(|model| model.digest == digest)
    }
}

impl Judge {
    fn with(&self, digest: &str) -> Option<&JudgedWith> {
        self.models.iter().find(|model| model.digest == digest)
    }
}

impl JudgedWith {
    /// None where nobody knows which weights those are.
    fn new(model: &NodeModel) -> Option<Self> {
        Some(Self {
            digest: model.digest.clone()?,
            model: model.id.clone(),
            runtime: model.runtime.clone(),
            context_length: model.context_length,
            failures: 0,
            rests_until: None,
        })
    }

    fn has(&self, needed: Needed<'_>) -> bool {
        let is_alike = needed.runtime.is_none_or(|runtime| runtime == self.runtime);
        is_alike && self.context_length > needed.tokens
    }
}

/// The digests of the catalogue's models, by id, as nodes tell them.
pub(super) fn digests(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let of_model = |model: &protocol::CatalogueModel| {
        Some((
            model.id.clone(),
            format!("sha256:{}", model.sha256.as_ref()?),
        ))
    };
    catalogue.models.iter().filter_map(of_model).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:ab";

    fn with(context_length: u32) -> Vec<JudgedWith> {
        vec![JudgedWith {
            digest: DIGEST.to_owned(),
            model: "m".to_owned(),
            runtime: "kipina-engine 0.1.0".to_owned(),
            context_length,
            failures: 0,
            rests_until: None,
        }]
    }

    fn judges(contexts: &[u32]) -> Judges {
        let mut judges = Judges::default();
        for (context, id) in contexts.iter().zip(0..) {
            judges.set(NodeId(id), with(*context));
        }
        judges
    }

    fn needed(digest: &str, tokens: u32) -> Needed<'_> {
        Needed {
            digest,
            runtime: None,
            tokens,
        }
    }

    fn able(judges: &Judges, tokens: u32, now: Instant) -> Vec<u64> {
        let able = judges.able(needed(DIGEST, tokens), now).into_iter();
        able.map(|(NodeId(id), _)| id).collect()
    }

    #[test]
    fn judges_take_turns() {
        let (mut judges, now) = (judges(&[4096; 3]), Instant::now());
        let mut order = Vec::new();
        for _ in 0..6 {
            let next = able(&judges, 0, now)[0];
            judges.asked(NodeId(next), now);
            order.push(next);
        }
        assert_eq!(order, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn one_that_fails_rests_longer_each_time_until_it_judges() {
        let (mut judges, now) = (judges(&[4096; 2]), Instant::now());
        let rest = |judges: &mut Judges| {
            judges.failed(NodeId(0), DIGEST, now);
            let until = judges.next_rested(now).unwrap();
            assert_eq!(able(judges, 0, now), [1]);
            assert_eq!(able(judges, 0, until), [0, 1]);
            until - now
        };
        let rests: Vec<u64> = (0..8).map(|_| rest(&mut judges).as_secs()).collect();
        assert_eq!(rests, [10, 20, 40, 80, 160, 320, 600, 600]);
        judges.succeeded(NodeId(0), DIGEST);
        assert_eq!(rest(&mut judges).as_secs(), 10);
        assert!(judges.any(needed(DIGEST, 0)) && !judges.any(needed("sha256:cd", 0)));
    }

    #[test]
    fn telling_of_the_same_model_once_more_ends_no_rest() {
        let (mut judges, now) = (judges(&[4096]), Instant::now());
        judges.failed(NodeId(0), DIGEST, now);
        judges.set(NodeId(0), with(4096));
        assert!(able(&judges, 0, now).is_empty());
        judges.set(NodeId(0), Vec::new());
        judges.set(NodeId(0), with(4096));
        assert_eq!(able(&judges, 0, now), [0], "it took the model back");
    }

    #[test]
    fn nobody_is_asked_about_more_than_its_context_holds() {
        let (judges, now) = (judges(&[512, 4096]), Instant::now());
        assert_eq!(able(&judges, 511, now), [0, 1]);
        assert_eq!(able(&judges, 512, now), [1]);
        assert!(able(&judges, 4096, now).is_empty() && !judges.any(needed(DIGEST, 4096)));
        assert_eq!(judges.context_length(NodeId(0), DIGEST), 512);
    }

    #[test]
    fn one_without_an_idle_moment_is_left_alone_for_a_while() {
        let (mut judges, now) = (judges(&[4096; 2]), Instant::now());
        assert!(judges.spares_one(NodeId(0), now));
        judges.asked(NodeId(0), now);
        judges.set(NodeId(0), with(4096));
        assert!(!judges.spares_one(NodeId(0), now + RESPITE / 2));
        assert!(judges.spares_one(NodeId(1), now + RESPITE / 2));
        assert!(judges.spares_one(NodeId(0), now + RESPITE));
    }

    #[test]
    fn draws_are_judged_by_whoever_draws_alike() {
        let (judges, now) = (judges(&[4096]), Instant::now());
        let by = |runtime| Needed {
            runtime: Some(runtime),
            ..needed(DIGEST, 0)
        };
        assert!(judges.any(by("kipina-engine 0.1.0")));
        assert!(!judges.any(by("kipina-engine 0.1.1")));
        assert!(judges.able(by("kipina-engine 0.1.1"), now).is_empty());
    }
}
