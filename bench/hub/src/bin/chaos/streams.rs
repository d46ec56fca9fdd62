//! Clients that read one streamed answer each.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use futures_util::{StreamExt, stream};
use hub_bench::client::Connection;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::prompts::{ANSWER_TOKENS, MODEL};

/// A client with less patience would call the stream lost.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub(crate) struct Streamed {
    pub(crate) prompt: String,
    /// The hub's name for it; none where it was not told.
    pub(crate) task: Option<String>,
    pub(crate) text: String,
    /// Why there is no whole answer.
    pub(crate) lost: Option<String>,
    /// When the client had read the end.
    pub(crate) ended: SystemTime,
}

/// Asks `count` times, `clients` at once, the prompts by turns.
pub(crate) async fn all(
    hub: SocketAddr,
    prompts: &[String],
    count: usize,
    clients: usize,
) -> Vec<Streamed> {
    let asked = prompts.iter().cycle().take(count).cloned();
    stream::iter(asked)
        .map(|prompt| tokio::spawn(one(hub, prompt)))
        .buffer_unordered(clients)
        .filter_map(async |streamed| streamed.ok())
        .collect()
        .await
}

pub(crate) async fn one(hub: SocketAddr, prompt: String) -> Streamed {
    let mut streamed = Streamed {
        prompt,
        task: None,
        text: String::new(),
        lost: None,
        ended: SystemTime::now(),
    };
    let read = timeout(PATIENCE, read(hub, &mut streamed)).await;
    streamed.ended = SystemTime::now();
    streamed.lost = match read {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(_elapsed) => Some("the client ran out of patience".to_owned()),
    };
    streamed
}

async fn read(hub: SocketAddr, streamed: &mut Streamed) -> anyhow::Result<()> {
    let body = json!({
        "model": MODEL, "stream": true, "temperature": 0, "max_tokens": ANSWER_TOKENS,
        "messages": [{"role": "user", "content": streamed.prompt}],
    });
    let mut connection = Connection::open(hub, None).await?;
    let (mut done, mut error) = (false, None);
    let (text, task) = (&mut streamed.text, &mut streamed.task);
    let reply = connection
        .post("/v1/chat/completions", &body.to_string(), |event, _| {
            let Some(data) = event.strip_prefix(b"data: ") else {
                return;
            };
            if data == b"[DONE]" {
                done = true;
                return;
            }
            let chunk: Value = serde_json::from_slice(data).unwrap_or_default();
            if let Some(piece) = chunk["choices"][0]["delta"]["content"].as_str() {
                text.push_str(piece);
            }
            if let Some(id) = chunk["id"].as_str() {
                *task = Some(id.trim_start_matches("chatcmpl-").to_owned());
            }
            if chunk["error"].is_object() {
                error = Some(chunk["error"].to_string());
            }
        })
        .await?;
    anyhow::ensure!(
        reply.status == 200,
        "{}: {}",
        reply.status,
        String::from_utf8_lossy(&reply.body)
    );
    if let Some(error) = error {
        anyhow::bail!("{error}");
    }
    anyhow::ensure!(done, "the stream ended without [DONE]");
    Ok(())
}
