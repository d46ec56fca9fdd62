//! A node that breaks a rule is dropped, and nobody else notices.

use std::time::Duration;

use futures_util::SinkExt;
use protocol::{
    AuditResult, FinishReason, Hello, MAX_NODE_FRAME_BYTES, NodeMessage, TaskId, Usage, close_code,
};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Asking, ask, whole_answer};
use crate::node::{browser, close_code, join, named, next_prompt, wait_until_gone};
use crate::support::fake_node::FakeNode;
use crate::support::hub::TestHub;

/// A hub with a node that is going to misbehave, and one that is in the middle of an answer.
struct Scene {
    hub: TestHub,
    bad: FakeNode,
    good: FakeNode,
    client_of_good: Asking,
    task_of_good: TaskId,
}

impl Scene {
    async fn new() -> Self {
        let hub = TestHub::start().await;
        let mut good = join(&hub, named("good")).await;
        let client_of_good = ask(&hub);
        let task_of_good = next_prompt(&mut good).await.task_id;
        good.token(&task_of_good, 0, "all ").await;
        let bad = join(&hub, named("bad")).await;
        Self {
            hub,
            bad,
            good,
            client_of_good,
            task_of_good,
        }
    }

    /// The bad node is gone for this reason, its prompt is on the good one, and the good one's
    /// own answer is whole. Returns what the good one went on from.
    async fn ends_well(self, bads_client: Option<Asking>) -> String {
        let Self {
            hub,
            bad,
            mut good,
            client_of_good,
            task_of_good,
        } = self;
        assert_eq!(close_code(bad).await, Some(close_code::PROTOCOL_VIOLATION));
        wait_until_gone(&hub, "bad").await;
        good.token(&task_of_good, 1, "is well").await;
        good.done(&task_of_good, FinishReason::Stop, Usage::default())
            .await;
        assert_eq!(whole_answer(client_of_good).await, "all is well");
        let Some(client) = bads_client else {
            return String::new();
        };
        let prompt = next_prompt(&mut good).await;
        good.answer(&prompt.task_id, &["also well"]).await;
        let begun = prompt.continue_from.unwrap_or_default();
        assert_eq!(whole_answer(client).await, format!("{begun}also well"));
        begun
    }
}

#[tokio::test]
async fn frames_that_are_no_messages() {
    let not_messages = [
        Message::text("not JSON"),
        Message::text("[]"),
        Message::text("{}"),
        Message::text(r#"{"type":"llm_token"}"#),
        Message::text(r#"{"type":"rm_rf","path":"/"}"#),
        Message::text(r#"{"type":"llm_token","task_id":1,"seq":-1,"text":null}"#),
        Message::text("[".repeat(100_000)),
        Message::binary(vec![0, 1, 2]),
    ];
    for frame in not_messages {
        let mut scene = Scene::new().await;
        let client = ask(&scene.hub);
        next_prompt(&mut scene.bad).await;
        scene.bad.socket.send(frame).await.unwrap();
        scene.ends_well(Some(client)).await;
    }
}

#[tokio::test]
async fn a_gap_a_repetition_and_a_wrong_start_of_seq() {
    for seqs in [vec![1], vec![0, 2], vec![0, 0], vec![0, u64::MAX]] {
        let mut scene = Scene::new().await;
        let client = ask(&scene.hub);
        let task_id = next_prompt(&mut scene.bad).await.task_id;
        for seq in &seqs {
            scene.bad.token(&task_id, *seq, "x").await;
        }
        // Of an answer that had begun the right part stays.
        let begun = scene.ends_well(Some(client)).await;
        assert_eq!(begun, if seqs.len() == 1 { "" } else { "x" });
    }
}

#[tokio::test]
async fn frames_for_another_nodes_prompt_never_reach_its_client() {
    let mut scene = Scene::new().await;
    scene.bad.token(&scene.task_of_good, 1, "lies").await;
    scene.ends_well(None).await;

    let mut scene = Scene::new().await;
    scene
        .bad
        .done(&scene.task_of_good, FinishReason::Stop, Usage::default())
        .await;
    scene.ends_well(None).await;

    let mut scene = Scene::new().await;
    let code = protocol::LlmErrorCode::BackendFailed;
    scene.bad.error(&scene.task_of_good, code, "lies").await;
    scene.ends_well(None).await;
}

#[tokio::test]
async fn frames_for_prompts_that_nobody_has() {
    let mut scene = Scene::new().await;
    scene
        .bad
        .token(&TaskId("task-0-0".to_owned()), 0, "lies")
        .await;
    scene.ends_well(None).await;

    let mut scene = Scene::new().await;
    let task_id = TaskId("audit".to_owned());
    let unasked = AuditResult {
        task_id,
        logit_margins: vec![0.0],
        sampling_margins: Vec::new(),
    };
    scene.bad.send(NodeMessage::AuditResult(unasked)).await;
    scene.ends_well(None).await;
}

#[tokio::test]
async fn a_token_after_the_end() {
    let mut scene = Scene::new().await;
    let client = ask(&scene.hub);
    let task_id = next_prompt(&mut scene.bad).await.task_id;
    scene.bad.answer(&task_id, &["done"]).await;
    assert_eq!(whole_answer(client).await, "done");
    scene.bad.token(&task_id, 1, "more").await;
    scene.ends_well(None).await;
}

#[tokio::test]
async fn a_second_hello() {
    let mut scene = Scene::new().await;
    scene
        .bad
        .send(NodeMessage::Hello(named("someone else")))
        .await;
    scene.ends_well(None).await;
}

#[tokio::test]
async fn a_frame_that_is_too_long() {
    let mut scene = Scene::new().await;
    let client = ask(&scene.hub);
    let task_id = next_prompt(&mut scene.bad).await.task_id;
    let text = "x".repeat(MAX_NODE_FRAME_BYTES);
    let frame = format!(r#"{{"type":"llm_token","task_id":"{task_id}","seq":0,"text":"{text}"}}"#);
    // The hub may close before it has read all of it: then sending fails, which is as good.
    let _ = scene.bad.socket.send(Message::text(frame)).await;
    let Scene {
        hub,
        bad,
        mut good,
        client_of_good,
        task_of_good,
    } = scene;
    wait_until_gone(&hub, "bad").await;
    drop(bad);
    good.done(&task_of_good, FinishReason::Stop, Usage::default())
        .await;
    assert_eq!(whole_answer(client_of_good).await, "all ");
    let prompt = next_prompt(&mut good).await;
    good.answer(&prompt.task_id, &["short"]).await;
    assert_eq!(whole_answer(client).await, "short");
}

#[tokio::test]
async fn an_answer_that_never_ends() {
    let hub = TestHub::tuned(|config| {
        config.nodes.answer_bytes = 10_000;
        config.dispatch.stranded_deadline = Duration::from_millis(50);
    })
    .await;
    let mut endless = join(&hub, named("endless")).await;
    let client = ask(&hub);
    let task_id = next_prompt(&mut endless).await.task_id;
    for seq in 0..11 {
        endless.token(&task_id, seq, &"x".repeat(1000)).await;
    }
    assert_eq!(
        close_code(endless).await,
        Some(close_code::PROTOCOL_VIOLATION)
    );
    let (text, error) = client.stream().await.rest().await;
    assert_eq!((text.len(), error.as_deref()), (10_000, Some("node_lost")));
}

#[tokio::test]
async fn more_frames_than_the_limit_allows() {
    let hub = TestHub::tuned(|config| {
        config.nodes.frames_per_second = 8;
        config.nodes.frames_per_slot = 2;
    })
    .await;
    let mut flood = join(&hub, browser("flood")).await;
    for _ in 0..100 {
        let frame = Message::text(r#"{"type":"node_status"}"#);
        // The hub stops listening somewhere on the way.
        let _ = flood.socket.send(frame).await;
    }
    assert_eq!(close_code(flood).await, Some(close_code::RATE_LIMITED));
    wait_until_gone(&hub, "flood").await;
}

#[tokio::test]
async fn a_node_of_many_slots_may_send_more_frames() {
    let hub = TestHub::tuned(|config| {
        config.nodes.frames_per_second = 8;
        config.nodes.frames_per_slot = 2;
    })
    .await;
    let mut wide = join(
        &hub,
        Hello {
            slots: 64,
            ..browser("wide")
        },
    )
    .await;
    for _ in 0..100 {
        let frame = Message::text(r#"{"type":"node_status"}"#);
        wide.socket.send(frame).await.expect("an open connection");
    }
    let client = ask(&hub);
    let task = next_prompt(&mut wide).await.task_id;
    wide.answer(&task, &["still here"]).await;
    assert_eq!(whole_answer(client).await, "still here");
}
