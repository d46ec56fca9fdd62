//! A hub for one node: has it answer, or judge, each line of the standard input, one after another.
//!
//! `ask_node FILE` writes the hub's address to the file, waits for a node, and then reads lines that are
//! frames of the wire: an `llm_prompt` becomes a line with the `audit_prompt` of its answer, an
//! `audit_prompt` one with its `audit_result`. `bench/audit.sh` is made of these.

use std::io::{BufRead, Write};

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use protocol::{
    AuditPrompt, AuditResult, HubMessage, LlmPrompt, MAX_NODE_FRAME_BYTES, NodeMessage,
    PROTOCOL_VERSION, Welcome,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

/// Nobody is dropped for being slow: pings are the node's own business here.
const HEARTBEAT_MS: u64 = 3_600_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = std::env::args_os().nth(1);
    let file = file.context("usage: ask_node FILE < frames > frames")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    std::fs::write(file, format!("ws://{}/ws", listener.local_addr()?))?;
    let (socket, _) = listener.accept().await?;
    let mut node = Node(accept_async(socket).await?);
    match node.receive().await? {
        NodeMessage::Hello(hello) => eprintln!("{}: {:?}", hello.software, hello.models),
        other => bail!("a hello was expected, not {other:?}"),
    }
    let welcome = Welcome {
        node_id: "node-1".to_owned(),
        protocol_version: PROTOCOL_VERSION,
        heartbeat_ms: HEARTBEAT_MS,
        max_frame_bytes: MAX_NODE_FRAME_BYTES,
        wanted_models: Vec::new(),
    };
    node.send(&HubMessage::Welcome(welcome)).await?;
    for line in std::io::stdin().lock().lines() {
        let line = match serde_json::from_str(&line?)? {
            HubMessage::LlmPrompt(prompt) => {
                serde_json::to_string(&HubMessage::AuditPrompt(node.answer(prompt).await?))?
            }
            HubMessage::AuditPrompt(audit) => {
                serde_json::to_string(&NodeMessage::AuditResult(node.judge(audit).await?))?
            }
            other => bail!("a prompt or an answer was expected, not {other:?}"),
        };
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(())
}

struct Node(WebSocketStream<TcpStream>);

impl Node {
    async fn answer(&mut self, prompt: LlmPrompt) -> anyhow::Result<AuditPrompt> {
        self.send(&HubMessage::LlmPrompt(prompt.clone())).await?;
        let mut answered = AuditPrompt {
            task_id: prompt.task_id,
            request: prompt.request,
            answer: String::new(),
            answer_token_ids: Vec::new(),
            finish_reason: None,
            context_length: None,
            seeded: false,
        };
        while answered.finish_reason.is_none() {
            match self.receive().await? {
                NodeMessage::LlmToken(token) => {
                    answered.answer += &token.text;
                    answered.answer_token_ids.extend(token.token_ids);
                }
                NodeMessage::LlmDone(done) => answered.finish_reason = Some(done.finish_reason),
                NodeMessage::LlmError(error) => bail!("{}", error.message),
                _ => {}
            }
        }
        Ok(answered)
    }

    async fn judge(&mut self, audit: AuditPrompt) -> anyhow::Result<AuditResult> {
        self.send(&HubMessage::AuditPrompt(audit)).await?;
        loop {
            match self.receive().await? {
                NodeMessage::AuditResult(result) => return Ok(result),
                NodeMessage::LlmError(error) => bail!("{}", error.message),
                _ => {}
            }
        }
    }

    async fn send(&mut self, message: &HubMessage) -> anyhow::Result<()> {
        let text = serde_json::to_string(message)?;
        Ok(self.0.send(Message::text(text)).await?)
    }

    async fn receive(&mut self) -> anyhow::Result<NodeMessage> {
        loop {
            let message = self.0.next().await.context("the node left")??;
            if let Message::Text(text) = message {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }
}
