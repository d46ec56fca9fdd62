//! Where there are more prompts than slots, or no node at all.

use std::time::Duration;

use serde_json::json;

use crate::client::{ask, ask_for, whole_answer};
use crate::node::{join, named, next_prompt};
use crate::support::hub::TestHub;

#[tokio::test]
async fn prompts_are_answered_in_the_order_in_which_they_came() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("one")).await;
    let mut clients = Vec::new();
    for number in 0..4_u32 {
        clients.push(ask(&hub));
        // The next request leaves once this one is known, so that the order is certain.
        let known = number + 1;
        hub.stats_when(|stats| stats.queue.waiting + stats.queue.running == known)
            .await;
    }
    for (number, client) in clients.into_iter().enumerate() {
        let prompt = next_prompt(&mut node).await;
        node.answer(&prompt.task_id, &[&number.to_string()]).await;
        assert_eq!(whole_answer(client).await, number.to_string());
    }
}

#[tokio::test]
async fn a_full_queue_refuses_with_429_and_a_pause() {
    let hub = TestHub::tuned(|config| config.dispatch.queue_length = 1).await;
    let mut node = join(&hub, named("one")).await;
    let running = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    let queued = ask(&hub);
    hub.stats_when(|stats| stats.queue.waiting == 1).await;

    let refused = ask(&hub).refusal().await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (429, "rate_limit_exceeded")
    );
    assert!(refused.retry_after.is_some());
    node.answer(&prompt.task_id, &["first"]).await;
    assert_eq!(whole_answer(running).await, "first");
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["second"]).await;
    assert_eq!(whole_answer(queued).await, "second");
}

#[tokio::test]
async fn a_prompt_that_waits_too_long_ends_with_504() {
    let deadline = Duration::from_millis(300);
    let hub = TestHub::tuned(|config| config.dispatch.queue_deadline = deadline).await;
    let mut node = join(&hub, named("one")).await;
    let running = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    let refused = ask(&hub).refusal().await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (504, "deadline_expired")
    );
    node.answer(&prompt.task_id, &["unhurried"]).await;
    assert_eq!(whole_answer(running).await, "unhurried");
}

#[tokio::test]
async fn no_node_for_a_known_model_is_503_and_an_unknown_model_404() {
    let hub = TestHub::start().await;
    let refused = ask(&hub).refusal().await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (503, "no_node_available")
    );
    assert!(refused.retry_after.is_some_and(|seconds| seconds <= 10));
    let refused = ask_for(&hub, &json!({"model": "gpt-4o"})).refusal().await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (404, "model_not_found")
    );
}

#[tokio::test]
async fn a_prompt_whose_nodes_are_all_gone_does_not_wait_for_ever() {
    let deadline = Duration::from_millis(300);
    let hub = TestHub::tuned(|config| config.dispatch.stranded_deadline = deadline).await;
    let mut node = join(&hub, named("one")).await;
    let client = ask(&hub);
    next_prompt(&mut node).await;
    drop(node);
    assert_eq!(client.refusal().await.status, 503);
}

#[tokio::test]
async fn a_family_is_answered_by_one_of_its_models() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("one")).await;
    let client = ask_for(&hub, &json!({"model": "qwen-coder", "stream": true}));
    let prompt = next_prompt(&mut node).await;
    assert_eq!(prompt.request.model, "qwen2.5-coder:0.5b");
    node.answer(&prompt.task_id, &["me"]).await;
    assert_eq!(whole_answer(client).await, "me");
}
