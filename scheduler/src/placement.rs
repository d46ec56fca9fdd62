//! How prompts get to nodes and off them again.

#[cfg(test)]
mod tests;

use crate::eligible::Place;
use crate::prompt::{Prompt, Running};
use crate::turns::Turns;
use crate::{Effect, NodeId, PromptId, Scheduler};

impl Scheduler {
    /// Gives waiting prompts to free slots, each client's by turns and its oldest first.
    pub(crate) fn place(&mut self, effects: &mut Vec<Effect>) {
        if self.queue.len() == 0 || !self.has_free_slot() {
            return;
        }
        let mut turns = Turns::new(self.queue.lines(), |client| self.shares.given(client));
        // Where one prompt found no node, a later one that asks for the same finds none either:
        // passing over it keeps the order, and a long queue cheap.
        while turns.starved() < self.queue.classes() {
            let next = turns.next(self.queue.lines(), |client| self.shares.given(client));
            let Some(turn) = next else { return };
            let Some(prompt) = self.queue.get(turn.prompt) else {
                continue;
            };
            match self.best(prompt) {
                Some(place) => {
                    self.assign(turn.prompt, place, effects);
                    if !self.has_free_slot() {
                        return;
                    }
                }
                None if !prompt.stands_alone() => turns.starve(turn.class),
                None => {}
            }
        }
    }

    /// Has a prompt wait from now on.
    pub(crate) fn wait(&mut self, id: PromptId, prompt: Prompt) {
        let model = self.names.canonical(&prompt.profile.model).to_owned();
        self.queue.insert(id, prompt, model, self.now);
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
