//! The scheduler itself: every decision about prompts and nodes, one event at a time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use protocol::{NodeStatus, Timings, Usage};

use crate::ensemble::Ensembles;
use crate::fairness::Shares;
use crate::node::Node;
use crate::prompt::Running;
use crate::queue::Queue;
use crate::{
    BreakerSettings, Effect, Event, GiveUpReason, HedgeSettings, ModelNames, NodeId, PromptId,
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Prompts that may wait for one model.
    pub queue_length: usize,
    /// How long a prompt may wait for a busy node.
    pub queue_deadline: Duration,
    /// How long a prompt may wait where every node that could take it is gone: they often come
    /// back at once.
    pub stranded_deadline: Duration,
    /// Nodes in a row that may bring a prompt no further before it is given up.
    pub attempts: u32,
    pub breaker: BreakerSettings,
    /// None: no prompt is ever given to two nodes.
    pub hedge: Option<HedgeSettings>,
    /// Whether conversations are expected to be faster where they were before.
    pub affinity: bool,
    /// Whether a node may go on in the middle of another's answer.
    pub resume: bool,
}

/// Nodes, and the prompts that they have or that wait for them.
#[derive(Debug)]
pub struct Scheduler {
    pub(crate) settings: Settings,
    pub(crate) names: ModelNames,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    pub(crate) queue: Queue,
    pub(crate) running: HashMap<PromptId, Running>,
    pub(crate) shares: Shares,
    /// The time of the event that is being handled, or was last.
    pub(crate) now: Duration,
    pub(crate) draining: bool,
    /// Nodes of another hub are on their way here.
    pub(crate) nodes_expected: bool,
    pub(crate) ensembles: Ensembles,
}

/// How busy a node is, for statistics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NodeLoad {
    pub busy: u32,
    pub slots: u32,
    pub paused: bool,
    /// True while it takes its owner's prompts only.
    pub only_own: bool,
    /// True while it gets no prompts because it failed too many.
    pub resting: bool,
    /// How much longer, where that is known: not while it is tried.
    pub rests_for: Option<Duration>,
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
            shares: Shares::default(),
            now: Duration::ZERO,
            ensembles: Ensembles::default(),
            draining: false,
            nodes_expected: false,
        }
    }

    /// Takes in one event. `now` never goes backwards; where it starts does not matter.
    pub fn handle(&mut self, now: Duration, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.now = now;
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
            Event::NodeRuled {
                node,
                trusted,
                drained,
            } => {
                if let Some(node) = self.nodes.get_mut(&node) {
                    node.trusted = trusted;
                    node.drained = drained;
                    self.mark_stranded(now);
                }
            }
            Event::Benchmarked { node, benchmark } => {
                if let Some(node) = self.nodes.get_mut(&node) {
                    node.benchmarked(benchmark);
                }
            }
            Event::NodeLeft { node } => self.node_left(now, node, &mut effects),
            Event::Submitted { prompt, profile } => {
                self.submitted(prompt, profile, &mut effects);
            }
            Event::EnsembleBegun { ensemble, among } => self.ensembles.begin(ensemble, among),
            Event::Started { node, prompt } => self.started(node, prompt),
            Event::Unresumable { node, prompt } => {
                let running = self.running.get_mut(&prompt);
                if let Some(running) = running.filter(|running| running.node == node) {
                    running.started = true;
                    running.hedge_at = None;
                    running.prompt.profile.resumable = false;
                }
            }
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
                fault,
            } => {
                if let Some(running) = self.release(node, prompt) {
                    self.judge(node, fault);
                    self.failed(running, prompt, retryable, &mut effects);
                }
            }
            Event::Cancelled { prompt } => self.cancelled(prompt, &mut effects),
            Event::NodesExpected(expected) => {
                self.nodes_expected = expected;
                self.mark_stranded(now);
            }
            Event::SettingsChanged(settings) => self.settings_changed(settings),
            Event::TimePassed => {}
            Event::DrainRequested => self.drain(&mut effects),
        }
        self.expire(now, &mut effects);
        self.place(&mut effects);
        self.hedge(&mut effects);
        effects
    }

    /// When [`Event::TimePassed`] is due, unless something else happens before.
    pub fn next_deadline(&self) -> Option<Duration> {
        let somebody_waits = self.queue.len() > 0;
        let rests = self.nodes.values().filter(|_| somebody_waits);
        let rests = rests.filter_map(|node| node.breaker.rests_until());
        let next_try = rests.filter(|until| *until > self.now).min();
        let deadlines = [
            self.queue.next_deadline(self.patience()),
            self.next_late(),
            next_try,
        ];
        deadlines.into_iter().flatten().min()
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

    /// Whether this node may judge an answer now. Audits give way to prompts: while one waits for it, none begins.
    pub fn has_time_for_audits(&self, node: NodeId) -> bool {
        let Some(node) = self.nodes.get(&node) else {
            return false;
        };
        let mut samples = self.queue.samples();
        node.has_time_for_audits() && !samples.any(|prompt| self.suits(node, prompt))
    }

    /// Whether this node takes anything at all.
    pub fn is_open(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(Node::is_open)
    }

    pub fn load(&self, node: NodeId) -> Option<NodeLoad> {
        self.nodes.get(&node).map(|node| NodeLoad {
            busy: node.busy,
            slots: node.slots,
            paused: node.paused,
            only_own: node.only_own,
            resting: !node.breaker.allows(self.now),
            rests_for: (node.breaker.rests_until())
                .and_then(|until| until.checked_sub(self.now))
                .filter(|rest| !rest.is_zero()),
            suspended: node.suspended,
            tokens_per_second: node.tokens_per_second,
        })
    }

    fn node_changed(&mut self, now: Duration, id: NodeId, status: &NodeStatus) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.change(status, &self.names);
            self.mark_stranded(now);
        }
    }

    fn settings_changed(&mut self, settings: Settings) {
        self.settings = settings;
        if settings.hedge.is_none() {
            for running in self.running.values_mut() {
                running.hedge_at = None;
            }
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
            self.take_back(&running);
            let next = running.into_resumable();
            match next.filter(|next| next.in_vain < self.settings.attempts && !self.draining) {
                Some(again) => self.wait(prompt, again),
                None => effects.push(Effect::GiveUp {
                    prompt,
                    reason: GiveUpReason::Failed,
                }),
            }
        }
        self.mark_stranded(now);
    }

    /// What came to no end was not given to its client.
    fn take_back(&mut self, running: &Running) {
        let profile = &running.prompt.profile;
        self.shares.settle(profile.client, profile.charge(), 0);
    }

    fn started(&mut self, node: NodeId, prompt: PromptId) {
        if let Some(running) = self.running.get_mut(&prompt).filter(|r| r.node == node) {
            running.started = true;
            running.hedge_at = None;
            // From here on a second attempt is the answer like any other.
            running.prompt.profile.hedges = None;
            self.remember(node, prompt);
        }
    }

    /// The prompt is in the node's KV cache now.
    fn remember(&mut self, node: NodeId, prompt: PromptId) {
        let (Some(running), Some(node)) = (self.running.get(&prompt), self.nodes.get_mut(&node))
        else {
            return;
        };
        if let Some(offer) = node.offer_mut(&running.model) {
            let most = offer.context_length;
            offer
                .remembered
                .remember(&running.prompt.profile.prefixes, most);
        }
    }

    fn finished(&mut self, node: NodeId, prompt: PromptId, usage: Usage, timings: Timings) {
        let Some(running) = self.release(node, prompt) else {
            return;
        };
        let profile = &running.prompt.profile;
        let real = u64::from(usage.prompt_tokens) + u64::from(usage.completion_tokens);
        self.shares.settle(profile.client, profile.work(), real);
        let Some(node) = self.nodes.get_mut(&node) else {
            return;
        };
        node.breaker.succeeded();
        // It may have taken the model back meanwhile.
        let Some(offer) = node.offer_mut(&running.model) else {
            return;
        };
        let most = offer.context_length;
        offer.remembered.remember(&profile.prefixes, most);
        offer.speed.measure(usage, timings);
        let measured = offer.speed.decode();
        node.tokens_per_second = measured.or(node.tokens_per_second);
    }

    /// Whether a prompt that came to no end speaks against its node.
    fn judge(&mut self, node: NodeId, fault: bool) {
        let (now, settings) = (self.now, self.settings.breaker);
        if let Some(node) = self.nodes.get_mut(&node) {
            if fault {
                node.breaker.failed(now, settings);
            } else {
                node.breaker.undecided(now);
            }
        }
    }

    fn failed(
        &mut self,
        running: Running,
        id: PromptId,
        retryable: bool,
        effects: &mut Vec<Effect>,
    ) {
        self.take_back(&running);
        let node = running.node;
        let mut next = running.into_resumable();
        if let Some(prompt) = &mut next {
            prompt.failed_on.push(node);
        }
        let next = next.filter(|prompt| {
            retryable
                && !self.draining
                && prompt.in_vain < self.settings.attempts
                && self.anyone_could_take(prompt)
        });
        match next {
            Some(prompt) => self.wait(id, prompt),
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
            self.judge(node, false);
            effects.push(Effect::Cancel { prompt, node });
        }
    }

    fn drain(&mut self, effects: &mut Vec<Effect>) {
        self.draining = true;
        let waiting: Vec<PromptId> = self.queue.ids().collect();
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
