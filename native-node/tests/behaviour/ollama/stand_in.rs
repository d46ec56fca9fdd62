//! A stand-in for Ollama, which speaks as its documentation says.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use native_node::{
    backend::{Backend, ollama::OllamaBackend},
    config::OllamaSettings,
    error::NodeError,
    language::Language,
    tls,
};
use serde_json::{Value, json};

use crate::{
    script::{Beat, body},
    support::{Recorded, base_url, prompt, serve},
};

pub(crate) const ANSWER: &str = r#"{"model":"m","message":{"role":"assistant","content":"Hyvää "},"done":false}
{"model":"m","message":{"role":"assistant","content":"yötä 🌙"},"done":false}
{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":500000000,"load_duration":100000000,"prompt_eval_count":11,"prompt_eval_duration":150000000,"eval_count":7,"eval_duration":250000000}
"#;

/// A stand-in with one model, and whatever its tests make it say.
#[derive(Clone)]
pub(crate) struct Ollama {
    pub(super) version: &'static str,
    pub(super) installed: Recorded,
    pub(super) wanted: &'static [&'static str],
    pub(super) chat: Arc<dyn Fn() -> Response + Send + Sync>,
    pub(super) pull: Arc<dyn Fn() -> Response + Send + Sync>,
    pub(super) template_closes: bool,
    pub(super) requests: Recorded,
}

impl Ollama {
    pub(crate) fn answering(beats: Vec<Beat>) -> Self {
        Self::responding(move || Body::into_response(body(beats.clone())))
    }

    pub(super) fn responding(chat: impl Fn() -> Response + Send + Sync + 'static) -> Self {
        let installed = Recorded::default();
        installed
            .lock()
            .unwrap()
            .push(json!({"name": "qwen2.5-coder:3b", "digest": "f72c"}));
        Self {
            version: "0.13.5",
            installed,
            wanted: &["qwen2.5-coder:3b"],
            chat: Arc::new(chat),
            pull: Arc::new(|| StatusCode::NOT_FOUND.into_response()),
            template_closes: false,
            requests: Recorded::default(),
        }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/api/version", get(version))
            .route("/api/tags", get(tags))
            .route("/api/show", post(show))
            .route("/api/pull", post(pull))
            .route("/api/chat", post(chat))
            .route("/api/generate", post(chat))
            .with_state(self.clone())
    }

    pub(super) async fn start(&self) -> Result<OllamaBackend, NodeError> {
        Self::join_with(serve(self.router()).await, self.wanted).await
    }

    /// The node's side of the one that listens there.
    pub(crate) async fn join(address: SocketAddr) -> Result<OllamaBackend, NodeError> {
        Self::join_with(address, &["qwen2.5-coder:3b"]).await
    }

    async fn join_with(address: SocketAddr, wanted: &[&str]) -> Result<OllamaBackend, NodeError> {
        let settings = OllamaSettings {
            url: base_url(address, ""),
            models: wanted.iter().map(|&model| model.into()).collect(),
            context_length: None,
        };
        let tls = tls::client_config().unwrap();
        OllamaBackend::start(&settings, &tls, Language::English).await
    }

    pub(super) async fn backend(&self) -> OllamaBackend {
        let backend = self.start().await.unwrap();
        backend.models().await.unwrap();
        backend
    }

    pub(super) fn last_request(&self) -> Value {
        self.requests.lock().unwrap().last().unwrap().clone()
    }
}

async fn version(State(ollama): State<Ollama>) -> Json<Value> {
    Json(json!({ "version": ollama.version }))
}

async fn tags(State(ollama): State<Ollama>) -> Json<Value> {
    Json(json!({ "models": *ollama.installed.lock().unwrap() }))
}

async fn show(Json(request): Json<Value>) -> Json<Value> {
    let embeds = request["model"] == "nomic-embed-text:latest";
    Json(json!({
        "modelfile": "FROM x",
        "parameters": "stop    \"<|im_end|>\"",
        "details": {"quantization_level": "Q4_K_M"},
        "model_info": {"general.architecture": "qwen2", "qwen2.context_length": 4096},
        "capabilities": [if embeds { "embedding" } else { "completion" }],
    }))
}

async fn pull(State(ollama): State<Ollama>, Json(request): Json<Value>) -> Response {
    ollama.requests.lock().unwrap().push(request);
    (ollama.pull)()
}

async fn chat(State(ollama): State<Ollama>, Json(request): Json<Value>) -> Response {
    if request["_debug_render_only"] == true {
        let last = request["messages"].as_array().unwrap().last().unwrap();
        let end = if ollama.template_closes { "<end>" } else { "" };
        let rendered = format!("<prompt>{}{end}", last["content"].as_str().unwrap());
        let answer = json!({"model": "m", "_debug_info": {"rendered_template": rendered}});
        return Json(answer).into_response();
    }
    ollama.requests.lock().unwrap().push(request);
    (ollama.chat)()
}

pub(super) fn hei() -> protocol::LlmPrompt {
    prompt(json!({
        "task_id": "t", "model": "qwen2.5-coder:3b",
        "messages": [{"role": "user", "content": "Hei"}],
    }))
}
