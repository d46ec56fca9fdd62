//! Traces, as a collector of OpenTelemetry receives them.

use std::{collections::HashMap, time::Duration};

use axum::{Router, body::Bytes, extract::State, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message;
use serde_json::json;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::mpsc, time::timeout};

use crate::support::{
    fake_node::{FakeNode, MODEL, hello},
    http,
    process::{start, terminate},
};

/// Takes exports in, and gives their address and what they say.
async fn collector() -> (String, mpsc::UnboundedReceiver<Bytes>) {
    let (sender, exports) = mpsc::unbounded_channel();
    let take = |State(sender): State<mpsc::UnboundedSender<Bytes>>, body: Bytes| async move {
        sender.send(body).unwrap();
    };
    let router = Router::new()
        .route("/v1/traces", post(take))
        .with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, exports)
}

fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|entry| entry.key == key);
    let value = found.and_then(|entry| entry.value.clone()?.value);
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{key} of {}: {other:?}", span.name),
    }
}

#[tokio::test]
async fn a_prompts_way_is_one_trace_without_its_text() {
    let (endpoint, mut exports) = collector().await;
    let home = TempDir::new().unwrap();
    let (mut child, address) = start(
        &home,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_SERVICE_NAME", "my-hub"),
            ("RUST_LOG", "warn"),
        ],
    );
    let url = format!("ws://{address}/ws");
    let mut lost = FakeNode::join(&url, hello(MODEL)).await;
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "salainen"}]});
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = http::client()
        .post(format!("http://{address}/v1/chat/completions"))
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .body(body.to_string());
    let asking = tokio::spawn(request.send());
    lost.prompt().await;
    drop(lost);
    let mut node = FakeNode::join(&url, hello(MODEL)).await;
    let prompt = node.prompt().await;
    node.answer(&prompt.task_id, &["vastaus", "!"]).await;
    asking.await.unwrap().unwrap().bytes().await.unwrap();
    terminate(&child);

    let mut spans: HashMap<String, Vec<Span>> = HashMap::new();
    let mut raw = Vec::new();
    while !spans.contains_key("POST /v1/chat/completions") || !spans.contains_key("prompt") {
        let export = timeout(Duration::from_secs(20), exports.recv())
            .await
            .expect("the hub sends its last traces when it stops")
            .unwrap();
        raw.extend_from_slice(&export);
        let export = ExportTraceServiceRequest::decode(export).unwrap();
        for resource in export.resource_spans {
            let resource_attributes = resource.resource.unwrap().attributes;
            assert!(resource_attributes.iter().any(|entry| {
                entry.key == "service.name"
                    && entry.value.clone().unwrap().value
                        == Some(Value::StringValue("my-hub".to_owned()))
            }));
            for span in resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                spans.entry(span.name.clone()).or_default().push(span);
            }
        }
    }
    assert!(child.wait().unwrap().success());

    let one = |name: &str| -> &Span {
        assert_eq!(spans[name].len(), 1, "{name} in {spans:#?}");
        &spans[name][0]
    };
    let (request, prompt_span) = (one("POST /v1/chat/completions"), one("prompt"));
    assert_eq!(prompt_span.parent_span_id, request.span_id);
    assert_eq!(attribute(prompt_span, "task_id"), prompt.task_id.0);
    assert_eq!(attribute(prompt_span, "ending"), "stop");
    assert_eq!(attribute(prompt_span, "gen_ai.usage.output_tokens"), "2");
    assert_eq!(spans["queue"].len(), 2, "it waited twice");
    let attempts = &spans["attempt"];
    let of_lost = attempts
        .iter()
        .find(|span| span.attributes.iter().any(|entry| entry.key == "failure"));
    assert_eq!(attribute(of_lost.unwrap(), "failure"), "node_lost");
    let answered = attempts
        .iter()
        .find(|span| attribute(span, "node_id") == node.welcome.node_id)
        .unwrap();
    assert_eq!(one("decode").parent_span_id, answered.span_id);
    for span in spans["queue"].iter().chain(attempts) {
        assert_eq!(span.parent_span_id, prompt_span.span_id);
    }
    let expected: Vec<u8> = (0..16)
        .map(|at| u8::from_str_radix(&trace[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    for span in spans
        .values()
        .flatten()
        .filter(|span| span.name != "GET /ws")
    {
        assert_eq!(span.trace_id, expected, "the caller's trace: {}", span.name);
    }
    let raw = String::from_utf8_lossy(&raw);
    assert!(!raw.contains("salainen") && !raw.contains("vastaus"));
}
