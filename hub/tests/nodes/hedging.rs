//! Late first tokens: another node is asked as well, and the faster one answers.

use std::time::Duration;

use hub::dispatch::HedgeSettings;
use serde_json::json;

use crate::client::{ask, ask_plainly, whole_answer};
use crate::node::{browser, cancel_within_a_second, join, named, next_prompt};
use crate::support::{fake_node::FakeNode, hub::TestHub};

/// A hub that soon loses patience, with a node that is asked first and one that is idle.
async fn impatient() -> (TestHub, FakeNode, FakeNode) {
    let hub = TestHub::tuned(|config| {
        config.dispatch.hedge = Some(HedgeSettings {
            multiple: 1.0,
            least: Duration::from_millis(300),
        });
    })
    .await;
    let first = join(&hub, named("first")).await;
    let second = join(&hub, browser("second")).await;
    (hub, first, second)
}

#[tokio::test]
async fn the_second_node_answers_where_it_is_faster_and_the_first_is_told_to_stop() {
    let (hub, mut first, mut second) = impatient().await;
    let client = ask_plainly(&hub);
    let late = next_prompt(&mut first).await;
    let prompt = next_prompt(&mut second).await;
    assert_ne!(prompt.task_id, late.task_id);
    assert_eq!(prompt.request, late.request);
    second.answer(&prompt.task_id, &["here ", "already"]).await;
    let answer = client.whole().await;
    assert_eq!(answer["choices"][0]["message"]["content"], "here already");
    assert_eq!(answer["kipina"]["node"], "second");
    assert_eq!(
        answer["kipina"]["handovers"],
        json!([{"node": "first", "after_tokens": 0, "reason": "first_token_late"}])
    );
    assert!(answer["kipina"]["first_token_ms"].as_f64() >= Some(300.0));
    assert_eq!(cancel_within_a_second(&mut first).await, late.task_id);
    hub.stats_when(|stats| stats.queue.running == 0 && stats.nodes.iter().all(|n| n.busy == 0))
        .await;
}

#[tokio::test]
async fn the_first_node_answers_where_it_is_faster_after_all() {
    let (hub, mut first, mut second) = impatient().await;
    let client = ask(&hub);
    let late = next_prompt(&mut first).await;
    let prompt = next_prompt(&mut second).await;
    first.answer(&late.task_id, &["late"]).await;
    assert_eq!(whole_answer(client).await, "late");
    assert_eq!(cancel_within_a_second(&mut second).await, prompt.task_id);
    hub.stats_when(|stats| stats.queue.running == 0).await;
}

#[tokio::test]
async fn whichever_node_is_lost_the_other_answers() {
    for lost in ["first", "second"] {
        let (hub, mut first, mut second) = impatient().await;
        let client = ask(&hub);
        let late = next_prompt(&mut first).await;
        let prompt = next_prompt(&mut second).await;
        let (mut left, task_id) = if lost == "first" {
            drop(first);
            (second, prompt.task_id)
        } else {
            drop(second);
            (first, late.task_id)
        };
        hub.stats_when(|stats| stats.nodes.len() == 1).await;
        left.answer(&task_id, &["still here"]).await;
        assert_eq!(whole_answer(client).await, "still here", "{lost} was lost");
    }
}

#[tokio::test]
async fn a_client_that_leaves_stops_both() {
    let (hub, mut first, mut second) = impatient().await;
    let client = ask(&hub);
    let late = next_prompt(&mut first).await;
    let prompt = next_prompt(&mut second).await;
    client.leave();
    assert_eq!(cancel_within_a_second(&mut first).await, late.task_id);
    assert_eq!(cancel_within_a_second(&mut second).await, prompt.task_id);
    hub.stats_when(|stats| stats.queue.running == 0).await;
}
