//! Nodes whose connection ends, and nodes that fail a prompt.

use protocol::{LlmError, LlmErrorCode, NodeMessage};

use crate::client::{ask, ask_plainly, whole_answer};
use crate::node::{browser, join, named, next_prompt};
use crate::support::hub::TestHub;

#[tokio::test]
async fn gone_before_its_first_token_another_node_answers_and_the_client_notices_nothing() {
    let hub = TestHub::start().await;
    let mut doomed = join(&hub, named("doomed")).await;
    let mut other = join(&hub, browser("other")).await;
    let client = ask(&hub);
    let given_first = next_prompt(&mut doomed).await;

    drop(doomed);
    let prompt = next_prompt(&mut other).await;
    assert_eq!(
        (&prompt.task_id, &prompt.request),
        (&given_first.task_id, &given_first.request)
    );
    other
        .answer(&prompt.task_id, &["all ", "is ", "well"])
        .await;
    assert_eq!(whole_answer(client).await, "all is well");
}

#[tokio::test]
async fn the_only_node_may_be_gone_for_a_moment() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("first visit")).await;
    let client = ask(&hub);
    next_prompt(&mut node).await;
    drop(node);
    hub.stats_when(|stats| stats.nodes.is_empty() && stats.queue.waiting == 1)
        .await;

    let mut node = join(&hub, named("second visit")).await;
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["back"]).await;
    assert_eq!(whole_answer(client).await, "back");
}

#[tokio::test]
async fn gone_in_the_middle_a_well_formed_error_ends_the_stream() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("doomed")).await;
    let client = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.token(&prompt.task_id, 0, "half an ").await;
    let mut client = client.stream().await;
    assert_eq!(client.text().await, "half an ");

    drop(node);
    assert_eq!(
        client.rest().await,
        (String::new(), Some("node_lost".to_owned()))
    );
}

#[tokio::test]
async fn gone_in_the_middle_a_plain_answer_becomes_an_error() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("doomed")).await;
    let client = ask_plainly(&hub);
    let prompt = next_prompt(&mut node).await;
    node.token(&prompt.task_id, 0, "half an ").await;
    drop(node);
    let refused = client.refusal().await;
    assert_eq!((refused.status, refused.code.as_str()), (503, "node_lost"));
}

#[tokio::test]
async fn a_prompt_that_costs_one_node_after_another_is_given_up() {
    let hub = TestHub::start().await;
    let mut nodes = Vec::new();
    for name in ["first", "second", "third", "fourth"] {
        nodes.push(join(&hub, named(name)).await);
    }
    let client = ask(&hub);
    for mut node in nodes.drain(..3) {
        next_prompt(&mut node).await;
        drop(node);
    }
    assert_eq!(client.refusal().await.code, "node_lost");
    hub.stats_when(|stats| stats.nodes.len() == 1 && stats.queue.running == 0)
        .await;
}

#[tokio::test]
async fn what_one_node_can_not_do_another_may() {
    let hub = TestHub::start().await;
    let mut full = join(&hub, named("full")).await;
    let mut other = join(&hub, browser("other")).await;
    let client = ask(&hub);
    let prompt = next_prompt(&mut full).await;
    let error = LlmError {
        task_id: prompt.task_id,
        code: LlmErrorCode::OutOfMemory,
        message: "the model does not fit".to_owned(),
        retryable: true,
    };
    full.send(NodeMessage::LlmError(error.clone())).await;

    let prompt = next_prompt(&mut other).await;
    other.answer(&prompt.task_id, &["it fits here"]).await;
    assert_eq!(whole_answer(client).await, "it fits here");
}

#[tokio::test]
async fn where_no_other_node_may_try_the_error_passes_on() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("full")).await;
    let client = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    let error = LlmError {
        task_id: prompt.task_id,
        code: LlmErrorCode::OutOfMemory,
        message: "the model does not fit".to_owned(),
        retryable: true,
    };
    node.send(NodeMessage::LlmError(error)).await;
    let refused = client.refusal().await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (500, "out_of_memory")
    );
}
