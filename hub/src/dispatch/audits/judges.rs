//! Who may judge what: trusted nodes with the built-in engine and the very weights.

use std::collections::BTreeMap;

use protocol::{Catalogue, NodeModel};
use scheduler::NodeId;
use scheduler::audit::Runtime;

use crate::dispatch::node::Node;

/// Those that are here. They are few beside the volunteers, who are asked for at every turn.
#[derive(Debug, Default)]
pub(super) struct Judges {
    nodes: BTreeMap<NodeId, Vec<JudgedWith>>,
}

#[derive(Debug)]
struct JudgedWith {
    digest: String,
    /// The node's own name for the model.
    model: String,
}

impl Judges {
    /// A node joined, or is another than before.
    pub(super) fn know(&mut self, id: NodeId, node: &Node) {
        let introduction = &node.introduction;
        // Its key says whose word it is; an operator's trust in a name does not.
        let has_a_word = introduction.trusted && node.is_trusted();
        let able = |model: &&NodeModel| {
            has_a_word && Runtime::of(introduction.kind, &model.runtime).can_audit()
        };
        let models = introduction.models.iter().filter(able);
        let models: Vec<JudgedWith> = models
            .filter_map(|model| {
                Some(JudgedWith {
                    digest: model.digest.clone()?,
                    model: model.id.clone(),
                })
            })
            .collect();
        if models.is_empty() {
            self.nodes.remove(&id);
        } else {
            self.nodes.insert(id, models);
        }
    }

    pub(super) fn forget(&mut self, id: NodeId) {
        self.nodes.remove(&id);
    }

    pub(super) fn any(&self, digest: &str) -> bool {
        self.of(digest).next().is_some()
    }

    /// Each with its own name for the model of these weights.
    pub(super) fn of<'a>(&'a self, digest: &'a str) -> impl Iterator<Item = (NodeId, &'a str)> {
        self.nodes.iter().filter_map(move |(id, models)| {
            let model = models.iter().find(|model| model.digest == digest)?;
            Some((*id, model.model.as_str()))
        })
    }
}

/// The digests of the catalogue's models, by id, as nodes tell them.
pub(super) fn digests(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let of_model = |model: &protocol::CatalogueModel| {
        Some((
            model.id.clone(),
            format!("sha256:{}", model.sha256.as_ref()?),
        ))
    };
    catalogue.models.iter().filter_map(of_model).collect()
}
