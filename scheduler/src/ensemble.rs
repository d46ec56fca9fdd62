//! Prompts that are one question to several nodes: no node gets two of them.

use std::collections::VecDeque;

use crate::prompt::Prompt;
use crate::{NodeId, PromptProfile, Scheduler};

/// Names one question to several nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnsembleId(pub u64);

/// Ensembles that are remembered: a prompt of an older one might go to a node that its like had before.
const KEPT: usize = 256;

/// Which nodes have had a prompt of which ensemble.
#[derive(Debug, Default)]
pub(crate) struct Ensembles {
    /// The oldest first.
    asked: VecDeque<(EnsembleId, Vec<NodeId>)>,
}

impl Ensembles {
    pub(crate) fn has_asked(&self, ensemble: Option<EnsembleId>, node: NodeId) -> bool {
        let mut asked = self.asked.iter();
        let known = asked.find(|(known, _)| Some(*known) == ensemble);
        known.is_some_and(|(_, nodes)| nodes.contains(&node))
    }

    pub(crate) fn note(&mut self, ensemble: EnsembleId, node: NodeId) {
        if let Some((_, nodes)) = self.asked.iter_mut().find(|(known, _)| *known == ensemble) {
            return nodes.push(node);
        }
        if self.asked.len() == KEPT {
            self.asked.pop_front();
        }
        self.asked.push_back((ensemble, vec![node]));
    }
}

impl Scheduler {
    /// The nodes that could answer such a prompt, busy ones too, and each one's name for the model.
    pub fn able_nodes(&self, profile: &PromptProfile) -> Vec<(NodeId, String)> {
        let prompt = Prompt::new(profile.clone());
        let mut able: Vec<(NodeId, String)> = self
            .offers(&prompt)
            .filter(|(_, node, ..)| node.is_open())
            .map(|(id, _, offer, _)| (id, offer.id.clone()))
            .collect();
        able.dedup_by_key(|(id, _)| *id);
        able
    }
}
