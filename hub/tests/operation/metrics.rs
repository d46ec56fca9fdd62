//! `GET /metrics`.

use std::collections::HashMap;

use protocol::{FinishReason, LlmErrorCode, Usage};
use serde_json::json;

use crate::support::{
    fake_node::{FakeNode, MODEL, hello},
    http,
    hub::TestHub,
};

/// Values by their name and labels, as they are written.
fn values(text: &str) -> HashMap<String, f64> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            (name.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

async fn read(hub: &TestHub) -> HashMap<String, f64> {
    let response = hub.get("/metrics").await;
    assert_eq!(response.status(), 200);
    values(&response.text().await.unwrap())
}

fn prompt() -> serde_json::Value {
    json!({"model": MODEL, "messages": [{"role": "user", "content": "hei"}]})
}

#[tokio::test]
async fn an_answer_is_counted_in_all_its_parts() {
    let hub = TestHub::start().await;
    let mut node = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    let answer = async {
        let prompt = node.prompt().await;
        node.answer(&prompt.task_id, &["a", "b", "c"]).await;
    };
    let body = prompt();
    let (response, ()) = tokio::join!(hub.chat(&body), answer);
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap();

    let values = read(&hub).await;
    let answered = format!("model=\"{MODEL}\",node_kind=\"native\"");
    for (name, expected) in [
        ("kipina_prompts_total{ending=\"stop\"}".to_owned(), 1.0),
        ("kipina_prompt_tokens_total".to_owned(), 12.0),
        ("kipina_cached_prompt_tokens_total".to_owned(), 5.0),
        ("kipina_generation_tokens_total".to_owned(), 3.0),
        ("kipina_prompt_retries_total".to_owned(), 0.0),
        ("kipina_request_queue_time_seconds_count".to_owned(), 1.0),
        ("kipina_prompt_duration_seconds_count".to_owned(), 1.0),
        (format!("kipina_time_to_first_token_seconds_count{{{answered}}}"), 1.0),
        (format!("kipina_time_per_output_token_seconds_count{{{answered}}}"), 1.0),
        ("kipina_nodes{kind=\"native\"}".to_owned(), 1.0),
        ("kipina_nodes{kind=\"browser\"}".to_owned(), 0.0),
        ("kipina_node_slots{kind=\"native\"}".to_owned(), 1.0),
        ("kipina_node_slots_busy{kind=\"native\"}".to_owned(), 0.0),
        ("kipina_node_joins_total{kind=\"native\"}".to_owned(), 1.0),
        ("kipina_prompts_running".to_owned(), 0.0),
        ("kipina_prompts_waiting".to_owned(), 0.0),
        ("kipina_draining".to_owned(), 0.0),
        ("kipina_database_records_lost_total".to_owned(), 0.0),
        (
            "kipina_http_requests_total{method=\"POST\",route=\"/v1/chat/completions\",status=\"200\"}".to_owned(),
            1.0,
        ),
    ] {
        assert_eq!(values.get(&name), Some(&expected), "{name} in {values:#?}");
    }
    // Hello is no frame of the session; three tokens and the end are.
    assert_eq!(
        values["kipina_websocket_frames_total{direction=\"in\"}"],
        4.0
    );
    assert!(values["kipina_websocket_frames_total{direction=\"out\"}"] >= 3.0);
    #[cfg(target_os = "linux")]
    assert!(values["process_resident_memory_bytes"] > 1e6 && values["process_open_fds"] > 3.0);
    hub.stop().await;
}

#[tokio::test]
async fn what_nodes_fail_at_is_counted_by_why() {
    let hub = TestHub::start().await;
    let mut failing = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    let answer = async {
        let prompt = failing.prompt().await;
        failing
            .error(&prompt.task_id, LlmErrorCode::OutOfMemory, "full")
            .await;
        let prompt = failing.prompt().await;
        failing.token(&prompt.task_id, 7, "lies").await;
    };
    let body = prompt();
    let asking = async {
        let first = hub.chat(&body).await.status();
        let second = hub.chat(&body).await.status();
        (first, second)
    };
    let ((first, second), ()) = tokio::join!(asking, answer);
    assert!(first.is_server_error() && second.is_server_error());

    let values = read(&hub).await;
    assert_eq!(
        values["kipina_node_failures_total{reason=\"out_of_memory\"}"],
        1.0
    );
    assert_eq!(
        values["kipina_node_failures_total{reason=\"node_lost\"}"],
        1.0
    );
    assert_eq!(
        values["kipina_node_leaves_total{reason=\"protocol_violation\"}"],
        1.0
    );
    assert_eq!(
        values["kipina_prompts_total{ending=\"out_of_memory\"}"],
        1.0
    );
    hub.stop().await;
}

#[tokio::test]
async fn strangers_names_make_no_new_series() {
    let hub = TestHub::start().await;
    let mut node = FakeNode::join(&hub.node_url(), hello("my-own:1b")).await;
    let answer = async {
        let prompt = node.prompt().await;
        node.token(&prompt.task_id, 0, "a").await;
        node.done(&prompt.task_id, FinishReason::Stop, Usage::default())
            .await;
    };
    let mut body = prompt();
    body["model"] = "my-own:1b".into();
    let (response, ()) = tokio::join!(hub.chat(&body), answer);
    response.bytes().await.unwrap();
    for path in [
        "/v1/models/one",
        "/v1/models/two",
        "/v1/none",
        "/of/nothing",
    ] {
        hub.get(path).await;
    }
    let request = http::client().request("BREW".parse().unwrap(), hub.url("/healthz"));
    request.send().await.unwrap();

    let text = hub.get("/metrics").await.text().await.unwrap();
    assert!(text.contains("model=\"other\""), "{text}");
    for name in ["my-own", "/one", "/two", "none", "nothing", "BREW"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    let values = values(&text);
    let models =
        "kipina_http_requests_total{method=\"GET\",route=\"/v1/models/{*id}\",status=\"404\"}";
    assert_eq!(values[models], 2.0);
    hub.stop().await;
}

#[tokio::test]
async fn either_form_is_complete_and_says_which_it_is() {
    let hub = TestHub::start().await;
    let plain = hub.get("/metrics").await;
    assert_eq!(
        plain.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let plain = plain.text().await.unwrap();
    assert!(
        plain.contains("# TYPE kipina_prompt_tokens_total counter"),
        "{plain}"
    );
    let request = http::client().get(hub.url("/metrics")).header(
        "accept",
        "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5",
    );
    let open = request.send().await.unwrap();
    let content_type = open.headers()["content-type"].to_str().unwrap();
    assert!(content_type.starts_with("application/openmetrics-text; version=1.0.0"));
    let open = open.text().await.unwrap();
    assert!(open.ends_with("# EOF\n") && open.contains("# TYPE kipina_prompt_tokens counter"));
    assert!(
        open.contains("# UNIT kipina_request_queue_time_seconds seconds"),
        "{open}"
    );
    hub.stop().await;
}

#[tokio::test]
async fn a_token_opens_the_metrics_and_nothing_else_does() {
    let token = "a-long-enough-token";
    let hub = TestHub::with(&[("METRICS_TOKEN", token)]).await;
    let refused = hub.get("/metrics").await;
    assert_eq!(refused.status(), 401);
    let body = refused.text().await.unwrap();
    assert!(
        body.contains("METRICS_TOKEN") && !body.contains(token),
        "{body}"
    );
    let request = http::client().get(hub.url("/metrics")).bearer_auth(token);
    assert_eq!(request.send().await.unwrap().status(), 200);
    hub.stop().await;

    let hub = TestHub::start().await;
    let from_outside = http::client()
        .get(hub.url("/metrics"))
        .header("x-forwarded-for", "192.0.2.1");
    assert_eq!(from_outside.send().await.unwrap().status(), 403);
    hub.stop().await;
}
