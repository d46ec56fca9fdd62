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
async fn whoever_is_refused_hears_how_long_the_wait_would_have_been() {
    let hub = TestHub::tuned(|config| config.dispatch.queue_length = 1).await;
    let mut node = join(&hub, named("one")).await;
    let running = ask(&hub);
    next_prompt(&mut node).await;
    let queued = ask(&hub);
    hub.stats_when(|stats| stats.queue.waiting == 1).await;

    let response = ask(&hub).response().await;
    assert_eq!(response.status(), 429);
    let header = |name: &str| -> u64 {
        let value = response.headers()[name].to_str().unwrap();
        value.parse().unwrap()
    };
    let (position, wait_ms) = (
        header("x-kipina-queue-position"),
        header("x-kipina-expected-wait-ms"),
    );
    let pause = header("retry-after");
    let body: serde_json::Value = response.text().await.unwrap().parse().unwrap();
    assert_eq!(
        body["error"]["kipina"],
        json!({"queue_position": position, "expected_wait_ms": wait_ms})
    );
    assert_eq!(position, 2);
    // Two usual answers at the speed of a native node that nobody has measured yet.
    assert!((20_000..60_000).contains(&wait_ms), "{wait_ms}");
    assert_eq!(pause, wait_ms.div_ceil(1000));
    drop((running, queued));
}

#[tokio::test]
async fn a_stream_that_waits_opens_and_tells_where_it_stands() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("one")).await;
    let running = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    let waiting = ask(&hub).response().await;
    assert_eq!(waiting.status(), 200);
    assert_eq!(waiting.headers()["x-kipina-queue-position"], "1");
    node.answer(&prompt.task_id, &["first"]).await;
    assert_eq!(whole_answer(running).await, "first");
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["second"]).await;
    let body = waiting.text().await.unwrap();
    assert!(
        body.starts_with(": queued position=1 expected_wait_ms="),
        "{body}"
    );
    let chunks = crate::support::sse::chunks(&body);
    assert_eq!(crate::support::sse::text(&chunks), "second");
    assert!(chunks.last().unwrap()["kipina"]["queued_ms"].as_f64() > Some(4000.0));
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
