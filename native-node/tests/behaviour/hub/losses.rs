//! Connections that are lost, and what the node does then.

use std::time::Duration;

use futures_util::SinkExt;
use native_node::stop::Stop;
use protocol::close_code;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::fixture::{Fixture, PATIENCE, SIGN_OF_LIFE};

#[tokio::test]
async fn a_lost_connection_ends_its_prompts_and_the_node_comes_back() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    drop(hub);
    fixture.nothing_is_computed().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t2", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t2");
}

#[tokio::test]
async fn a_hub_that_stops_is_visited_again() {
    let fixture = Fixture::start().await;
    let hub = fixture.welcome().await;
    hub.close(close_code::HUB_STOPPING, "back soon").await;
    fixture.welcome().await;
}

#[tokio::test]
async fn a_hub_that_does_not_want_the_node_is_left_alone() {
    let fixture = Fixture::start().await;
    let (hub, _) = fixture.accept().await;
    hub.close(close_code::UNAUTHORISED, "a key is needed").await;
    let error = timeout(PATIENCE, fixture.node)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("NODE_API_KEY"), "{error}");
    assert!(error.to_string().contains("a key is needed"), "{error}");
}

#[tokio::test]
async fn a_silent_hub_is_left_for_a_new_connection() {
    let fixture = Fixture::start().await;
    let silent = fixture.welcome_with_heartbeat(100).await;
    fixture.welcome().await;
    drop(silent);
}

#[tokio::test]
async fn pings_are_answered_and_keep_the_connection() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome_with_heartbeat(400).await;
    for _ in 0..5 {
        hub.0.send(Message::Ping("k".into())).await.unwrap();
        assert_eq!(hub.message().await, Message::Pong("k".into()));
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}

#[tokio::test]
async fn a_node_that_looks_for_its_hub_can_be_stopped() {
    let fixture = Fixture::start().await;
    let hub = fixture.welcome().await;
    hub.close(close_code::RATE_LIMITED, "too fast").await;
    fixture.stop.send_replace(Stop::Finish);
    let ended = timeout(PATIENCE, fixture.node).await.unwrap();
    assert!(ended.unwrap().is_ok());
}

#[tokio::test]
async fn a_machine_that_wakes_up_connects_anew() {
    let fixture = Fixture::start().await;
    let asleep = fixture.welcome().await;
    fixture.is_connected().await;
    fixture.surroundings.sleep(Duration::from_secs(3600));
    fixture.welcome().await;
    drop(asleep);
}

#[tokio::test]
async fn a_short_nap_leaves_the_connection_alone() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    fixture.is_connected().await;
    fixture.surroundings.sleep(Duration::from_secs(100));
    fixture.surroundings.is_seen().await;
    hub.prompt("t1", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t1");
}

#[tokio::test]
async fn on_another_network_a_hub_that_answers_is_kept() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    fixture.is_connected().await;
    fixture.surroundings.go_to("10.0.0.7");
    assert_eq!(hub.message().await, Message::Ping("".into()));
    // The answer to the ping.
    hub.0.flush().await.unwrap();
    tokio::time::sleep(SIGN_OF_LIFE * 2).await;
    hub.prompt("t1", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t1");
}

#[tokio::test]
async fn on_another_network_a_hub_that_is_silent_is_left_for_a_new_connection() {
    let fixture = Fixture::start().await;
    let unreachable = fixture.welcome().await;
    fixture.is_connected().await;
    fixture.surroundings.go_to("10.0.0.7");
    fixture.welcome().await;
    drop(unreachable);
}
