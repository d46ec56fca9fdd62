//! A hub that says what a test wants, and `kpn` in a home of its own.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::{
    convert::Infallible,
    io::{self, Write},
    path::Path,
    process::{Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path as Route, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::{StreamExt, future, stream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::Barrier};

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

type Answer = Box<dyn FnMut(&Value) -> Reply + Send>;

pub(crate) struct FakeHub {
    pub(crate) url: String,
    pub(crate) told: Arc<Told>,
    runtime: Option<Runtime>,
}

/// What the hub knows.
pub(crate) struct Told {
    models: Mutex<Vec<&'static str>>,
    answer: Mutex<Answer>,
    /// Every question's body.
    requests: Mutex<Vec<Value>>,
    /// What came as `Authorization`.
    keys: Mutex<Vec<Option<String>>>,
    /// Only this key may ask.
    key: Mutex<Option<&'static str>>,
    open: Arc<AtomicUsize>,
}

impl FakeHub {
    pub(crate) fn start(answer: impl FnMut(&Value) -> Reply + Send + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Told {
            models: Mutex::new(vec![MODEL]),
            answer: Mutex::new(Box::new(answer)),
            requests: Mutex::default(),
            keys: Mutex::default(),
            key: Mutex::default(),
            open: Arc::default(),
        });
        let router = Router::new()
            .route(
                "/healthz",
                get(|| async { Json(json!({ "status": "ok", "version": "9.9.9" })) }),
            )
            .route("/v1/models", get(models))
            .route("/v1/models/{*id}", get(model))
            .route("/api/stats", get(stats))
            .route("/api/stats/live", get(live))
            .route("/v1/chat/completions", post(chat))
            .with_state(Arc::clone(&told));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            told,
            runtime: Some(runtime),
        }
    }

    /// One that answers every question alike.
    pub(crate) fn saying(text: &'static str) -> Self {
        Self::start(move |_| whole(text))
    }

    pub(crate) fn with_models(self, models: &[&'static str]) -> Self {
        *self.told.models.lock().unwrap() = models.to_vec();
        self
    }

    pub(crate) fn with_key(self, key: &'static str) -> Self {
        *self.told.key.lock().unwrap() = Some(key);
        self
    }

    pub(crate) fn requests(&self) -> Vec<Value> {
        self.told.requests.lock().unwrap().clone()
    }

    pub(crate) fn keys(&self) -> Vec<Option<String>> {
        self.told.keys.lock().unwrap().clone()
    }

    /// Questions whose answers are under way.
    pub(crate) fn open(&self) -> usize {
        self.told.open.load(Ordering::SeqCst)
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn model_json(id: &str) -> Value {
    json!({ "id": id, "object": "model", "kipina": { "family": "small", "context_length": 8192, "nodes": 1 } })
}

async fn models(State(told): State<Arc<Told>>, headers: HeaderMap) -> Response {
    let given = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    told.keys.lock().unwrap().push(given.map(str::to_owned));
    if let Some(key) = *told.key.lock().unwrap()
        && given != Some(&format!("Bearer {key}"))
    {
        let body = json!({ "error": { "message": "a key, please", "code": "invalid_api_key" } });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    let models = told.models.lock().unwrap();
    let data: Vec<Value> = models.iter().map(|id| model_json(id)).collect();
    Json(json!({ "object": "list", "data": data })).into_response()
}

/// `alias` is the first model's other name.
async fn model(State(told): State<Arc<Told>>, Route(name): Route<String>) -> Response {
    match told.models.lock().unwrap().first() {
        Some(id) if name == "alias" => Json(model_json(id)).into_response(),
        _ => {
            let body = json!({ "error": { "message": "none", "code": "model_not_found" } });
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
    }
}

fn stats_json(told: &Told) -> Value {
    let running = told.open.load(Ordering::SeqCst);
    let prompts = told.requests.lock().unwrap().len();
    json!({
        "nodes": [{ "id": "1", "name": "Sau\u{1b}na", "kind": "native", "trusted": true,
            "models": [MODEL], "busy": running, "slots": 4, "device": { "os": "linux", "arch": "x86_64" },
            "tokens_per_second": 12.34, "prompts": 3, "tokens": 99, "joined_at": 1 }],
        "queue": { "waiting": 0, "running": running },
        "totals": { "prompts": prompts, "failed": 0, "prompt_tokens": 5, "completion_tokens": 6,
            "nodes_seen": 1 },
        "rates": { "prompts_per_minute": 1.5, "tokens_per_second": 2.5 }
    })
}

async fn stats(State(told): State<Arc<Told>>) -> Json<Value> {
    Json(stats_json(&told))
}

/// Two states and a comment, then the feed ends.
async fn live(State(told): State<Arc<Told>>) -> Response {
    let stats = stats_json(&told);
    let text = format!("data: {stats}\n\n: keep-alive\n\ndata: {stats}\n\n");
    ([("content-type", "text/event-stream")], text).into_response()
}

/// Counts an answer as under way until its body is gone.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn chat(State(told): State<Arc<Told>>, Json(request): Json<Value>) -> Response {
    told.requests.lock().unwrap().push(request.clone());
    let reply = {
        let mut answer = told.answer.lock().unwrap();
        answer(&request)
    };
    told.open.fetch_add(1, Ordering::SeqCst);
    let open = Open(Arc::clone(&told.open));
    let is_plain = request["stream"] != json!(true);
    respond(reply, open, is_plain).await
}

async fn respond(reply: Reply, open: Open, is_plain: bool) -> Response {
    match reply {
        Reply::Together(barrier, reply) => {
            barrier.wait().await;
            Box::pin(respond(*reply, open, is_plain)).await
        }
        Reply::Refusal(status, retry_after, body) => {
            let status = StatusCode::from_u16(status).unwrap();
            let headers = retry_after.map(|seconds| [("retry-after", seconds)]);
            match headers {
                Some(headers) => (status, headers, body).into_response(),
                None => (status, body).into_response(),
            }
        }
        Reply::Bytes(pieces) if is_plain => Json(folded(&pieces.concat())).into_response(),
        Reply::Bytes(pieces) => {
            let pieces = stream::iter(pieces).map(move |piece| {
                let _ = &open;
                Ok::<_, Infallible>(Bytes::from(piece))
            });
            event_stream(Body::from_stream(pieces))
        }
        Reply::Hang(bytes) => {
            let pieces = stream::once(future::ready(Ok::<_, Infallible>(Bytes::from(bytes))))
                .chain(stream::pending())
                .map(move |piece| {
                    let _ = &open;
                    piece
                });
            event_stream(Body::from_stream(pieces))
        }
        Reply::Break(bytes) => {
            let pieces = stream::iter([Ok(Bytes::from(bytes)), Err(io::Error::other("broken"))])
                .then(|piece| async {
                    // What was sent must be on its way before the connection breaks.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    piece
                });
            event_stream(Body::from_stream(pieces))
        }
    }
}

fn event_stream(body: Body) -> Response {
    ([("content-type", "text/event-stream")], body).into_response()
}

/// The plain answer that a stream's events come to.
fn folded(events: &[u8]) -> Value {
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

/// A place where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A person's home, with what a test puts there.
pub(crate) struct Home(pub(crate) TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn variables(&self, url: &str) -> Vec<(&'static str, String)> {
        let home = self.path().display().to_string();
        vec![
            ("HOME", home.clone()),
            ("XDG_CONFIG_HOME", format!("{home}/config")),
            ("XDG_STATE_HOME", format!("{home}/state")),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("KIPINA_URL", url.to_owned()),
        ]
    }

    /// `kpn` with words that are split at spaces, and more words as they are.
    pub(crate) fn kpn(&self, url: &str, line: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kpn"));
        command
            .env_clear()
            .envs(self.variables(url))
            .current_dir(self.path())
            .args(line.split_whitespace())
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, url: &str, line: &str, more: &[&str]) -> Ended {
        self.kpn(url, line, more).output().unwrap().into()
    }

    pub(crate) fn run_with_input(&self, url: &str, line: &str, input: &str) -> Ended {
        let mut command = self.kpn(url, line, &[]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap().into()
    }
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Each line's JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parsed = self
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        parsed.collect()
    }
}

/// Waits until something becomes true; whoever runs the tests ends what never does.
pub(crate) fn until(mut is_true: impl FnMut() -> bool) {
    while !is_true() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Asks a program to stop, as Ctrl+C does.
#[cfg(unix)]
pub(crate) fn interrupt(child: &std::process::Child) {
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
}
