//! How prompts get to nodes and off them again.

use std::collections::HashSet;

use protocol::Owner;

use crate::node::Node;
use crate::prompt::Running;
use crate::{Effect, NodeId, NodePreference, PromptId, PromptProfile, Scheduler};

impl Scheduler {
    /// Gives waiting prompts to free slots, oldest first.
    pub(crate) fn place(&mut self, effects: &mut Vec<Effect>) {
        if self.queue.len() == 0 || !self.nodes.values().any(Node::has_free_slot) {
            return;
        }
        let order: Vec<PromptId> = self.queue.iter().map(|(id, _)| id).collect();
        // Where one prompt found no node, a later one that asks for the same finds none either:
        // skipping it keeps the order, and a long queue cheap.
        let mut starved: HashSet<(String, [NodePreference; 2], Option<Owner>)> = HashSet::new();
        for id in order {
            let Some(prompt) = self.queue.get(id) else {
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
            if starved.contains(&class) {
                continue;
            }
            match self.best(prompt) {
                Some((node, model)) => self.assign(id, node, model, effects),
                None if prompt.failed_on.is_empty() && prompt.profile.ensemble.is_none() => {
                    starved.insert(class);
                }
                None => {}
            }
        }
    }

    fn assign(&mut self, id: PromptId, node: NodeId, model: String, effects: &mut Vec<Effect>) {
        let Some(mut prompt) = self.queue.remove(id) else {
            return;
        };
        prompt.attempts += 1;
        if let Some(ensemble) = prompt.profile.ensemble {
            self.ensembles.note(ensemble, node);
        }
        if let Some(node) = self.nodes.get_mut(&node) {
            node.busy += 1;
            node.served += 1;
        }
        effects.push(Effect::Assign {
            prompt: id,
            node,
            model: model.clone(),
        });
        self.running.insert(
            id,
            Running {
                prompt,
                node,
                model,
                started: false,
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
