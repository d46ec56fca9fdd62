//! The dispatcher's state at one moment, for statistics and for the list of models.

use protocol::{NodeStats, QueueStats};

#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub nodes: Vec<NodeStats>,
    pub queue: QueueStats,
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
