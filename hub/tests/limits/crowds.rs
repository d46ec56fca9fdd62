//! Many connections at once.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::{
    client::{Answer, Client},
    support::{
        fake_node::{FakeNode, MODEL, hello},
        hub::TestHub,
    },
};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: hub\r\n\r\n";

/// Tests' connections come from loopback, which is a proxy where nothing else is said.
const NO_PROXY: (&str, &str) = ("TRUSTED_PROXIES", "192.0.2.1");

async fn ask(client: &mut Client) -> Answer {
    client.send(HEALTH).await;
    client.answer().await
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_others_have_theirs() {
    let hub = TestHub::with(&[NO_PROXY, ("HTTP_CONNECTIONS_PER_ADDRESS", "2")]).await;
    let mut first = Client::connect(hub.address).await;
    let mut second = Client::connect(hub.address).await;
    assert_eq!(ask(&mut first).await.status(), 200);
    assert_eq!(ask(&mut second).await.status(), 200);

    let mut third = Client::connect(hub.address).await;
    third.send(HEALTH).await;
    let refused = third.rest().await;
    assert_eq!(refused.status(), 429, "{}", refused.text);
    assert_eq!(refused.error()["code"], "rate_limit_exceeded");
    assert!(refused.header("retry-after").is_some());

    let mut elsewhere = Client::connect_from("127.0.0.2", hub.address).await;
    assert_eq!(ask(&mut elsewhere).await.status(), 200);

    drop(first);
    for _ in 0..200 {
        let mut next = Client::connect(hub.address).await;
        if ask(&mut next).await.status() == 200 {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("a closed connection never gave its place back");
}

#[tokio::test]
async fn the_hub_has_so_many_connections_and_says_when_it_is_full() {
    let hub = TestHub::with(&[("MAX_CONNECTIONS", "2")]).await;
    let mut clients = [
        Client::connect(hub.address).await,
        Client::connect(hub.address).await,
    ];
    for client in &mut clients {
        assert_eq!(ask(client).await.status(), 200);
    }
    let mut refused = Client::connect_from("127.0.0.2", hub.address).await;
    refused.send(HEALTH).await;
    let refused = refused.rest().await;
    assert_eq!(refused.status(), 503, "{}", refused.text);
    assert_eq!(refused.error()["code"], "too_many_connections");
    for client in &mut clients {
        assert_eq!(ask(client).await.status(), 200, "who is in stays in");
    }
}

#[tokio::test]
async fn a_crowd_that_only_connects_locks_nobody_out_for_long() {
    let hub = TestHub::tuned(|config| {
        config.http.connections = 20;
        config.http.head_deadline = Duration::from_millis(300);
    })
    .await;
    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(Client::connect(hub.address).await);
    }
    for _ in 0..200 {
        let mut client = Client::connect(hub.address).await;
        if ask(&mut client).await.status() == 200 {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("connections that said nothing kept their places");
}

#[tokio::test]
async fn a_websocket_keeps_its_connections_place() {
    let hub = TestHub::with(&[("MAX_CONNECTIONS", "2")]).await;
    let _node = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    let mut client = Client::connect(hub.address).await;
    assert_eq!(ask(&mut client).await.status(), 200);
    let mut third = Client::connect(hub.address).await;
    third.send(HEALTH).await;
    assert_eq!(third.rest().await.status(), 503);
}

#[tokio::test]
async fn behind_a_proxy_each_client_has_so_many_requests_under_way() {
    let hub = TestHub::with(&[("HTTP_CONNECTIONS_PER_ADDRESS", "1")]).await;
    let mut node = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    let body = json!({
        "model": MODEL, "stream": true, "messages": [{"role": "user", "content": "hei"}],
    })
    .to_string();
    let request = |client: &str| {
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\
             x-forwarded-for: {client}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let stats = |client: &str| {
        format!(
            "GET /api/stats HTTP/1.1\r\nhost: hub\r\nconnection: close\r\nx-forwarded-for: {client}\r\n\r\n"
        )
    };
    let mut streaming = Client::connect(hub.address).await;
    streaming.send(&request("198.51.100.1")).await;
    let prompt = node.prompt().await;
    node.token(&prompt.task_id, 0, "moi").await;

    for (client, status) in [("198.51.100.1", 429), ("198.51.100.2", 200)] {
        let mut other = Client::connect(hub.address).await;
        other.send(&stats(client)).await;
        assert_eq!(other.rest().await.status(), status, "{client}");
    }

    node.done(
        &prompt.task_id,
        protocol::FinishReason::Stop,
        protocol::Usage::default(),
    )
    .await;
    assert!(streaming.rest().await.text.contains("[DONE]"));
    let mut same = Client::connect(hub.address).await;
    same.send(&stats("198.51.100.1")).await;
    let counted = same.rest().await;
    assert_eq!(counted.status(), 200, "its stream has ended");
    assert!(
        counted.text.contains("content-length: "),
        "{}",
        counted.text
    );
}

#[tokio::test]
async fn a_stopping_hub_ends_idle_connections_and_takes_none() {
    let hub = TestHub::start().await;
    let address = hub.address;
    let mut idle = Client::connect(address).await;
    assert_eq!(ask(&mut idle).await.status(), 200);
    let _directory = hub.stop().await;
    assert_eq!(idle.rest().await.text, "");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
