//! Whose answers may compete: judges compare what the same weights say, and nothing else.

use std::collections::BTreeMap;

use scheduler::{AbleNode, EnsembleId, Event, NodeId, NodePreference, PromptProfile};

use super::Audits;
use super::judges::Needed;
use crate::dispatch::Refusal;
use crate::dispatch::task::Task;

/// Nodes that could answer with the same weights, each once.
#[derive(Debug, Default)]
struct Contestants {
    nodes: Vec<(NodeId, String)>,
    parameters: Option<u64>,
    has_judge: bool,
}

impl Task {
    /// The ensemble is made of the largest model that enough nodes have and somebody can judge.
    pub(super) fn ensemble(
        &mut self,
        profile: &PromptProfile,
        size: usize,
    ) -> Result<EnsembleId, Refusal> {
        let model = profile.model.clone();
        // What is between an owner and his nodes is no judge's business.
        if [profile.preference, profile.demand].contains(&NodePreference::Own) {
            return Err(Refusal::NoJudge { model });
        }
        let groups = self.contestants(profile);
        let here = groups.iter().map(|group| group.nodes.len()).max();
        let enough = groups.into_iter().filter(|group| group.nodes.len() >= size);
        let mut enough: Vec<Contestants> = enough.collect();
        if enough.is_empty() {
            return Err(Refusal::TooFewNodes {
                model,
                wanted: size,
                here: here.unwrap_or_default(),
            });
        }
        enough.retain(|group| group.has_judge);
        let best = enough
            .into_iter()
            .max_by_key(|group| (group.parameters, group.nodes.len()));
        let Some(Contestants { nodes: among, .. }) = best else {
            return Err(Refusal::NoJudge { model });
        };
        self.next_ensemble += 1;
        let ensemble = EnsembleId(self.next_ensemble);
        self.handle(Event::EnsembleBegun { ensemble, among });
        Ok(ensemble)
    }

    fn contestants(&self, profile: &PromptProfile) -> Vec<Contestants> {
        let mut groups = BTreeMap::<String, Contestants>::new();
        for able in self.scheduler.able_nodes(profile) {
            let digest = self.digest(&able);
            let has_judge = digest
                .as_deref()
                .is_some_and(|digest| self.audits.has_judge(digest, profile.prompt_tokens));
            let AbleNode {
                node,
                model,
                parameters,
            } = able;
            // Of weights that nobody knows, one name has to do.
            let weights = digest.unwrap_or_else(|| model.clone());
            let group = groups.entry(weights).or_default();
            if group.nodes.iter().all(|(known, _)| *known != node) {
                group.nodes.push((node, model));
            }
            group.parameters = group.parameters.max(parameters);
            group.has_judge = has_judge;
        }
        groups.into_values().collect()
    }

    fn digest(&self, able: &AbleNode) -> Option<String> {
        let node = self.nodes.get(&able.node)?;
        let subject = self.audits.subject(node, node.offered(&able.model)?)?;
        Some(subject.digest)
    }
}

impl Audits {
    fn has_judge(&self, digest: &str, prompt_tokens: u32) -> bool {
        self.judges.any(Needed {
            digest,
            runtime: None,
            tokens: prompt_tokens,
        })
    }
}
