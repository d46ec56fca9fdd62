//! OpenAI's chat API to the letter, with a fake node behind it.

mod support;

use protocol::{FinishReason, LlmErrorCode, PromptInput, Role, Sampling, Usage};
use serde_json::{Value, json};
use support::{
    fake_node::{FakeNode, MODEL, hello},
    hub::TestHub,
    sse,
};

async fn hub_with_node() -> (TestHub, FakeNode) {
    let hub = TestHub::start().await;
    let node = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    hub.stats_when(|stats| stats.nodes.len() == 1).await;
    (hub, node)
}

fn request(fields: &Value) -> Value {
    let mut request = json!({"model": MODEL, "messages": [{"role": "user", "content": "hei"}]});
    request
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    request
}

/// The response to a request that the node answers with these pieces.
async fn answered(
    hub: &TestHub,
    node: &mut FakeNode,
    fields: Value,
    texts: &[&str],
) -> reqwest::Response {
    let body = request(&fields);
    let answer = async {
        let prompt = node.prompt().await;
        node.answer(&prompt.task_id, texts).await;
    };
    tokio::join!(hub.chat(&body), answer).0
}

async fn json_of(response: reqwest::Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

fn header(response: &reqwest::Response, name: &str) -> String {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
        .to_owned()
}

#[tokio::test]
async fn a_stream_is_the_role_then_the_text_then_the_end() {
    let (hub, mut node) = hub_with_node().await;
    let fields = json!({"stream": true});
    let response = answered(&hub, &mut node, fields, &["Hei", " maail", "ma"]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "text/event-stream");
    assert_eq!(header(&response, "cache-control"), "no-cache");
    assert_eq!(header(&response, "x-accel-buffering"), "no");
    let task = header(&response, "x-kipina-task");
    let body = response.text().await.unwrap();
    assert_eq!(sse::events(&body).last().unwrap(), "[DONE]");

    let chunks = sse::chunks(&body);
    let choices: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]).collect();
    let choice = |delta: Value, finish_reason: Value| json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
    let expected = [
        choice(json!({"role": "assistant", "content": ""}), Value::Null),
        choice(json!({"content": "Hei"}), Value::Null),
        choice(json!({"content": " maail"}), Value::Null),
        choice(json!({"content": "ma"}), Value::Null),
        choice(json!({}), json!("stop")),
    ];
    assert_eq!(choices, expected.iter().collect::<Vec<_>>());

    for chunk in &chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["id"], format!("chatcmpl-{task}"));
        assert_eq!(chunk["model"], MODEL);
        assert_eq!(chunk["created"], chunks[0]["created"]);
        assert!(chunk.get("usage").is_none(), "nobody asked for it");
    }
    let (last, others) = chunks.split_last().unwrap();
    assert!(others.iter().all(|chunk| chunk.get("kipina").is_none()));
    let report = &last["kipina"];
    assert_eq!(
        (&report["node"], &report["kind"]),
        (&json!("fake"), &json!("native"))
    );
    assert_eq!(report["model"], MODEL);
    assert_eq!(report["tokens_per_second"], 30.0, "three tokens in 100 ms");
    assert!(report["queued_ms"].as_f64() <= report["first_token_ms"].as_f64());
}

#[tokio::test]
async fn usage_is_the_last_chunk_where_it_is_asked_for() {
    let (hub, mut node) = hub_with_node().await;
    let fields = json!({"stream": true, "stream_options": {"include_usage": true}});
    let body = answered(&hub, &mut node, fields, &["a", "b"])
        .await
        .text()
        .await
        .unwrap();
    let chunks = sse::chunks(&body);
    let (last, others) = chunks.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    let usage = json!({
        "prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 5},
    });
    assert_eq!(last["usage"], usage);
    assert_eq!(last["kipina"]["node"], "fake");
    assert_eq!(
        others.last().unwrap()["choices"][0]["finish_reason"],
        "stop"
    );
    for chunk in others {
        assert_eq!(chunk.get("usage"), Some(&Value::Null));
        assert!(chunk.get("kipina").is_none());
    }
}

#[tokio::test]
async fn the_plain_answer_is_the_stream_in_one_piece() {
    let (hub, mut node) = hub_with_node().await;
    let response = answered(&hub, &mut node, json!({}), &["Hei", " maail", "ma"]).await;
    assert_eq!(response.status(), 200);
    let task = header(&response, "x-kipina-task");
    let mut answer = json_of(response).await;
    assert!(answer["created"].as_u64().unwrap() > 1_700_000_000);
    assert_eq!(answer["kipina"]["tokens_per_second"], 30.0);
    answer.as_object_mut().unwrap().remove("created");
    answer.as_object_mut().unwrap().remove("kipina");
    let expected = json!({
        "id": format!("chatcmpl-{task}"),
        "object": "chat.completion",
        "model": MODEL,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "Hei maailma", "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 5},
        },
    });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn the_end_of_the_token_limit_is_told_as_length() {
    let (hub, mut node) = hub_with_node().await;
    let body = request(&json!({"max_tokens": 1}));
    let answer = async {
        let prompt = node.prompt().await;
        assert_eq!(prompt.request.sampling.max_tokens, Some(1));
        node.token(&prompt.task_id, 0, "a").await;
        let usage = Usage {
            prompt_tokens: 3,
            cached_tokens: 0,
            completion_tokens: 1,
        };
        node.done(&prompt.task_id, FinishReason::Length, usage)
            .await;
    };
    let (response, ()) = tokio::join!(hub.chat(&body), answer);
    assert_eq!(
        json_of(response).await["choices"][0]["finish_reason"],
        "length"
    );
}

#[tokio::test]
async fn the_node_gets_the_request_with_every_setting() {
    let (hub, mut node) = hub_with_node().await;
    let body = json!({
        "model": "qwen-coder",
        "messages": [
            {"role": "developer", "content": "be short"},
            {"role": "user", "content": [{"type": "text", "text": "count"}]},
            {"role": "assistant", "content": "1, 2,"},
        ],
        "temperature": 0, "top_k": 5, "top_p": 0.5, "min_p": 0.25, "repeat_penalty": 1.5,
        "seed": 42, "max_completion_tokens": 9, "stop": "###", "user": "aino",
    });
    let answer = async {
        let prompt = node.prompt().await;
        node.answer(&prompt.task_id, &["3"]).await;
        prompt.request
    };
    let (response, request) = tokio::join!(hub.chat(&body), answer);
    assert_eq!(
        json_of(response).await["model"],
        MODEL,
        "the family's name became a model's id"
    );
    assert_eq!(request.model, MODEL);
    let sampling = Sampling {
        temperature: 0.0,
        top_k: 5,
        top_p: 0.5,
        min_p: 0.25,
        repeat_penalty: 1.5,
        seed: Some(42),
        max_tokens: Some(9),
        stop: vec!["###".to_owned()],
    };
    assert_eq!(request.sampling, sampling);
    let PromptInput::Chat {
        messages, prefill, ..
    } = request.input
    else {
        panic!("a conversation became raw text");
    };
    let told: Vec<(Role, &str)> = messages
        .iter()
        .map(|message| (message.role, message.content.as_str()))
        .collect();
    assert_eq!(told, [(Role::System, "be short"), (Role::User, "count")]);
    assert_eq!(prefill.as_deref(), Some("1, 2,"));
}

#[tokio::test]
async fn models_are_those_that_nodes_offer_now() {
    let (hub, node) = hub_with_node().await;
    let list = json_of(hub.get("/v1/models").await).await;
    assert_eq!(list["object"], "list");
    let [model] = list["data"].as_array().unwrap().as_slice() else {
        panic!("{list}")
    };
    assert_eq!(
        (&model["id"], &model["object"]),
        (&json!(MODEL), &json!("model"))
    );
    assert_eq!(model["kipina"]["context_length"], 4096);
    assert_eq!(
        &json_of(hub.get(&format!("/v1/models/{MODEL}")).await).await,
        model
    );
    let alias = hub
        .get("/v1/models/qwen2.5-coder:0.5b-instruct-q4_k_m")
        .await;
    assert_eq!(&json_of(alias).await, model);

    drop(node);
    hub.stats_when(|stats| stats.nodes.is_empty()).await;
    assert_eq!(hub.get(&format!("/v1/models/{MODEL}")).await.status(), 404);
}

#[tokio::test]
async fn a_model_that_nobody_knows_is_not_found_and_one_that_is_away_unavailable() {
    let (hub, _node) = hub_with_node().await;
    for stream in [false, true] {
        let unknown = hub
            .chat(&request(&json!({"model": "gpt-4", "stream": stream})))
            .await;
        assert_eq!(unknown.status(), 404);
        let error = json_of(unknown).await["error"].clone();
        assert_eq!(
            (&error["code"], &error["param"]),
            (&json!("model_not_found"), &json!("model"))
        );

        let away = request(&json!({"model": "qwen2.5-coder:7b", "stream": stream}));
        let away = hub.chat(&away).await;
        assert_eq!(away.status(), 503);
        assert!(header(&away, "retry-after").parse::<u32>().unwrap() >= 1);
    }
}

#[tokio::test]
async fn only_nodes_of_the_wished_kind_answer() {
    let (hub, _native) = hub_with_node().await;
    let fields = json!({"kipina": {"nodes": "browser"}});
    assert_eq!(hub.chat(&request(&fields)).await.status(), 503);
}

#[tokio::test]
async fn a_full_queue_says_so_with_a_pause() {
    let hub = TestHub::with(&[("QUEUE_LENGTH", "0")]).await;
    let mut node = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    let running = async {
        let prompt = node.prompt().await;
        let refused = hub.chat(&request(&json!({}))).await;
        node.answer(&prompt.task_id, &["a"]).await;
        refused
    };
    let first = request(&json!({}));
    let (first, refused) = tokio::join!(hub.chat(&first), running);
    assert_eq!(first.status(), 200);
    assert_eq!(refused.status(), 429);
    assert!(header(&refused, "retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(
        json_of(refused).await["error"]["code"],
        "rate_limit_exceeded"
    );
}

#[tokio::test]
async fn waiting_too_long_in_the_queue_is_a_timeout() {
    let hub = TestHub::with(&[("QUEUE_DEADLINE_SECONDS", "1")]).await;
    let mut node = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    let running = async {
        let prompt = node.prompt().await;
        let expired = hub.chat(&request(&json!({}))).await;
        node.answer(&prompt.task_id, &["a"]).await;
        expired
    };
    let first = request(&json!({}));
    let (_, expired) = tokio::join!(hub.chat(&first), running);
    assert_eq!(expired.status(), 504);
    assert_eq!(json_of(expired).await["error"]["code"], "deadline_expired");
}

#[tokio::test]
async fn what_a_node_refuses_before_the_first_token_is_a_true_status() {
    let (hub, mut node) = hub_with_node().await;
    for (stream, code, status, expected) in [
        (
            false,
            LlmErrorCode::ContextLengthExceeded,
            400,
            "context_length_exceeded",
        ),
        (
            true,
            LlmErrorCode::ContextLengthExceeded,
            400,
            "context_length_exceeded",
        ),
        (true, LlmErrorCode::InvalidRequest, 400, "invalid_request"),
        (true, LlmErrorCode::BackendFailed, 500, "backend_failed"),
    ] {
        let body = request(&json!({"stream": stream}));
        let refuse = async {
            let prompt = node.prompt().await;
            node.error(&prompt.task_id, code, "5000 tokens do not fit 4096")
                .await;
        };
        let (response, ()) = tokio::join!(hub.chat(&body), refuse);
        assert_eq!(response.status(), status, "{code:?}");
        let error = json_of(response).await["error"].clone();
        assert_eq!(error["code"], expected);
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("5000 tokens do not fit 4096")
        );
    }
}

#[tokio::test]
async fn a_failure_in_the_middle_ends_the_stream_with_an_error_and_without_done() {
    let (hub, mut node) = hub_with_node().await;
    let body = request(&json!({"stream": true}));
    let fail = async {
        let prompt = node.prompt().await;
        node.token(&prompt.task_id, 0, "half an ").await;
        node.error(
            &prompt.task_id,
            LlmErrorCode::BackendFailed,
            "the GPU fell off",
        )
        .await;
    };
    let (response, ()) = tokio::join!(hub.chat(&body), fail);
    assert_eq!(response.status(), 200);
    let body = response.text().await.unwrap();
    let chunks = sse::chunks(&body);
    assert_eq!(sse::text(&chunks), "half an ");
    let error = &chunks.last().unwrap()["error"];
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("server_error"), &json!("backend_failed"))
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("the GPU fell off")
    );
    assert!(!body.contains("[DONE]"));
}

#[tokio::test]
async fn a_plain_answer_that_fails_in_the_middle_is_no_answer() {
    let (hub, mut node) = hub_with_node().await;
    let body = request(&json!({}));
    let fail = async {
        let prompt = node.prompt().await;
        node.token(&prompt.task_id, 0, "half an ").await;
        node.error(
            &prompt.task_id,
            LlmErrorCode::BackendFailed,
            "the GPU fell off",
        )
        .await;
    };
    let (response, ()) = tokio::join!(hub.chat(&body), fail);
    assert_eq!(response.status(), 500);
    assert_eq!(json_of(response).await["error"]["code"], "backend_failed");
}

#[tokio::test]
async fn each_chunk_is_sent_as_it_comes() {
    let (hub, mut node) = hub_with_node().await;
    let body = request(&json!({"stream": true}));
    let begin = async {
        let prompt = node.prompt().await;
        node.token(&prompt.task_id, 0, "first").await;
        prompt.task_id
    };
    let (response, task_id) = tokio::join!(hub.chat(&body), begin);
    let mut stream = response.bytes_stream();
    let mut buffer = String::new();
    let role = sse::next_event(&mut stream, &mut buffer).await.unwrap();
    assert!(role.contains("assistant"), "{role}");
    let first = sse::next_event(&mut stream, &mut buffer).await.unwrap();
    assert!(first.contains("first"), "{first}");
    node.token(&task_id, 1, "second").await;
    let second = sse::next_event(&mut stream, &mut buffer).await.unwrap();
    assert!(second.contains("second"), "{second}");
    drop(stream);
    assert_eq!(
        node.cancelled().await,
        task_id,
        "a client that leaves cancels its prompt"
    );
}
