//! Nodes that say nothing: a deadline for the first token, for the next one, and a heartbeat.

use std::time::Duration;

use protocol::close_code;

use crate::client::{ask, whole_answer};
use crate::node::{
    browser, cancel_within_a_second, close_code, join, named, next_prompt, wait_until_gone,
};
use crate::support::hub::TestHub;

/// Far longer than an honest node takes here, even on a machine that is busy with other things.
const DEADLINE: Duration = Duration::from_secs(1);

/// Three of them without a word, and a node is dropped.
const HEARTBEAT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn silent_before_the_first_token_another_node_gets_the_prompt() {
    let hub = TestHub::tuned(|config| config.nodes.first_token_deadline = DEADLINE).await;
    let mut silent = join(&hub, named("silent")).await;
    let mut other = join(&hub, browser("other")).await;
    let client = ask(&hub);
    let prompt = next_prompt(&mut silent).await;
    let prompt_again = next_prompt(&mut other).await;
    other.answer(&prompt_again.task_id, &["here"]).await;
    assert_eq!(whole_answer(client).await, "here");
    assert_eq!(cancel_within_a_second(&mut silent).await, prompt.task_id);
}

#[tokio::test]
async fn silent_before_the_first_token_the_client_gets_a_timeout() {
    let hub = TestHub::tuned(|config| config.nodes.first_token_deadline = DEADLINE).await;
    let mut silent = join(&hub, named("silent")).await;
    let client = ask(&hub);
    let prompt = next_prompt(&mut silent).await;
    let refused = client.refusal().await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (504, "deadline_expired")
    );
    assert_eq!(cancel_within_a_second(&mut silent).await, prompt.task_id);
}

#[tokio::test]
async fn silent_in_the_middle_an_error_ends_the_stream() {
    let hub = TestHub::tuned(|config| config.nodes.token_deadline = DEADLINE).await;
    let mut silent = join(&hub, named("silent")).await;
    let client = ask(&hub);
    let prompt = next_prompt(&mut silent).await;
    silent.token(&prompt.task_id, 0, "half").await;
    let (text, error) = client.stream().await.rest().await;
    assert_eq!(
        (text.as_str(), error.as_deref()),
        ("half", Some("deadline_expired"))
    );
    assert_eq!(cancel_within_a_second(&mut silent).await, prompt.task_id);
}

#[tokio::test]
async fn a_node_that_answers_no_ping_is_dropped() {
    let hub = TestHub::tuned(|config| config.nodes.heartbeat = HEARTBEAT).await;
    // A fake node answers pings only while it reads.
    let silent = join(&hub, named("silent")).await;
    wait_until_gone(&hub, "silent").await;
    assert_eq!(close_code(silent).await, Some(close_code::SILENT));
}

#[tokio::test]
async fn a_node_that_answers_pings_stays_however_little_it_has_to_do() {
    let hub = TestHub::tuned(|config| config.nodes.heartbeat = HEARTBEAT).await;
    let mut idle = join(&hub, named("idle")).await;
    // Reading answers the pings; no message comes meanwhile.
    let heard = tokio::time::timeout(HEARTBEAT * 6, idle.receive()).await;
    assert!(heard.is_err(), "{heard:?}");
    assert_eq!(hub.stats().await.nodes.len(), 1);
}
