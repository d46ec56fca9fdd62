//! Every client gets its share, however much others ask for.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use proptest::prelude::*;
use protocol::{NodeKind, Timings, Usage};
use scheduler::{
    ClientId, Effect, Event, NodeId, NodePreference, NodeProfile, PromptId, PromptProfile,
    Scheduler,
};

use crate::transcript::{model, play, scheduler_with, settings, with_small};

#[test]
fn who_asks_for_little_comes_before_who_asked_for_much() {
    play(&with_small(
        "0 | join n1 native SMALL             |
         0 | ask p1 SMALL any by:1 long:9000  | p1 to n1 with SMALL
         0 | ask p2 SMALL any by:1 long:9000  |
         0 | ask p3 SMALL any by:2            |
         1 | cancel p1                        | cancel p1 on n1; p3 to n1 with SMALL
         2 | ask p4 SMALL any by:2            |
         3 | cancel p3                        | cancel p3 on n1; p4 to n1 with SMALL
         4 | cancel p4                        | cancel p4 on n1; p2 to n1 with SMALL",
    ));
}

#[test]
fn a_full_queue_is_shared_by_whoever_wants_into_it() {
    play(&with_small(
        "0 | join n1 native SMALL    |
         0 | ask p1 SMALL any by:1   | p1 to n1 with SMALL
         0 | ask p2 SMALL any by:1   |
         0 | ask p3 SMALL any by:1   |
         1 | ask p4 SMALL any by:1   | give up p4: queue full with 2
         1 | ask p5 SMALL any by:2   | give up p3: queue full with 2
         1 | ask p6 SMALL any by:2   | give up p6: queue full with 2
         1 | ask p7 SMALL any by:3   | give up p7: queue full with 2",
    ));
}

#[test]
fn what_a_node_had_already_keeps_its_place_in_a_full_queue() {
    play(&with_small(
        "0 | join n1 native SMALL    |
         0 | join n2 native SMALL    |
         0 | ask p1 SMALL any by:1   | p1 to n1 with SMALL
         0 | ask p2 SMALL any by:1   | p2 to n2 with SMALL
         0 | ask p3 SMALL any by:1   |
         1 | leave n1                |
         1 | ask p4 SMALL any by:2   | give up p4: queue full with 2
         2 | finish p2 on n2         | p1 to n2 with SMALL",
    ));
}

/// One model on some equal nodes, and clients that ask for whatever they like.
struct World {
    scheduler: Scheduler,
    asked: HashMap<PromptId, (ClientId, u64)>,
    waiting: BTreeMap<PromptId, ClientId>,
    running: BTreeMap<PromptId, NodeId>,
    /// What each other client was given since this one began to wait for its next turn.
    given_since: BTreeMap<ClientId, BTreeMap<ClientId, u64>>,
}

const LARGEST: u32 = 1000;

impl World {
    fn new(nodes: u64) -> Self {
        let mut scheduler = scheduler_with(scheduler::Settings {
            queue_length: 1000,
            queue_deadline: Duration::from_secs(1_000_000),
            ..settings()
        });
        for node in 1..=nodes {
            let profile = NodeProfile {
                kind: NodeKind::Native,
                trusted: false,
                has_gpu: false,
                slots: 1,
                models: vec![model("m")],
                owner: None,
                only_own: false,
                paused: false,
                drained: false,
                suspended: false,
            };
            let node = NodeId(node);
            scheduler.handle(Duration::ZERO, Event::NodeJoined { node, profile });
        }
        Self {
            scheduler,
            asked: HashMap::new(),
            waiting: BTreeMap::new(),
            running: BTreeMap::new(),
            given_since: BTreeMap::new(),
        }
    }

    fn ask(&mut self, client: u64, tokens: u32) -> Result<(), TestCaseError> {
        let prompt = PromptId(self.asked.len() as u64 + 1);
        let client = ClientId(client);
        self.asked.insert(prompt, (client, u64::from(tokens)));
        self.waiting.insert(prompt, client);
        self.given_since.entry(client).or_default();
        let profile = PromptProfile {
            model: "m".to_owned(),
            preference: NodePreference::Any,
            demand: NodePreference::Any,
            owner: None,
            client,
            prompt_tokens: 0,
            answer_tokens: tokens,
            prefixes: Vec::new(),
            hedges: None,
            resumable: true,
            ensemble: None,
        };
        self.handle(Event::Submitted { prompt, profile })
    }

    fn finish(&mut self, pick: usize) -> Result<(), TestCaseError> {
        let running = self.running.iter().nth(pick % self.running.len().max(1));
        let Some((&prompt, &node)) = running else {
            return Ok(());
        };
        self.running.remove(&prompt);
        let usage = Usage {
            completion_tokens: self.asked[&prompt].1 as u32,
            ..Usage::default()
        };
        self.handle(Event::Finished {
            node,
            prompt,
            usage,
            timings: Timings::default(),
        })
    }

    fn handle(&mut self, event: Event) -> Result<(), TestCaseError> {
        for effect in self.scheduler.handle(Duration::ZERO, event) {
            let Effect::Assign { prompt, node, .. } = effect else {
                return Err(TestCaseError::fail(format!("{effect:?}")));
            };
            self.given(prompt)?;
            self.running.insert(prompt, node);
        }
        Ok(())
    }

    fn given(&mut self, prompt: PromptId) -> Result<(), TestCaseError> {
        let (client, tokens) = self.asked[&prompt];
        self.waiting.remove(&prompt);
        let older = self
            .waiting
            .iter()
            .find(|(older, of)| **older < prompt && **of == client);
        prop_assert!(older.is_none(), "{prompt:?} overtook its own {older:?}");
        let waits = self.waiting.values().any(|of| *of == client);
        self.given_since.remove(&client);
        if waits {
            self.given_since.insert(client, BTreeMap::new());
        }
        for (waiting, given) in &mut self.given_since {
            if *waiting != client {
                *given.entry(client).or_default() += tokens;
                let most = 2 * u64::from(LARGEST);
                prop_assert!(
                    given[&client] <= most,
                    "{client:?} got {given:?} while {waiting:?} waited"
                );
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn while_a_client_waits_no_other_gets_more_than_two_of_the_largest_prompts(
        nodes in 1..4_u64,
        steps in proptest::collection::vec(
            prop_oneof![
                // One client asks far more often, and for more.
                3 => (Just(0), 900..=LARGEST).prop_map(Some),
                2 => (1..5_u64, 1..=LARGEST).prop_map(Some),
                4 => Just(None),
            ],
            1..300,
        ),
        pick in any::<usize>(),
    ) {
        let mut world = World::new(nodes);
        for (step, turn) in steps.into_iter().zip(0..) {
            match step {
                Some((client, tokens)) => world.ask(client, tokens)?,
                None => world.finish(pick.wrapping_add(turn))?,
            }
        }
        for turn in 0..1000 {
            world.finish(turn)?;
        }
        prop_assert!(world.waiting.is_empty());
    }
}
