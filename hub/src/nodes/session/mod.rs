//! One node from its welcome to its end: one task, every frame in order.
//!
//! The rest of it stands in [`from_node`], what frames mean, and [`from_dispatcher`], what
//! commands mean.

mod from_dispatcher;
mod from_node;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use futures_util::{StreamExt, stream::SplitStream};
use protocol::{
    AiTask, HubMessage, LlmCancel, MAX_NODE_FRAME_BYTES, PROTOCOL_VERSION, Task, TaskId, Welcome,
};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::held::Held;
use super::outgoing::{Outgoing, SendError};
use super::rate_limit::RateLimit;
use super::violation::Closing;
use super::{NodeGate, NodeSettings};
use crate::decisions::Decisions;
use crate::dispatch::{
    Command, Dispatcher, FailureKind, Introduction, Membership, Prompt, PromptFailure, Report,
};
use crate::keys::{KeyId, Keys, Scope};
use crate::metrics::Metrics;

/// A node is dropped after this many heartbeats without a word.
const SILENT_HEARTBEATS: u32 = 3;

/// How long a node that joins is to measure itself: long enough to warm up, short enough not to
/// hold up its first prompt.
const BENCHMARK_MS: u64 = 250;

pub(super) struct Session<'a> {
    /// As they were a moment ago.
    settings: Arc<NodeSettings>,
    decisions: &'a Decisions,
    dispatcher: &'a Dispatcher,
    metrics: &'a Metrics,
    membership: Membership,
    outgoing: &'a Outgoing,
    name: String,
    /// The key that it joined with: its session ends with it.
    key: Option<KeyId>,
    keys: &'a Keys,
    held: Held,
    rate_limit: RateLimit,
    last_heard: Instant,
    last_ping: Instant,
    /// The longest context of any model that the node ever offered: no answer has more tokens.
    context_length: u32,
    /// The benchmark that the node was given, until it answers; it need not.
    benchmark: Option<TaskId>,
    /// Other nodes' answers that it was given to judge.
    audits: HashSet<TaskId>,
}

type Flow = ControlFlow<Closing>;

impl<'a> Session<'a> {
    pub(super) fn new(
        gate: &'a NodeGate,
        introduction: &Introduction,
        key: Option<KeyId>,
        membership: Membership,
        outgoing: &'a Outgoing,
    ) -> Self {
        let (settings, now) = (gate.settings(), Instant::now());
        let contexts = introduction.models.iter().map(|model| model.context_length);
        Self {
            decisions: &gate.decisions,
            rate_limit: RateLimit::new(
                settings.frames(introduction.slots),
                settings.frame_burst,
                now,
            ),
            settings,
            dispatcher: &gate.dispatcher,
            metrics: &gate.metrics,
            membership,
            outgoing,
            name: introduction.name.clone(),
            key,
            keys: &gate.keys,
            held: Held::default(),
            last_heard: now,
            last_ping: now,
            context_length: contexts.max().unwrap_or_default(),
            benchmark: None,
            audits: HashSet::new(),
        }
    }

    pub(super) async fn run(&mut self, incoming: &mut SplitStream<WebSocket>) -> Closing {
        tracing::info!("{} ('{}') joined", self.membership.node_id, self.name);
        let closing = match self.greet() {
            Flow::Break(closing) => closing,
            Flow::Continue(()) => self.serve(incoming).await,
        };
        tracing::info!(
            "{} ('{}') left: {closing}",
            self.membership.node_id,
            self.name
        );
        self.leave(&closing).await;
        closing
    }

    async fn serve(&mut self, incoming: &mut SplitStream<WebSocket>) -> Closing {
        let mut pulse = pulse_of(&self.settings);
        loop {
            // An operator has changed a deadline.
            if pulse.period() != period_of(&self.settings) {
                pulse = pulse_of(&self.settings);
            }
            let flow = tokio::select! {
                frame = incoming.next() => self.frame(frame).await,
                Some(command) = self.membership.commands.recv() => self.command(command).await,
                _ = pulse.tick() => self.pulse().await,
            };
            if let Flow::Break(closing) = flow {
                return closing;
            }
        }
    }

    fn greet(&mut self) -> Flow {
        self.welcome()?;
        let task_id = TaskId(format!("benchmark-{}", self.membership.node_id));
        self.benchmark = Some(task_id.clone());
        let task = Task::Benchmark {
            duration_ms: BENCHMARK_MS,
        };
        self.send(&HubMessage::AiTask(AiTask { task_id, task }))
    }

    fn welcome(&self) -> Flow {
        let heartbeat = u64::try_from(self.settings.heartbeat.as_millis()).unwrap_or(u64::MAX);
        self.send(&HubMessage::Welcome(Welcome {
            node_id: self.membership.node_id.to_string(),
            protocol_version: PROTOCOL_VERSION,
            heartbeat_ms: heartbeat,
            max_frame_bytes: MAX_NODE_FRAME_BYTES,
            wanted_models: Vec::new(),
        }))
    }

    /// Gives every prompt back, those included that were on their way here.
    async fn leave(&mut self, closing: &Closing) {
        self.membership.commands.close();
        let mut prompts = std::mem::take(&mut self.held).into_prompts();
        while let Some(command) = self.membership.commands.recv().await {
            match command {
                Command::Answer(prompt) => prompts.push(*prompt),
                Command::Cancel(id) => {
                    if let Some(at) = prompts.iter().position(|prompt| prompt.id == id) {
                        prompts.swap_remove(at).cancel();
                    }
                }
                Command::Stop(id) => {
                    if let Some(at) = prompts.iter().position(|prompt| prompt.id == id) {
                        prompts.swap_remove(at).stop();
                    }
                }
                // The dispatcher knows what was to be judged, and gives it to another.
                Command::Late(_)
                | Command::Audit(_)
                | Command::StopAudit(_)
                | Command::GiveBack
                | Command::Drain
                | Command::Close
                | Command::Move(_)
                | Command::Ban(_) => {}
            }
        }
        let (node, failure) = (self.membership.node, closing.failure(&self.name));
        for _ in &prompts {
            self.metrics.node_failed(failure.kind);
        }
        self.dispatcher
            .report(Report::Left {
                node,
                prompts,
                failure,
            })
            .await;
    }

    /// Looks at every deadline.
    async fn pulse(&mut self) -> Flow {
        self.settings = Arc::clone(&self.decisions.settings.shown().tuned.nodes);
        let (now, settings) = (Instant::now(), Arc::clone(&self.settings));
        if now - self.last_heard > settings.heartbeat * SILENT_HEARTBEATS {
            return Flow::Break(Closing::Silent);
        }
        if self
            .key
            .is_some_and(|key| !self.keys.is_good(key, Scope::Node))
        {
            return Flow::Break(Closing::Unauthorised(
                "the key is not good any more; ask the hub's operator for a new one",
            ));
        }
        if now - self.last_ping >= settings.heartbeat {
            self.last_ping = now;
            if let Err(closing) = self.outgoing.ping() {
                return Flow::Break(closing);
            }
        }
        while let Some(prompt) = self.held.expire(&settings, now) {
            let sent = self.send_cancel(&prompt.task_id);
            let message = format!(
                "the node '{}' sent nothing for too long; try again",
                self.name
            );
            self.give_back(prompt, FailureKind::NodeSilent, message, true)
                .await;
            if sent.is_break() {
                return sent;
            }
        }
        Flow::Continue(())
    }

    async fn give_back(
        &self,
        prompt: Box<Prompt>,
        kind: FailureKind,
        message: String,
        retryable: bool,
    ) {
        // A client that reads too slowly is no fault of the node's.
        if kind != FailureKind::ClientTooSlow {
            self.metrics.node_failed(kind);
        }
        let failure = PromptFailure { kind, message };
        let node = self.membership.node;
        self.dispatcher
            .report(Report::Failed {
                node,
                prompt,
                failure,
                retryable,
            })
            .await;
    }

    fn send_cancel(&self, task_id: &TaskId) -> Flow {
        self.send(&HubMessage::LlmCancel(LlmCancel {
            task_id: task_id.clone(),
        }))
    }

    /// For messages that are short, so that only the connection can be at fault.
    fn send(&self, message: &HubMessage) -> Flow {
        match self.outgoing.send(message) {
            Ok(()) | Err(SendError::TooLong) => Flow::Continue(()),
            Err(SendError::Closing(closing)) => Flow::Break(closing),
        }
    }
}

fn pulse_of(settings: &NodeSettings) -> Interval {
    let mut pulse = interval(period_of(settings));
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pulse
}

/// Every deadline is kept to within a quarter of the shortest one.
fn period_of(settings: &NodeSettings) -> Duration {
    let shortest = settings
        .heartbeat
        .min(settings.first_token_deadline)
        .min(settings.token_deadline);
    (shortest / 4).max(Duration::from_millis(1))
}
