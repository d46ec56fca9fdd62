//! What operators see of the dispatcher, and what they decide: about nodes, about prompts, about its settings.

mod prompts;

use std::net::IpAddr;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use protocol::{NodeStats, TaskId};
use scheduler::{Event, NodeId};
use tokio::sync::oneshot;

use super::snapshot::node_stats;
use super::task::Task;
use super::{DispatchSettings, Dispatcher};
use crate::rules::{NodeIdentity, Rulebook};

pub(super) use prompts::Stopped;
pub(crate) use prompts::{ListedPrompt, PromptList};

/// From operators, through the same channel as everybody's requests.
#[derive(Debug)]
pub(super) enum OperatorRequest {
    /// A page of the nodes that are here, in the order in which they joined.
    Roster {
        /// Those after the one with this id.
        after: Option<String>,
        limit: usize,
        reply: oneshot::Sender<Roster>,
    },
    /// The node with this id.
    Node(String, oneshot::Sender<Option<RosterEntry>>),
    Prompts(oneshot::Sender<PromptList>),
    /// From now on, for nodes that are here as well.
    Rules(Arc<Rulebook>),
    /// Whether a node without a key is trusted as long as it stays. Answered with whether it is here.
    Trust {
        node_id: String,
        trusted: bool,
        done: oneshot::Sender<bool>,
    },
    /// Answered with whether it is here.
    HasPrompt(TaskId, oneshot::Sender<bool>),
    /// Ends a prompt. Answered with whether it is here.
    Stop {
        task_id: TaskId,
        done: oneshot::Sender<bool>,
    },
    Tune(Box<DispatchSettings>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    pub(crate) nodes: Vec<RosterEntry>,
    /// All that are here.
    pub(crate) count: usize,
    pub(crate) is_last: bool,
}

/// A node as only operators see it.
#[derive(Clone, Debug)]
pub(crate) struct RosterEntry {
    pub(crate) stats: NodeStats,
    pub(crate) software: String,
    pub(crate) address: IpAddr,
    pub(crate) identity: NodeIdentity,
    /// Whether its key makes it a trusted node, whatever rules say.
    pub(crate) has_key: bool,
    pub(crate) drained: bool,
    pub(crate) distrusted: bool,
    /// It gets no prompts for now, because it failed too many.
    pub(crate) resting: bool,
    pub(crate) rests_for: Option<Duration>,
}

impl Dispatcher {
    pub(crate) async fn roster(&self, after: Option<String>, limit: usize) -> Roster {
        let roster = |reply| OperatorRequest::Roster {
            after,
            limit,
            reply,
        };
        self.operate(roster).await.unwrap_or_default()
    }

    /// None where the node is not here.
    pub(crate) async fn node(&self, node_id: String) -> Option<RosterEntry> {
        let node = |reply| OperatorRequest::Node(node_id, reply);
        self.operate(node).await.flatten()
    }

    pub(crate) async fn prompts(&self) -> PromptList {
        let prompts = self.operate(OperatorRequest::Prompts).await;
        prompts.unwrap_or_default()
    }

    pub(crate) fn rule(&self, book: Arc<Rulebook>) {
        self.decide(OperatorRequest::Rules(book));
    }

    pub(crate) fn tune(&self, settings: DispatchSettings) {
        self.decide(OperatorRequest::Tune(Box::new(settings)));
    }

    /// False where the node is not here.
    pub(crate) async fn trust(&self, node_id: String, trusted: bool) -> bool {
        let trust = |done| OperatorRequest::Trust {
            node_id,
            trusted,
            done,
        };
        self.operate(trust).await.unwrap_or_default()
    }

    pub(crate) async fn has_prompt(&self, task_id: TaskId) -> bool {
        let has = |reply| OperatorRequest::HasPrompt(task_id, reply);
        self.operate(has).await.unwrap_or_default()
    }

    /// False where the prompt is not here.
    pub(crate) async fn stop(&self, task_id: TaskId) -> bool {
        let stop = |done| OperatorRequest::Stop { task_id, done };
        self.operate(stop).await.unwrap_or_default()
    }
}

impl Task {
    pub(super) fn operate(&mut self, request: OperatorRequest) {
        // Whoever asked may have left.
        match request {
            OperatorRequest::Roster {
                after,
                limit,
                reply,
            } => {
                // What has lasted for so long, or is over by now, is known by the time of the last event.
                self.handle(Event::TimePassed);
                let _ = reply.send(self.roster(after.as_deref(), limit));
            }
            OperatorRequest::Node(node_id, reply) => {
                self.handle(Event::TimePassed);
                let id = self.node_number(&node_id);
                let _ = reply.send(id.and_then(|id| self.roster_entry(id)));
            }
            OperatorRequest::Prompts(reply) => {
                self.handle(Event::TimePassed);
                let _ = reply.send(self.list_prompts());
            }
            OperatorRequest::Rules(book) => {
                self.rules = book;
                let nodes: Vec<NodeId> = self.nodes.keys().copied().collect();
                for node in nodes {
                    self.rule(node);
                }
            }
            OperatorRequest::Trust {
                node_id,
                trusted,
                done,
            } => {
                let id = self.node_number(&node_id);
                if let Some((id, node)) = id.and_then(|id| Some((id, self.nodes.get_mut(&id)?))) {
                    node.trusted_for_now = trusted;
                    self.rule(id);
                }
                let _ = done.send(id.is_some());
            }
            OperatorRequest::HasPrompt(task_id, reply) => {
                let _ = reply.send(self.has_prompt(&task_id));
            }
            OperatorRequest::Stop { task_id, done } => {
                let _ = done.send(self.stop(&task_id));
            }
            OperatorRequest::Tune(settings) => {
                self.audits.tune(&settings);
                let settings = settings.for_scheduler();
                self.handle(Event::SettingsChanged(settings));
            }
        }
    }

    /// Has all rules about the node count.
    pub(super) fn rule(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get_mut(&id) else {
            return;
        };
        node.rule(&self.rules);
        let (trusted, drained) = (node.is_trusted(), node.is_drained());
        if (trusted, drained) != (node.counts_as_trusted, node.counts_as_drained) {
            (node.counts_as_trusted, node.counts_as_drained) = (trusted, drained);
            self.audits.know(id, node);
            self.handle(Event::NodeRuled {
                node: id,
                trusted,
                drained,
            });
        }
    }

    fn roster(&self, after: Option<&str>, limit: usize) -> Roster {
        let after = after.and_then(node_number);
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self
            .nodes
            .range((first, Bound::Unbounded))
            .map(|(id, _)| *id);
        let nodes = rest.by_ref().take(limit);
        Roster {
            nodes: nodes.filter_map(|id| self.roster_entry(id)).collect(),
            count: self.nodes.len(),
            is_last: rest.next().is_none(),
        }
    }

    fn roster_entry(&self, id: NodeId) -> Option<RosterEntry> {
        let (node, load) = (self.nodes.get(&id)?, self.scheduler.load(id)?);
        Some(RosterEntry {
            stats: node_stats(node, load),
            software: node.introduction.software.clone(),
            address: node.origin.address,
            identity: node.identity(),
            has_key: node.introduction.trusted,
            drained: node.ruling.drained,
            distrusted: node.ruling.distrusted,
            resting: load.resting,
            rests_for: load.rests_for,
        })
    }

    /// Of a node that is here.
    fn node_number(&self, node_id: &str) -> Option<NodeId> {
        let id = node_number(node_id)?;
        let node = self.nodes.get(&id)?;
        (*node.node_id == *node_id).then_some(id)
    }
}

fn node_number(node_id: &str) -> Option<NodeId> {
    number(node_id).map(NodeId)
}

/// The last part of an id.
fn number(id: &str) -> Option<u64> {
    id.rsplit('-').next()?.parse().ok()
}
