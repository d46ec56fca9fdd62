//! Nodes whose connection ends, and nodes that fail a prompt.

use std::time::Duration;

use protocol::{LlmError, LlmErrorCode, NodeMessage};
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::MaybeTlsStream;

use crate::client::{ask, ask_for, ask_plainly, whole_answer};
use crate::node::{browser, join, named, next_prompt, wait_until_gone};
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
async fn however_its_connection_ends_a_node_is_gone_from_the_statistics_at_once() {
    let hub = TestHub::start().await;
    // No close frame, just the end of the stream, as when a program ends.
    drop(join(&hub, browser("ended")).await);
    gone_within_two_seconds(&hub, "ended").await;

    // The machine throws the connection away.
    let reset = join(&hub, browser("reset")).await;
    if let MaybeTlsStream::Plain(socket) = reset.socket.get_ref() {
        socket.set_zero_linger().unwrap();
    }
    drop(reset);
    gone_within_two_seconds(&hub, "reset").await;

    let mut polite = join(&hub, browser("polite")).await;
    polite.socket.close(None).await.unwrap();
    gone_within_two_seconds(&hub, "polite").await;
}

async fn gone_within_two_seconds(hub: &TestHub, name: &str) {
    timeout(Duration::from_secs(2), wait_until_gone(hub, name))
        .await
        .unwrap_or_else(|_| panic!("'{name}' stays in the statistics"));
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
async fn gone_in_the_middle_another_node_goes_on_and_the_client_notices_nothing() {
    let hub = TestHub::start().await;
    let mut doomed = join(&hub, named("doomed")).await;
    let mut other = join(&hub, browser("other")).await;
    let client = ask_for(&hub, &json!({"stream": true, "max_tokens": 16}));
    let given_first = next_prompt(&mut doomed).await;
    doomed.token(&given_first.task_id, 0, "half an ").await;
    let mut client = client.stream().await;
    assert_eq!(client.text().await, "half an ");

    drop(doomed);
    let prompt = next_prompt(&mut other).await;
    assert_eq!(prompt.continue_from.as_deref(), Some("half an "));
    assert_eq!(prompt.request.input, given_first.request.input);
    assert_eq!(
        prompt.request.sampling.max_tokens,
        Some(15),
        "the first token counts"
    );
    other.answer(&prompt.task_id, &["answer"]).await;
    assert_eq!(client.rest().await, ("answer".to_owned(), None));
}

#[tokio::test]
async fn whoever_goes_on_is_named_and_the_tokens_of_both_are_counted() {
    let hub = TestHub::start().await;
    let mut doomed = join(&hub, named("doomed")).await;
    let mut other = join(&hub, browser("other")).await;
    let client = ask_plainly(&hub);
    let prompt = next_prompt(&mut doomed).await;
    doomed.token(&prompt.task_id, 0, "half an ").await;
    doomed.token(&prompt.task_id, 1, "an").await;
    hub.stats_when(|stats| stats.queue.running == 1).await;
    drop(doomed);
    let prompt = next_prompt(&mut other).await;
    other.answer(&prompt.task_id, &["sw", "er"]).await;
    let answer = client.whole().await;
    assert_eq!(answer["choices"][0]["message"]["content"], "half an answer");
    assert_eq!(answer["usage"]["completion_tokens"], 4);
    assert_eq!(answer["kipina"]["node"], "other");
}

#[tokio::test]
async fn gone_after_its_last_token_nobody_else_is_asked() {
    let hub = TestHub::start().await;
    let mut doomed = join(&hub, named("doomed")).await;
    let _other = join(&hub, browser("other")).await;
    let client = ask_for(&hub, &json!({"max_tokens": 2}));
    let prompt = next_prompt(&mut doomed).await;
    doomed.token(&prompt.task_id, 0, "the ").await;
    doomed.token(&prompt.task_id, 1, "end").await;
    drop(doomed);
    let answer = client.whole().await;
    let choice = &answer["choices"][0];
    assert_eq!(
        (&choice["message"]["content"], &choice["finish_reason"]),
        (&json!("the end"), &json!("length"))
    );
    assert_eq!(answer["usage"]["completion_tokens"], 2);
}

#[tokio::test]
async fn gone_in_the_middle_with_nobody_to_go_on_a_well_formed_error_ends_the_stream() {
    let hub = short_of_nodes().await;
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
async fn gone_in_the_middle_with_nobody_to_go_on_a_plain_answer_becomes_an_error() {
    let hub = short_of_nodes().await;
    let mut node = join(&hub, named("doomed")).await;
    let client = ask_plainly(&hub);
    let prompt = next_prompt(&mut node).await;
    node.token(&prompt.task_id, 0, "half an ").await;
    drop(node);
    let refused = client.refusal().await;
    assert_eq!((refused.status, refused.code.as_str()), (503, "node_lost"));
}

/// A hub that waits for other nodes a moment only.
async fn short_of_nodes() -> TestHub {
    TestHub::tuned(|config| config.dispatch.stranded_deadline = Duration::from_millis(50)).await
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
