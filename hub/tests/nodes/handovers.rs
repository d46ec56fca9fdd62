//! Answers that more than one node gave: what the next one is told, and what the client is told of it.

use std::time::Duration;

use protocol::{Hello, LlmToken, NodeMessage, TaskId};
use serde_json::json;

use crate::client::{ask_for, ask_plainly};
use crate::node::{cancel_within_a_second, join, named, next_prompt};
use crate::support::{fake_node::FakeNode, hub::TestHub};

fn with_digest(name: &str, digest: &str) -> Hello {
    let mut hello = named(name);
    hello.models[0].digest = Some(digest.to_owned());
    hello
}

async fn token(node: &mut FakeNode, task_id: &TaskId, seq: u64, text: &str, token_ids: &[u32]) {
    node.send(NodeMessage::LlmToken(LlmToken {
        task_id: task_id.clone(),
        seq,
        text: text.to_owned(),
        token_ids: token_ids.to_vec(),
    }))
    .await;
}

#[tokio::test]
async fn the_same_weights_go_on_from_tokens_and_others_from_the_text() {
    for (digest, expected) in [("sha256:a", vec![7, 8, 9]), ("sha256:b", vec![])] {
        let hub = TestHub::start().await;
        let mut doomed = join(&hub, with_digest("doomed", "sha256:a")).await;
        let mut other = join(&hub, with_digest("other", digest)).await;
        let client = ask_for(&hub, &json!({"stream": true, "max_tokens": 16}));
        let task_id = next_prompt(&mut doomed).await.task_id;
        token(&mut doomed, &task_id, 0, "half ", &[7]).await;
        token(&mut doomed, &task_id, 1, "an ", &[8, 9]).await;
        let mut client = client.stream().await;
        assert_eq!(client.text().await, "half ");
        assert_eq!(client.text().await, "an ");
        drop(doomed);

        let prompt = next_prompt(&mut other).await;
        assert_eq!(prompt.continue_from.as_deref(), Some("half an "));
        assert_eq!(prompt.continue_token_ids, expected, "{digest}");
        assert_eq!(prompt.request.sampling.max_tokens, Some(13));
        other.answer(&prompt.task_id, &["answer"]).await;
        assert_eq!(client.rest().await, ("answer".to_owned(), None));
    }
}

#[tokio::test]
async fn the_answer_tells_which_nodes_were_lost_on_the_way_and_when() {
    let hub = TestHub::tuned(|config| config.nodes.token_deadline = Duration::from_secs(1)).await;
    let mut doomed = join(&hub, named("doomed")).await;
    let mut silent = join(&hub, named("silent")).await;
    let mut last = join(&hub, named("last")).await;
    let client = ask_plainly(&hub);
    let prompt = next_prompt(&mut doomed).await;
    doomed.token(&prompt.task_id, 0, "one ").await;
    doomed.token(&prompt.task_id, 1, "two ").await;
    hub.stats_when(|stats| stats.queue.running == 1).await;
    drop(doomed);
    let prompt = next_prompt(&mut silent).await;
    assert_eq!(prompt.continue_from.as_deref(), Some("one two "));
    silent.token(&prompt.task_id, 0, "three ").await;
    let prompt = next_prompt(&mut last).await;
    assert_eq!(prompt.continue_from.as_deref(), Some("one two three "));
    assert_eq!(cancel_within_a_second(&mut silent).await, prompt.task_id);
    last.answer(&prompt.task_id, &["four"]).await;

    let answer = client.whole().await;
    let content = &answer["choices"][0]["message"]["content"];
    assert_eq!(content, "one two three four");
    assert_eq!(answer["kipina"]["node"], "last");
    assert_eq!(
        answer["kipina"]["handovers"],
        json!([
            {"node": "doomed", "after_tokens": 2, "reason": "node_lost"},
            {"node": "silent", "after_tokens": 3, "reason": "node_silent"},
        ])
    );
}

#[tokio::test]
async fn who_wants_no_second_node_gets_an_error_instead() {
    let hub = TestHub::start().await;
    let mut doomed = join(&hub, named("doomed")).await;
    let mut other = join(&hub, named("other")).await;
    let client = ask_for(&hub, &json!({"stream": true, "kipina": {"resume": false}}));
    let prompt = next_prompt(&mut doomed).await;
    doomed.token(&prompt.task_id, 0, "half an ").await;
    let mut client = client.stream().await;
    assert_eq!(client.text().await, "half an ");
    drop(doomed);
    let (rest, error) = client.rest().await;
    assert_eq!((rest.as_str(), error.as_deref()), ("", Some("node_lost")));

    // Before its first token nothing is seen of a change of nodes.
    let client = ask_for(&hub, &json!({"kipina": {"resume": false}}));
    next_prompt(&mut other).await;
    drop(other);
    let mut third = join(&hub, named("third")).await;
    let prompt = next_prompt(&mut third).await;
    third.answer(&prompt.task_id, &["whole"]).await;
    let answer = client.whole().await;
    assert_eq!(answer["choices"][0]["message"]["content"], "whole");
    assert_eq!(answer["kipina"]["handovers"][0]["after_tokens"], 0);
}

#[tokio::test]
async fn an_answer_outlives_every_node_that_brings_it_further() {
    let hub = TestHub::start().await;
    let client = {
        let mut node = join(&hub, named("node 0")).await;
        let client = ask_for(&hub, &json!({"stream": true}));
        let prompt = next_prompt(&mut node).await;
        node.token(&prompt.task_id, 0, "0 ").await;
        client
    };
    let mut client = client.stream().await;
    assert_eq!(client.text().await, "0 ");
    for number in 1..6 {
        let mut node = join(&hub, named(&format!("node {number}"))).await;
        let prompt = next_prompt(&mut node).await;
        node.token(&prompt.task_id, 0, &format!("{number} ")).await;
        assert_eq!(client.text().await, format!("{number} "));
    }
    let mut last = join(&hub, named("last")).await;
    let prompt = next_prompt(&mut last).await;
    assert_eq!(prompt.continue_from.as_deref(), Some("0 1 2 3 4 5 "));
    last.answer(&prompt.task_id, &["done"]).await;
    assert_eq!(client.rest().await, ("done".to_owned(), None));
}
