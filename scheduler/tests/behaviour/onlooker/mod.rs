//! Somebody who watches a scheduler from outside and knows what must never happen.

mod events;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use protocol::{NodeKind, Owner};
use scheduler::{
    ClientId, Effect, Event, NodeId, NodePreference, NodeProfile, PromptId, Scheduler,
};

use crate::steps::{MODELS, REQUESTS, Step};
use crate::transcript::settings;

/// What an onlooker knows: it sees events and effects, and nothing of the scheduler's inside.
#[derive(Debug, Default)]
pub(crate) struct Onlooker {
    now: Duration,
    nodes: BTreeMap<NodeId, SeenNode>,
    prompts: BTreeMap<PromptId, SeenPrompt>,
    next_node: u64,
    next_prompt: u64,
}

#[derive(Debug)]
struct SeenNode {
    kind: NodeKind,
    trusted: bool,
    slots: u32,
    paused: bool,
    drained: bool,
    owner: Option<Owner>,
    only_own: bool,
    suspended: bool,
    models: Vec<&'static str>,
    /// Failures of its own since the last answer.
    faults: u32,
}

#[derive(Debug)]
struct SeenPrompt {
    request: &'static str,
    preference: NodePreference,
    demand: NodePreference,
    owner: Option<Owner>,
    resumable: bool,
    /// What the node that has it answers with.
    model: &'static str,
    /// Its answer was broken off, and nobody may go on with it.
    broken_off: bool,
    state: State,
    failed_on: Vec<NodeId>,
    attempts: u32,
    /// Those in a row that sent nothing of the answer.
    in_vain: u32,
    client: ClientId,
    /// What it is a second attempt at, until its own first token.
    hedges: Option<PromptId>,
    hedged: bool,
}

impl SeenPrompt {
    /// Its node has it no more.
    fn is_lost(&mut self) {
        if matches!(self.state, State::Running { started: true, .. }) {
            self.broken_off = !self.resumable;
            self.request = self.model;
            self.in_vain = 0;
        }
        self.broken_off |= self.hedges.is_some();
        self.state = State::Waiting;
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Waiting,
    Running { node: NodeId, started: bool },
    Ended,
}

impl Onlooker {
    pub(crate) fn take(
        &mut self,
        scheduler: &mut Scheduler,
        step: &Step,
    ) -> Result<(), TestCaseError> {
        let Some(event) = self.event(step) else {
            return Ok(());
        };
        let effects = scheduler.handle(self.now, event.clone());
        self.note(&event);
        for effect in &effects {
            self.check(effect)?;
        }
        self.check_whole(scheduler)
    }

    /// What the event itself changes, before any effect.
    fn note(&mut self, event: &Event) {
        match event {
            Event::NodeJoined { node, profile } => {
                let models = known(&profile.models);
                let NodeProfile {
                    kind,
                    trusted,
                    slots,
                    only_own,
                    paused,
                    ..
                } = *profile;
                self.nodes.insert(
                    *node,
                    SeenNode {
                        kind,
                        trusted,
                        slots,
                        paused,
                        drained: false,
                        owner: profile.owner.clone(),
                        only_own,
                        suspended: false,
                        models,
                        faults: 0,
                    },
                );
            }
            Event::NodeChanged { node, status } => {
                let seen = self
                    .nodes
                    .get_mut(node)
                    .expect("steps name nodes that are here");
                seen.slots = status.slots.unwrap_or(seen.slots);
                seen.paused = status.paused.unwrap_or(seen.paused);
                seen.only_own = status.only_own.unwrap_or(seen.only_own);
                if let Some(models) = &status.models {
                    seen.models = known(models);
                }
            }
            Event::NodeSuspended { node, suspended } => {
                let seen = self.nodes.get_mut(node);
                seen.expect("steps name nodes that are here").suspended = *suspended;
            }
            Event::NodeRuled {
                node,
                trusted,
                drained,
            } => {
                let seen = self.nodes.get_mut(node).expect("steps name nodes here");
                (seen.trusted, seen.drained) = (*trusted, *drained);
            }
            Event::NodeLeft { node } => {
                self.nodes.remove(node);
                // Whether it waits again or is given up, the effects tell.
                for seen in self.prompts.values_mut() {
                    if matches!(seen.state, State::Running { node: owner, .. } if owner == *node) {
                        seen.is_lost();
                    }
                }
            }
            Event::Started { prompt, node } => {
                let seen = self.prompts.get_mut(prompt).expect("it ran");
                seen.hedges = None;
                self.set(
                    *prompt,
                    State::Running {
                        node: *node,
                        started: true,
                    },
                );
            }
            Event::Unresumable { prompt, node } => {
                let seen = self.prompts.get_mut(prompt).expect("it ran");
                seen.resumable = false;
                let (node, started) = (*node, true);
                seen.state = State::Running { node, started };
            }
            Event::Finished { prompt, node, .. } => {
                let state = self.prompts.get(prompt).map(|seen| seen.state);
                if matches!(state, Some(State::Running { node: owner, .. }) if owner == *node) {
                    self.set(*prompt, State::Ended);
                    self.nodes.get_mut(node).expect("it has the prompt").faults = 0;
                }
            }
            Event::Failed {
                prompt,
                node,
                fault,
                ..
            } => {
                let target = self.nodes.get_mut(node).expect("it has the prompt");
                target.faults += u32::from(*fault);
                let seen = self.prompts.get_mut(prompt).expect("it ran");
                seen.is_lost();
                seen.failed_on.push(*node);
            }
            _ => {}
        }
    }

    fn set(&mut self, prompt: PromptId, state: State) {
        self.prompts
            .get_mut(&prompt)
            .expect("a prompt that was submitted")
            .state = state;
    }

    fn check(&mut self, effect: &Effect) -> Result<(), TestCaseError> {
        match effect {
            Effect::Assign {
                prompt,
                node,
                model,
            } => self.check_assignment(*prompt, *node, model)?,
            Effect::Cancel { prompt, node } => {
                let state = self.prompts[prompt].state;
                let held = matches!(state, State::Running { node: owner, .. } if owner == *node);
                prop_assert!(
                    held,
                    "cancelled {prompt:?} on {node:?}, which does not have it"
                );
                self.set(*prompt, State::Ended);
            }
            Effect::Hedge { prompt } => {
                let seen = self.prompts.get_mut(prompt).expect("it runs");
                let unstarted = matches!(seen.state, State::Running { started: false, .. });
                prop_assert!(unstarted && seen.hedges.is_none(), "{seen:?}");
                prop_assert!(!seen.hedged, "a second attempt is asked for once");
                seen.hedged = true;
            }
            Effect::Withdraw { prompt } | Effect::GiveUp { prompt, .. } => {
                prop_assert_eq!(self.prompts[prompt].state, State::Waiting, "{:?}", prompt);
                self.set(*prompt, State::Ended);
            }
        }
        Ok(())
    }

    fn check_assignment(
        &mut self,
        prompt: PromptId,
        node: NodeId,
        model: &str,
    ) -> Result<(), TestCaseError> {
        let seen = &self.prompts[&prompt];
        prop_assert_eq!(
            seen.state,
            State::Waiting,
            "an ended or running prompt was assigned"
        );
        let Some(target) = self.nodes.get(&node) else {
            return Err(TestCaseError::fail(format!("{node:?} is not here")));
        };
        prop_assert!(!target.paused, "a paused node was given a prompt");
        prop_assert!(!target.drained, "a drained node was given a prompt");
        prop_assert!(!target.suspended, "a suspended node was given a prompt");
        prop_assert!(
            self.busy(node) < target.slots,
            "{:?} has no free slot",
            node
        );
        prop_assert!(
            target.models.contains(&model),
            "{node:?} does not offer {model}"
        );
        prop_assert!(answers(model, seen.request), "{model} for {}", seen.request);
        prop_assert!(
            !target.only_own || (seen.owner.is_some() && seen.owner == target.owner),
            "a stranger's prompt was given to {node:?}"
        );
        prop_assert!(
            allows(seen, target),
            "{:?} or {:?} forbids {node:?}",
            seen.preference,
            seen.demand
        );
        prop_assert!(
            !seen.failed_on.contains(&node),
            "the node had failed this prompt"
        );
        prop_assert!(!seen.broken_off, "half an answer was asked for again");
        prop_assert!(seen.in_vain < settings().attempts, "too many attempts");
        let overtaken = self.prompts.range(..prompt).find(|(_, older)| {
            older.state == State::Waiting
                && older.request == seen.request
                && older.preference == seen.preference
                && older.demand == seen.demand
                && older.owner == seen.owner
                && !older.failed_on.contains(&node)
                // What nodes had already comes first; else it is for each client to queue up.
                && (older.attempts > 0 || (seen.attempts == 0 && older.client == seen.client))
        });
        prop_assert!(overtaken.is_none(), "{prompt:?} overtook {overtaken:?}");
        if let Some(first) = seen.hedges {
            let taken =
                matches!(self.prompts[&first].state, State::Running { node: at, .. } if at == node);
            prop_assert!(!taken, "both attempts at {first:?} are on {node:?}");
            prop_assert_eq!(seen.attempts, 0, "a second attempt is made once");
        }
        let seen = self.prompts.get_mut(&prompt).expect("looked at above");
        seen.attempts += 1;
        seen.in_vain += 1;
        seen.model = MODELS
            .into_iter()
            .find(|known| *known == model)
            .expect("a model of the steps");
        seen.state = State::Running {
            node,
            started: false,
        };
        Ok(())
    }

    /// The scheduler's own counts agree with what was seen, so nothing is lost or doubled.
    fn check_whole(&self, scheduler: &Scheduler) -> Result<(), TestCaseError> {
        let waiting = self
            .prompts
            .values()
            .filter(|seen| seen.state == State::Waiting)
            .count();
        prop_assert_eq!(scheduler.waiting(), waiting);
        let nodes: u32 = self.nodes.keys().map(|node| self.busy(*node)).sum();
        prop_assert_eq!(scheduler.running(), nodes as usize);
        for node in self.nodes.keys() {
            let load = scheduler.load(*node).expect("it is here");
            prop_assert_eq!(load.busy, self.busy(*node));
            prop_assert!(
                !load.resting || self.nodes[node].faults >= 3,
                "a rest for nothing"
            );
        }
        let second = self
            .prompts
            .values()
            .find(|seen| seen.state == State::Waiting && seen.hedges.is_some());
        prop_assert!(second.is_none(), "a second attempt waits: {second:?}");
        for request in REQUESTS {
            let waits = |seen: &&SeenPrompt| {
                seen.state == State::Waiting && seen.request == request && seen.attempts == 0
            };
            let fresh = self.prompts.values().filter(waits).count();
            prop_assert!(
                fresh <= settings().queue_length,
                "{fresh} wait for {request}"
            );
        }
        Ok(())
    }

    /// A node with a free slot and a waiting prompt that it could take never stand side by side.
    pub(crate) fn check_nobody_waits_beside_a_free_node(
        &self,
        scheduler: &Scheduler,
    ) -> Result<(), TestCaseError> {
        for (id, node) in &self.nodes {
            let is_resting = scheduler.load(*id).is_some_and(|load| load.resting);
            let is_closed = node.paused || node.drained || node.suspended;
            if is_resting || is_closed || self.busy(*id) >= node.slots {
                continue;
            }
            let waits = self.prompts.values().find(|seen| {
                seen.state == State::Waiting
                    && allows(seen, node)
                    && !seen.failed_on.contains(id)
                    && node.models.iter().any(|model| answers(model, seen.request))
            });
            prop_assert!(waits.is_none(), "{id:?} is free, yet {waits:?} waits");
        }
        Ok(())
    }

    pub(crate) fn check_all_ended(&self) -> Result<(), TestCaseError> {
        let unended = self
            .prompts
            .iter()
            .find(|(_, seen)| seen.state != State::Ended);
        prop_assert!(unended.is_none(), "never ended: {unended:?}");
        Ok(())
    }

    pub(crate) fn any_node_left(&self) -> bool {
        !self.nodes.is_empty()
    }

    fn busy(&self, node: NodeId) -> u32 {
        let on_node = |seen: &&SeenPrompt| matches!(seen.state, State::Running { node: owner, .. } if owner == node);
        self.prompts.values().filter(on_node).count() as u32
    }
}

fn known(models: &[protocol::NodeModel]) -> Vec<&'static str> {
    MODELS
        .into_iter()
        .filter(|name| models.iter().any(|model| model.id == *name))
        .collect()
}

fn answers(model: &str, request: &str) -> bool {
    model == request || (request == "qwen-coder" && model.starts_with("qwen2.5-coder:"))
}

fn allows(prompt: &SeenPrompt, node: &SeenNode) -> bool {
    let is_own = prompt.owner.is_some() && prompt.owner == node.owner;
    let is = |wanted| match wanted {
        NodePreference::Any => true,
        NodePreference::Native => node.kind == NodeKind::Native,
        NodePreference::Browser => node.kind == NodeKind::Browser,
        NodePreference::Trusted => node.trusted,
        NodePreference::Own => is_own,
    };
    is(prompt.preference) && is(prompt.demand) && (!node.only_own || is_own)
}
