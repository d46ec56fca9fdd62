//! A client of the OpenAI API that can leave at any moment.

use std::pin::Pin;
use std::time::Duration;

use futures_util::Stream;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::support::{fake_node::MODEL, http, hub::TestHub, sse};

/// Long enough on the slowest machine: where it runs out, something hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request under way. Dropping it closes its connection, as a client does that goes away.
pub(crate) struct Asking(Option<JoinHandle<reqwest::Response>>);

/// Asks for a streamed answer.
pub(crate) fn ask(hub: &TestHub) -> Asking {
    ask_for(hub, &json!({"stream": true}))
}

pub(crate) fn ask_plainly(hub: &TestHub) -> Asking {
    ask_for(hub, &json!({}))
}

pub(crate) fn ask_for(hub: &TestHub, fields: &Value) -> Asking {
    ask_with(hub, fields, &[])
}

/// Asks for a stream as a client with this address, behind a proxy on this machine.
pub(crate) fn ask_from(hub: &TestHub, address: &str) -> Asking {
    ask_with(
        hub,
        &json!({"stream": true}),
        &[("x-forwarded-for", address)],
    )
}

fn ask_with(hub: &TestHub, fields: &Value, headers: &[(&str, &str)]) -> Asking {
    let mut body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hei"}]});
    for (field, value) in fields.as_object().unwrap() {
        body[field] = value.clone();
    }
    let mut request = http::client()
        .post(hub.url("/v1/chat/completions"))
        .header("content-type", "application/json")
        .body(body.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Asking(Some(tokio::spawn(
        async move { request.send().await.unwrap() },
    )))
}

impl Asking {
    pub(crate) async fn response(mut self) -> reqwest::Response {
        timeout(PATIENCE, self.0.take().unwrap())
            .await
            .expect("the hub answers")
            .unwrap()
    }

    pub(crate) async fn stream(self) -> Reading {
        let response = self.response().await;
        assert_eq!(response.status(), 200);
        Reading {
            body: Box::pin(response.bytes_stream()),
            buffer: String::new(),
        }
    }

    /// A plain answer.
    pub(crate) async fn whole(self) -> Value {
        let response = self.response().await;
        assert_eq!(response.status(), 200);
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    /// The status and the error of a refusal.
    pub(crate) async fn refusal(self) -> Refused {
        let response = self.response().await;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").cloned();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        Refused {
            status,
            code: body["error"]["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            retry_after: retry_after.map(|seconds| seconds.to_str().unwrap().parse().unwrap()),
        }
    }

    pub(crate) fn leave(self) {
        drop(self);
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some(request) = &self.0 {
            request.abort();
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) retry_after: Option<u64>,
}

/// A streamed answer on its way. Dropping it closes its connection.
pub(crate) struct Reading {
    body: Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    buffer: String,
}

impl Reading {
    /// The next piece of text.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            let event = self.event().await.expect("the stream goes on");
            let chunk: Value = event
                .parse()
                .unwrap_or_else(|_| panic!("no chunk: {event}"));
            match chunk["choices"][0]["delta"]["content"].as_str() {
                Some("") | None => assert!(chunk["error"].is_null(), "{chunk}"),
                Some(text) => return text.to_owned(),
            }
        }
    }

    /// Everything that is left: the text, and the code of the error that ended it, if any did.
    pub(crate) async fn rest(mut self) -> (String, Option<String>) {
        let mut text = String::new();
        let mut error = None;
        let mut done = false;
        while let Some(event) = self.event().await {
            assert!(
                !done && error.is_none(),
                "something comes after the end: {event}"
            );
            if event == "[DONE]" {
                done = true;
                continue;
            }
            let chunk: Value = event.parse().unwrap_or_else(|_| panic!("no JSON: {event}"));
            text.push_str(
                chunk["choices"][0]["delta"]["content"]
                    .as_str()
                    .unwrap_or_default(),
            );
            error = chunk["error"]["code"].as_str().map(str::to_owned);
        }
        assert!(done || error.is_some(), "the stream ends without an end");
        (text, error)
    }

    async fn event(&mut self) -> Option<String> {
        let event = loop {
            let event = sse::next_event(&mut self.body, &mut self.buffer);
            let event = timeout(PATIENCE, event)
                .await
                .expect("the stream does not hang")?;
            let is_comment = event.starts_with(':');
            if !is_comment {
                break event;
            }
        };
        Some(event.strip_prefix("data: ").unwrap_or(&event).to_owned())
    }
}

/// The text of an answer that came to its proper end.
pub(crate) async fn whole_answer(asking: Asking) -> String {
    let (text, error) = asking.stream().await.rest().await;
    assert_eq!(error, None);
    text
}
