//! OpenAI-compatible servers: llama-server, vLLM, and stricter ones.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use native_node::{
    backend::{Backend, openai::OpenAiBackend},
    config::{OpenAiSettings, Secret},
    error::NodeError,
    tls,
};
use protocol::{FinishReason, LlmErrorCode, LlmPrompt};
use serde_json::{Value, json};

use crate::{
    script::{Beat, body, in_pieces, send},
    support::{Recorded, ask, base_url, prompt, serve},
};

const ANSWER: &str = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n\
    data: {\"choices\":[{\"delta\":{\"content\":\"Hyvää \"}}]}\r\n\r\n: ping\n\n\
    data: {\"choices\":[{\"delta\":{\"content\":\"yötä 🌙\"}}]}\n\n\
    data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
    data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\
    \"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\ndata: [DONE]\n\n";

#[derive(Clone)]
struct Server {
    owner: &'static str,
    respond: Arc<dyn Fn(&Value) -> Response + Send + Sync>,
    requests: Recorded,
}

impl Server {
    fn answering(owner: &'static str, beats: Vec<Beat>) -> Self {
        Self::responding(owner, move |_| Body::into_response(body(beats.clone())))
    }

    fn responding(
        owner: &'static str,
        respond: impl Fn(&Value) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self {
            owner,
            respond: Arc::new(respond),
            requests: Recorded::default(),
        }
    }

    async fn start(&self, key: Option<&str>) -> Result<OpenAiBackend, NodeError> {
        let router = Router::new()
            .route("/v1/models", get(models))
            .route("/v1/chat/completions", post(complete))
            .route("/v1/completions", post(complete))
            .route("/props", get(properties))
            .with_state(self.clone());
        let settings = OpenAiSettings {
            url: base_url(serve(router).await, "/v1"),
            key: key.map(|key| Secret(key.into())),
            models: Vec::new(),
            context_length: None,
        };
        OpenAiBackend::start(settings, &tls::client_config().unwrap()).await
    }

    async fn backend(&self) -> OpenAiBackend {
        self.start(Some("sekret")).await.unwrap()
    }
}

async fn models(State(server): State<Server>, headers: HeaderMap) -> Response {
    if headers
        .get("authorization")
        .is_none_or(|key| key != "Bearer sekret")
    {
        let error = json!({"error": {"message": "Incorrect API key provided"}});
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    }
    let length = (server.owner == "vllm").then_some(16384);
    let model = json!({"id": "m", "owned_by": server.owner, "max_model_len": length,
                       "meta": {"n_params": 494_032_768}});
    Json(json!({"object": "list", "data": [model]})).into_response()
}

async fn properties() -> Json<Value> {
    Json(json!({"default_generation_settings": {"n_ctx": 2048}}))
}

async fn complete(State(server): State<Server>, Json(request): Json<Value>) -> Response {
    server.requests.lock().unwrap().push(request.clone());
    (server.respond)(&request)
}

fn hei() -> LlmPrompt {
    let messages = json!([{"role": "user", "content": "Hei"}]);
    prompt(json!({"task_id": "t", "model": "m", "messages": messages}))
}

#[tokio::test]
async fn an_answer_arrives_whole_wherever_the_network_cuts_it() {
    for bytes in [1, 5, 10_000] {
        let server = Server::answering("llamacpp", in_pieces(ANSWER, bytes));
        let answer = ask(&server.backend().await, &hei()).await;
        assert_eq!(answer.text(), "Hyvää yötä 🌙");
        let end = answer.end.unwrap();
        assert_eq!(end.finish_reason, FinishReason::Stop);
        let usage = end.usage;
        assert_eq!(
            (
                usage.prompt_tokens,
                usage.cached_tokens,
                usage.completion_tokens
            ),
            (11, 3, 7)
        );
        assert!(end.timings.prefill_ms > 0.0);
    }
}

#[tokio::test]
async fn a_servers_own_measurement_goes_before_ours() {
    let timed = ANSWER.replace(
        "{\"choices\":[],\"usage\"",
        "{\"choices\":[],\"timings\":{\"prompt_ms\":12.5,\"predicted_ms\":99.0},\"usage\"",
    );
    let server = Server::answering("llamacpp", vec![send(&timed)]);
    let timings = ask(&server.backend().await, &hei())
        .await
        .end
        .unwrap()
        .timings;
    assert_eq!((timings.prefill_ms, timings.decode_ms), (12.5, 99.0));
}

#[tokio::test]
async fn each_server_tells_its_context_in_its_own_way() {
    for (owner, length, runtime) in [
        ("vllm", 16384, "vllm"),
        ("llamacpp", 2048, "llama-server"),
        ("me", 4096, "openai-compatible"),
    ] {
        let models = Server::answering(owner, vec![])
            .backend()
            .await
            .models()
            .await
            .unwrap();
        assert_eq!(models.len(), 1);
        assert_eq!(
            (models[0].context_length, models[0].runtime.as_str()),
            (length, runtime)
        );
    }
}

#[tokio::test]
async fn a_server_that_knows_only_openais_fields_is_asked_again_without_ours_and_once_only() {
    let server = Server::responding("me", |request| {
        if request.get("top_k").is_some() {
            let error = json!({"error": {"message": "Unrecognized request argument: top_k"}});
            return (StatusCode::BAD_REQUEST, Json(error)).into_response();
        }
        Body::into_response(body(vec![send(ANSWER)]))
    });
    let backend = server.backend().await;
    for _ in 0..2 {
        assert_eq!(ask(&backend, &hei()).await.text(), "Hyvää yötä 🌙");
    }
    assert_eq!(
        server.requests.lock().unwrap().len(),
        3,
        "refused, asked again, remembered"
    );
}

#[tokio::test]
async fn refusals_keep_their_meaning() {
    let server = Server::responding("vllm", |_| {
        let message =
            "This model's maximum context length is 4096 tokens. However, you requested …";
        let error = json!({"error": {"message": message, "code": 400}});
        (StatusCode::BAD_REQUEST, Json(error)).into_response()
    });
    let failure = ask(&server.backend().await, &hei()).await.end.unwrap_err();
    assert_eq!(failure.code, LlmErrorCode::ContextLengthExceeded);
}

#[tokio::test]
async fn an_error_in_the_stream_and_a_stream_cut_off_end_the_answer() {
    let first = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    let ends = [
        vec![send("data: {\"error\":{\"message\":\"slot failed\"}}\n\n")],
        vec![Beat::Break],
        vec![],
        vec![send("data: nonsense\n\n")],
        vec![send("data: [DONE]\n\n")],
    ];
    for end in ends {
        let mut beats = vec![send(first)];
        beats.extend(end.clone());
        let answer = ask(&Server::answering("me", beats).backend().await, &hei()).await;
        assert_eq!(answer.text(), "a");
        assert_eq!(
            answer.end.unwrap_err().code,
            LlmErrorCode::BackendFailed,
            "{end:?}"
        );
    }
}

#[tokio::test]
async fn raw_text_goes_to_completions_and_its_text_comes_back() {
    let answer = "data: {\"choices\":[{\"text\":\"main\"}]}\n\n\
                  data: {\"choices\":[{\"text\":\"()\",\"finish_reason\":\"length\"}]}\n\n";
    let server = Server::answering("me", vec![send(answer)]);
    let raw = prompt(json!({"task_id": "t", "model": "m", "prompt": "fn "}));
    let answer = ask(&server.backend().await, &raw).await;
    assert_eq!(answer.text(), "main()");
    let end = answer.end.unwrap();
    assert_eq!(end.finish_reason, FinishReason::Length);
    assert_eq!(
        end.usage.completion_tokens, 2,
        "pieces are counted where no usage is told"
    );
    assert_eq!(server.requests.lock().unwrap()[0]["prompt"], "fn ");
}

#[tokio::test]
async fn a_tool_call_in_pieces_becomes_one_text() {
    let answer = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":\
                  {\"name\":\"add\",\"arguments\":\"\"}}]}}]}\n\n\
                  data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":\
                  {\"arguments\":\"{\\\"a\\\":1}\"}}]}}]}\n\n\
                  data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";
    let server = Server::answering("me", vec![send(answer)]);
    let answer = ask(&server.backend().await, &hei()).await;
    let text = answer.text();
    assert!(
        text.contains("\"name\":\"add\"") && text.contains("{\"a\":1}"),
        "{text}"
    );
    assert_eq!(answer.end.unwrap().finish_reason, FinishReason::ToolCalls);
}

#[tokio::test]
async fn a_wrong_key_is_told_when_the_node_starts() {
    let error = Server::answering("me", vec![])
        .start(None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Incorrect API key"), "{error}");
}
