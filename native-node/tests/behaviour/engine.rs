//! The engine's backend with a real model, as scripts/fetch-model.sh stores it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{Router, extract::Request, routing::get};
use engine::Gpu;
use native_node::{
    backend::{
        Backend,
        engine::{Card, EngineBackend},
    },
    config::{EngineSettings, ModelChoice, ModelSources, ProcessorChoice},
    download::{Downloader, Patience},
    error::NodeError,
    language::Language,
    status::Status,
    tls,
};
use protocol::{AuditPrompt, Catalogue, LlmErrorCode, PromptInput};
use serde_json::json;

use crate::support::{ask, base_url, prompt, serve};

const FILE: &str = "smollm2-135m-instruct-q4_1.gguf";

pub(crate) fn stored() -> PathBuf {
    let models = std::env::home_dir().unwrap().join(".cache/kipina/models");
    let path = models.join(FILE);
    assert!(
        path.exists(),
        "{}: scripts/fetch-model.sh smollm2:135m brings it",
        path.display()
    );
    path
}

fn catalogue() -> Catalogue {
    Catalogue::parse(include_str!("../../../models.toml")).unwrap()
}

fn smollm2() -> ModelChoice {
    let model = catalogue().find("smollm2:135m").unwrap().clone();
    ModelChoice::Catalogue(Box::new(model))
}

async fn start(
    models: Vec<ModelChoice>,
    folder: &Path,
    hub: Router,
) -> Result<EngineBackend, NodeError> {
    start_on(None, Status::default(), models, folder, hub).await
}

pub(crate) async fn start_on(
    gpu: Option<Gpu>,
    status: Status,
    models: Vec<ModelChoice>,
    folder: &Path,
    hub: Router,
) -> Result<EngineBackend, NodeError> {
    let nowhere = base_url(serve(Router::new()).await, "");
    let settings = EngineSettings {
        models,
        models_folder: folder.to_owned(),
        processor: ProcessorChoice::Cpu,
        threads: 2,
        context_length: Some(512),
        sources: ModelSources {
            hub: Some(base_url(serve(hub).await, "")),
            hugging_face: nowhere,
        },
        catalogue: catalogue(),
    };
    let tls = tls::client_config().unwrap();
    let (sources, patience) = (settings.sources.clone(), Patience::default());
    let downloader = Downloader::new(sources, patience, &tls, Language::English)?;
    let card = Card::default();
    EngineBackend::start(&settings, gpu, card, downloader, status, Language::English).await
}

async fn ids(backend: &EngineBackend) -> Vec<String> {
    let models = backend.models().await.unwrap();
    models.into_iter().map(|model| model.id).collect()
}

pub(crate) fn hei(model: &str) -> protocol::LlmPrompt {
    prompt(json!({
        "task_id": "t", "model": model,
        "messages": [{"role": "user", "content": "Say hello."}],
        "sampling": {"temperature": 0.0, "max_tokens": 4},
    }))
}

#[tokio::test]
async fn a_model_on_the_disk_answers_while_another_is_fetched_and_then_that_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("Own.gguf");
    std::fs::hard_link(stored(), &own)
        .or_else(|_| std::fs::copy(stored(), &own).map(drop))
        .unwrap();
    let hub = Router::new().route(
        &format!("/models/{FILE}"),
        get(|_: Request| async { std::fs::read(stored()).unwrap() }),
    );
    let models = vec![smollm2(), ModelChoice::File(own)];
    let backend = start(models, &folder.path().join("models"), hub).await;
    let backend = backend.unwrap();
    let first = ask(&backend, &hei("own")).await;
    assert!(first.end.is_ok() && !first.text().is_empty());
    let fetched = async {
        while ids(&backend).await.len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), fetched)
        .await
        .expect("it was fetched");
    assert_eq!(ids(&backend).await, ["own", "smollm2:135m"]);
    let model = &backend.models().await.unwrap()[1];
    assert!(model.digest.is_some());
    assert_eq!(model.context_length, 512);
    let second = ask(&backend, &hei("smollm2:135m")).await;
    assert_eq!(second.text(), first.text());
    let (cold, warm) = (
        second.end.unwrap(),
        ask(&backend, &hei("smollm2:135m")).await.end.unwrap(),
    );
    assert!(cold.timings.load_ms > 0.0, "it was not in memory");
    assert!(warm.timings.load_ms == 0.0, "it is now");
    let unknown = ask(&backend, &hei("gpt-5")).await.end.unwrap_err();
    assert_eq!(unknown.code, LlmErrorCode::ModelUnavailable);
}

#[tokio::test]
async fn what_the_network_wants_is_offered_where_it_lies_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.gguf");
    std::fs::hard_link(stored(), &own)
        .or_else(|_| std::fs::copy(stored(), &own).map(drop))
        .unwrap();
    let models = vec![ModelChoice::File(own.clone())];
    let backend = start(models, folder.path(), Router::new()).await.unwrap();
    let wanted = ["smollm2:135m", "qwen2.5-coder:0.5b", "gpt-5"].map(str::to_owned);
    backend.want(&wanted).await;
    assert_eq!(ids(&backend).await, ["own"], "nothing is fetched for it");
    std::fs::rename(&own, folder.path().join(FILE)).unwrap();
    backend.want(&wanted).await;
    backend.want(&wanted).await;
    assert_eq!(ids(&backend).await, ["own", "smollm2:135m"]);
}

/// The same model twice, the second time without its end.
fn whole_and_cut_off(folder: &Path) -> (PathBuf, PathBuf) {
    let (own, cut) = (folder.join("own.gguf"), folder.join("cut.gguf"));
    std::fs::hard_link(stored(), &own)
        .or_else(|_| std::fs::copy(stored(), &own).map(drop))
        .unwrap();
    let whole = std::fs::read(stored()).unwrap();
    // Its head tells what it would be.
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    (own, cut)
}

#[tokio::test]
async fn a_model_that_can_not_be_loaded_is_offered_no_more_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let (own, cut) = whole_and_cut_off(folder.path());
    let models = vec![
        ModelChoice::File(own.clone()),
        ModelChoice::File(cut.clone()),
    ];
    let backend = start(models, folder.path(), Router::new()).await.unwrap();
    assert_eq!(ids(&backend).await, ["own", "cut"]);
    let failure = ask(&backend, &hei("cut")).await.end.unwrap_err();
    assert_eq!(failure.code, LlmErrorCode::BackendFailed);
    assert_eq!(ids(&backend).await, ["own"]);
    let failure = ask(&backend, &hei("cut")).await.end.unwrap_err();
    assert_eq!(failure.code, LlmErrorCode::ModelUnavailable);
    std::fs::rename(&own, &cut).unwrap();
    assert_eq!(ids(&backend).await, ["own", "cut"]);
    assert!(ask(&backend, &hei("cut")).await.end.is_ok());
}

/// An answer that somebody else is said to have given.
fn audit_of(model: &str) -> AuditPrompt {
    let audit = json!({
        "task_id": "audit", "model": model,
        "messages": [{"role": "user", "content": "Say hello."}],
        "sampling": {"temperature": 0.0}, "answer": "Hello!",
    });
    serde_json::from_value(audit).unwrap()
}

#[tokio::test]
async fn a_judge_that_can_not_load_a_model_offers_it_no_more_and_one_that_fails_over_a_prompt_does()
{
    let folder = tempfile::tempdir().unwrap();
    let (own, cut) = whole_and_cut_off(folder.path());
    let models = vec![ModelChoice::File(own), ModelChoice::File(cut)];
    let backend = start(models, folder.path(), Router::new()).await.unwrap();
    let failure = backend.audit(audit_of("cut")).await.unwrap_err();
    assert_eq!(failure.code, LlmErrorCode::BackendFailed);
    assert_eq!(ids(&backend).await, ["own"]);

    let mut too_long = audit_of("own");
    too_long.request = hei("own").request;
    if let PromptInput::Chat { messages, .. } = &mut too_long.request.input {
        messages[0].content = "hello ".repeat(600);
    }
    let failure = backend.audit(too_long).await.unwrap_err();
    assert_eq!(failure.code, LlmErrorCode::ContextLengthExceeded);
    assert_eq!(ids(&backend).await, ["own"]);
    assert!(backend.audit(audit_of("own")).await.is_ok());
}

#[tokio::test]
async fn a_model_that_nobody_has_says_where_to_put_it() {
    let folder = tempfile::tempdir().unwrap();
    let started = start(vec![smollm2()], folder.path(), Router::new()).await;
    let told = started.err().unwrap().to_string();
    assert!(
        told.contains("smollm2:135m") && told.contains(FILE),
        "{told}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_model_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.gguf");
    std::fs::write(&path, "Dear all").unwrap();
    let started = start(vec![ModelChoice::File(path)], folder.path(), Router::new()).await;
    let told = started.err().unwrap().to_string();
    assert!(told.contains("letter.gguf"), "{told}");
}
