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
        let able = |model: &&NodeModel| {
            node.is_trusted() && Runtime::of(introduction.kind, &model.runtime).can_audit()
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

/// The digests of the catalogue's models, by id and alias, as nodes tell them.
pub(in crate::dispatch) fn digests(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let of_model = |model: &protocol::CatalogueModel| {
        let digest = format!("sha256:{}", model.sha256.as_ref()?);
        let names = std::iter::once(&model.id).chain(&model.aliases);
        let named: Vec<_> = names.map(|name| (name.clone(), digest.clone())).collect();
        Some(named)
    };
    catalogue
        .models
        .iter()
        .filter_map(of_model)
        .flatten()
        .collect()
}
