//! Whom an audit is about, and with which weights.

use protocol::NodeModel;
use scheduler::audit::{Runtime, Subject};

use super::Audits;
use crate::dispatch::node::Node;

impl Audits {
    /// None where nobody knows which weights the node has.
    pub(super) fn subject(&self, node: &Node, model: &NodeModel) -> Option<Subject> {
        // By the one spelling that prompts find it by.
        let known = self.digests.get(self.names.canonical(&model.id));
        let told = model.digest.as_ref();
        let digest = match Runtime::of(node.introduction.kind, &model.runtime) {
            // It takes the catalogue's files under the catalogue's names: whoever has others cheats, whatever he
            // tells of them.
            Runtime::Engine | Runtime::Tab => known.or(told),
            // Others have quantisations of their own under the same names.
            Runtime::Other => told,
        };
        Some(Subject {
            identity: node.good_name.clone(),
            digest: digest?.clone(),
            runtime: model.runtime.clone(),
        })
    }

    /// Under its own name, or with all newcomers behind its address while nobody knows it.
    pub(in crate::dispatch) fn is_suspended(&self, node: &Node) -> bool {
        let newcomers = node.newcomers.as_ref();
        self.standings.is_suspended(&node.good_name)
            || newcomers.is_some_and(|them| self.standings.is_suspended(them))
                && self.is_newcomer(node)
    }

    fn is_newcomer(&self, node: &Node) -> bool {
        let models = node.introduction.models.iter();
        let mut subjects = models.filter_map(|model| self.subject(node, model));
        subjects.all(|subject| self.standings.is_newcomer(&subject))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use protocol::{Catalogue, Device, NodeKind};
    use scheduler::NodeId;

    use super::*;
    use crate::dispatch::{DispatchSettings, Forget, Introduction, Origin};

    const CATALOGUE: &str = include_str!("../../../../models.toml");

    /// The digest by which such a node is judged that calls its model `id`.
    fn judged_by(kind: NodeKind, runtime: &str, id: &str, digest: Option<&str>) -> Option<String> {
        let model = NodeModel {
            id: id.to_owned(),
            digest: digest.map(str::to_owned),
            quantisation: None,
            parameters: None,
            context_length: 4096,
            runtime: runtime.to_owned(),
        };
        let introduction = Introduction {
            name: "node".to_owned(),
            kind,
            trusted: false,
            software: String::new(),
            models: vec![model.clone()],
            slots: 1,
            device: Device::default(),
            owner: None,
            only_own: false,
            paused: false,
        };
        let origin = Origin {
            address: [192, 0, 2, 1].into(),
            key: None,
        };
        let id = String::from("node-1");
        let (node, _) = Node::join(NodeId(1), id, introduction, origin, Arc::new(Forget));
        let catalogue = Catalogue::parse(CATALOGUE).unwrap();
        let settings = DispatchSettings::default();
        let audits = Audits::new(&settings, &catalogue, "run", Arc::new(Forget));
        Some(audits.subject(&node, &model)?.digest)
    }

    #[test]
    fn the_engine_has_the_catalogues_weights_whatever_it_tells() {
        let small = judged_by(
            NodeKind::Browser,
            "kipina-engine 0.1.0",
            "smollm2:135m",
            None,
        );
        assert!(small.is_some());
        for (kind, told) in [
            (NodeKind::Browser, Some("sha256:00")),
            (NodeKind::Native, None),
            (NodeKind::Native, Some("sha256:00")),
        ] {
            let judged = judged_by(kind, "kipina-engine 0.1.0", "smollm2:135m", told);
            assert_eq!(judged, small);
        }
    }

    #[test]
    fn others_are_judged_by_the_weights_that_they_tell_of_and_by_no_others() {
        let ollama = |id, told| judged_by(NodeKind::Native, "ollama 0.13.5", id, told);
        let own = ollama("smollm2:135m", Some("sha256:00"));
        assert_eq!(own.as_deref(), Some("sha256:00"));
        assert_eq!(ollama("smollm2:135m", None), None);
        let unknown = ollama("my-own", Some("sha256:01"));
        assert_eq!(unknown.as_deref(), Some("sha256:01"));
    }
}
