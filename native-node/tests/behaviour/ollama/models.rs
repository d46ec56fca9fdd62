//! Which models are offered, and those that are pulled.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, response::IntoResponse};
use native_node::{backend::Backend, error::NodeError};
use protocol::LlmErrorCode;
use serde_json::json;

use super::stand_in::{ANSWER, Ollama, hei};
use crate::{
    script::{Beat, body, in_pieces, send},
    support::{Recorded, ask},
};

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
