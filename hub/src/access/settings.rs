//! Who may ask without a key, and how much.

use crate::keys::Limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessSettings {
    pub policy: AccessPolicy,
    /// Of each address that asks without a key; the hub's own machine has none.
    pub anonymous: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessPolicy {
    /// Anybody may ask.
    Open,
    /// Only who has a key.
    Keys,
}

/// A team of agents at work asks some sixty times in its busiest minute, and people share addresses.
const REQUESTS_PER_MINUTE: u32 = 600;
const TOKENS_PER_MINUTE: u32 = 1_000_000;

impl Default for AccessSettings {
    fn default() -> Self {
        Self {
            policy: AccessPolicy::Open,
            anonymous: Limits {
                requests_per_minute: Some(REQUESTS_PER_MINUTE),
                tokens_per_minute: Some(TOKENS_PER_MINUTE),
                ..Limits::NONE
            },
        }
    }
}
