//! The same timetable behind OpenAI's API, for proxies that speak nothing else.

use std::{convert::Infallible, net::SocketAddr};

use axum::{
    Json, Router,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
    routing::{get, post},
    serve::ListenerExt,
};
use futures_util::stream;
use serde_json::json;
use tokio::{
    net::TcpListener,
    time::{Instant, sleep_until},
};

use crate::{
    node::{MODEL, Pace},
    stamp::{Stamp, now},
};

/// Listens on a free port of this machine until the process ends.
pub async fn listen(pace: Pace) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let models = json!({"object": "list", "data": [{"id": MODEL, "object": "model"}]});
    let routes = Router::new()
        .route("/v1/models", get(move || async move { Json(models) }))
        .route(
            "/v1/chat/completions",
            post(move || async move { answer(pace) }),
        );
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

fn answer(pace: Pace) -> Response {
    let (received, start) = (now(), Instant::now());
    let tokens = stream::unfold(0, move |seq| async move {
        if seq > pace.tokens + 1 {
            return None;
        }
        if seq < pace.tokens {
            let due = start + pace.every * u32::try_from(seq).unwrap_or(u32::MAX);
            if due > Instant::now() {
                sleep_until(due).await;
            }
        }
        let event = match seq {
            seq if seq < pace.tokens => {
                let sent = now();
                let text = Stamp {
                    seq,
                    received,
                    sent,
                }
                .text();
                chunk(&json!({"content": text}), None)
            }
            seq if seq == pace.tokens => chunk(&json!({}), Some("stop")),
            _ => Event::default().data("[DONE]"),
        };
        Some((Ok::<_, Infallible>(event), seq + 1))
    });
    Sse::new(tokens).into_response()
}

fn chunk(delta: &serde_json::Value, finish_reason: Option<&str>) -> Event {
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    });
    Event::default().data(chunk.to_string())
}
