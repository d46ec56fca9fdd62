//! What operators see of the dispatcher, and what they decide: about nodes, about prompts, about its settings.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::{NodeStats, TaskId};
use scheduler::{ClientId, Event, Listed, ListedPlace, NodeId, PromptId};
use tokio::sync::oneshot;

use super::message::Command;
use super::snapshot::node_stats;
use super::task::Task;
use super::{DispatchSettings, Dispatcher};
use crate::keys::KeyId;
use crate::rules::{NodeIdentity, Rulebook};

/// More prompts of either kind are counted and not listed.
const MOST_LISTED: usize = 500;

/// From operators, through the same channel as everybody's requests.
#[derive(Debug)]
pub(super) enum OperatorRequest {
    Roster(oneshot::Sender<Vec<RosterEntry>>),
    Prompts(oneshot::Sender<PromptList>),
    /// From now on, for nodes that are here as well.
    Rules(Arc<Rulebook>),
    /// Whether a node without a key is trusted as long as it stays. Answered with whether it is here.
    Trust {
        node_id: String,
        trusted: bool,
        done: oneshot::Sender<bool>,
    },
    /// Ends a prompt. Answered with whether it is here.
    Stop {
        task_id: TaskId,
        done: oneshot::Sender<bool>,
    },
    Tune(Box<DispatchSettings>),
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

#[derive(Clone, Debug, Default)]
pub(crate) struct PromptList {
    /// Those that are listed; all in the order of submission.
    pub(crate) prompts: Vec<ListedPrompt>,
    pub(crate) waiting: usize,
    pub(crate) running: usize,
}

/// A prompt without a word of its text.
#[derive(Clone, Debug)]
pub(crate) struct ListedPrompt {
    pub(crate) task_id: TaskId,
    /// What was asked for.
    pub(crate) model: String,
    /// None where it was sent without a key.
    pub(crate) key: Option<KeyId>,
    /// Guesses.
    pub(crate) prompt_tokens: u32,
    pub(crate) answer_tokens: u32,
    pub(crate) attempts: u32,
    /// It stands in for another that is late.
    pub(crate) is_second: bool,
    /// Waiting or running.
    pub(crate) for_so_long: Duration,
    /// None while it waits.
    pub(crate) answering: Option<Answering>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answering {
    pub(crate) node_id: String,
    pub(crate) node_name: String,
    pub(crate) model: String,
    pub(crate) started: bool,
}

impl Dispatcher {
    pub(crate) async fn roster(&self) -> Vec<RosterEntry> {
        let roster = self.operate(OperatorRequest::Roster).await;
        roster.unwrap_or_default()
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
            OperatorRequest::Roster(reply) => {
                // What has lasted for so long, or is over by now, is known by the time of the last event.
                self.handle(Event::TimePassed);
                let _ = reply.send(self.roster());
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
                let node = self.nodes.iter_mut().find(|it| *it.1.node_id == *node_id);
                let id = node.map(|(id, node)| {
                    node.trusted_for_now = trusted;
                    *id
                });
                if let Some(id) = id {
                    self.rule(id);
                }
                let _ = done.send(id.is_some());
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

    fn roster(&self) -> Vec<RosterEntry> {
        let here = self.nodes.iter().filter_map(|(id, node)| {
            let load = self.scheduler.load(*id)?;
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
        });
        here.collect()
    }

    fn list_prompts(&self) -> PromptList {
        let mut running: Vec<Listed<'_>> = self.scheduler.list_running().collect();
        running.sort_unstable_by_key(|listed| listed.prompt);
        let running = running.into_iter().take(MOST_LISTED);
        let waiting = self.scheduler.list_waiting().take(MOST_LISTED);
        PromptList {
            prompts: running.chain(waiting).map(|it| self.listed(&it)).collect(),
            waiting: self.scheduler.waiting(),
            running: self.scheduler.running(),
        }
    }

    fn listed(&self, listed: &Listed<'_>) -> ListedPrompt {
        let (for_so_long, answering) = match listed.place {
            ListedPlace::Waiting { for_so_long } => (for_so_long, None),
            ListedPlace::Running {
                node,
                model,
                started,
                for_so_long,
            } => {
                let node = self.nodes.get(&node);
                let answering = node.map(|node| Answering {
                    node_id: node.node_id.to_string(),
                    node_name: node.introduction.name.clone(),
                    model: model.to_owned(),
                    started,
                });
                (for_so_long, answering)
            }
        };
        let ClientId(client) = listed.profile.client;
        ListedPrompt {
            task_id: self.task_id(listed.prompt),
            model: listed.profile.model.clone(),
            key: u32::try_from(client).ok().map(KeyId),
            prompt_tokens: listed.profile.prompt_tokens,
            answer_tokens: listed.profile.answer_tokens,
            attempts: listed.attempts,
            is_second: listed.profile.hedges.is_some(),
            for_so_long,
            answering,
        }
    }

    fn stop(&mut self, task_id: &TaskId) -> bool {
        let number = task_id.0.rsplit('-').next().and_then(|it| it.parse().ok());
        let Some(id) = number
            .map(PromptId)
            .filter(|id| self.task_id(*id) == *task_id)
        else {
            return false;
        };
        if let Some(node) = self.scheduler.node_of(id) {
            // Before the scheduler's own cancel, which then finds nothing left to end.
            self.command(node, Command::Stop(id));
        } else if let Some(prompt) = self.waiting.remove(&id) {
            prompt.stop();
        } else {
            return false;
        }
        self.handle(Event::Cancelled { prompt: id });
        true
    }

    fn task_id(&self, prompt: PromptId) -> TaskId {
        TaskId(format!("task-{}-{}", self.run, prompt.0))
    }
}
