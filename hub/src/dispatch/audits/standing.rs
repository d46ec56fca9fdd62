//! How audits stand, for operators.

use std::collections::HashMap;

use scheduler::audit::Identity;
use serde::Serialize;

use super::Audits;
use crate::dispatch::node::Node;

/// Everything at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditOverview {
    pub counts: AuditCounts,
    pub standings: Vec<NodeStanding>,
    pub suspended: Vec<Suspended>,
}

/// Since the hub started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditCounts {
    /// Answers that wait for an audit now.
    pub waiting: usize,
    /// Answers that are being judged now.
    pub running: usize,
    pub judged: u64,
    /// Wanted, but not done: nobody had the time, or the auditor failed.
    pub missed: u64,
    pub faults: u64,
}

/// How one node that is here, and is audited, stands with one of its models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeStanding {
    pub identity: String,
    pub node_id: String,
    pub node_name: String,
    pub model: String,
    pub digest: String,
    pub runtime: String,
    pub suspended: bool,
    /// In a row.
    pub good_verdicts: u32,
    /// The share of its answers that is audited.
    pub audited_share: f64,
    /// Of the last verdict; absent before the first.
    pub mean_margin: Option<f32>,
    pub threshold: Option<f32>,
}

/// A good name that was lost, whether somebody with it is here or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspended {
    pub identity: Identity,
    pub node_ids: Vec<String>,
}

impl Audits {
    pub(super) fn overview<'a>(
        &'a self,
        nodes: impl Iterator<Item = &'a Node> + Clone,
    ) -> AuditOverview {
        let (waiting, running) = self.work.counts();
        let volunteers = nodes.clone().filter(|node| !node.is_trusted());
        let mut here = HashMap::<&Identity, Vec<String>>::new();
        for node in nodes.filter(|node| self.is_suspended(node)) {
            let names = [Some(&node.good_name), node.newcomers.as_ref()];
            let by = names.into_iter().flatten();
            if let Some(by) = by
                .into_iter()
                .find(|name| self.standings.is_suspended(name))
            {
                let node_ids = here.entry(by).or_default();
                node_ids.push(node.node_id.to_string());
            }
        }
        let suspended = self.standings.suspended().into_iter();
        let suspended = suspended.map(|identity| Suspended {
            node_ids: here.remove(identity).unwrap_or_default(),
            identity: identity.clone(),
        });
        AuditOverview {
            counts: AuditCounts {
                waiting,
                running,
                ..self.counts
            },
            standings: volunteers
                .flat_map(|node| self.standings_of(node))
                .collect(),
            suspended: suspended.collect(),
        }
    }

    fn standings_of<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = NodeStanding> {
        node.introduction.models.iter().filter_map(move |model| {
            let subject = self.subject(node, model)?;
            let standing = self.standings.standing(&subject);
            Some(NodeStanding {
                node_id: node.node_id.to_string(),
                node_name: node.introduction.name.clone(),
                model: model.id.clone(),
                suspended: self.is_suspended(node),
                good_verdicts: standing.good_verdicts,
                audited_share: self.standings.share(&subject),
                mean_margin: standing.last.map(|verdict| verdict.mean_margin),
                threshold: standing.last.map(|verdict| verdict.threshold),
                identity: subject.identity.0,
                digest: subject.digest,
                runtime: subject.runtime,
            })
        })
    }
}
