//! The scheduler itself: every decision about prompts and nodes, one event at a time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use protocol::{NodeStatus, Timings, Usage};

use crate::ensemble::Ensembles;
use crate::node::Node;
use crate::prompt::{Prompt, Running};
use crate::queue::Queue;
use crate::{Effect, Event, GiveUpReason, ModelNames, NodeId, PromptId, PromptProfile};

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Prompts that may wait for one model.
    pub queue_length: usize,
    /// How long a prompt may wait for a busy node.
    pub queue_deadline: Duration,
    /// How long a prompt may wait where every node that could take it is gone: they often come
    /// back at once.
    pub stranded_deadline: Duration,
    /// Nodes that are given a prompt before it is given up.
    pub attempts: u32,
}

/// Nodes, and the prompts that they have or that wait for them.
#[derive(Debug)]
pub struct Scheduler {
    pub(crate) settings: Settings,
    pub(crate) names: ModelNames,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    pub(crate) queue: Queue,
    pub(crate) running: HashMap<PromptId, Running>,
    pub(crate) ensembles: Ensembles,
    draining: bool,
}

/// How busy a node is, for statistics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NodeLoad {
    pub busy: u32,
    pub slots: u32,
    pub paused: bool,
    /// True while it takes its owner's prompts only.
    pub only_own: bool,
    /// True while it gets no prompts, since an audit caught it.
    pub suspended: bool,
    /// Decode speed over its recent answers.
    pub tokens_per_second: Option<f64>,
}

impl Scheduler {
    pub fn new(settings: Settings, names: ModelNames) -> Self {
        Self {
            settings,
            names,
            nodes: BTreeMap::new(),
            queue: Queue::default(),
            running: HashMap::new(),
            ensembles: Ensembles::default(),
            draining: false,
        }
    }

    /// Takes in one event. `now` never goes backwards; where it starts does not matter.
    pub fn handle(&mut self, now: Duration, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::NodeJoined { node, profile } => {
                self.nodes
                    .entry(node)
                    .or_insert_with(|| Node::new(&profile, &self.names));
                self.mark_stranded(now);
            }
            Event::NodeChanged { node, status } => self.node_changed(now, node, &status),
            Event::NodeSuspended { node, suspended } => {
                if let Some(node) = self.nodes.get_mut(&node) {
                    node.suspended = suspended;
                }
                self.mark_stranded(now);
            }
            Event::Benchmarked { node, benchmark } => {
                if let Some(node) = self.nodes.get_mut(&node) {
                    node.benchmarked(benchmark);
                }
            }
            Event::NodeLeft { node } => self.node_left(now, node, &mut effects),
            Event::Submitted { prompt, profile } => {
                self.submitted(now, prompt, profile, &mut effects);
            }
            Event::Started { node, prompt } => self.started(node, prompt),
            Event::Finished {
                node,
                prompt,
                usage,
                timings,
            } => {
                self.finished(node, prompt, usage, timings);
            }
            Event::Failed {
                node,
                prompt,
                retryable,
            } => {
                self.failed(now, node, prompt, retryable, &mut effects);
            }
            Event::Cancelled { prompt } => self.cancelled(prompt, &mut effects),
            Event::TimePassed => {}
            Event::DrainRequested => self.drain(&mut effects),
        }
        self.expire(now, &mut effects);
        self.place(&mut effects);
        effects
    }

    /// When [`Event::TimePassed`] is due, unless something else happens before.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.queue.next_deadline(self.patience())
    }

    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// The node that has the prompt.
    pub fn node_of(&self, prompt: PromptId) -> Option<NodeId> {
        self.running.get(&prompt).map(|running| running.node)
    }

    /// Whether this node may judge an answer now. Audits give way to prompts: while one waits, none begins.
    pub fn has_time_for_audits(&self, node: NodeId) -> bool {
        let node = self.nodes.get(&node);
        self.queue.len() == 0 && node.is_some_and(Node::has_time_for_audits)
    }

    pub fn load(&self, node: NodeId) -> Option<NodeLoad> {
        self.nodes.get(&node).map(|node| NodeLoad {
            busy: node.busy,
            slots: node.slots,
            paused: node.paused,
            only_own: node.only_own,
            suspended: node.suspended,
            tokens_per_second: node.tokens_per_second,
        })
    }

    fn submitted(
        &mut self,
        now: Duration,
        id: PromptId,
        profile: PromptProfile,
        effects: &mut Vec<Effect>,
    ) {
        if self.queue.contains(id) || self.running.contains_key(&id) {
            return;
        }
        let prompt = Prompt::new(profile);
        if self.draining {
            effects.push(Effect::GiveUp {
                prompt: id,
                reason: GiveUpReason::Stopping,
            });
        } else if !self.anyone_could_take(&prompt) {
            let reason = self.no_node(&prompt);
            effects.push(Effect::GiveUp { prompt: id, reason });
        } else if let Some(waiting) = self.full_queue(&prompt) {
            let reason = GiveUpReason::QueueFull { waiting };
            effects.push(Effect::GiveUp { prompt: id, reason });
        } else {
            self.queue.insert(id, prompt, now);
        }
    }

    fn node_changed(&mut self, now: Duration, id: NodeId, status: &NodeStatus) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.change(status, &self.names);
            self.mark_stranded(now);
        }
    }

    fn node_left(&mut self, now: Duration, id: NodeId, effects: &mut Vec<Effect>) {
        if self.nodes.remove(&id).is_none() {
            return;
        }
        let had = self
            .running
            .iter()
            .filter(|(_, running)| running.node == id);
        let mut lost: Vec<PromptId> = had.map(|(prompt, _)| *prompt).collect();
        lost.sort_unstable();
        for prompt in lost {
            let Some(running) = self.running.remove(&prompt) else {
                continue;
            };
            let last_attempt = running.prompt.attempts >= self.settings.attempts;
            let next = running.into_resumable();
            match next.filter(|_| !last_attempt && !self.draining) {
                Some(again) => self.queue.insert(prompt, again, now),
                None => effects.push(Effect::GiveUp {
                    prompt,
                    reason: GiveUpReason::Failed,
                }),
            }
        }
        self.mark_stranded(now);
    }

    fn started(&mut self, node: NodeId, prompt: PromptId) {
        if let Some(running) = self.running.get_mut(&prompt).filter(|r| r.node == node) {
            running.started = true;
        }
    }

    fn finished(&mut self, node: NodeId, prompt: PromptId, usage: Usage, timings: Timings) {
        let Some(running) = self.release(node, prompt) else {
            return;
        };
        let Some(node) = self.nodes.get_mut(&node) else {
            return;
        };
        let Some(offer) = node.offer_mut(&running.model) else {
            return;
        };
        offer.speed.measure(usage, timings);
        let measured = offer.speed.decode();
        node.tokens_per_second = measured.or(node.tokens_per_second);
    }

    fn failed(
        &mut self,
        now: Duration,
        node: NodeId,
        id: PromptId,
        retryable: bool,
        effects: &mut Vec<Effect>,
    ) {
        let Some(running) = self.release(node, id) else {
            return;
        };
        let mut next = running.into_resumable();
        if let Some(prompt) = &mut next {
            prompt.failed_on.push(node);
        }
        let next = next.filter(|prompt| {
            retryable
                && !self.draining
                && prompt.attempts < self.settings.attempts
                && self.anyone_could_take(prompt)
        });
        match next {
            Some(prompt) => self.queue.insert(id, prompt, now),
            None => effects.push(Effect::GiveUp {
                prompt: id,
                reason: GiveUpReason::Failed,
            }),
        }
    }

    fn cancelled(&mut self, prompt: PromptId, effects: &mut Vec<Effect>) {
        if self.queue.remove(prompt).is_some() {
            effects.push(Effect::Withdraw { prompt });
        } else if let Some(node) = self.running.get(&prompt).map(|running| running.node) {
            // The slot is free at once: a node need not answer a cancel.
            self.release(node, prompt);
            effects.push(Effect::Cancel { prompt, node });
        }
    }

    fn drain(&mut self, effects: &mut Vec<Effect>) {
        self.draining = true;
        let waiting: Vec<PromptId> = self.queue.iter().map(|(id, _)| id).collect();
        for prompt in waiting {
            self.queue.remove(prompt);
            effects.push(Effect::GiveUp {
                prompt,
                reason: GiveUpReason::Stopping,
            });
        }
    }

    fn expire(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        for id in self.queue.expired(now, self.patience()) {
            let Some(prompt) = self.queue.remove(id) else {
                continue;
            };
            let reason = if self.anyone_could_take(&prompt) {
                GiveUpReason::DeadlineExpired
            } else {
                self.no_node(&prompt)
            };
            effects.push(Effect::GiveUp { prompt: id, reason });
        }
    }
}
