//! The public statistics: the JSON of `GET /api/stats`, of each event of `GET /api/stats/live`, and of
//! `GET /api/history`.

use serde::{Deserialize, Serialize};

use crate::{Device, NodeKind};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    pub nodes: Vec<NodeStats>,
    pub queue: QueueStats,
    pub totals: Totals,
    #[serde(default)]
    pub rates: Rates,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeStats {
    pub id: String,
    pub name: String,
    pub kind: NodeKind,
    /// True for a node that joined with a key.
    pub trusted: bool,
    /// True while it takes no new prompts.
    #[serde(default)]
    pub paused: bool,
    /// True while it takes its owner's prompts only.
    #[serde(default)]
    pub only_own: bool,
    /// True while it gets no prompts, since an audit found that its answers are not the model's.
    #[serde(default)]
    pub suspended: bool,
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

/// Over the last 60 seconds: what was answered to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    pub prompts_per_minute: f64,
    /// Tokens of answers, all nodes together.
    pub tokens_per_second: f64,
}

/// How far back `GET /api/history` looks, and in steps of what length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryRange {
    /// 24 hours.
    Day,
    /// 28 quarters of a day.
    Week,
    /// 30 days.
    Month,
}

impl HistoryRange {
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// As in `?range=day`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    pub fn bucket_seconds(self) -> u32 {
        match self {
            Self::Day => 60 * 60,
            Self::Week => 6 * 60 * 60,
            Self::Month => 24 * 60 * 60,
        }
    }

    pub fn buckets(self) -> u32 {
        match self {
            Self::Day => 24,
            Self::Week => 28,
            Self::Month => 30,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub range: HistoryRange,
    pub bucket_seconds: u32,
    /// Without a gap, oldest first; the last one is the one that is now.
    pub buckets: Vec<HistoryBucket>,
}

/// The prompts that were sent within a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HistoryBucket {
    /// Unix time in milliseconds.
    pub start: i64,
    pub prompts: u64,
    /// Of them; whoever went away has not been failed.
    pub failed: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// The tokens after an answer's first over the time that they took, all answers together: the mean
    /// speed of decoding. Absent where nothing was decoded.
    pub tokens_per_second: Option<f64>,
    /// The median; absent where no answer began.
    pub first_token_ms: Option<f64>,
    /// Different nodes that had a prompt.
    pub nodes: u32,
}
