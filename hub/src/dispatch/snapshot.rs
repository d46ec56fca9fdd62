//! The dispatcher's state at one moment, for statistics and for the list of models.

use std::collections::BTreeMap;
use std::time::SystemTime;

use protocol::{NodeStats, QueueStats, Rates};
use scheduler::{ModelNames, NodeId, NodeLoad, Scheduler};

use super::node::Node;

#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub nodes: Vec<NodeStats>,
    pub queue: QueueStats,
    pub rates: Rates,
    /// Sorted by id.
    pub models: Vec<AvailableModel>,
}

/// A model that at least one node offers right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailableModel {
    pub id: String,
    pub family: Option<String>,
    /// The longest that any of its nodes offers, in tokens.
    pub context_length: u32,
    /// Unix time in seconds at which the longest-standing of its nodes joined.
    pub joined_at: u64,
    /// Nodes that offer it.
    pub nodes: u32,
}

pub(super) fn snapshot(
    scheduler: &Scheduler,
    nodes: &BTreeMap<NodeId, Node>,
    names: &ModelNames,
    rates: Rates,
) -> Snapshot {
    let mut snapshot = Snapshot {
        queue: QueueStats {
            waiting: u32::try_from(scheduler.waiting()).unwrap_or(u32::MAX),
            running: u32::try_from(scheduler.running()).unwrap_or(u32::MAX),
        },
        rates,
        ..Snapshot::default()
    };
    let mut models = BTreeMap::new();
    for (id, node) in nodes {
        let Some(load) = scheduler.load(*id) else {
            continue;
        };
        snapshot.nodes.push(node_stats(node, load));
        // What only its owner may use is no model of the network's.
        if !load.paused && !load.only_own && !load.suspended && !node.is_drained() {
            add_models(&mut models, node, names);
        }
    }
    snapshot.models = models.into_values().collect();
    snapshot
}

pub(super) fn node_stats(node: &Node, load: NodeLoad) -> NodeStats {
    let introduction = &node.introduction;
    NodeStats {
        id: node.node_id.to_string(),
        name: introduction.name.clone(),
        kind: introduction.kind,
        trusted: node.is_trusted(),
        paused: load.paused,
        only_own: load.only_own,
        suspended: load.suspended,
        models: introduction
            .models
            .iter()
            .map(|model| model.id.clone())
            .collect(),
        busy: load.busy,
        slots: load.slots,
        device: introduction.device.clone(),
        tokens_per_second: load.tokens_per_second,
        prompts: node.prompts,
        tokens: node.tokens,
        joined_at: unix_seconds(node.joined_at),
    }
}

fn add_models(models: &mut BTreeMap<String, AvailableModel>, node: &Node, names: &ModelNames) {
    for model in &node.introduction.models {
        let id = names.canonical(&model.id);
        let available = models
            .entry(id.to_owned())
            .or_insert_with(|| AvailableModel {
                id: id.to_owned(),
                family: names.family_of(id).map(str::to_owned),
                context_length: 0,
                joined_at: u64::MAX,
                nodes: 0,
            });
        available.context_length = available.context_length.max(model.context_length);
        available.joined_at = available.joined_at.min(unix_seconds(node.joined_at));
        available.nodes += 1;
    }
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since_1970| since_1970.as_secs())
}
