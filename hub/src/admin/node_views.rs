//! Nodes and rules as operators see them.

use std::net::IpAddr;

use protocol::NodeStats;
use serde::Serialize;

use super::key_views::KeyName;
use crate::{
    dispatch::RosterEntry,
    keys::Book,
    rules::{NodeRule, Rule, RuleId, Whom},
};

#[derive(Debug, Serialize)]
pub(super) struct NodeView<'a> {
    #[serde(flatten)]
    stats: &'a NodeStats,
    software: &'a str,
    address: IpAddr,
    /// The key of the hub's book that it joined with.
    key: Option<KeyName<'a>>,
    /// Whether it joined with a key, `NODE_API_KEY` among them.
    has_key: bool,
    /// Trust in its key was taken back.
    distrusted: bool,
    draining: bool,
    breaker: BreakerView,
}

#[derive(Debug, Serialize)]
struct BreakerView {
    state: BreakerState,
    rests_for_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum BreakerState {
    /// It gets prompts.
    Closed,
    /// It failed too many, and gets none for a while.
    Open,
    /// One is being tried.
    Trial,
}

#[derive(Debug, Serialize)]
pub(super) struct RuleView<'a> {
    id: RuleId,
    rule: Rule,
    whom: &'a Whom,
    reason: Option<&'a str>,
    /// Unix time in seconds.
    made_at: u64,
}

impl<'a> NodeView<'a> {
    pub(super) fn of(node: &'a RosterEntry, book: Option<&'a Book>) -> Self {
        Self {
            stats: &node.stats,
            software: &node.software,
            address: node.address,
            key: node.identity.key.map(|id| KeyName::of(id, book)),
            has_key: node.has_key,
            distrusted: node.distrusted,
            draining: node.drained,
            breaker: BreakerView {
                state: match (node.resting, node.rests_for) {
                    (false, _) => BreakerState::Closed,
                    (true, Some(_)) => BreakerState::Open,
                    (true, None) => BreakerState::Trial,
                },
                rests_for_ms: node
                    .rests_for
                    .and_then(|rest| u64::try_from(rest.as_millis()).ok()),
            },
        }
    }
}

impl<'a> RuleView<'a> {
    pub(super) fn of(rule: &'a NodeRule) -> Self {
        Self {
            id: rule.id,
            rule: rule.rule,
            whom: &rule.whom,
            reason: rule.reason.as_deref(),
            made_at: rule.made_at,
        }
    }
}
