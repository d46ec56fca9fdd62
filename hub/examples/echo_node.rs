//! A node without a model: repeats the last message word by word. For trying a hub, and its
//! clients, on a machine that has no weights.
//!
//! `cargo run -p hub --example echo_node -- ws://127.0.0.1:3000/ws qwen2.5-coder:0.5b`

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use protocol::{
    Device, FinishReason, Hello, HubMessage, LlmDone, LlmError, LlmErrorCode, LlmPrompt, LlmToken,
    NodeKind, NodeMessage, NodeModel, PROTOCOL_VERSION, PromptInput, TaskId, Timings, Usage,
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_tungstenite::{connect_async, tungstenite::Message};

const CONTEXT_LENGTH: usize = 4096;
const BETWEEN_WORDS: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, model] = arguments.as_slice() else {
        bail!("usage: echo_node ws://127.0.0.1:3000/ws MODEL");
    };
    let (socket, _) = connect_async(url.as_str())
        .await
        .context("the hub can't be reached")?;
    let (mut to_hub, mut from_hub) = socket.split();
    let (outgoing, mut frames) = mpsc::channel::<NodeMessage>(64);
    outgoing.send(NodeMessage::Hello(hello(model))).await?;

    let mut running: HashMap<TaskId, JoinHandle<()>> = HashMap::new();
    loop {
        tokio::select! {
            Some(frame) = frames.recv() => {
                to_hub.send(Message::text(serde_json::to_string(&frame)?)).await?;
            }
            message = from_hub.next() => {
                let Message::Text(text) = message.context("the hub has gone")?? else { continue };
                match serde_json::from_str(&text)? {
                    HubMessage::LlmPrompt(prompt) => {
                        running.retain(|_, answer| !answer.is_finished());
                        let task_id = prompt.task_id.clone();
                        running.insert(task_id, tokio::spawn(answer(prompt, outgoing.clone())));
                    }
                    HubMessage::LlmCancel(cancel) => {
                        if let Some(answer) = running.remove(&cancel.task_id) {
                            answer.abort();
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

fn hello(model: &str) -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        kind: NodeKind::Native,
        name: "echo".to_owned(),
        software: "echo_node".to_owned(),
        key: None,
        owner: None,
        only_own: false,
        paused: false,
        models: vec![NodeModel {
            id: model.to_owned(),
            digest: None,
            quantisation: None,
            parameters: None,
            context_length: CONTEXT_LENGTH as u32,
            runtime: "echo".to_owned(),
        }],
        slots: 4,
        device: Device::default(),
    }
}

/// A word counts as a token.
async fn answer(prompt: LlmPrompt, outgoing: mpsc::Sender<NodeMessage>) {
    let task_id = prompt.task_id;
    let PromptInput::Chat { messages, .. } = prompt.request.input else {
        return;
    };
    let words = |text: &str| text.split_whitespace().count();
    let prompt_tokens: usize = messages.iter().map(|message| words(&message.content)).sum();
    if prompt_tokens >= CONTEXT_LENGTH {
        let message = format!(
            "the prompt has {prompt_tokens} tokens and the model's context {CONTEXT_LENGTH}: shorten it"
        );
        let code = LlmErrorCode::ContextLengthExceeded;
        let error = LlmError {
            task_id,
            code,
            message,
            retryable: false,
        };
        let _ = outgoing.send(NodeMessage::LlmError(error)).await;
        return;
    }
    let text = messages
        .last()
        .map(|message| message.content.clone())
        .unwrap_or_default();
    let limit = prompt.request.sampling.max_tokens.unwrap_or(u32::MAX);
    let mut sent = 0;
    for (word, seq) in text.split_inclusive(' ').zip(0..).take(limit as usize) {
        tokio::time::sleep(BETWEEN_WORDS).await;
        let token = LlmToken {
            task_id: task_id.clone(),
            seq,
            text: word.to_owned(),
            token_ids: vec![],
        };
        if outgoing.send(NodeMessage::LlmToken(token)).await.is_err() {
            return;
        }
        sent += 1;
    }
    let cut = sent == limit && text.split_inclusive(' ').count() > sent as usize;
    let done = LlmDone {
        task_id,
        finish_reason: if cut {
            FinishReason::Length
        } else {
            FinishReason::Stop
        },
        usage: Usage {
            prompt_tokens: prompt_tokens as u32,
            cached_tokens: 0,
            completion_tokens: sent,
        },
        timings: Timings {
            decode_ms: f64::from(sent) * BETWEEN_WORDS.as_secs_f64() * 1000.0,
            ..Timings::default()
        },
    };
    let _ = outgoing.send(NodeMessage::LlmDone(done)).await;
}
