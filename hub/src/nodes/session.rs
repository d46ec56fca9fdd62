//! One node's connection, from its hello to its end: frames in order, one task.

use std::ops::ControlFlow;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::{StreamExt, stream::SplitStream};
use protocol::{
    HubMessage, LlmCancel, LlmDone, LlmError, LlmErrorCode, LlmPrompt, LlmToken,
    MAX_NODE_FRAME_BYTES, NodeMessage, NodeStatus, PROTOCOL_VERSION, TaskId, Usage, Welcome,
};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::held::{Held, Progress};
use super::hello::{admit, check_models, clean, limit_slots};
use super::outgoing::{Outgoing, SendError};
use super::rate_limit::RateLimit;
use super::violation::{Closing, Violation};
use super::{NodeGate, NodeSettings};
use crate::dispatch::{
    Command, Dispatcher, Done, FailureKind, Introduction, Membership, Prompt, PromptFailure, Report,
};

/// A node is dropped after this many heartbeats without a word.
const SILENT_HEARTBEATS: u32 = 3;

/// For a node to read why it is dropped; its own frames are thrown away meanwhile.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a node's error message may take up in an answer.
const MESSAGE_CHARACTERS: usize = 500;

/// Serves a node's connection until it ends.
pub(super) async fn serve(socket: WebSocket, gate: NodeGate) {
    let (sink, mut incoming) = socket.split();
    let outgoing = Outgoing::start(sink, gate.settings.outgoing_frames);
    let closing = match hello(&mut incoming, &gate.settings).await {
        Ok(introduction) => match gate.dispatcher.join(introduction.clone()).await {
            Some(membership) => {
                let session = Session::new(&gate, &introduction, membership, &outgoing);
                session.run(&mut incoming).await
            }
            None => Closing::HubStopping,
        },
        Err(closing) => {
            tracing::info!("a node was not let in: {closing}");
            closing
        }
    };
    outgoing.close(closing.close_frame()).await;
    // Closing a socket with unread frames in it would throw away the close frame on its way.
    let rest = async { while incoming.next().await.is_some_and(|frame| frame.is_ok()) {} };
    let _ = timeout(FAREWELL, rest).await;
}

async fn hello(
    incoming: &mut SplitStream<WebSocket>,
    settings: &NodeSettings,
) -> Result<Introduction, Closing> {
    let first_text = async {
        loop {
            match incoming.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => return Err(Violation::Binary.into()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Closing::ConnectionLost),
            }
        }
    };
    let text = timeout(settings.hello_deadline, first_text).await;
    admit(&text.map_err(|_elapsed| Closing::HelloExpected)??, settings)
}

struct Session<'a> {
    settings: &'a NodeSettings,
    dispatcher: &'a Dispatcher,
    membership: Membership,
    outgoing: &'a Outgoing,
    name: String,
    held: Held,
    rate_limit: RateLimit,
    last_heard: Instant,
    last_ping: Instant,
    /// The longest context of any model that the node ever offered: no answer has more tokens.
    context_length: u32,
}

type Flow = ControlFlow<Closing>;

impl<'a> Session<'a> {
    fn new(
        gate: &'a NodeGate,
        introduction: &Introduction,
        membership: Membership,
        outgoing: &'a Outgoing,
    ) -> Self {
        let (settings, now) = (&*gate.settings, Instant::now());
        let contexts = introduction.models.iter().map(|model| model.context_length);
        Self {
            settings,
            dispatcher: &gate.dispatcher,
            membership,
            outgoing,
            name: introduction.name.clone(),
            held: Held::default(),
            rate_limit: RateLimit::new(settings.frames_per_second, settings.frame_burst, now),
            last_heard: now,
            last_ping: now,
            context_length: contexts.max().unwrap_or_default(),
        }
    }

    async fn run(mut self, incoming: &mut SplitStream<WebSocket>) -> Closing {
        tracing::info!("{} ('{}') joined", self.membership.node_id, self.name);
        let closing = match self.welcome() {
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
        let settings = self.settings;
        let shortest = settings
            .heartbeat
            .min(settings.first_token_deadline)
            .min(settings.token_deadline);
        // Every deadline is kept to within a quarter of the shortest one.
        let mut pulse = interval((shortest / 4).max(Duration::from_millis(1)));
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
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
    async fn leave(mut self, closing: &Closing) {
        self.membership.commands.close();
        let mut prompts = self.held.into_prompts();
        while let Some(command) = self.membership.commands.recv().await {
            match command {
                Command::Answer(prompt) => prompts.push(*prompt),
                Command::Cancel(id) => {
                    if let Some(at) = prompts.iter().position(|prompt| prompt.id == id) {
                        prompts.swap_remove(at).cancel();
                    }
                }
                Command::Drain | Command::Close => {}
            }
        }
        let (node, failure) = (self.membership.node, closing.failure(&self.name));
        self.dispatcher
            .report(Report::Left {
                node,
                prompts,
                failure,
            })
            .await;
    }

    async fn frame(&mut self, frame: Option<Result<Message, axum::Error>>) -> Flow {
        let now = Instant::now();
        self.last_heard = now;
        if !self.rate_limit.take(now) {
            return Flow::Break(Closing::RateLimited);
        }
        let handled = match frame {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(message) => self.message(message, now).await,
                Err(error) => Err(Violation::Malformed(error)),
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Flow::Continue(())),
            Some(Ok(Message::Binary(_))) => Err(Violation::Binary),
            Some(Ok(Message::Close(_))) | None => return Flow::Break(Closing::ConnectionLost),
            Some(Err(error)) => Err(Violation::Unreadable(error.to_string())),
        };
        handled.unwrap_or_else(|violation| Flow::Break(violation.into()))
    }

    async fn message(&mut self, message: NodeMessage, now: Instant) -> Result<Flow, Violation> {
        match message {
            NodeMessage::LlmToken(token) => self.token(token, now).await,
            NodeMessage::LlmDone(done) => self.done(done).await,
            NodeMessage::LlmError(error) => self.error(error).await,
            NodeMessage::NodeStatus(status) => self.status(status).await,
            NodeMessage::Hello(_) => Err(Violation::SecondHello),
            // The hub asks for neither yet, so whatever they answer is not this node's task.
            NodeMessage::BenchmarkResult(result) => Err(Violation::Foreign(result.task_id)),
            NodeMessage::AuditResult(result) => Err(Violation::Foreign(result.task_id)),
        }
    }

    async fn token(&mut self, token: LlmToken, now: Instant) -> Result<Flow, Violation> {
        match self.held.token(token, self.settings, now)? {
            Progress::Nothing => {}
            Progress::Started(prompt) => {
                let node = self.membership.node;
                self.dispatcher
                    .report(Report::Started { node, prompt })
                    .await;
            }
            Progress::ReaderTooSlow(prompt) => {
                let message =
                    "the answer came faster than it was read; read faster or ask for less";
                let cancelled = self.send_cancel(&prompt.task_id);
                self.give_back(
                    prompt,
                    FailureKind::ClientTooSlow,
                    message.to_owned(),
                    false,
                )
                .await;
                return Ok(cancelled);
            }
        }
        Ok(Flow::Continue(()))
    }

    async fn done(&mut self, done: LlmDone) -> Result<Flow, Violation> {
        if let Some(prompt) = self.held.ended(&done.task_id)? {
            let timings = prompt.timings(done.timings);
            let usage = self.credible(done.usage);
            let (node, id) = (self.membership.node, prompt.id);
            // Before the reader hears of it, so that what it asks next finds the slot free.
            self.dispatcher
                .report(Report::Finished {
                    node,
                    prompt: id,
                    usage,
                    timings,
                })
                .await;
            prompt.finish(Done {
                finish_reason: done.finish_reason,
                usage,
                timings,
            });
        }
        Ok(Flow::Continue(()))
    }

    async fn error(&mut self, error: LlmError) -> Result<Flow, Violation> {
        if let Some(prompt) = self.held.ended(&error.task_id)? {
            let message = clean(&error.message, MESSAGE_CHARACTERS);
            self.give_back(prompt, failure_kind(error.code), message, error.retryable)
                .await;
        }
        Ok(Flow::Continue(()))
    }

    async fn status(&mut self, mut status: NodeStatus) -> Result<Flow, Violation> {
        status.slots = status.slots.map(limit_slots);
        status.models = status.models.map(check_models).transpose()?;
        for model in status.models.iter().flatten() {
            self.context_length = self.context_length.max(model.context_length);
        }
        self.dispatcher
            .report(Report::Changed {
                node: self.membership.node,
                status,
            })
            .await;
        Ok(Flow::Continue(()))
    }

    async fn command(&mut self, command: Command) -> Flow {
        match command {
            Command::Answer(prompt) => self.answer(*prompt).await,
            Command::Cancel(id) => match self.held.cancel(id, Instant::now()) {
                Some(prompt) => {
                    let sent = self.send_cancel(&prompt.task_id);
                    prompt.cancel();
                    sent
                }
                // It ended while the cancel was on its way.
                None => Flow::Continue(()),
            },
            Command::Drain => self.send(&HubMessage::Drain(protocol::Drain {})),
            Command::Close => Flow::Break(Closing::HubStopping),
        }
    }

    async fn answer(&mut self, prompt: Prompt) -> Flow {
        let message = HubMessage::LlmPrompt(LlmPrompt {
            task_id: prompt.task_id.clone(),
            request: prompt.request.clone(),
            continue_from: None,
        });
        match self.outgoing.send(&message) {
            Ok(()) => self.held.insert(prompt, self.settings, Instant::now()),
            Err(SendError::Closing(closing)) => {
                self.held.insert(prompt, self.settings, Instant::now());
                return Flow::Break(closing);
            }
            Err(error @ SendError::TooLong) => {
                let kind = FailureKind::InvalidRequest;
                self.give_back(prompt, kind, error.to_string(), false).await;
            }
        }
        Flow::Continue(())
    }

    /// Looks at every deadline.
    async fn pulse(&mut self) -> Flow {
        let (now, settings) = (Instant::now(), self.settings);
        if now - self.last_heard > settings.heartbeat * SILENT_HEARTBEATS {
            return Flow::Break(Closing::Silent);
        }
        if now - self.last_ping >= settings.heartbeat {
            self.last_ping = now;
            if let Err(closing) = self.outgoing.ping() {
                return Flow::Break(closing);
            }
        }
        for prompt in self.held.expire(settings, now) {
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

    async fn give_back(&self, prompt: Prompt, kind: FailureKind, message: String, retryable: bool) {
        let failure = PromptFailure { kind, message };
        let (node, prompt) = (self.membership.node, Box::new(prompt));
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

    /// A node's counts end up in totals: none may exceed what fits its largest context.
    fn credible(&self, usage: Usage) -> Usage {
        let most = self.context_length;
        Usage {
            prompt_tokens: usage.prompt_tokens.min(most),
            cached_tokens: usage.cached_tokens.min(usage.prompt_tokens).min(most),
            completion_tokens: usage.completion_tokens.min(most),
        }
    }
}

fn failure_kind(code: LlmErrorCode) -> FailureKind {
    match code {
        LlmErrorCode::ContextLengthExceeded => FailureKind::ContextLengthExceeded,
        LlmErrorCode::InvalidRequest => FailureKind::InvalidRequest,
        LlmErrorCode::ModelUnavailable => FailureKind::ModelUnavailable,
        LlmErrorCode::Unavailable => FailureKind::Unavailable,
        LlmErrorCode::OutOfMemory => FailureKind::OutOfMemory,
        LlmErrorCode::BackendFailed | LlmErrorCode::Other => FailureKind::BackendFailed,
    }
}
