//! The public statistics: the JSON of `GET /api/stats`.

use serde::{Deserialize, Serialize};

use crate::{Device, NodeKind};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    pub nodes: Vec<NodeStats>,
    pub queue: QueueStats,
    pub totals: Totals,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeStats {
    pub id: String,
    pub name: String,
    pub kind: NodeKind,
    /// True for a node that joined with a key.
    pub trusted: bool,
    pub models: Vec<String>,
    /// Slots in use.
    pub busy: u32,
    pub slots: u32,
    pub device: Device,
    /// Decode speed over its recent answers; absent before the first.
    pub tokens_per_second: Option<f64>,
    /// Since it joined.
    pub prompts: u64,
    pub tokens: u64,
    /// Unix time in seconds.
    pub joined_at: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueStats {
    /// Prompts waiting for a node.
    pub waiting: u32,
    /// Prompts being answered.
    pub running: u32,
}

/// Since the hub's database was made; they survive a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub prompts: u64,
    pub failed: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Different nodes that ever joined.
    pub nodes_seen: u64,
}
