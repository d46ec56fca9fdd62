//! One question to several nodes, and the best of their answers.

use std::time::Duration;

use protocol::{HubMessage, NodeMessage, NodeStatus};
use serde_json::{Value, json};

use crate::audits::{AINO, EINO, KEY, auditor, find, hub, next_audit, volunteer};
use crate::client::{Asking, ask_for, whole_answer};
use crate::node::{cancel_within_a_second, join, next_prompt};
use crate::support::{fake_node::FakeNode, hub::TestHub};

fn ask(hub: &TestHub, size: u32, fields: &Value) -> Asking {
    // So hot that no answer is audited besides.
    let mut body = json!({
        "temperature": 1.5, "kipina": {"ensemble": size, "nodes": "browser"},
    });
    for (field, value) in fields.as_object().unwrap() {
        body[field] = value.clone();
    }
    ask_for(hub, &body)
}

/// Both answer, the judge finds their answers as far from its own as the margins say.
async fn both_answer(judge: &mut FakeNode, nodes: [(&mut FakeNode, &str, f32); 2]) {
    let [(one, said, margin), (other, also_said, other_margin)] = nodes;
    for (node, text) in [(one, said), (other, also_said)] {
        let prompt = next_prompt(node).await;
        node.answer(&prompt.task_id, &[text, "!"]).await;
    }
    for _ in 0..2 {
        let audit = next_audit(judge).await;
        let margin = if audit.answer.starts_with(said) {
            margin
        } else {
            other_margin
        };
        find(judge, &audit, margin, 2).await;
    }
}

#[tokio::test]
async fn the_answer_that_the_judge_finds_likeliest_is_the_answer() {
    let hub = hub().await;
    let mut judge = join(&hub, auditor("judge")).await;
    let mut aino = join(&hub, volunteer("aino", AINO)).await;
    let mut eino = join(&hub, volunteer("eino", EINO)).await;

    let client = ask(&hub, 2, &json!({"stream": true}));
    both_answer(
        &mut judge,
        [(&mut aino, "hei", 1.5), (&mut eino, "moi", 0.5)],
    )
    .await;
    assert_eq!(whole_answer(client).await, "moi!");

    let client = ask(&hub, 2, &json!({"seed": 7}));
    both_answer(
        &mut judge,
        [(&mut aino, "hei", 0.5), (&mut eino, "moi", 1.5)],
    )
    .await;
    let answer = client.whole().await;
    assert_eq!(answer["choices"][0]["message"]["content"], "hei!");
    assert_eq!(answer["kipina"]["node"], "aino");
    assert_eq!(answer["usage"]["completion_tokens"], 2);
}

#[tokio::test]
async fn every_node_of_an_ensemble_gets_a_seed_of_its_own() {
    let hub = hub().await;
    let _judge = join(&hub, auditor("judge")).await;
    let mut aino = join(&hub, volunteer("aino", AINO)).await;
    let mut eino = join(&hub, volunteer("eino", EINO)).await;
    let _client = ask(&hub, 2, &json!({"seed": 7}));
    let mut seeds = [next_prompt(&mut aino).await, next_prompt(&mut eino).await]
        .map(|prompt| prompt.request.sampling.seed);
    seeds.sort_unstable();
    assert_eq!(seeds, [Some(7), Some(8)]);
}

#[tokio::test]
async fn a_node_that_fails_leaves_the_others_answer() {
    let hub = hub().await;
    let mut judge = join(&hub, auditor("judge")).await;
    let mut aino = join(&hub, volunteer("aino", AINO)).await;
    let mut eino = join(&hub, volunteer("eino", EINO)).await;
    let client = ask(&hub, 2, &json!({"stream": true}));
    let prompt = next_prompt(&mut aino).await;
    let code = protocol::LlmErrorCode::OutOfMemory;
    aino.error(&prompt.task_id, code, "no memory").await;
    let prompt = next_prompt(&mut eino).await;
    eino.answer(&prompt.task_id, &["moi"]).await;
    let audit = next_audit(&mut judge).await;
    find(&mut judge, &audit, 3.0, 1).await;
    assert_eq!(whole_answer(client).await, "moi");
}

#[tokio::test]
async fn whoever_leaves_stops_them_all() {
    let hub = hub().await;
    let _judge = join(&hub, auditor("judge")).await;
    let mut aino = join(&hub, volunteer("aino", AINO)).await;
    let mut eino = join(&hub, volunteer("eino", EINO)).await;
    let client = ask(&hub, 2, &json!({"stream": true}));
    let asked = [next_prompt(&mut aino).await, next_prompt(&mut eino).await];
    client.leave();
    assert_eq!(cancel_within_a_second(&mut aino).await, asked[0].task_id);
    assert_eq!(cancel_within_a_second(&mut eino).await, asked[1].task_id);
}

#[tokio::test]
async fn too_few_nodes_and_nobody_to_judge_are_told_apart() {
    let hub = hub().await;
    let mut aino = join(&hub, volunteer("aino", AINO)).await;
    let eino = join(&hub, volunteer("eino", EINO)).await;
    let refused = ask(&hub, 2, &json!({})).refusal().await;
    assert_eq!((refused.status, refused.code.as_str()), (503, "no_judge"));
    let _judge = join(&hub, auditor("judge")).await;
    let refused = ask(&hub, 3, &json!({})).refusal().await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (503, "too_few_nodes")
    );
    for size in [0, 6] {
        assert_eq!(ask(&hub, size, &json!({})).refusal().await.status, 400);
    }
    drop(eino);
    let one = ask(&hub, 1, &json!({"stream": true}));
    let HubMessage::LlmPrompt(prompt) = aino.receive().await else {
        panic!("an ensemble of one is a prompt")
    };
    aino.answer(&prompt.task_id, &["alone"]).await;
    assert_eq!(whole_answer(one).await, "alone");
}

#[tokio::test]
async fn whoever_leaves_while_an_answer_is_judged_stops_the_judge() {
    let hub = hub().await;
    let mut judge = join(&hub, auditor("judge")).await;
    let mut aino = join(&hub, volunteer("aino", AINO)).await;
    let mut eino = join(&hub, volunteer("eino", EINO)).await;
    let client = ask(&hub, 2, &json!({"stream": true}));
    for node in [&mut aino, &mut eino] {
        let prompt = next_prompt(node).await;
        node.answer(&prompt.task_id, &["moi"]).await;
    }
    let audit = next_audit(&mut judge).await;
    client.leave();
    assert_eq!(cancel_within_a_second(&mut judge).await, audit.task_id);
}

#[tokio::test]
async fn answers_of_the_same_weights_compete_and_of_the_largest_model_that_enough_nodes_have() {
    const LARGER: &str = "qwen2.5-coder:1.5b";
    const ITS_DIGEST: &str =
        "sha256:cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046";
    let hub = hub().await;
    let mut both = auditor("judge");
    let mut larger = both.models[0].clone();
    (larger.id, larger.digest) = (LARGER.to_owned(), Some(ITS_DIGEST.to_owned()));
    both.models.push(larger);
    let _judge = join(&hub, both).await;
    let with_larger = |name, owner| {
        let mut hello = volunteer(name, owner);
        LARGER.clone_into(&mut hello.models[0].id);
        hello
    };
    let mut aino = join(&hub, volunteer("aino", AINO)).await;
    let mut one = join(&hub, with_larger("one", EINO)).await;
    let family = json!({"model": "qwen-coder"});
    let refused = ask(&hub, 2, &family).refusal().await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (503, "too_few_nodes")
    );

    let mut eino = join(&hub, volunteer("eino", EINO)).await;
    let client = ask(&hub, 2, &family);
    let asked = [next_prompt(&mut aino).await, next_prompt(&mut eino).await];
    client.leave();
    assert_eq!(cancel_within_a_second(&mut aino).await, asked[0].task_id);
    assert_eq!(cancel_within_a_second(&mut eino).await, asked[1].task_id);

    let mut two = join(&hub, with_larger("two", AINO)).await;
    let _client = ask(&hub, 2, &family);
    for node in [&mut one, &mut two] {
        assert_eq!(next_prompt(node).await.request.model, LARGER);
    }
}

#[tokio::test]
async fn nobody_waits_longer_for_a_judge_than_for_a_node() {
    let hub = TestHub::tuned(|config| {
        config.nodes.key = Some(KEY.to_owned());
        config.dispatch.queue_deadline = Duration::from_millis(300);
    })
    .await;
    let mut judge = join(&hub, auditor("judge")).await;
    let mut aino = join(&hub, volunteer("aino", AINO)).await;
    let mut eino = join(&hub, volunteer("eino", EINO)).await;
    let client = ask(&hub, 2, &json!({"stream": true}));
    let prompts = [next_prompt(&mut aino).await, next_prompt(&mut eino).await];
    let paused = NodeStatus {
        paused: Some(true),
        ..NodeStatus::default()
    };
    judge.send(NodeMessage::NodeStatus(paused)).await;
    hub.stats_when(|stats| stats.nodes.iter().any(|node| node.paused))
        .await;
    aino.answer(&prompts[0].task_id, &["moi"]).await;
    eino.answer(&prompts[1].task_id, &["moi"]).await;
    assert_eq!(whole_answer(client).await, "moi");
}
