//! What these tests need of fake nodes beyond answering.

use std::time::Duration;

use futures_util::StreamExt;
use protocol::{Hello, HubMessage, LlmPrompt, NodeKind, TaskId};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    fake_node::{FakeNode, MODEL, Socket, hello},
    hub::TestHub,
};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn named(name: &str) -> Hello {
    Hello {
        name: name.to_owned(),
        ..hello(MODEL)
    }
}

/// Prompts go to it only where no native node is free.
pub(crate) fn browser(name: &str) -> Hello {
    Hello {
        kind: NodeKind::Browser,
        ..named(name)
    }
}

pub(crate) async fn join(hub: &TestHub, hello: Hello) -> FakeNode {
    // A welcomed node is known to the scheduler: no need to wait for the statistics.
    timeout(PATIENCE, FakeNode::join(&hub.node_url(), hello))
        .await
        .expect("the hub welcomes")
}

pub(crate) async fn next_prompt(node: &mut FakeNode) -> LlmPrompt {
    timeout(PATIENCE, node.prompt())
        .await
        .expect("the hub sends a prompt")
}

/// What the node hears next, which must be a cancel and come within the promised second.
pub(crate) async fn cancel_within_a_second(node: &mut FakeNode) -> TaskId {
    timeout(Duration::from_secs(1), node.cancelled())
        .await
        .expect("the node is told within 1 s")
}

/// Reads until the hub closes the connection, and gives the close code.
pub(crate) async fn close_code(node: FakeNode) -> Option<u16> {
    Some(closing(node.socket).await?.0)
}

/// Reads until the hub closes the connection, and gives its close code and the reason in words.
pub(crate) async fn closing(mut socket: Socket) -> Option<(u16, String)> {
    let closed = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => {
                    return frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    };
    timeout(PATIENCE, closed)
        .await
        .expect("the hub closes the connection")
}

pub(crate) async fn next_message(node: &mut FakeNode) -> HubMessage {
    timeout(PATIENCE, node.receive())
        .await
        .expect("the hub says something")
}

pub(crate) async fn wait_until_gone(hub: &TestHub, name: &str) {
    hub.stats_when(|stats| stats.nodes.iter().all(|node| node.name != name))
        .await;
}
