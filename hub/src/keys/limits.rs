//! How much a client may ask for.

use serde::{Deserialize, Serialize};

use crate::json::count;

/// None: as much as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    #[serde(deserialize_with = "count")]
    pub requests_per_minute: Option<u32>,
    /// Of prompts and answers together.
    #[serde(deserialize_with = "count")]
    pub tokens_per_minute: Option<u32>,
    /// A day is one of UTC.
    #[serde(deserialize_with = "count")]
    pub requests_per_day: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub tokens_per_day: Option<u64>,
}

impl Limits {
    pub const NONE: Self = Self {
        requests_per_minute: None,
        tokens_per_minute: None,
        requests_per_day: None,
        tokens_per_day: None,
    };
}
