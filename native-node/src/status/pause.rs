//! Why the node takes no prompts for a while, although it could.

use serde::{Deserialize, Serialize};

/// In words: `Language::pause_reason`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PauseReason {
    /// The owner's hours are others; `until` as in `18:00`.
    OutsideHours {
        until: String,
    },
    GpuTooHot {
        celsius: u32,
        limit_celsius: u32,
    },
    /// Somebody else computes with the GPU: a game, for one.
    GpuInUse {
        by: Option<String>,
    },
    OnBattery,
}

impl PauseReason {
    /// Whether only details differ.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}
