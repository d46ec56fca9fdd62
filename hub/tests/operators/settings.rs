//! Settings that are changed while the hub runs.

use std::time::Duration;

use protocol::close_code;
use serde_json::{Value, json};

use crate::actions;
use crate::asking::{ask, whole_answer};
use crate::client::{administer, models};
use crate::node::{browser, closing, join, named, next_prompt};
use crate::support::hub::TestHub;

async fn set(hub: &TestHub, patch: Value) -> Value {
    let changed = administer(hub, "PATCH", "/settings", Some(&patch)).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    changed.body
}

fn setting<'a>(all: &'a Value, name: &str) -> &'a Value {
    let settings = all["settings"].as_array().unwrap();
    settings
        .iter()
        .find(|setting| setting["name"] == name)
        .unwrap()
}

#[tokio::test]
async fn a_setting_tells_what_it_may_be_and_where_it_stands() {
    let hub = TestHub::with(&[("QUEUE_LENGTH", "7")]).await;
    let all = administer(&hub, "GET", "/settings", None).await.body;
    assert_eq!(
        setting(&all, "queue_length"),
        &json!({
            "name": "queue_length", "kind": "count", "least": 0, "most": 1_000_000,
            "environment": "QUEUE_LENGTH", "default": 64, "at_start": 7, "value": 7, "is_set": false,
        })
    );
    let all = set(&hub, json!({"queue_length": 9, "affinity": false})).await;
    let changed = setting(&all, "queue_length");
    assert_eq!(
        (&changed["value"], &changed["is_set"]),
        (&json!(9), &json!(true))
    );
    assert_eq!(setting(&all, "affinity")["environment"], Value::Null);
}

#[tokio::test]
async fn a_change_counts_at_once_and_after_a_restart_until_it_is_taken_back() {
    let hub = TestHub::start().await;
    assert_eq!(models(&hub, None).await.status, 200);
    set(&hub, json!({"access": "keys"})).await;
    assert_eq!(models(&hub, None).await.code(), "missing_api_key");

    let hub = TestHub::in_directory(hub.stop().await, &[("ACCESS", "open")]).await;
    assert_eq!(models(&hub, None).await.code(), "missing_api_key");
    set(&hub, json!({"access": null})).await;
    assert_eq!(models(&hub, None).await.status, 200);
    set(&hub, json!({"access": null})).await;

    let log = administer(&hub, "GET", "/audit-log", None).await.body;
    let [back, changed] = log["entries"].as_array().unwrap().as_slice() else {
        panic!("what changes nothing is not written down: {log}")
    };
    assert_eq!(
        (&changed["action"], &changed["subject"]),
        (&json!("settings.changed"), &json!("access"))
    );
    let details = json!({"before": {"access": "open"}, "after": {"access": "keys"}});
    assert_eq!(changed["details"], details);
    assert_eq!(back["details"]["after"], json!({"access": "open"}));
}

#[tokio::test]
async fn the_queue_is_as_long_as_was_said_last() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("mine")).await;
    let running = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    set(&hub, json!({"queue_length": 0})).await;
    assert_eq!(ask(&hub).refusal().await.status, 429);
    set(&hub, json!({"queue_length": 1})).await;
    let waiting = ask(&hub);
    hub.stats_when(|stats| stats.queue.waiting == 1).await;
    node.answer(&prompt.task_id, &["first"]).await;
    assert_eq!(whole_answer(running).await, "first");
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["second"]).await;
    assert_eq!(whole_answer(waiting).await, "second");
}

#[tokio::test]
async fn nodes_that_are_here_keep_to_a_new_deadline() {
    // Deadlines are looked at four times a heartbeat.
    let hub = TestHub::tuned(|config| config.nodes.heartbeat = Duration::from_secs(1)).await;
    let mut node = join(&hub, named("mine")).await;
    set(
        &hub,
        json!({"first_token_deadline_seconds": 1, "hedge_after_seconds": 0}),
    )
    .await;
    let asking = ask(&hub);
    next_prompt(&mut node).await;
    let refused = asking.refusal().await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (504, "deadline_expired")
    );
}

#[tokio::test]
async fn guests_join_only_while_they_may() {
    let hub = TestHub::start().await;
    let _here = join(&hub, browser("here")).await;
    for (patch, hello, code) in [
        (
            json!({"browsers_per_address": 1}),
            browser("second"),
            close_code::TOO_MANY_NODES,
        ),
        (
            json!({"guest_nodes": false}),
            named("native"),
            close_code::UNAUTHORISED,
        ),
    ] {
        set(&hub, patch).await;
        let (mut socket, _) = tokio_tungstenite::connect_async(hub.node_url())
            .await
            .unwrap();
        let hello = serde_json::to_string(&protocol::NodeMessage::Hello(hello)).unwrap();
        let hello = tokio_tungstenite::tungstenite::Message::text(hello);
        futures_util::SinkExt::send(&mut socket, hello)
            .await
            .unwrap();
        assert_eq!(closing(socket).await.unwrap().0, code);
    }
    assert_eq!(hub.stats().await.nodes.len(), 1, "who is here may stay");
    set(&hub, json!({"guest_nodes": null})).await;
    let _native = join(&hub, named("native")).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_name_and_changes_nothing() {
    let hub = TestHub::start().await;
    for (patch, param) in [
        (json!({"queue_length": 5, "access": "closed"}), "access"),
        (json!({"queue_lenght": 5}), "queue_lenght"),
        (
            json!({"token_deadline_seconds": 0}),
            "token_deadline_seconds",
        ),
    ] {
        let refused = administer(&hub, "PATCH", "/settings", Some(&patch)).await;
        assert_eq!(refused.status, 400, "{patch}");
        assert_eq!(refused.body["error"]["param"], param, "{}", refused.body);
    }
    let list = administer(&hub, "PATCH", "/settings", Some(&json!([]))).await;
    assert_eq!(list.status, 400);
    assert!(actions(&hub).await.is_empty());
}

#[tokio::test]
async fn a_deadline_that_was_long_when_the_node_joined_is_kept_at_once() {
    // Before, deadlines are looked at every quarter of a minute.
    let hub = TestHub::tuned(|config| {
        config.nodes.heartbeat = Duration::from_secs(60);
        config.nodes.token_deadline = Duration::from_secs(60);
    })
    .await;
    let mut node = join(&hub, named("mine")).await;
    let patch = json!({"first_token_deadline_seconds": 1, "hedge_after_seconds": 0});
    set(&hub, patch).await;
    let asking = ask(&hub);
    next_prompt(&mut node).await;
    let refused = tokio::time::timeout(Duration::from_secs(8), asking.refusal()).await;
    assert_eq!(refused.unwrap().code, "deadline_expired");
}

#[tokio::test]
async fn no_more_browsers_may_be_let_in_than_there_are_connections() {
    let hub = TestHub::with(&[("CONNECTIONS_PER_ADDRESS", "40")]).await;
    let all = set(&hub, json!({"browsers_per_address": 40})).await;
    assert_eq!(setting(&all, "browsers_per_address")["most"], 40);
    let patch = json!({"browsers_per_address": 41});
    let refused = administer(&hub, "PATCH", "/settings", Some(&patch)).await;
    assert_eq!(refused.status, 400);

    let fewer = [("CONNECTIONS_PER_ADDRESS", "35")];
    let hub = TestHub::in_directory(hub.stop().await, &fewer).await;
    let all = administer(&hub, "GET", "/settings", None).await.body;
    assert_eq!(setting(&all, "browsers_per_address")["value"], 32);
}
