//! How busy everything is: counts only, so that asking costs the dispatcher little.

use std::collections::BTreeMap;

use protocol::NodeKind;
use scheduler::{NodeId, Scheduler};

use super::node::Node;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub waiting: usize,
    pub running: usize,
    /// The hub takes no more prompts.
    pub draining: bool,
    pub browsers: Crowd,
    pub natives: Crowd,
}

/// Nodes of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crowd {
    pub nodes: u64,
    pub trusted: u64,
    pub paused: u64,
    pub suspended: u64,
    pub slots: u64,
    pub busy: u64,
}

pub(super) fn load(scheduler: &Scheduler, nodes: &BTreeMap<NodeId, Node>, draining: bool) -> Load {
    let mut load = Load {
        waiting: scheduler.waiting(),
        running: scheduler.running(),
        draining,
        ..Load::default()
    };
    for (id, node) in nodes {
        let crowd = match node.introduction.kind {
            NodeKind::Browser => &mut load.browsers,
            NodeKind::Native => &mut load.natives,
        };
        crowd.nodes += 1;
        crowd.trusted += u64::from(node.is_trusted());
        if let Some(node) = scheduler.load(*id) {
            crowd.paused += u64::from(node.paused);
            crowd.suspended += u64::from(node.suspended);
            crowd.slots += u64::from(node.slots);
            crowd.busy += u64::from(node.busy);
        }
    }
    load
}
