//! The built-in engine as a backend: one model, one prompt at a time, on a thread of its own.

mod model_file;
mod worker;

use std::{fs::File, io::BufReader, thread, time::Instant};

use ::engine::{Engine, EngineError, EngineOptions, LoadProgress};
use futures_util::future::BoxFuture;
use node_core::engine_request;
use protocol::{LlmErrorCode, LlmPrompt, NodeModel};
use tokio::sync::{mpsc, oneshot};

use self::{
    model_file::ModelFile,
    worker::{Event, Job},
};
use super::{AnswerWriter, Backend, Ending, Failure};
use crate::{config::EngineSettings, device, error::NodeError, language::Language};

/// Tokens that may wait for a connection that is slower than the engine.
const EVENTS_AHEAD: usize = 256;

/// A KV cache for all that a model was trained for would take gigabytes on most machines.
const DEFAULT_CONTEXT_LENGTH: usize = 8192;

/// Tokens of other conversations that the KV cache keeps beside a full context, some hundreds of
/// megabytes of a large model, where the machine has this much memory altogether.
const TOKENS_KEPT_BESIDE: usize = 8192;
const MEMORY_TO_KEEP_THEM_BYTES: u64 = 12 << 30;

#[derive(Debug)]
pub struct EngineBackend {
    model: NodeModel,
    jobs: mpsc::UnboundedSender<Job>,
}

impl EngineBackend {
    /// Loads the model, which takes seconds, and starts the thread that computes with it.
    pub async fn start(settings: &EngineSettings, language: Language) -> Result<Self, NodeError> {
        let file = model_file::find(&settings.model, &settings.models_folder)?;
        let context_length = settings.context_length.unwrap_or(DEFAULT_CONTEXT_LENGTH);
        let plenty = device::memory_bytes().is_some_and(|bytes| bytes >= MEMORY_TO_KEEP_THEM_BYTES);
        let options = EngineOptions {
            threads: settings.threads,
            spawn: ::engine::spawn_thread,
            context_length: Some(context_length),
            cache_tokens: plenty.then_some(context_length + TOKENS_KEPT_BESIDE),
        };
        let (jobs, jobs_receiver) = mpsc::unbounded_channel();
        let (loaded_sender, loaded) = oneshot::channel();
        let loading = file.clone();
        let spawned = thread::Builder::new().name("engine".into()).spawn(move || {
            match load(&loading, &options, language) {
                Ok(mut engine) => {
                    let info = engine.info().clone();
                    // Nobody waits any more where the node was stopped while it loaded.
                    if loaded_sender.send(Ok(info)).is_ok() {
                        worker::run(&mut engine, jobs_receiver);
                    }
                }
                Err(error) => drop(loaded_sender.send(Err(error))),
            }
        });
        let unusable = |reason: String| NodeError::ModelUnusable {
            path: file.path.display().to_string(),
            reason,
        };
        spawned.map_err(|error| unusable(error.to_string()))?;
        let info = loaded
            .await
            .map_err(|_| unusable("the engine's thread ended".into()))?
            .map_err(|error| unusable(error.to_string()))?;
        let model = NodeModel {
            id: file.id,
            digest: file.digest,
            quantisation: Some(info.quantisation),
            parameters: Some(info.parameters),
            context_length: u32::try_from(info.context_length).unwrap_or(u32::MAX),
            runtime: concat!("kipina-engine ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        Ok(Self { model, jobs })
    }

    async fn relay(
        &self,
        prompt: &LlmPrompt,
        answer: &mut AnswerWriter,
    ) -> Result<Ending, Failure> {
        if prompt.request.model != self.model.id {
            return Err(Failure::new(
                LlmErrorCode::ModelUnavailable,
                format!("this node's engine has loaded `{}` only", self.model.id),
            ));
        }
        let request = engine_request(prompt, fastrand::u64(..))?;
        // The receiver lives as long as somebody waits: when it is dropped, the worker stops.
        let (sender, mut events) = mpsc::channel(EVENTS_AHEAD);
        self.jobs
            .send(Job {
                request,
                events: sender,
            })
            .map_err(|_| stopped())?;
        let mut token_ids = Vec::new();
        while let Some(event) = events.recv().await {
            match event {
                Event::Token { text, token_id } => {
                    token_ids.push(token_id);
                    if !text.is_empty() {
                        answer.write(&text, std::mem::take(&mut token_ids)).await?;
                    }
                }
                Event::Finished {
                    text,
                    reason,
                    usage,
                    timings,
                } => {
                    answer.write(&text, token_ids).await?;
                    return Ok(Ending::of_engine(reason, usage, timings));
                }
                Event::Failed(error) => return Err(Failure::from(&error)),
            }
        }
        Err(stopped())
    }
}

impl Backend for EngineBackend {
    fn models(&self) -> BoxFuture<'_, Result<Vec<NodeModel>, Failure>> {
        Box::pin(async {
            if self.jobs.is_closed() {
                Err(stopped())
            } else {
                Ok(vec![self.model.clone()])
            }
        })
    }

    fn answer<'a>(
        &'a self,
        prompt: &'a LlmPrompt,
        answer: &'a mut AnswerWriter,
    ) -> BoxFuture<'a, Result<Ending, Failure>> {
        Box::pin(self.relay(prompt, answer))
    }
}

fn load(
    file: &ModelFile,
    options: &EngineOptions,
    language: Language,
) -> Result<Engine, EngineError> {
    let started = Instant::now();
    let mut shown = (started, 0);
    let mut reader = BufReader::new(File::open(&file.path)?);
    let engine = Engine::load(&mut reader, options, &mut |progress: LoadProgress| {
        let percent = (progress.done_bytes * 100)
            .checked_div(progress.total_bytes)
            .unwrap_or(0);
        // A line a second at most: most models load before the first.
        if shown.0.elapsed().as_secs() >= 1 && percent > shown.1 {
            tracing::info!("{}", language.load_progress(&file.id, percent));
            shown = (Instant::now(), percent);
        }
    })?;
    tracing::info!(
        "{}",
        language.model_loaded(&file.id, started.elapsed(), options.threads)
    );
    Ok(engine)
}

fn stopped() -> Failure {
    Failure::backend("the node's engine has stopped: its owner must start the node again")
}
