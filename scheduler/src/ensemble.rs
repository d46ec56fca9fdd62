//! Prompts that are one question to several nodes: no node gets two of them.

use std::collections::VecDeque;

use crate::prompt::Prompt;
use crate::{NodeId, PromptProfile, Scheduler};

/// Names one question to several nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnsembleId(pub u64);

/// A node that could answer, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbleNode {
    pub node: NodeId,
    /// The node's own name for the model.
    pub model: String,
    pub parameters: Option<u64>,
}

/// Ensembles that are remembered: a prompt of an older one might go to a node that its like had before.
const KEPT: usize = 256;

/// Which nodes may have a prompt of which ensemble, and which have had one.
#[derive(Debug, Default)]
pub(crate) struct Ensembles {
    /// The oldest first.
    known: VecDeque<Ensemble>,
}

#[derive(Debug)]
struct Ensemble {
    id: EnsembleId,
    /// Each with its name for the model; none: whoever could answer.
    among: Option<Vec<(NodeId, String)>>,
    asked: Vec<NodeId>,
}

impl Ensembles {
    pub(crate) fn begin(&mut self, id: EnsembleId, among: Vec<(NodeId, String)>) {
        self.keep(Ensemble {
            id,
            among: Some(among),
            asked: Vec::new(),
        });
    }

    pub(crate) fn allows(&self, ensemble: Option<EnsembleId>, node: NodeId, model: &str) -> bool {
        let Some(ensemble) = ensemble.and_then(|id| self.known.iter().find(|it| it.id == id))
        else {
            return true;
        };
        let among = ensemble.among.as_ref();
        let is_one_of = |among: &Vec<(NodeId, String)>| {
            let mut members = among.iter();
            members.any(|(member, its)| *member == node && its == model)
        };
        !ensemble.asked.contains(&node) && among.is_none_or(is_one_of)
    }

    pub(crate) fn note(&mut self, id: EnsembleId, node: NodeId) {
        if let Some(ensemble) = self.known.iter_mut().find(|known| known.id == id) {
            return ensemble.asked.push(node);
        }
        self.keep(Ensemble {
            id,
            among: None,
            asked: vec![node],
        });
    }

    fn keep(&mut self, ensemble: Ensemble) {
        if self.known.len() == KEPT {
            self.known.pop_front();
        }
        self.known.push_back(ensemble);
    }
}

impl Scheduler {
    /// The nodes that could answer such a prompt, busy ones too, once with each model that they could answer with.
    /// A node's come one after another.
    pub fn able_nodes(&self, profile: &PromptProfile) -> Vec<AbleNode> {
        let prompt = Prompt::new(profile.clone());
        self.offers(&prompt)
            .filter(|(_, node, ..)| node.is_open())
            .map(|(node, _, offer, _)| AbleNode {
                node,
                model: offer.id.clone(),
                parameters: offer.parameters,
            })
            .collect()
    }
}
