//! Fake nodes that answer every prompt with stamped tokens at a steady pace.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::{
    FinishReason, Hello, HubMessage, LlmDone, LlmToken, NodeMessage, TaskId, Timings, Usage,
};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::{MaybeTlsStream, tungstenite::Message};

use crate::stamp::{Stamp, now};
use crate::support::fake_node::{FakeNode, MODEL, hello};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) tokens: u64,
    /// Zero sends all at once.
    pub(crate) every: Duration,
}

/// Joins a node that answers until the hub goes away.
pub(crate) async fn join(url: &str, slots: u32, pace: Pace) {
    let node = FakeNode::join(
        url,
        Hello {
            slots,
            ..hello(MODEL)
        },
    )
    .await;
    // A node that lets its kernel hold small frames back would be measured in place of the hub.
    if let MaybeTlsStream::Plain(socket) = node.socket.get_ref() {
        socket.set_nodelay(true).expect("the socket is open");
    }
    tokio::spawn(serve(node, pace));
}

async fn serve(node: FakeNode, pace: Pace) {
    let (mut to_hub, mut from_hub) = node.socket.split();
    let (outgoing, mut frames) = mpsc::unbounded_channel::<NodeMessage>();
    tokio::spawn(async move {
        while let Some(frame) = frames.recv().await {
            let text = serde_json::to_string(&frame).expect("every message can be written");
            if to_hub.send(Message::text(text)).await.is_err() {
                return;
            }
        }
    });
    while let Some(Ok(message)) = from_hub.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        if let Ok(HubMessage::LlmPrompt(prompt)) = serde_json::from_str(&text) {
            tokio::spawn(answer(prompt.task_id, pace, outgoing.clone()));
        }
    }
}

async fn answer(task_id: TaskId, pace: Pace, outgoing: mpsc::UnboundedSender<NodeMessage>) {
    let received = now();
    let mut clock = interval(pace.every.max(Duration::from_nanos(1)));
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for seq in 0..pace.tokens {
        if !pace.every.is_zero() {
            clock.tick().await;
        }
        let text = Stamp {
            seq,
            received,
            sent: now(),
        }
        .text();
        let token = LlmToken {
            task_id: task_id.clone(),
            seq,
            text,
            token_ids: vec![1],
        };
        // A hub that is gone has been measured.
        let _ = outgoing.send(NodeMessage::LlmToken(token));
    }
    let done = LlmDone {
        task_id,
        finish_reason: FinishReason::Stop,
        usage: Usage {
            prompt_tokens: 8,
            cached_tokens: 0,
            completion_tokens: 64,
        },
        timings: Timings::default(),
    };
    let _ = outgoing.send(NodeMessage::LlmDone(done));
}
