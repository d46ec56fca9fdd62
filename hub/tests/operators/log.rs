//! The log as operators follow it, of a hub in a process of its own.

use std::{pin::Pin, time::Duration};

use futures_util::Stream;
use protocol::LlmErrorCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::client::{bearer, send};
use crate::support::{
    fake_node::{FakeNode, MODEL, hello},
    http,
    hub::TestHub,
    process::{start, terminate},
    sse,
};

const PATIENCE: Duration = Duration::from_secs(20);

struct Follower {
    body: Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    buffer: String,
}

/// A line, and its number.
type Line = (u64, Value);

impl Follower {
    async fn begin(address: &str, query: &str, last: Option<u64>) -> Self {
        let mut request = http::client().get(format!("http://{address}/api/admin/log{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = timeout(PATIENCE, request.send()).await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            body: Box::pin(response.bytes_stream()),
            buffer: String::new(),
        }
    }

    /// None where the stream has ended.
    async fn line(&mut self) -> Option<Line> {
        loop {
            let event = sse::next_event(&mut self.body, &mut self.buffer);
            let event = timeout(PATIENCE, event).await.expect("it does not hang")?;
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
            if let Some(data) = field("data: ") {
                let number = field("id: ").expect("a line has a number").parse().unwrap();
                return Some((number, data.parse().unwrap()));
            }
        }
    }

    async fn line_with(&mut self, words: &str) -> Line {
        loop {
            let line = self.line().await.expect("the log goes on");
            if line.1["message"].as_str().unwrap().contains(words) {
                return line;
            }
        }
    }
}

#[tokio::test]
async fn lines_come_as_they_are_written_and_none_is_lost_between_two_connections() {
    let home = TempDir::new().unwrap();
    let (mut child, address) = start(&home, &[]);
    let mut node = FakeNode::join(&format!("ws://{address}/ws"), hello(MODEL)).await;
    let mut follower = Follower::begin(&address, "", None).await;
    let (joined, line) = follower.line_with("('fake') joined").await;
    assert_eq!(line["level"], "info");
    assert!(line["target"].as_str().unwrap().starts_with("hub"));
    assert!(line["at_ms"].as_u64().unwrap() > 1_700_000_000_000);
    drop(follower);

    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "salainen"}]});
    let request = http::client()
        .post(format!("http://{address}/v1/chat/completions"))
        .body(body.to_string());
    let asking = tokio::spawn(request.send());
    let prompt = node.prompt().await;
    node.error(&prompt.task_id, LlmErrorCode::OutOfMemory, "full")
        .await;
    assert!(asking.await.unwrap().unwrap().status().is_server_error());

    let mut again = Follower::begin(&address, "", Some(joined)).await;
    let (number, first) = again.line().await.unwrap();
    assert!(number > joined, "{first}");
    let mut lines = vec![first];
    while !lines.last().unwrap()["message"]
        .as_str()
        .unwrap()
        .starts_with("a prompt failed")
    {
        lines.push(again.line().await.unwrap().1);
    }
    let text = json!(lines).to_string();
    assert!(text.contains("ending=out_of_memory"), "{text}");
    assert!(
        !text.contains("salainen"),
        "texts stay out of the log: {text}"
    );

    let warnings = Follower::begin(&address, "?level=error", None).await;
    terminate(&child);
    while let Some((_, line)) = again.line().await {
        assert!(line["message"].is_string());
    }
    let mut warnings = warnings;
    while let Some((_, line)) = warnings.line().await {
        assert_eq!(line["level"], "error");
    }
    assert!(child.wait().unwrap().success(), "readers hold no hub up");
}

#[tokio::test]
async fn so_many_may_read_and_the_level_must_be_one() {
    let hub = TestHub::start().await;
    let mut readers = Vec::new();
    for _ in 0..16 {
        let reader = hub.get("/api/admin/log").await;
        assert_eq!(reader.status(), 200);
        readers.push(reader);
    }
    assert_eq!(hub.get("/api/admin/log").await.status(), 429);
    readers.clear();
    for _ in 0..500 {
        if hub.get("/api/admin/log").await.status() == 200 {
            assert_eq!(hub.get("/api/admin/log?level=loud").await.status(), 400);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a place that was left is never given again");
}

/// Waits for the end of the log that is read so.
async fn end(mut reader: reqwest::Response) {
    let rest = async { while reader.chunk().await.unwrap().is_some() {} };
    timeout(PATIENCE, rest).await.expect("it ends");
}

#[tokio::test]
async fn whoever_may_operate_no_more_reads_no_more() {
    let hub = TestHub::with(&[("ADMIN_PASSWORD", "salasana")]).await;
    let password = json!({"password": "salasana"});
    let login = send(&hub, "POST", "/api/admin/login", &[], Some(&password)).await;
    let cookie = login.header("set-cookie").split(';').next().unwrap();
    let session = [("cookie", cookie)];
    let terms = json!({"name": "robot", "scopes": ["admin"]});
    let made = send(&hub, "POST", "/api/admin/keys", &session, Some(&terms)).await;
    let robot = bearer(made.body["secret"].as_str().unwrap());
    let read = |name: &'static str, value: String| {
        let request = http::client().get(hub.url("/api/admin/log"));
        let request = request.header(name, value).send();
        async move {
            let reader = request.await.unwrap();
            assert_eq!(reader.status(), 200);
            reader
        }
    };
    let by_session = read("cookie", cookie.to_owned()).await;
    let by_key = read("authorization", robot).await;
    let revoked = send(&hub, "DELETE", "/api/admin/keys/1", &session, None).await;
    assert_eq!(revoked.status, 200);
    end(by_key).await;
    let left = send(&hub, "POST", "/api/admin/logout", &session, None).await;
    assert_eq!(left.status, 204);
    end(by_session).await;
}
