//! What a hub answers, as it comes over the wire.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;

pub(crate) const MODEL: &str = "small:1b";

/// What the hub answers a question with.
pub(crate) enum Reply {
    /// Bytes as they are, piece by piece.
    Bytes(Vec<Vec<u8>>),
    /// The same, and then nothing for ever.
    Hang(Vec<u8>),
    /// The same, and then the connection breaks.
    Break(Vec<u8>),
    /// A refusal: status, `Retry-After`, body.
    Refusal(u16, Option<&'static str>, String),
    /// Only once as many questions are open as the barrier wants.
    Together(Arc<Barrier>, Box<Reply>),
}

/// An answer in one go.
pub(crate) fn whole(text: &str) -> Reply {
    Reply::Bytes(vec![events(&[text], "stop").concat().into_bytes()])
}

/// An answer's events.
pub(crate) fn events(pieces: &[&str], finish: &str) -> Vec<String> {
    let chunk = |delta: Value, finish: Value| {
        json!({ "id": "x", "object": "chat.completion.chunk", "model": MODEL,
                "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
    };
    let mut values = vec![chunk(
        json!({ "role": "assistant", "content": "" }),
        Value::Null,
    )];
    values.extend(
        pieces
            .iter()
            .map(|text| chunk(json!({ "content": text }), Value::Null)),
    );
    values.push(chunk(json!({}), json!(finish)));
    let mut last = chunk(json!({}), Value::Null);
    last["choices"] = json!([]);
    last["usage"] = json!({ "prompt_tokens": 11, "completion_tokens": pieces.len(), "total_tokens": 0,
                            "prompt_tokens_details": { "cached_tokens": 1 } });
    last["kipina"] = json!({ "node": "Sauna", "kind": "native", "model": MODEL, "queued_ms": 1.0,
                             "first_token_ms": 101.0, "tokens_per_second": 20.0 });
    values.push(last);
    let mut events: Vec<String> = values
        .iter()
        .map(|value| format!("data: {value}\n\n"))
        .collect();
    events.push("data: [DONE]\n\n".to_owned());
    events
}

pub(crate) fn refusal(status: u16, retry_after: Option<&'static str>, code: &str) -> Reply {
    let body = json!({ "error": { "message": format!("no, {code}"), "code": code } });
    Reply::Refusal(status, retry_after, body.to_string())
}

/// The plain answer that a stream's events come to.
pub(crate) fn folded(events: &[u8]) -> Value {
    let text = String::from_utf8_lossy(events);
    let values = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let values: Vec<Value> = values
        .filter_map(|json| serde_json::from_str(json).ok())
        .collect();
    let content: String = values
        .iter()
        .filter_map(|value| value["choices"][0]["delta"]["content"].as_str())
        .collect();
    let last = values.last().unwrap();
    json!({ "id": "x", "object": "chat.completion", "model": MODEL,
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": content }, "finish_reason": "stop" }],
        "usage": last["usage"], "kipina": last["kipina"] })
}
