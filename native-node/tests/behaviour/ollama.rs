//! Ollama, as its documentation says it speaks, on good days and bad ones.

use std::{net::SocketAddr, sync::Arc, time::Duration};

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
use protocol::{FinishReason, LlmErrorCode};
use serde_json::{Value, json};

use crate::{
    script::{Beat, body, in_pieces, send},
    support::{Recorded, ask, base_url, prompt, serve},
};

pub(crate) const ANSWER: &str = r#"{"model":"m","message":{"role":"assistant","content":"Hyvää "},"done":false}
{"model":"m","message":{"role":"assistant","content":"yötä 🌙"},"done":false}
{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":500000000,"load_duration":100000000,"prompt_eval_count":11,"prompt_eval_duration":150000000,"eval_count":7,"eval_duration":250000000}
"#;

/// A stand-in with one model, and whatever its tests make it say.
#[derive(Clone)]
pub(crate) struct Ollama {
    version: &'static str,
    installed: Recorded,
    wanted: &'static [&'static str],
    chat: Arc<dyn Fn() -> Response + Send + Sync>,
    pull: Arc<dyn Fn() -> Response + Send + Sync>,
    template_closes: bool,
    requests: Recorded,
}

impl Ollama {
    pub(crate) fn answering(beats: Vec<Beat>) -> Self {
        Self::responding(move || Body::into_response(body(beats.clone())))
    }

    fn responding(chat: impl Fn() -> Response + Send + Sync + 'static) -> Self {
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

    async fn start(&self) -> Result<OllamaBackend, NodeError> {
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

    async fn backend(&self) -> OllamaBackend {
        let backend = self.start().await.unwrap();
        backend.models().await.unwrap();
        backend
    }

    fn last_request(&self) -> Value {
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

fn hei() -> protocol::LlmPrompt {
    prompt(json!({
        "task_id": "t", "model": "qwen2.5-coder:3b",
        "messages": [{"role": "user", "content": "Hei"}],
    }))
}

fn prefilled() -> protocol::LlmPrompt {
    prompt(json!({
        "task_id": "t", "model": "qwen2.5-coder:3b",
        "messages": [{"role": "user", "content": "Hei"}],
        "prefill": "```rust\n", "continue_from": "fn ",
    }))
}

#[tokio::test]
async fn an_answer_arrives_whole_wherever_the_network_cuts_it() {
    for bytes in [1, 7, 64, 10_000] {
        let ollama = Ollama::answering(in_pieces(ANSWER, bytes));
        let answer = ask(&ollama.backend().await, &hei()).await;
        assert_eq!(answer.text(), "Hyvää yötä 🌙", "{bytes} bytes at a time");
        let end = answer.end.unwrap();
        assert_eq!(end.finish_reason, FinishReason::Stop);
        assert_eq!(
            (end.usage.prompt_tokens, end.usage.completion_tokens),
            (11, 7)
        );
        let timings = end.timings;
        assert_eq!(
            (timings.load_ms, timings.prefill_ms, timings.decode_ms),
            (100.0, 150.0, 250.0)
        );
    }
}

#[tokio::test]
async fn the_context_asked_for_is_the_one_advertised() {
    let ollama = Ollama::answering(vec![send(ANSWER)]);
    let backend = ollama.backend().await;
    let models = backend.models().await.unwrap();
    assert_eq!(models[0].context_length, 4096);
    assert_eq!(models[0].runtime, "ollama 0.13.5");
    ask(&backend, &hei()).await.end.unwrap();
    let request = ollama.last_request();
    assert_eq!(request["options"]["num_ctx"], 4096);
    assert_eq!(
        (&request["truncate"], &request["shift"]),
        (&json!(false), &json!(false))
    );
}

#[tokio::test]
async fn tokens_do_not_wait_for_those_after_them() {
    let first = ANSWER.lines().next().unwrap();
    let ollama = Ollama::answering(vec![send(first), send("\n"), Beat::Hang]);
    let backend = ollama.backend().await;
    let (sender, mut frames) = tokio::sync::mpsc::channel(10);
    let prompt = hei();
    let mut writer =
        native_node::backend::AnswerWriter::new(prompt.task_id.clone(), sender, 1 << 20);
    tokio::select! {
        _ = backend.answer(&prompt, &mut writer) => panic!("the stand-in hangs"),
        frame = frames.recv() => assert!(frame.is_some()),
        () = tokio::time::sleep(Duration::from_secs(5)) => panic!("the first token was held back"),
    }
}

#[tokio::test]
async fn a_slow_stream_is_waited_for() {
    let mut beats = Vec::new();
    for line in ANSWER.lines() {
        beats.extend([
            send(line),
            Beat::Pause(Duration::from_millis(60)),
            send("\n"),
        ]);
    }
    let answer = ask(&Ollama::answering(beats).backend().await, &hei()).await;
    assert_eq!(answer.text(), "Hyvää yötä 🌙");
    assert!(answer.end.is_ok());
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_a_failure_that_another_node_may_mend() {
    let first = ANSWER.lines().next().unwrap();
    let ollama = Ollama::answering(vec![send(first), send("\n"), Beat::Break]);
    let answer = ask(&ollama.backend().await, &hei()).await;
    assert_eq!(answer.text(), "Hyvää ");
    let failure = answer.end.unwrap_err();
    assert_eq!(
        (failure.code, failure.retryable),
        (LlmErrorCode::BackendFailed, true)
    );
}

#[tokio::test]
async fn a_stream_that_ends_without_its_last_line_is_no_answer() {
    let first = ANSWER.lines().next().unwrap();
    let answer = ask(
        &Ollama::answering(vec![send(first)]).backend().await,
        &hei(),
    )
    .await;
    let failure = answer.end.unwrap_err();
    assert_eq!(
        (failure.code, failure.retryable),
        (LlmErrorCode::BackendFailed, false)
    );
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_ends_it() {
    let lines = "{\"message\":{\"content\":\"a\"},\"done\":false}\n\
                 {\"error\":\"CUDA error: out of memory\"}\n";
    let answer = ask(
        &Ollama::answering(vec![send(lines)]).backend().await,
        &hei(),
    )
    .await;
    assert_eq!(answer.text(), "a");
    let failure = answer.end.unwrap_err();
    assert_eq!(failure.code, LlmErrorCode::OutOfMemory);
    assert!(failure.message.contains("CUDA error"), "{failure}");
}

#[tokio::test]
async fn what_is_no_json_is_a_failure_and_nothing_worse() {
    for nonsense in [
        "<html>502</html>\n",
        "{\"message\":\n",
        "\u{0}\n",
        "{\"done\":\"maybe\"}\n",
    ] {
        let answer = ask(
            &Ollama::answering(vec![send(nonsense)]).backend().await,
            &hei(),
        )
        .await;
        assert_eq!(
            answer.end.unwrap_err().code,
            LlmErrorCode::BackendFailed,
            "{nonsense:?}"
        );
    }
    let not_utf8 = vec![Beat::Send(vec![0xff, 0xfe, b'\n'])];
    let answer = ask(&Ollama::answering(not_utf8).backend().await, &hei()).await;
    assert_eq!(answer.end.unwrap_err().code, LlmErrorCode::BackendFailed);
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_refused_and_never_cut() {
    let refuses = || {
        let error = json!({"error": "the input length exceeds the context length"});
        (StatusCode::BAD_REQUEST, Json(error)).into_response()
    };
    let answer = ask(&Ollama::responding(refuses).backend().await, &hei()).await;
    let failure = answer.end.unwrap_err();
    assert_eq!(failure.code, LlmErrorCode::ContextLengthExceeded);
    assert!(!failure.retryable);
    // One that cuts it all the same gives itself away by a context that is full.
    let full = ANSWER.replace("\"prompt_eval_count\":11", "\"prompt_eval_count\":4096");
    let answer = ask(
        &Ollama::answering(vec![send(&full)]).backend().await,
        &hei(),
    )
    .await;
    assert_eq!(
        answer.end.unwrap_err().code,
        LlmErrorCode::ContextLengthExceeded
    );
}

#[tokio::test]
async fn an_answer_that_was_begun_is_left_open_by_the_template() {
    let ollama = Ollama::answering(vec![send(ANSWER)]);
    ask(&ollama.backend().await, &prefilled())
        .await
        .end
        .unwrap();
    let last = json!({"role": "assistant", "content": "```rust\nfn "});
    assert_eq!(ollama.last_request()["messages"][1], last);
}

#[tokio::test]
async fn a_template_that_closes_every_message_is_gone_around() {
    let answer = "{\"response\":\"main\",\"done\":false}\n\
                  {\"response\":\"\",\"done\":true,\"done_reason\":\"length\"}\n";
    let ollama = Ollama {
        template_closes: true,
        ..Ollama::answering(vec![send(answer)])
    };
    let answer = ask(&ollama.backend().await, &prefilled()).await;
    assert_eq!(answer.text(), "main");
    assert_eq!(answer.end.unwrap().finish_reason, FinishReason::Length);
    let request = ollama.last_request();
    assert_eq!(request["prompt"], "<prompt>Hei<end>```rust\nfn ");
    assert_eq!(request["raw"], true);
}

#[tokio::test]
async fn tool_calls_are_part_of_the_text() {
    let lines = "{\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":\
                 {\"name\":\"add\",\"arguments\":{\"a\":1}}}]},\"done\":false}\n\
                 {\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\n";
    let answer = ask(
        &Ollama::answering(vec![send(lines)]).backend().await,
        &hei(),
    )
    .await;
    assert!(
        answer.text().starts_with("<tool_call>\n{"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.end.unwrap().finish_reason, FinishReason::ToolCalls);
}

#[tokio::test]
async fn models_that_come_are_advertised_and_those_that_can_not_answer_are_not() {
    let ollama = Ollama::answering(vec![]);
    let backend = ollama.backend().await;
    ollama.installed.lock().unwrap().extend([
        json!({"name": "nomic-embed-text:latest", "digest": "1"}),
        json!({"name": "llama3.2:latest", "digest": "2"}),
        json!({"name": "big:cloud", "digest": "3", "remote_host": "https://ollama.com"}),
    ]);
    let models = backend.models().await.unwrap();
    let ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, ["qwen2.5-coder:3b", "llama3.2"]);
}

#[tokio::test]
async fn a_model_that_was_not_advertised_is_unavailable() {
    let ollama = Ollama::answering(vec![send(ANSWER)]);
    let mut other = hei();
    other.request.model = "gone:1b".into();
    let failure = ask(&ollama.backend().await, &other).await.end.unwrap_err();
    assert_eq!(
        (failure.code, failure.retryable),
        (LlmErrorCode::ModelUnavailable, true)
    );
}

#[tokio::test]
async fn a_missing_model_is_pulled_with_progress_before_the_node_joins() {
    let progress = "{\"status\":\"pulling manifest\"}\n\
        {\"status\":\"pulling 4a18\",\"digest\":\"sha256:4a18\",\"total\":100,\"completed\":40}\n\
        {\"status\":\"verifying sha256 digest\"}\n{\"status\":\"success\"}\n";
    let ollama = Ollama::answering(vec![]);
    ollama.installed.lock().unwrap().clear();
    let pull = Arc::new(move || Body::into_response(body(in_pieces(progress, 9))));
    let ollama = Ollama { pull, ..ollama };
    ollama.start().await.unwrap();
    assert_eq!(ollama.last_request()["model"], "qwen2.5-coder:3b");
}

#[tokio::test]
async fn a_pull_that_fails_stops_a_node_that_has_nothing_else() {
    for end in [
        "{\"error\":\"pull model manifest: file does not exist\"}\n",
        "",
    ] {
        let text = format!("{{\"status\":\"pulling manifest\"}}\n{end}");
        let pull = Arc::new(move || Body::into_response(body(vec![send(&text)])));
        let ollama = Ollama {
            pull,
            ..Ollama::answering(vec![])
        };
        ollama.installed.lock().unwrap().clear();
        let error = ollama.start().await.unwrap_err();
        assert!(matches!(error, NodeError::PullFailed { .. }), "{error}");
        ollama
            .installed
            .lock()
            .unwrap()
            .push(json!({"name": "llama3.2:latest"}));
        assert!(ollama.start().await.is_ok(), "other models will do");
    }
}

#[tokio::test]
async fn a_node_with_one_of_its_models_answers_while_the_others_are_pulled() {
    let ollama = Ollama {
        pull: Arc::new(|| Body::into_response(body(vec![Beat::Hang]))),
        wanted: &["llama3.2", "qwen2.5-coder:3b", "smollm2:135m"],
        ..Ollama::answering(in_pieces(ANSWER, 64))
    };
    let backend = ollama.backend().await;
    while ollama.requests.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(ollama.last_request()["model"], "llama3.2");
    assert_eq!(ask(&backend, &hei()).await.text(), "Hyvää yötä 🌙");
    // Pulled or by the owner's hand: what is there is offered, and both can answer at once.
    let other = json!({"name": "llama3.2:latest", "digest": "a80c"});
    ollama.installed.lock().unwrap().push(other);
    let ids: Vec<String> = backend
        .models()
        .await
        .unwrap()
        .into_iter()
        .map(|m| m.id)
        .collect();
    assert_eq!(ids, ["qwen2.5-coder:3b", "llama3.2"]);
    let mut second = hei();
    second.request.model = "llama3.2".into();
    let first = hei();
    let answers = tokio::join!(ask(&backend, &first), ask(&backend, &second));
    assert_eq!(answers.0.text(), answers.1.text());
    assert_eq!(ollama.last_request()["model"], "llama3.2:latest");
}

#[tokio::test]
async fn with_none_of_its_models_a_node_takes_the_first_that_can_be_pulled() {
    let ollama = Ollama::answering(vec![]);
    let pulls = Recorded::clone(&ollama.requests);
    let pull = Arc::new(move || {
        let model = pulls.lock().unwrap().last().unwrap()["model"].clone();
        let line = if model == "gone:1b" {
            "{\"error\":\"pull model manifest: file does not exist\"}\n"
        } else {
            "{\"status\":\"success\"}\n"
        };
        Body::into_response(body(vec![send(line)]))
    });
    let ollama = Ollama {
        pull,
        wanted: &["gone:1b", "qwen2.5-coder:3b"],
        ..ollama
    };
    ollama.installed.lock().unwrap().clear();
    ollama.start().await.unwrap();
    assert_eq!(ollama.last_request()["model"], "qwen2.5-coder:3b");
}

#[tokio::test]
async fn an_ollama_that_would_cut_prompts_silently_is_not_used() {
    let ollama = Ollama {
        version: "0.11.4",
        ..Ollama::answering(vec![])
    };
    let error = ollama.start().await.unwrap_err();
    assert!(matches!(error, NodeError::OllamaTooOld { .. }), "{error}");
}
