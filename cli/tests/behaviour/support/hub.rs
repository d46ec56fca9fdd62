//! A hub that says what a test wants.

use std::{
    convert::Infallible,
    future, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path as Route, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, sync::Barrier};

use super::{MODEL, Reply, reply::folded, whole};

type Answer = Box<dyn FnMut(&Value) -> Reply + Send>;

pub(crate) struct FakeHub {
    pub(crate) url: String,
    pub(crate) told: Arc<Told>,
    runtime: Option<Runtime>,
}

/// What the hub knows.
pub(crate) struct Told {
    models: Mutex<Vec<&'static str>>,
    /// What they are told to have.
    window: AtomicU32,
    /// Nobody is told the models.
    is_silent: AtomicBool,
    /// How often somebody asked for them.
    listings: AtomicUsize,
    answer: Mutex<Answer>,
    /// Every question's body.
    requests: Mutex<Vec<Value>>,
    /// What came as `Authorization`, whatever was asked for.
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
            window: AtomicU32::new(8192),
            is_silent: AtomicBool::default(),
            listings: AtomicUsize::default(),
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
            .layer(middleware::from_fn_with_state(Arc::clone(&told), note_key))
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
        self.has_models(models);
        self
    }

    pub(crate) fn with_window(self, tokens: u32) -> Self {
        self.told.window.store(tokens, Ordering::SeqCst);
        self
    }

    /// From now on these.
    pub(crate) fn has_models(&self, models: &[&'static str]) {
        *self.told.models.lock().unwrap() = models.to_vec();
    }

    /// From now on nobody is told of them.
    pub(crate) fn falls_silent(&self) {
        self.told.is_silent.store(true, Ordering::SeqCst);
    }

    pub(crate) fn listings(&self) -> usize {
        self.told.listings.load(Ordering::SeqCst)
    }

    /// Lets a reply go that waits for others.
    pub(crate) fn meet(&self, barrier: &Barrier) {
        if let Some(runtime) = &self.runtime {
            runtime.block_on(barrier.wait());
        }
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

async fn note_key(State(told): State<Arc<Told>>, request: Request, next: Next) -> Response {
    let key = key_of(request.headers());
    told.keys.lock().unwrap().push(key.map(str::to_owned));
    next.run(request).await
}

fn key_of(headers: &HeaderMap) -> Option<&str> {
    headers.get("authorization")?.to_str().ok()
}

fn model_json(told: &Told, id: &str) -> Value {
    let window = told.window.load(Ordering::SeqCst);
    let family = id.split(':').next();
    json!({ "id": id, "object": "model", "kipina": { "family": family, "context_length": window, "nodes": 1 } })
}

async fn models(State(told): State<Arc<Told>>, headers: HeaderMap) -> Response {
    told.listings.fetch_add(1, Ordering::SeqCst);
    if told.is_silent.load(Ordering::SeqCst) {
        future::pending::<()>().await;
    }
    let given = key_of(&headers);
    if let Some(key) = *told.key.lock().unwrap()
        && given != Some(&format!("Bearer {key}"))
    {
        let body = json!({ "error": { "message": "a key, please", "code": "invalid_api_key" } });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    let models = told.models.lock().unwrap();
    let data: Vec<Value> = models.iter().map(|id| model_json(&told, id)).collect();
    Json(json!({ "object": "list", "data": data })).into_response()
}

/// `alias` is the first model's other name.
async fn model(State(told): State<Arc<Told>>, Route(name): Route<String>) -> Response {
    match told.models.lock().unwrap().first() {
        Some(id) if name == "alias" => Json(model_json(&told, id)).into_response(),
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

/// A place where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
