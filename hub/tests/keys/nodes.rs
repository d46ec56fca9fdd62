//! Nodes that join with a key, and prompts that go to such nodes alone.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::{Hello, NodeMessage, close_code};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::client::{administer, ask_with, key};
use crate::support::{
    fake_node::{FakeNode, MODEL, hello},
    hub::TestHub,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn with_key(name: &str, secret: &str) -> Hello {
    Hello {
        name: name.to_owned(),
        key: Some(secret.to_owned()),
        ..hello(MODEL)
    }
}

/// The close code and reason that the hub answers this hello with.
async fn refused(hub: &TestHub, hello: Hello) -> (u16, String) {
    let (mut socket, _) = connect_async(hub.node_url()).await.unwrap();
    let hello = serde_json::to_string(&NodeMessage::Hello(hello)).unwrap();
    socket.send(Message::text(hello)).await.unwrap();
    match timeout(PATIENCE, socket.next()).await {
        Ok(Some(Ok(Message::Close(Some(frame))))) => (frame.code.into(), frame.reason.to_string()),
        other => panic!("expected a close frame, got {other:?}"),
    }
}

/// Has `node` answer the next prompt, and gives the name of who answered.
async fn answered_by(hub: &TestHub, node: &mut FakeNode, secret: &str, kipina: &Value) -> String {
    let fields = json!({"kipina": kipina});
    let asking = ask_with(hub, secret, &fields);
    let answering = async {
        let prompt = timeout(PATIENCE, node.prompt()).await.expect("a prompt");
        node.answer(&prompt.task_id, &["hei"]).await;
    };
    let (answered, ()) = tokio::join!(asking, answering);
    assert_eq!(answered.status, 200, "{}", answered.body);
    answered.body["kipina"]["node"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_node_with_a_key_for_nodes_is_trusted_and_others_are_told_what_is_wrong() {
    let hub = TestHub::start().await;
    let (id, node) = key(&hub, &json!({"name": "machines", "scopes": ["node"]})).await;
    let (_, api) = key(&hub, &json!({"name": "program"})).await;
    let _trusted = FakeNode::join(&hub.node_url(), with_key("mine", &node)).await;
    let _stranger = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    let trusted: Vec<_> = hub
        .stats()
        .await
        .nodes
        .into_iter()
        .map(|node| (node.name, node.trusted))
        .collect();
    assert_eq!(
        trusted,
        [("mine".to_owned(), true), ("fake".to_owned(), false)]
    );

    let (code, reason) = refused(&hub, with_key("program", &api)).await;
    assert_eq!(code, close_code::UNAUTHORISED);
    assert!(reason.contains("scope node"), "{reason}");
    administer(&hub, "DELETE", &format!("/keys/{id}"), None).await;
    let (code, reason) = refused(&hub, with_key("mine", &node)).await;
    assert_eq!(code, close_code::UNAUTHORISED);
    assert!(reason.contains("revoked"), "{reason}");
}

#[tokio::test]
async fn a_node_whose_key_is_revoked_has_to_leave_and_its_prompt_goes_elsewhere() {
    let hub = TestHub::tuned(|config| config.nodes.heartbeat = Duration::from_secs(1)).await;
    let (id, secret) = key(&hub, &json!({"name": "machines", "scopes": ["node"]})).await;
    let (_, api) = key(&hub, &json!({"name": "program"})).await;
    let mut mine = FakeNode::join(&hub.node_url(), with_key("mine", &secret)).await;
    hub.models_when(1).await;
    let fields = json!({});
    let asking = ask_with(&hub, &api, &fields);
    let mut other = None;
    let losing = async {
        timeout(PATIENCE, mine.prompt()).await.expect("a prompt");
        let other = other.insert(FakeNode::join(&hub.node_url(), hello(MODEL)).await);
        administer(&hub, "DELETE", &format!("/keys/{id}"), None).await;
        let prompt = timeout(PATIENCE, other.prompt())
            .await
            .expect("the same prompt");
        other.answer(&prompt.task_id, &["hei"]).await;
    };
    let (answered, ()) = tokio::join!(asking, losing);
    assert_eq!(answered.body["kipina"]["node"], "fake");
    hub.stats_when(|stats| stats.nodes.len() == 1).await;
}

#[tokio::test]
async fn a_keys_prompts_go_to_trusted_nodes_alone_where_it_says_so() {
    let hub = TestHub::start().await;
    let (_, node) = key(&hub, &json!({"name": "machines", "scopes": ["node"]})).await;
    let (_, careful) = key(&hub, &json!({"name": "careful", "nodes": "trusted"})).await;
    let _stranger = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    hub.models_when(1).await;
    for kipina in [
        json!({}),
        json!({"nodes": "any"}),
        json!({"nodes": "native"}),
    ] {
        let refused = ask_with(&hub, &careful, &json!({"kipina": kipina})).await;
        assert_eq!((refused.status, refused.code()), (503, "no_node_available"));
    }
    let mut trusted = FakeNode::join(&hub.node_url(), with_key("mine", &node)).await;
    for kipina in [json!({}), json!({"nodes": "native"})] {
        let who = answered_by(&hub, &mut trusted, &careful, &kipina).await;
        assert_eq!(who, "mine");
    }
    let browser = ask_with(&hub, &careful, &json!({"kipina": {"nodes": "browser"}})).await;
    assert_eq!(browser.status, 503, "both must hold");
}

#[tokio::test]
async fn an_owners_keys_find_the_nodes_of_the_same_owner() {
    let hub = TestHub::start().await;
    let of = |owner: &str, scopes: Value| json!({"name": owner, "owner": owner, "scopes": scopes});
    let (_, ainos) = key(&hub, &of("aino", json!(["node"]))).await;
    let (_, einos) = key(&hub, &of("eino", json!(["node"]))).await;
    let mut terms = of("aino", json!(["api"]));
    terms["nodes"] = json!("own");
    let (_, strict) = key(&hub, &terms).await;
    let (_, free) = key(&hub, &of("aino", json!(["api"]))).await;
    let _foreign = FakeNode::join(&hub.node_url(), with_key("eino's", &einos)).await;
    hub.models_when(1).await;
    for (secret, kipina) in [
        (&strict, json!({})),
        (&strict, json!({"owner": "somebody-made-this-up"})),
        (&free, json!({"nodes": "own"})),
    ] {
        let refused = ask_with(&hub, secret, &json!({"kipina": kipina})).await;
        assert_eq!((refused.status, refused.code()), (503, "no_node_available"));
    }
    let mut own = FakeNode::join(&hub.node_url(), with_key("aino's", &ainos)).await;
    let who = answered_by(&hub, &mut own, &strict, &json!({})).await;
    assert_eq!(who, "aino's");
    let who = answered_by(&hub, &mut own, &free, &json!({"nodes": "own"})).await;
    assert_eq!(who, "aino's");
}
