//! A node that is paused, drained or stopped.

use std::sync::atomic::Ordering;

use native_node::{
    error::LossReason,
    status::{ConnectionState, PauseReason, TroubleKind},
    stop::Stop,
};
use protocol::close_code;
use serde_json::json;

use super::fixture::Fixture;

#[tokio::test]
async fn a_draining_node_finishes_what_it_has_and_takes_no_more() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    hub.send(json!({"type": "drain"})).await;
    hub.send(json!({"type": "llm_cancel", "task_id": "t1"}))
        .await;
    hub.prompt("t2", "finish").await;
    let error = hub.receive().await;
    assert_eq!(
        (&error["task_id"], &error["code"]),
        (&json!("t2"), &json!("unavailable"))
    );
}

#[tokio::test]
async fn a_paused_node_finishes_what_it_has_takes_no_more_and_goes_on() {
    let fixture = Fixture::start().await;
    let (mut hub, hello) = fixture.accept().await;
    assert_eq!(hello.get("paused"), None);
    hub.welcome(60_000).await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    fixture.paused.send(Some(PauseReason::OnBattery)).unwrap();
    let status = hub.receive().await;
    assert_eq!(status, json!({"type": "node_status", "paused": true}));
    // A prompt that was on its way comes back, and the one that is computed goes on.
    hub.prompt("t2", "finish").await;
    let error = hub.receive().await;
    assert_eq!(
        (&error["task_id"], &error["code"], &error["retryable"]),
        (&json!("t2"), &json!("unavailable"), &json!(true))
    );
    assert_eq!(fixture.answering.load(Ordering::SeqCst), 1);
    hub.send(json!({"type": "llm_cancel", "task_id": "t1"}))
        .await;
    // A new reason for the same pause is no news to the hub: next it hears of the end.
    let reason = PauseReason::GpuInUse { by: None };
    fixture.paused.send(Some(reason)).unwrap();
    fixture.paused.send(None).unwrap();
    let status = hub.receive().await;
    assert_eq!(status, json!({"type": "node_status", "paused": false}));
    hub.prompt("t3", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t3");
}

#[tokio::test]
async fn a_node_that_begins_paused_says_so_at_once() {
    let fixture = Fixture::start_with(1, Some(PauseReason::OnBattery)).await;
    let (mut hub, hello) = fixture.accept().await;
    assert_eq!(hello["paused"], true);
    hub.welcome(60_000).await;
    hub.prompt("t1", "finish").await;
    assert_eq!(hub.receive().await["code"], "unavailable");
    fixture.paused.send(None).unwrap();
    assert_eq!(hub.receive().await["paused"], false);
}

#[tokio::test]
async fn an_owner_who_stops_an_idle_node_is_obeyed_and_the_hub_is_told() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    fixture.stop.send_replace(Stop::Finish);
    fixture.says_farewell_to(&mut hub).await;
}

#[tokio::test]
async fn a_node_that_stops_finishes_what_it_has_and_takes_no_more() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "wait").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    fixture.stop.send_replace(Stop::Finish);
    let status = hub.receive().await;
    assert_eq!(
        (&status["type"], &status["paused"]),
        (&json!("node_status"), &json!(true))
    );
    let state = fixture.status.watch().borrow().connection.state;
    assert_eq!(state, ConnectionState::Stopping);
    // This one was on its way already.
    hub.prompt("t2", "finish").await;
    let refused = hub.receive().await;
    assert_eq!(
        (&refused["task_id"], &refused["code"], &refused["retryable"]),
        (&json!("t2"), &json!("unavailable"), &json!(true))
    );
    fixture.go_on.notify_one();
    let done = hub.receive().await;
    assert_eq!(
        (&done["type"], &done["task_id"]),
        (&json!("llm_done"), &json!("t1"))
    );
    fixture.says_farewell_to(&mut hub).await;
}

#[tokio::test]
async fn an_owner_who_can_not_wait_ends_what_is_under_way() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    fixture.stop.send_replace(Stop::Finish);
    assert_eq!(hub.receive().await["type"], "node_status");
    fixture.stop.send_replace(Stop::Now);
    fixture.says_farewell_to(&mut hub).await;
}

#[tokio::test]
async fn a_hub_that_is_upgraded_gets_its_answers_and_then_the_node_back() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "wait").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    hub.send(json!({"type": "drain", "reconnect_within_ms": 20}))
        .await;
    fixture.go_on.notify_one();
    assert_eq!(hub.receive().await["type"], "llm_done");
    hub.close(close_code::HUB_STOPPING, "back soon").await;
    let mut hub = fixture.welcome().await;
    // The new hub finds a node like any other.
    hub.prompt("t2", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t2");
    let error = fixture.status.watch().borrow().last_error.clone().unwrap();
    let reason = LossReason::HubStopped;
    assert_eq!(error.what, TroubleKind::Hub { reason });
}
