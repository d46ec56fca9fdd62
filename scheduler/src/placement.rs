//! How prompts get to nodes and off them again.

use std::collections::HashSet;

use protocol::Owner;

use crate::eligible::Place;
use crate::fairness::Turns;
use crate::prompt::Running;
use crate::{Effect, NodeId, NodePreference, PromptId, PromptProfile, Scheduler};

impl Scheduler {
    /// Gives waiting prompts to free slots, each client's by turns and its oldest first.
    pub(crate) fn place(&mut self, effects: &mut Vec<Effect>) {
        if self.queue.len() == 0 || !self.has_free_slot() {
            return;
        }
        let waiting = self.queue.iter();
        let waiting = waiting.map(|(id, p)| (id, p.profile.client, p.attempts > 0));
        let mut turns = Turns::new(waiting, &self.shares);
        // Where one prompt found no node, a later one that asks for the same finds none either:
        // skipping it keeps the order, and a long queue cheap.
        let mut starved: HashSet<(String, [NodePreference; 2], Option<Owner>)> = HashSet::new();
        while let Some(turn) = turns.next() {
            let Some(prompt) = self.queue.get(turn.prompt) else {
                continue;
            };
            let PromptProfile {
                model,
                preference,
                demand,
                owner,
                ..
            } = &prompt.profile;
            let class = (model.clone(), [*preference, *demand], owner.clone());
            if !starved.contains(&class) {
                match self.best(prompt) {
                    Some(place) => {
                        self.assign(turn.prompt, place, effects);
                        if !self.has_free_slot() {
                            return;
                        }
                    }
                    None if prompt.failed_on.is_empty() && prompt.profile.ensemble.is_none() => {
                        starved.insert(class);
                    }
                    None => {}
                }
            }
            turns.after(turn, |client| self.shares.given(client));
        }
    }

    pub(crate) fn has_free_slot(&self) -> bool {
        let mut nodes = self.nodes.values();
        nodes.any(|node| node.has_free_slot(self.now))
    }

    pub(crate) fn assign(&mut self, id: PromptId, place: Place, effects: &mut Vec<Effect>) {
        let Some(mut prompt) = self.queue.remove(id) else {
            return;
        };
        prompt.attempts += 1;
        prompt.in_vain += 1;
        self.shares
            .serve(prompt.profile.client, prompt.profile.charge());
        let Place {
            node,
            model,
            expected,
        } = place;
        if let Some(ensemble) = prompt.profile.ensemble {
            self.ensembles.note(ensemble, node);
        }
        if let Some(node) = self.nodes.get_mut(&node) {
            node.busy += 1;
            node.served += 1;
            node.breaker.tried();
        }
        effects.push(Effect::Assign {
            prompt: id,
            node,
            model: model.clone(),
        });
        let may_hedge = prompt.profile.hedges.is_none() && prompt.attempts == 1;
        let hedge = self.settings.hedge.filter(|_| may_hedge);
        let hedge_at = hedge.map(|hedge| {
            self.now
                .saturating_add(hedge.patience(expected.first_token))
        });
        self.running.insert(
            id,
            Running {
                prompt,
                node,
                model,
                started: false,
                since: self.now,
                expected,
                hedge_at,
            },
        );
    }

    /// Takes a prompt off the node that has it. None where that node does not have it.
    pub(crate) fn release(&mut self, node: NodeId, prompt: PromptId) -> Option<Running> {
        self.running
            .get(&prompt)
            .filter(|running| running.node == node)?;
        if let Some(node) = self.nodes.get_mut(&node) {
            node.busy = node.busy.saturating_sub(1);
        }
        self.running.remove(&prompt)
    }
}
