//! A client that goes away frees the slot, and the node is told within a second.

use protocol::FinishReason;

use crate::client::{ask, whole_answer};
use crate::node::{cancel_within_a_second, join, named, next_prompt};
use crate::support::hub::TestHub;

#[tokio::test]
async fn while_queued() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("one")).await;
    let first = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    let second = ask(&hub);
    hub.stats_when(|stats| stats.queue.waiting == 1).await;

    second.leave();
    hub.stats_when(|stats| stats.queue.waiting == 0).await;
    node.answer(&prompt.task_id, &["first"]).await;
    assert_eq!(whole_answer(first).await, "first");

    // The next prompt that the node hears of is a later one: the second never reached it.
    let third = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["third"]).await;
    assert_eq!(whole_answer(third).await, "third");
}

#[tokio::test]
async fn while_prefilling() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("one")).await;
    let first = ask(&hub);
    let prompt = next_prompt(&mut node).await;

    first.leave();
    assert_eq!(cancel_within_a_second(&mut node).await, prompt.task_id);
    hub.stats_when(|stats| stats.nodes[0].busy == 0).await;
    let second = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["second"]).await;
    assert_eq!(whole_answer(second).await, "second");
}

#[tokio::test]
async fn in_the_middle_of_the_stream() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("one")).await;
    let first = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.token(&prompt.task_id, 0, "half").await;
    let mut first = first.stream().await;
    assert_eq!(first.text().await, "half");
    let second = ask(&hub);
    hub.stats_when(|stats| stats.queue.waiting == 1).await;

    drop(first);
    assert_eq!(cancel_within_a_second(&mut node).await, prompt.task_id);
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["second"]).await;
    assert_eq!(whole_answer(second).await, "second");
}

#[tokio::test]
async fn what_the_node_still_sends_for_a_cancelled_prompt_is_put_up_with() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("one")).await;
    let first = ask(&hub);
    let cancelled = next_prompt(&mut node).await.task_id;
    node.token(&cancelled, 0, "half").await;
    let mut first = first.stream().await;
    first.text().await;
    drop(first);
    cancel_within_a_second(&mut node).await;

    // These crossed the cancel on the wire.
    node.token(&cancelled, 1, "of").await;
    node.token(&cancelled, 2, "it").await;
    node.done(&cancelled, FinishReason::Stop, protocol::Usage::default())
        .await;
    let second = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["second"]).await;
    assert_eq!(whole_answer(second).await, "second");
}
