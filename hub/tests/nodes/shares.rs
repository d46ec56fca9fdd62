//! Clients beside each other, and conversations that find their node again.

use serde_json::{Value, json};

use crate::client::{Asking, ask_for, ask_from, whole_answer};
use crate::node::{join, named, next_prompt};
use crate::support::{fake_node::FakeNode, hub::TestHub};

async fn answer_next(node: &mut FakeNode, text: &str) {
    let prompt = next_prompt(node).await;
    node.answer(&prompt.task_id, &[text]).await;
}

/// Asks once the hub knows of all that was asked before.
async fn ask_next(hub: &TestHub, address: &str, known: u32) -> Asking {
    let asking = ask_from(hub, address);
    hub.stats_when(|stats| stats.queue.waiting + stats.queue.running == known)
        .await;
    asking
}

#[tokio::test]
async fn who_asks_once_need_not_wait_for_all_that_another_asked() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("one")).await;
    let mut greedy = Vec::new();
    for number in 1..=4 {
        greedy.push(ask_next(&hub, "192.0.2.1", number).await);
    }
    let modest = ask_next(&hub, "192.0.2.2", 5).await;
    answer_next(&mut node, "greedy").await;
    answer_next(&mut node, "modest").await;
    assert_eq!(whole_answer(modest).await, "modest");
    for client in greedy.drain(..1) {
        assert_eq!(whole_answer(client).await, "greedy");
    }
    for client in greedy {
        answer_next(&mut node, "greedy again").await;
        assert_eq!(whole_answer(client).await, "greedy again");
    }
}

#[tokio::test]
async fn a_conversation_returns_to_its_node() {
    let hub = TestHub::start().await;
    let mut nodes = [
        join(&hub, named("one")).await,
        join(&hub, named("two")).await,
    ];
    let mut talks: Vec<Vec<Value>> = ["rivers ", "bread "]
        .map(|about| vec![json!({"role": "user", "content": about.repeat(500)})])
        .into();
    let mut clients = Vec::new();
    for (talk, known) in talks.iter().zip(1..) {
        clients.push(ask_for(&hub, &json!({"messages": talk})));
        hub.stats_when(|stats| stats.queue.running == known).await;
    }
    for ((node, talk), client) in nodes.iter_mut().zip(&mut talks).zip(clients) {
        answer_next(node, "well").await;
        client.whole().await;
        talk.push(json!({"role": "assistant", "content": "well"}));
    }
    // In the other order, which a mere turn-taking would get wrong.
    for (node, talk) in nodes.iter_mut().zip(&mut talks).rev() {
        talk.push(json!({"role": "user", "content": "and then?"}));
        let client = ask_for(&hub, &json!({"messages": talk}));
        answer_next(node, "and so on").await;
        assert_eq!(
            client.whole().await["choices"][0]["message"]["content"],
            "and so on"
        );
    }
}
