//! The first task of every node: it measures itself, and is ranked by that until it has answered.

use protocol::{BenchmarkResult, NodeMessage, TaskId, close_code};

use crate::client::{ask, whole_answer};
use crate::node::{browser, close_code, join, named, next_prompt};
use crate::support::fake_node::FakeNode;
use crate::support::hub::TestHub;

/// The result travels on its own connection: once a later frame shows, it was read too.
async fn benchmarked(hub: &TestHub, node: &mut FakeNode, multiply_adds_per_second: f64) {
    node.benchmarked(multiply_adds_per_second).await;
    let id = node.welcome.node_id.clone();
    let models = named("any").models;
    node.send(NodeMessage::NodeStatus(protocol::NodeStatus {
        models: Some([models.clone(), named_model("read")].concat()),
        ..Default::default()
    }))
    .await;
    hub.stats_when(|stats| {
        let node = stats.nodes.iter().find(|node| node.id == id);
        node.is_some_and(|node| node.models.len() == 2)
    })
    .await;
}

fn named_model(id: &str) -> Vec<protocol::NodeModel> {
    crate::support::fake_node::hello(id).models
}

#[tokio::test]
async fn the_faster_browser_is_asked_first_and_before_a_slow_native_node() {
    let hub = TestHub::start().await;
    let mut native = join(&hub, named("native")).await;
    let mut slow = join(&hub, browser("slow")).await;
    let mut fast = join(&hub, browser("fast")).await;
    benchmarked(&hub, &mut native, 2e9).await;
    benchmarked(&hub, &mut slow, 1e9).await;
    benchmarked(&hub, &mut fast, 4e10).await;
    let mut running = Vec::new();
    for node in [&mut fast, &mut native, &mut slow] {
        let client = ask(&hub);
        next_prompt(node).await;
        // Kept, so that each prompt finds the next best node.
        running.push(client);
    }
}

#[tokio::test]
async fn a_node_that_never_answers_it_is_a_node_like_any_other() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("mute")).await;
    let client = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["meanwhile"]).await;
    assert_eq!(whole_answer(client).await, "meanwhile");
}

#[tokio::test]
async fn a_result_may_come_in_the_middle_of_an_answer() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("busy")).await;
    let client = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.token(&prompt.task_id, 0, "be").await;
    node.benchmarked(1e10).await;
    node.token(&prompt.task_id, 1, "fore and after").await;
    node.done(
        &prompt.task_id,
        protocol::FinishReason::Stop,
        Default::default(),
    )
    .await;
    assert_eq!(whole_answer(client).await, "before and after");
}

#[tokio::test]
async fn a_second_result_or_one_for_another_task_breaks_the_protocol() {
    let hub = TestHub::start().await;
    let mut twice = join(&hub, named("twice")).await;
    twice.benchmarked(1e10).await;
    twice.benchmarked(2e10).await;
    let violation = Some(close_code::PROTOCOL_VIOLATION);
    assert_eq!(close_code(twice).await, violation);

    let other = join(&hub, named("other")).await;
    let mut foreign = join(&hub, named("foreign")).await;
    for task_id in [other.benchmark.clone(), TaskId("benchmark".to_owned())] {
        let result = NodeMessage::BenchmarkResult(BenchmarkResult {
            task_id,
            cpu_multiply_adds_per_second: 1e10,
            gpu_multiply_adds_per_second: None,
        });
        foreign.send(result).await;
        assert_eq!(close_code(foreign).await, violation);
        foreign = join(&hub, named("foreign again")).await;
    }
}
