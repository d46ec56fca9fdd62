//! A client that notes when each piece of its answer came.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stamp::{Stamp, now};
use crate::support::fake_node::MODEL;

/// What one answer's pieces tell.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// Time to the first token, less what the node itself took.
    pub(crate) first_token: Duration,
    /// For each frame: from the node's sending it to the client's having it.
    pub(crate) frames: Vec<Duration>,
    /// Whether every frame came, in order, and `[DONE]` after them.
    pub(crate) whole: bool,
}

pub(crate) async fn ask(client: &reqwest::Client, url: &str, tokens: u64) -> Observed {
    let body = json!({
        "model": MODEL, "stream": true,
        "messages": [{"role": "user", "content": "Write fibonacci in Rust"}],
    });
    let asked = now();
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .body(body.to_string());
    let mut response = request.send().await.expect("the hub answers");
    assert_eq!(response.status(), 200);

    let mut observed = Observed::default();
    let mut in_order = true;
    let mut done = false;
    let mut buffer = String::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        let came = now();
        buffer.push_str(std::str::from_utf8(&bytes).expect("events are UTF-8"));
        while let Some(end) = buffer.find("\n\n") {
            let event: String = buffer.drain(..end + 2).collect();
            let data = event.trim().trim_start_matches("data: ");
            done |= data == "[DONE]";
            let Some(stamp) = content(data).and_then(|text| Stamp::parse(&text)) else {
                continue;
            };
            if observed.frames.is_empty() {
                let by_node = stamp.sent.saturating_sub(stamp.received);
                observed.first_token = came.saturating_sub(asked).saturating_sub(by_node);
            }
            in_order &= stamp.seq == observed.frames.len() as u64;
            observed.frames.push(came.saturating_sub(stamp.sent));
        }
    }
    observed.whole = done && in_order && observed.frames.len() as u64 == tokens;
    observed
}

fn content(data: &str) -> Option<String> {
    let chunk: Value = data.parse().ok()?;
    chunk["choices"][0]["delta"]["content"]
        .as_str()
        .map(str::to_owned)
}
