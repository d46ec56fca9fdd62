//! Passing over starved classes gives everybody the turn that a walk along the whole queue gives.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;
use protocol::{Catalogue, NodeKind, NodeModel, Owner};

use super::*;
use crate::fairness::Shares;
use crate::node::Node;
use crate::{
    BreakerSettings, ClientId, EnsembleId, ModelNames, NodePreference, NodeProfile, PromptProfile,
    Settings,
};

const MODELS: [&str; 3] = [
    "qwen2.5-coder:0.5b",
    "qwen2.5-coder:1.5b",
    "llama3.2:latest",
];
const REQUESTS: [&str; 5] = [
    "qwen2.5-coder:0.5b",
    "qwen2.5-coder:1.5b",
    "qwen-coder",
    "llama3.2",
    "llama3.2:latest",
];
const CLIENTS: usize = 4;

static NAMES: LazyLock<ModelNames> = LazyLock::new(|| {
    let catalogue = Catalogue::parse(include_str!("../../../models.toml"));
    ModelNames::new(&catalogue.expect("the catalogue parses"))
});

/// The order of turns by its definition: prompt after prompt.
#[derive(Default)]
struct PlainTurns {
    returned: VecDeque<PromptId>,
    lines: HashMap<ClientId, VecDeque<PromptId>>,
    order: BTreeSet<(u64, PromptId, ClientId)>,
}

type PlainTurn = (PromptId, Option<ClientId>);

impl PlainTurns {
    fn new<'a>(waiting: impl Iterator<Item = (PromptId, &'a Prompt)>, shares: &Shares) -> Self {
        let mut turns = Self::default();
        for (id, prompt) in waiting {
            if prompt.attempts > 0 {
                turns.returned.push_back(id);
            } else {
                let line = turns.lines.entry(prompt.profile.client);
                line.or_default().push_back(id);
            }
        }
        for (client, line) in &turns.lines {
            turns
                .order
                .insert((shares.given(*client), line[0], *client));
        }
        turns
    }

    fn next(&mut self) -> Option<PlainTurn> {
        if let Some(prompt) = self.returned.pop_front() {
            return Some((prompt, None));
        }
        let (_, prompt, client) = self.order.pop_first()?;
        self.lines.get_mut(&client)?.pop_front();
        Some((prompt, Some(client)))
    }

    fn after(&mut self, (_, client): PlainTurn, given: impl Fn(ClientId) -> u64) {
        let line = |client: ClientId| Some((client, *self.lines.get(&client)?.front()?));
        if let Some((client, first)) = client.and_then(line) {
            self.order.insert((given(client), first, client));
        }
    }
}

impl Scheduler {
    fn place_plainly(&mut self, effects: &mut Vec<Effect>) {
        if !self.has_free_slot() {
            return;
        }
        let waiting = self.queue.iter_waiting();
        let waiting = waiting.map(|(id, waiting)| (id, &waiting.prompt));
        let mut turns = PlainTurns::new(waiting, &self.shares);
        let mut starved = HashSet::new();
        while let Some(turn) = turns.next() {
            let prompt = self.queue.get(turn.0).expect("its turn comes once");
            let profile = &prompt.profile;
            let class = (
                profile.model.clone(),
                [profile.preference, profile.demand],
                profile.owner.clone(),
            );
            if !starved.contains(&class) {
                match self.best(prompt) {
                    Some(place) => {
                        self.assign(turn.0, place, effects);
                        if !self.has_free_slot() {
                            return;
                        }
                    }
                    None if prompt.failed_on.is_empty() && profile.ensemble.is_none() => {
                        starved.insert(class);
                    }
                    None => {}
                }
            }
            turns.after(turn, |client| self.shares.given(client));
        }
    }

    /// How many that ask for the same model have their turns before.
    fn plain_position(&self, id: PromptId) -> usize {
        let model = |id| {
            let prompt = self.queue.get(id).expect("it waits");
            self.names.canonical(&prompt.profile.model)
        };
        let waiting = self.queue.iter_waiting();
        let same = waiting.filter(|(other, _)| model(*other) == model(id));
        let same = same.map(|(id, waiting)| (id, &waiting.prompt));
        let mut turns = PlainTurns::new(same, &self.shares);
        let mut given: HashMap<ClientId, u64> = HashMap::new();
        let mut position = 1;
        loop {
            let turn = turns.next().expect("it has a turn");
            if turn.0 == id {
                return position;
            }
            let profile = &self.queue.get(turn.0).expect("it waits").profile;
            let counter = given.entry(profile.client);
            let counter = counter.or_insert_with(|| self.shares.given(profile.client));
            *counter += profile.work();
            turns.after(turn, |_| *counter);
            position += 1;
        }
    }
}

#[derive(Clone, Debug)]
struct Offering {
    kind: NodeKind,
    trusted: bool,
    slots: u32,
    models: BTreeSet<usize>,
    only_own: bool,
}

#[derive(Clone, Debug)]
struct Asking {
    client: usize,
    request: usize,
    wanted: NodePreference,
    is_owner: bool,
    tokens: u32,
    ensemble: Option<u64>,
    returned: bool,
    failed_on: Option<u64>,
}

fn offering() -> impl Strategy<Value = Offering> {
    let kind = prop_oneof![Just(NodeKind::Native), Just(NodeKind::Browser)];
    let models = proptest::collection::btree_set(0..MODELS.len(), 1..=2);
    (kind, any::<bool>(), 0..4_u32, models, any::<bool>()).prop_map(
        |(kind, trusted, slots, models, only_own)| Offering {
            kind,
            trusted,
            slots,
            models,
            only_own,
        },
    )
}

fn asking() -> impl Strategy<Value = Asking> {
    let wanted = prop_oneof![
        3 => Just(NodePreference::Any),
        1 => Just(NodePreference::Native),
        1 => Just(NodePreference::Trusted),
        1 => Just(NodePreference::Own),
    ];
    let rarely = || proptest::bool::weighted(0.2);
    (
        (0..CLIENTS, 0..REQUESTS.len(), wanted, rarely(), 0..4_u32),
        proptest::option::weighted(0.2, 0..3_u64),
        rarely(),
        proptest::option::weighted(0.1, 0..4_u64),
    )
        .prop_map(
            |((client, request, wanted, is_owner, hundreds), ensemble, returned, failed_on)| {
                Asking {
                    client,
                    request,
                    wanted,
                    is_owner,
                    // Few different ones, so that counters are often equal.
                    tokens: 100 * hundreds,
                    ensemble,
                    returned: returned || failed_on.is_some(),
                    failed_on,
                }
            },
        )
}

fn owner() -> Owner {
    Owner::try_from("aino-s-secret-00".to_owned()).expect("a proper owner")
}

fn node(offering: &Offering, names: &ModelNames) -> Node {
    let model = |index: &usize| NodeModel {
        id: MODELS[*index].to_owned(),
        digest: None,
        quantisation: None,
        parameters: None,
        context_length: 4096,
        runtime: String::new(),
    };
    let profile = NodeProfile {
        kind: offering.kind,
        trusted: offering.trusted,
        has_gpu: false,
        slots: offering.slots,
        models: offering.models.iter().map(model).collect(),
        owner: Some(owner()),
        only_own: offering.only_own,
        paused: false,
        drained: false,
        suspended: false,
    };
    Node::new(&profile, names)
}

fn prompt(asking: &Asking) -> Prompt {
    let mut prompt = Prompt::new(PromptProfile {
        model: REQUESTS[asking.request].to_owned(),
        preference: asking.wanted,
        demand: NodePreference::Any,
        owner: asking.is_owner.then(owner),
        client: ClientId(asking.client as u64),
        prompt_tokens: 0,
        answer_tokens: asking.tokens,
        prefixes: Vec::new(),
        hedges: None,
        resumable: true,
        ensemble: asking.ensemble.map(EnsembleId),
    });
    prompt.attempts = u32::from(asking.returned);
    prompt.failed_on.extend(asking.failed_on.map(NodeId));
    prompt
}

fn scheduler(nodes: &[Offering], prompts: &[Asking], given: [u64; CLIENTS]) -> Scheduler {
    let settings = Settings {
        queue_length: 1000,
        queue_deadline: Duration::from_secs(60),
        stranded_deadline: Duration::from_secs(10),
        attempts: 3,
        breaker: BreakerSettings::default(),
        hedge: None,
        affinity: true,
        resume: true,
    };
    let mut scheduler = Scheduler::new(settings, NAMES.clone());
    for (offering, id) in nodes.iter().zip(0..) {
        let node = node(offering, &scheduler.names);
        scheduler.nodes.insert(NodeId(id), node);
    }
    for (client, given) in (0..).map(ClientId).zip(given) {
        scheduler.shares.serve(client, 100 * given);
    }
    for (asking, id) in prompts.iter().zip(1..) {
        scheduler.wait(PromptId(id), prompt(asking));
    }
    scheduler
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn everybody_has_the_turn_that_a_walk_along_the_whole_queue_gives(
        nodes in proptest::collection::vec(offering(), 1..5),
        prompts in proptest::collection::vec(asking(), 1..40),
        given in proptest::array::uniform4(0..4_u64),
    ) {
        let mut scheduler = scheduler(&nodes, &prompts, given);
        let mut twin = self::scheduler(&nodes, &prompts, given);
        // Each time that all slots are free again.
        loop {
            let (mut effects, mut expected) = (Vec::new(), Vec::new());
            for id in scheduler.queue.ids() {
                let standing = scheduler.standing(id);
                let position = standing.map(|standing| standing.position);
                prop_assert_eq!(position, Some(twin.plain_position(id)), "{:?}", id);
            }
            scheduler.place(&mut effects);
            twin.place_plainly(&mut expected);
            prop_assert_eq!(&effects, &expected);
            if effects.is_empty() {
                break;
            }
            for node in scheduler.nodes.values_mut().chain(twin.nodes.values_mut()) {
                node.busy = 0;
            }
        }
    }
}
