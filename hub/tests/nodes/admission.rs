//! Who may join, and what becomes of the others.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::{Hello, NodeKind, NodeMessage, NodeStatus, PROTOCOL_VERSION, close_code};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{ask, whole_answer};
use crate::node::{browser, closing, join, named, next_prompt};
use crate::support::hub::TestHub;

/// Connects and says this first; gives the close code that follows.
async fn refused_with(hub: &TestHub, first_frame: Option<Message>) -> Option<u16> {
    Some(refused_saying(hub, first_frame).await?.0)
}

async fn refused_saying(hub: &TestHub, first_frame: Option<Message>) -> Option<(u16, String)> {
    let (mut socket, _) = connect_async(hub.node_url()).await.unwrap();
    if let Some(frame) = first_frame {
        socket.send(frame).await.unwrap();
    }
    closing(socket).await
}

fn frame(hello: Hello) -> Option<Message> {
    Some(Message::text(
        serde_json::to_string(&NodeMessage::Hello(hello)).unwrap(),
    ))
}

#[tokio::test]
async fn a_welcomed_node_learns_its_name_and_the_limits() {
    let hub = TestHub::start().await;
    let node = join(&hub, named("one")).await;
    assert_eq!(node.welcome.protocol_version, PROTOCOL_VERSION);
    assert_eq!(node.welcome.heartbeat_ms, 15_000);
    assert_eq!(node.welcome.max_frame_bytes, protocol::MAX_NODE_FRAME_BYTES);
    let stats = hub.stats().await;
    assert_eq!(stats.nodes[0].id, node.welcome.node_id);
    assert!(!stats.nodes[0].trusted);
}

#[tokio::test]
async fn keys_decide_who_joins_and_who_is_trusted() {
    let hub = TestHub::with(&[("NODE_API_KEY", "secret")]).await;
    let with_key = |key: Option<&str>, kind| Hello {
        key: key.map(str::to_owned),
        kind,
        ..named("somebody")
    };
    let unauthorised = Some(close_code::UNAUTHORISED);
    let wrong = with_key(Some("guess"), NodeKind::Browser);
    assert_eq!(refused_with(&hub, frame(wrong)).await, unauthorised);
    let missing = with_key(None, NodeKind::Native);
    assert_eq!(refused_with(&hub, frame(missing)).await, unauthorised);

    let _trusted = join(&hub, with_key(Some("secret"), NodeKind::Native)).await;
    let _browser = join(&hub, with_key(None, NodeKind::Browser)).await;
    let stats = hub.stats().await;
    let trusted: Vec<_> = stats
        .nodes
        .iter()
        .map(|node| (node.kind, node.trusted))
        .collect();
    assert_eq!(
        trusted,
        [(NodeKind::Native, true), (NodeKind::Browser, false)]
    );
}

#[tokio::test]
async fn browsers_without_a_key_are_limited_by_their_address_and_told_so() {
    let settings = [("NODE_API_KEY", "secret"), ("BROWSERS_PER_ADDRESS", "2")];
    let hub = TestHub::with(&settings).await;
    let with_key = |kind| Hello {
        key: Some("secret".to_owned()),
        kind,
        ..named("known")
    };
    let first = join(&hub, browser("first")).await;
    let _second = join(&hub, browser("second")).await;
    let refused = refused_saying(&hub, frame(browser("third"))).await;
    let (code, reason) = refused.expect("the third is told why");
    assert_eq!(code, close_code::TOO_MANY_NODES);
    assert!(reason.contains("2 browsers already"), "{reason}");

    // Whoever has the key is limited by the number of connections only.
    let _native = join(&hub, with_key(NodeKind::Native)).await;
    let _browser = join(&hub, with_key(NodeKind::Browser)).await;

    drop(first);
    for _ in 0..200 {
        let (mut socket, _) = connect_async(hub.node_url()).await.unwrap();
        let hello = frame(browser("again")).unwrap();
        socket.send(hello).await.unwrap();
        if matches!(socket.next().await, Some(Ok(Message::Text(_welcome)))) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a browser that left never gave its place back");
}

#[tokio::test]
async fn other_versions_of_the_protocol_are_told_so() {
    let hub = TestHub::start().await;
    for version in [0, PROTOCOL_VERSION + 1] {
        let hello = Hello {
            protocol_version: version,
            ..named("stranger")
        };
        let code = refused_with(&hub, frame(hello)).await;
        assert_eq!(code, Some(close_code::UNSUPPORTED_VERSION));
    }
}

#[tokio::test]
async fn the_first_frame_must_be_a_hello_and_come_in_time() {
    let hub = TestHub::start().await;
    let violation = Some(close_code::PROTOCOL_VIOLATION);
    assert_eq!(
        refused_with(&hub, Some(Message::text("hello?"))).await,
        violation
    );
    let status = Message::text(r#"{"type":"node_status"}"#);
    assert_eq!(refused_with(&hub, Some(status)).await, violation);
    assert_eq!(
        refused_with(&hub, Some(Message::binary(vec![1]))).await,
        violation
    );
    assert_eq!(hub.stats().await.nodes, []);

    let deadline = Duration::from_millis(300);
    let hub = TestHub::tuned(|config| config.nodes.hello_deadline = deadline).await;
    assert_eq!(
        refused_with(&hub, None).await,
        Some(close_code::HELLO_EXPECTED)
    );
}

#[tokio::test]
async fn a_status_changes_what_a_node_is_given() {
    let hub = TestHub::start().await;
    let mut node = join(
        &hub,
        Hello {
            models: Vec::new(),
            ..named("one")
        },
    )
    .await;
    assert_eq!(ask(&hub).refusal().await.status, 503);

    let models = Some(named("any").models);
    node.send(NodeMessage::NodeStatus(NodeStatus {
        models,
        ..NodeStatus::default()
    }))
    .await;
    hub.stats_when(|stats| stats.nodes[0].models.len() == 1)
        .await;
    let client = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    let paused = NodeStatus {
        paused: Some(true),
        ..NodeStatus::default()
    };
    node.send(NodeMessage::NodeStatus(paused)).await;
    node.answer(&prompt.task_id, &["the last one"]).await;
    assert_eq!(whole_answer(client).await, "the last one");
    assert_eq!(ask(&hub).refusal().await.status, 503);
}
