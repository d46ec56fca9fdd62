//! Fake nodes that answer every prompt with stamped tokens by a timetable: one task for all answers of a
//! node, so that thousands of them cost little.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use protocol::{
    Device, FinishReason, Hello, HubMessage, LlmDone, LlmError, LlmErrorCode, LlmToken, NodeKind,
    NodeMessage, NodeModel, PROTOCOL_VERSION, TaskId, Timings, Usage,
};
use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::{
    client::connect,
    stamp::{Stamp, now},
};

pub const MODEL: &str = "qwen2.5-coder:0.5b";

/// What the hub would call a node of this program.
const CONTEXT_LENGTH: u32 = 4096;

/// Answers of a thousand nodes are read at once: each has a small buffer.
const READ_BUFFER_BYTES: usize = 4 << 10;

/// Nobody waits that long.
const NEVER: Duration = Duration::from_secs(86_400);

#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub tokens: u64,
    /// Zero sends all at once.
    pub every: Duration,
}

#[derive(Clone, Debug)]
pub struct FakeNode {
    pub name: String,
    pub kind: NodeKind,
    pub model: String,
    pub slots: u32,
    pub pace: Pace,
    /// The address on this machine that it comes from.
    pub source: Option<IpAddr>,
    /// Every so many prompts, it gives one back.
    pub fails_every: Option<u64>,
    /// Answers begin once this turns true.
    pub gate: Option<watch::Receiver<bool>>,
}

impl FakeNode {
    pub fn new(number: u32, slots: u32, pace: Pace) -> Self {
        Self {
            name: format!("fake {number}"),
            kind: NodeKind::Native,
            model: MODEL.to_owned(),
            slots,
            pace,
            source: None,
            fails_every: None,
            gate: None,
        }
    }

    /// Joins the hub, and answers until the hub goes away or the handle is aborted.
    pub async fn join(self, hub: SocketAddr) -> anyhow::Result<JoinHandle<()>> {
        let socket = connect(hub, self.source).await?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
        let url = format!("ws://{hub}/ws");
        let (mut socket, _) = client_async_with_config(url, socket, Some(config)).await?;
        send(&mut socket, &NodeMessage::Hello(self.hello())).await?;
        socket.flush().await?;
        loop {
            let message = socket.next().await.context("the hub let no node in")??;
            match message {
                Message::Text(text) => match serde_json::from_str(&text)? {
                    HubMessage::Welcome(_) => break,
                    other => bail!("the hub said no welcome but {other:?}"),
                },
                Message::Close(frame) => bail!("the hub let no node in: {frame:?}"),
                _ => {}
            }
        }
        let work = Work {
            node: self,
            socket,
            answers: BTreeMap::new(),
            prompts: 0,
        };
        Ok(tokio::spawn(async move {
            // A hub that is gone has been measured.
            let _ = work.run().await;
        }))
    }

    fn hello(&self) -> Hello {
        Hello {
            protocol_version: PROTOCOL_VERSION,
            kind: self.kind,
            name: self.name.clone(),
            software: "hub-bench 0.1.0".to_owned(),
            key: None,
            owner: None,
            only_own: false,
            paused: false,
            models: vec![NodeModel {
                id: self.model.clone(),
                digest: None,
                quantisation: Some("Q4_K_M".to_owned()),
                parameters: None,
                context_length: CONTEXT_LENGTH,
                runtime: "timetable".to_owned(),
            }],
            slots: self.slots,
            device: Device {
                cpu: Some("none".to_owned()),
                cores: Some(2),
                memory_bytes: Some(8 << 30),
                ..Device::default()
            },
        }
    }
}

struct Work {
    node: FakeNode,
    socket: WebSocketStream<TcpStream>,
    /// By when their next token is due; the number keeps two of one moment apart.
    answers: BTreeMap<(Instant, u64), Answer>,
    prompts: u64,
}

struct Answer {
    task_id: TaskId,
    received: Duration,
    /// Tokens that another node had said before.
    begun: u64,
    next: u64,
}

impl Work {
    async fn run(mut self) -> anyhow::Result<()> {
        let mut gate = self.node.gate.take();
        loop {
            let open = gate.as_ref().is_none_or(|gate| *gate.borrow());
            let due = self.answers.first_key_value().map(|((due, _), _)| *due);
            let due = due.filter(|_| open);
            tokio::select! {
                () = sleep_until(due.unwrap_or_else(|| Instant::now() + NEVER)), if due.is_some() => {
                    self.send_what_is_due().await?;
                }
                _ = opened(&mut gate), if !open => {}
                message = self.socket.next() => {
                    if let Message::Text(text) = message.context("the hub has gone")?? {
                        self.message(serde_json::from_str(&text)?).await?;
                    }
                }
            }
        }
    }

    async fn message(&mut self, message: HubMessage) -> anyhow::Result<()> {
        match message {
            HubMessage::LlmPrompt(prompt) => {
                self.prompts += 1;
                let fails = |every| self.prompts.is_multiple_of(every);
                if self.node.fails_every.is_some_and(fails) {
                    let error = NodeMessage::LlmError(LlmError {
                        task_id: prompt.task_id,
                        code: LlmErrorCode::BackendFailed,
                        message: "this node gives some prompts back".to_owned(),
                        retryable: true,
                    });
                    send(&mut self.socket, &error).await?;
                    self.socket.flush().await?;
                    return Ok(());
                }
                let begun = prompt.continue_from.as_deref().map_or(0, Stamp::count_in);
                let answer = Answer {
                    task_id: prompt.task_id,
                    received: now(),
                    begun,
                    next: begun,
                };
                self.answers.insert((Instant::now(), self.prompts), answer);
            }
            HubMessage::LlmCancel(cancel) => {
                self.answers
                    .retain(|_, answer| answer.task_id != cancel.task_id);
            }
            _ => {}
        }
        Ok(())
    }

    /// All that is due leaves in one write, as it would from a node that computes in batches.
    async fn send_what_is_due(&mut self) -> anyhow::Result<()> {
        let time = Instant::now();
        while let Some(entry) = self.answers.first_entry() {
            let (due, number) = *entry.key();
            if due > time {
                break;
            }
            let mut answer = entry.remove();
            if answer.next < self.node.pace.tokens {
                send(&mut self.socket, &answer.token()).await?;
            }
            if answer.next < self.node.pace.tokens {
                // By the timetable, however late this one was.
                self.answers
                    .insert((due + self.node.pace.every, number), answer);
            } else {
                send(&mut self.socket, &answer.done(self.node.pace)).await?;
            }
        }
        Ok(self.socket.flush().await?)
    }
}

impl Answer {
    fn token(&mut self) -> NodeMessage {
        let place = self.next;
        self.next += 1;
        let stamp = Stamp {
            seq: place,
            received: self.received,
            sent: now(),
        };
        NodeMessage::LlmToken(LlmToken {
            task_id: self.task_id.clone(),
            seq: place - self.begun,
            text: stamp.text(),
            token_ids: vec![1],
        })
    }

    fn done(&self, pace: Pace) -> NodeMessage {
        let said = pace.tokens.saturating_sub(self.begun);
        let completion_tokens = u32::try_from(said).unwrap_or(u32::MAX);
        NodeMessage::LlmDone(LlmDone {
            task_id: self.task_id.clone(),
            finish_reason: FinishReason::Stop,
            usage: Usage {
                prompt_tokens: 8,
                cached_tokens: 0,
                completion_tokens,
            },
            timings: Timings {
                load_ms: 0.0,
                prefill_ms: 1.0,
                // All nodes alike, however fast: else the hub would find favourites among equals.
                decode_ms: pace.tokens as f64,
            },
        })
    }
}

async fn opened(gate: &mut Option<watch::Receiver<bool>>) {
    if let Some(gate) = gate
        && gate.changed().await.is_ok()
    {
        return;
    }
    // A gate whose owner is gone stays as it is.
    std::future::pending::<()>().await;
}

/// Lies in the socket's buffer until it is flushed.
async fn send(
    socket: &mut WebSocketStream<TcpStream>,
    message: &NodeMessage,
) -> anyhow::Result<()> {
    let text = serde_json::to_string(message)?;
    Ok(socket.feed(Message::text(text)).await?)
}
