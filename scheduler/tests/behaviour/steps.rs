//! Courses of events, at random.

use std::collections::BTreeSet;

use proptest::prelude::*;
use protocol::NodeKind;
use scheduler::NodePreference;

/// Two sizes of one family and a stranger; requests also name the family and an unknown model.
pub(crate) const MODELS: [&str; 3] = ["qwen2.5-coder:0.5b", "qwen2.5-coder:1.5b", "smollm2:135m"];
pub(crate) const REQUESTS: [&str; 5] = [
    "qwen2.5-coder:0.5b",
    "qwen2.5-coder:1.5b",
    "smollm2:135m",
    "qwen-coder",
    "gpt-4o",
];

/// Whose nodes and prompts are: two people's, or nobody's.
pub(crate) const OWNERS: [&str; 2] = ["aino-s-secret-00", "eino-s-secret-00"];

/// One step of the world. Numbers choose among what exists when the step is taken.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Join {
        kind: NodeKind,
        trusted: bool,
        slots: u32,
        models: BTreeSet<usize>,
        owner: Option<usize>,
        only_own: bool,
        paused: bool,
    },
    Leave(usize),
    Pause(usize, bool),
    OnlyOwn(usize, bool),
    Rule {
        node: usize,
        trusted: bool,
        drained: bool,
    },
    Suspend(usize, bool),
    /// Anything, for a node may say anything.
    Benchmark(usize, f64, Option<f64>),
    Slots(usize, u32),
    Models(usize, BTreeSet<usize>),
    Ask {
        request: usize,
        preference: NodePreference,
        demand: NodePreference,
        owner: Option<usize>,
    },
    /// A second attempt at a prompt that a node has.
    Again(usize),
    Start(usize),
    Unresumable(usize),
    Finish(usize),
    Fail(usize, bool),
    Cancel(usize),
    /// A node speaks of a prompt that may be another's or nobody's.
    Lie(usize, usize),
    Wait(u64),
    Drain,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(NodeKind::Native), Just(NodeKind::Browser)];
    let models = || proptest::collection::btree_set(0..MODELS.len(), 1..=2);
    let preference = || {
        prop_oneof![
            4 => Just(NodePreference::Any),
            1 => Just(NodePreference::Native),
            1 => Just(NodePreference::Browser),
            1 => Just(NodePreference::Trusted),
            1 => Just(NodePreference::Own),
        ]
    };
    let owner = || proptest::option::of(0..OWNERS.len());
    let rarely = || proptest::bool::weighted(0.2);
    let pick = || 0..1000_usize;
    prop_oneof![
        4 => (kind, any::<bool>(), 0..4_u32, models(), owner(), any::<bool>(), rarely())
            .prop_map(|(kind, trusted, slots, models, owner, only_own, paused)| {
                Step::Join { kind, trusted, slots, models, owner, only_own, paused }
            }),
        2 => pick().prop_map(Step::Leave),
        2 => (pick(), any::<bool>()).prop_map(|(node, paused)| Step::Pause(node, paused)),
        2 => (pick(), any::<bool>()).prop_map(|(node, only_own)| Step::OnlyOwn(node, only_own)),
        2 => (pick(), any::<bool>(), any::<bool>())
            .prop_map(|(node, trusted, drained)| Step::Rule { node, trusted, drained }),
        1 => (pick(), any::<bool>()).prop_map(|(node, suspended)| Step::Suspend(node, suspended)),
        1 => (pick(), any::<f64>(), any::<Option<f64>>())
            .prop_map(|(node, cpu, gpu)| Step::Benchmark(node, cpu, gpu)),
        1 => (pick(), 0..4_u32).prop_map(|(node, slots)| Step::Slots(node, slots)),
        1 => (pick(), models()).prop_map(|(node, models)| Step::Models(node, models)),
        12 => (0..REQUESTS.len(), preference(), preference(), owner())
            .prop_map(|(request, preference, demand, owner)| {
                Step::Ask { request, preference, demand, owner }
            }),
        2 => pick().prop_map(Step::Again),
        6 => pick().prop_map(Step::Start),
        1 => pick().prop_map(Step::Unresumable),
        6 => pick().prop_map(Step::Finish),
        3 => (pick(), any::<bool>()).prop_map(|(prompt, retryable)| Step::Fail(prompt, retryable)),
        4 => pick().prop_map(Step::Cancel),
        2 => (pick(), pick()).prop_map(|(node, prompt)| Step::Lie(node, prompt)),
        3 => (0..30_u64).prop_map(Step::Wait),
        1 => prop_oneof![9 => Just(Step::Wait(1)), 1 => Just(Step::Drain)],
    ]
}
