//! Prompts: answered, refused, cancelled.

use std::sync::atomic::Ordering;

use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::fixture::{Fixture, models};

#[tokio::test]
async fn the_node_introduces_itself_and_answers() {
    let fixture = Fixture::start().await;
    let (mut hub, hello) = fixture.accept().await;
    assert_eq!(
        (&hello["kind"], &hello["name"]),
        (&json!("native"), &json!("Sauna"))
    );
    assert_eq!(hello["models"][0]["id"], "finish");
    hub.welcome(60_000).await;
    // One slot answers prompts one after another, each time from the beginning of `seq`.
    for task_id in ["t1", "t2"] {
        hub.prompt(task_id, "finish").await;
        let token = hub.receive().await;
        assert_eq!(token["type"], "llm_token");
        assert_eq!(
            (&token["task_id"], &token["seq"]),
            (&json!(task_id), &json!(0))
        );
        let done = hub.receive().await;
        assert_eq!(
            (&done["type"], &done["finish_reason"]),
            (&json!("llm_done"), &json!("stop"))
        );
    }
}

#[tokio::test]
async fn failures_and_mistakes_are_told_and_free_the_slot() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    for model in ["fail", "panic", "fail"] {
        hub.prompt(model, model).await;
        assert_eq!(hub.receive().await["type"], "llm_token");
        let error = hub.receive().await;
        assert_eq!(
            (&error["type"], &error["task_id"]),
            (&json!("llm_error"), &json!(model))
        );
        assert_eq!(
            (&error["code"], &error["retryable"]),
            (&json!("backend_failed"), &json!(true))
        );
    }
}

#[tokio::test]
async fn more_prompts_than_slots_are_sent_back() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    hub.prompt("t2", "finish").await;
    let error = hub.receive().await;
    assert_eq!(
        (&error["task_id"], &error["code"]),
        (&json!("t2"), &json!("unavailable"))
    );
    assert_eq!(error["retryable"], true);
}

#[tokio::test]
async fn as_many_prompts_as_slots_are_computed_at_once() {
    let fixture = Fixture::start_with(2, None).await;
    let (mut hub, hello) = fixture.accept().await;
    assert_eq!(hello["slots"], 2);
    hub.welcome(60_000).await;
    for task_id in ["t1", "t2"] {
        hub.prompt(task_id, "hang").await;
        assert_eq!(hub.receive().await["task_id"], task_id);
    }
    assert_eq!(fixture.answering.load(Ordering::SeqCst), 2);
    hub.prompt("t3", "finish").await;
    assert_eq!(hub.receive().await["code"], "unavailable");
    hub.send(json!({"type": "llm_cancel", "task_id": "t1"}))
        .await;
    hub.prompt("t4", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t4");
}

#[tokio::test]
async fn a_cancelled_prompt_stops_at_once_and_frees_its_slot() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    hub.send(json!({"type": "llm_cancel", "task_id": "t1"}))
        .await;
    fixture.nothing_is_computed().await;
    hub.send(json!({"type": "llm_cancel", "task_id": "never heard of"}))
        .await;
    hub.prompt("t2", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t2");
}

#[tokio::test]
async fn the_hub_hears_when_models_change() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    let sender = fixture.models.as_ref().unwrap();
    sender.send(models(&["finish", "new"])).unwrap();
    let status = hub.receive().await;
    assert_eq!(status["type"], "node_status");
    assert_eq!(status["models"][1]["id"], "new");
}

#[tokio::test]
async fn frames_that_are_not_understood_change_nothing() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    for frame in [
        "nonsense",
        "{}",
        "{\"type\":\"dance\"}",
        "{\"type\":\"llm_prompt\"}",
        "[]",
    ] {
        hub.0.send(Message::text(frame)).await.unwrap();
    }
    hub.0.send(Message::binary(vec![0, 255])).await.unwrap();
    hub.send(json!({"type": "ai_task", "task_id": "b", "task": "fold_proteins"}))
        .await;
    hub.prompt("t1", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t1");
}

#[tokio::test]
async fn a_benchmark_is_measured_while_the_connection_goes_on() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    let task = json!({"type": "ai_task", "task_id": "b", "task": "benchmark", "duration_ms": 300});
    hub.send(task).await;
    hub.prompt("t1", "finish").await;
    assert_eq!(
        hub.receive().await["type"],
        "llm_token",
        "the prompt does not wait"
    );
    assert_eq!(hub.receive().await["type"], "llm_done");
    let result = hub.receive().await;
    assert_eq!(
        (&result["type"], &result["task_id"]),
        (&json!("benchmark_result"), &json!("b"))
    );
    assert!(result["cpu_multiply_adds_per_second"].as_f64().unwrap() > 1e6);
}
