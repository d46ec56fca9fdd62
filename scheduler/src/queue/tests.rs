//! Every index says what a walk along the whole queue says.

use std::collections::{BTreeSet, HashSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use crate::{EnsembleId, NodeId, NodePreference, PromptProfile};

const MODELS: [&str; 3] = ["small", "large", "small:latest"];

#[derive(Clone, Debug)]
enum Step {
    Insert {
        client: u64,
        model: usize,
        native: bool,
        history: History,
    },
    Remove(usize),
    /// Nobody is left who answers with these models, and perhaps nobody for odd clients' prompts that
    /// stand alone.
    Strand(BTreeSet<usize>, bool),
    Wait(u64),
}

#[derive(Clone, Copy, Debug)]
enum History {
    New,
    OneOfMany,
    Returned,
    Failed,
}

fn step() -> impl Strategy<Value = Step> {
    let history = prop_oneof![
        4 => Just(History::New),
        1 => Just(History::OneOfMany),
        1 => Just(History::Returned),
        1 => Just(History::Failed),
    ];
    prop_oneof![
        6 => (0..4_u64, 0..MODELS.len(), any::<bool>(), history).prop_map(
            |(client, model, native, history)| Step::Insert { client, model, native, history }
        ),
        4 => any::<usize>().prop_map(Step::Remove),
        2 => (proptest::collection::btree_set(0..MODELS.len(), 0..=MODELS.len()), any::<bool>())
            .prop_map(|(models, alone)| Step::Strand(models, alone)),
        2 => (0..20_u64).prop_map(Step::Wait),
    ]
}

fn prompt(client: u64, model: usize, native: bool, history: History) -> Prompt {
    let mut prompt = Prompt::new(PromptProfile {
        model: MODELS[model].to_owned(),
        preference: if native {
            NodePreference::Native
        } else {
            NodePreference::Any
        },
        demand: NodePreference::Any,
        owner: None,
        client: ClientId(client),
        prompt_tokens: 1,
        answer_tokens: 1,
        prefixes: Vec::new(),
        hedges: None,
        resumable: true,
        ensemble: None,
    });
    match history {
        History::New => {}
        History::OneOfMany => prompt.profile.ensemble = Some(EnsembleId(1)),
        History::Returned => prompt.attempts = 1,
        History::Failed => {
            prompt.attempts = 1;
            prompt.failed_on.push(NodeId(1));
        }
    }
    prompt
}

fn canonical(model: &str) -> String {
    model.trim_end_matches(":latest").to_owned()
}

fn kind(prompt: &Prompt) -> (String, NodePreference) {
    (prompt.profile.model.clone(), prompt.profile.preference)
}

/// The queue, and when each prompt in it was stranded as asking every one of them tells.
#[derive(Default)]
struct World {
    queue: Queue,
    stranded: BTreeMap<PromptId, Duration>,
    next: u64,
    now: Duration,
}

impl World {
    fn take(&mut self, step: Step) {
        match step {
            Step::Insert {
                client,
                model,
                native,
                history,
            } => {
                let prompt = prompt(client, model, native, history);
                let model = canonical(MODELS[model]);
                self.next += 1;
                self.queue
                    .insert(PromptId(self.next), prompt, model, self.now);
            }
            Step::Remove(pick) => {
                let pick = pick % self.queue.len().max(1);
                let Some(id) = self.queue.ids().nth(pick) else {
                    return;
                };
                self.stranded.remove(&id);
                assert!(self.queue.remove(id).is_some() && self.queue.remove(id).is_none());
            }
            Step::Strand(models, alone) => {
                let is_stranded = |prompt: &Prompt| {
                    let odd = prompt.profile.client.0 % 2 == 1;
                    let stands_alone =
                        prompt.profile.ensemble.is_some() || !prompt.failed_on.is_empty();
                    models.iter().any(|it| MODELS[*it] == prompt.profile.model)
                        || (alone && odd && stands_alone)
                };
                self.queue.mark_stranded(self.now, is_stranded);
                for (id, waiting) in self.queue.iter_waiting() {
                    if is_stranded(&waiting.prompt) {
                        self.stranded.entry(id).or_insert(self.now);
                    } else {
                        self.stranded.remove(&id);
                    }
                }
            }
            Step::Wait(seconds) => self.now += Duration::from_secs(seconds),
        }
    }

    fn walk<T: Ord>(&self, of: impl Fn(PromptId, &Prompt) -> T) -> BTreeSet<T> {
        let waiting = self.queue.iter_waiting();
        waiting.map(|(id, it)| of(id, &it.prompt)).collect()
    }

    fn check_deadlines(&self, patience: Patience) -> Result<(), TestCaseError> {
        let deadlines = self.queue.iter_waiting().map(|(id, waiting)| {
            let busy = waiting.since().saturating_add(patience.busy);
            let stranded = self.stranded.get(&id);
            let stranded = stranded.map(|since| since.saturating_add(patience.stranded));
            (id, stranded.map_or(busy, |stranded| stranded.min(busy)))
        });
        let deadlines: Vec<(PromptId, Duration)> = deadlines.collect();
        let next = deadlines.iter().map(|(_, deadline)| *deadline).min();
        prop_assert_eq!(self.queue.next_deadline(patience), next);
        let late = deadlines.iter().filter(|(_, it)| *it <= self.now);
        let late: BTreeSet<PromptId> = late.map(|(id, _)| *id).collect();
        prop_assert_eq!(self.queue.expired(self.now, patience), late);
        Ok(())
    }

    fn check_lines(&self) -> Result<(), TestCaseError> {
        let lines = self.queue.lines();
        let waiting = self.walk(|_, prompt| prompt.line());
        for client in waiting.iter().copied().chain([Some(ClientId(99))]) {
            let mut stand = BTreeSet::new();
            for (head, class) in lines.heads(client) {
                let behind = |id: &PromptId| lines.behind(client, class, *id);
                let class: Vec<PromptId> = std::iter::successors(Some(head), behind).collect();
                let kinds = class.iter().map(|id| kind(&self.queue.waiting[id].prompt));
                prop_assert_eq!(kinds.collect::<HashSet<_>>().len(), 1);
                stand.extend(class);
            }
            let walk = self.walk(|id, prompt| (prompt.line() == client).then_some(id));
            let walk: BTreeSet<PromptId> = walk.into_iter().flatten().collect();
            let first = walk.first().copied();
            prop_assert_eq!(stand, walk);
            let mut clients = lines.clients();
            let found = client.and_then(|client| clients.find(|(it, _)| *it == client));
            prop_assert_eq!(
                found.map(|(_, first)| first),
                first.filter(|_| client.is_some())
            );
        }
        Ok(())
    }

    fn check(&self) -> Result<(), TestCaseError> {
        for (busy, stranded) in [(60, 10), (10, 60), (0, 0), (u64::MAX, u64::MAX)] {
            self.check_deadlines(Patience {
                busy: Duration::from_secs(busy),
                stranded: Duration::from_secs(stranded),
            })?;
        }
        self.check_lines()?;
        let clients: BTreeSet<ClientId> = self.queue.clients().copied().collect();
        prop_assert_eq!(clients, self.walk(|_, prompt| prompt.profile.client));
        let kinds: HashSet<_> = self
            .queue
            .iter_waiting()
            .map(|(_, it)| kind(&it.prompt))
            .collect();
        prop_assert_eq!(self.queue.classes(), kinds.len());
        prop_assert_eq!(
            self.queue.samples().map(kind).collect::<HashSet<_>>(),
            kinds
        );
        for model in MODELS {
            let is_same = |prompt: &Prompt| canonical(&prompt.profile.model) == model;
            let walk = self.walk(|id, prompt| is_same(prompt).then_some(id));
            let walk: Vec<PromptId> = walk.into_iter().flatten().collect();
            let found: Vec<PromptId> = self.queue.of_model(model).map(|(id, _)| id).collect();
            prop_assert_eq!(self.queue.count_of_model(model), walk.len());
            prop_assert_eq!(found, walk);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_index_says_what_a_walk_along_the_queue_says(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut world = World::default();
        for step in steps {
            world.take(step);
            world.check()?;
        }
        while world.queue.len() > 0 {
            world.take(Step::Remove(0));
            world.check()?;
        }
        prop_assert!(world.queue.models.is_empty(), "nothing is remembered of what left");
    }
}
