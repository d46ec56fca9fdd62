//! The built-in engine as a backend: several models, one prompt at a time, on a thread of its own.

mod card;
mod graphics;
mod loader;
mod model_file;
pub mod processor;
mod shelf;
mod stock;
mod supply;
mod worker;

use std::{sync::Arc, thread};

use ::engine::{Audit, EngineOptions, Gpu};
use futures_util::future::BoxFuture;
use node_core::{audit_frame, engine_audit, engine_request};
use protocol::{AuditPrompt, LlmErrorCode, LlmPrompt, NodeMessage, NodeModel};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
};

pub use self::card::Card;
use self::{
    graphics::Graphics,
    loader::Loader,
    model_file::ModelFile,
    shelf::{NotLoaded, Shelf},
    supply::Supply,
    worker::{AuditJob, Event, Job, Order, Unjudged},
};
use super::{AnswerWriter, Backend, Ending, Failure};
use crate::{
    config::EngineSettings, device, download::Downloader, error::NodeError, language::Language,
    status::Status,
};

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
    supply: Arc<Supply>,
    orders: mpsc::UnboundedSender<Order>,
    /// What computes the model that was loaded last; `None`: the CPU.
    gpu: watch::Receiver<Option<Gpu>>,
    fetching: AbortHandle,
}

impl EngineBackend {
    /// Starts the thread that computes, and loads the first model, which may have to be fetched.
    /// The others are fetched while it answers, and loaded when a prompt for them comes. `gpu`: where to load them, as
    /// far as they fit, and `card` how to ask for it again; `status` is told what computes.
    pub async fn start(
        settings: &EngineSettings,
        gpu: Option<Gpu>,
        card: Card,
        downloader: Downloader,
        status: Status,
        language: Language,
    ) -> Result<Self, NodeError> {
        let supply = Arc::new(Supply::new(settings.clone(), downloader, language));
        let (first, missing) = supply.open().await?;
        let unusable = |reason: String| NodeError::ModelUnusable {
            path: first.file.path.display().to_string(),
            reason,
        };
        let (in_use, gpu_in_use) = watch::channel(None);
        let loader = Loader {
            options: options(settings),
            graphics: Graphics::new(gpu, card, language),
            in_use,
            status,
            language,
        };
        let (orders, orders_receiver) = mpsc::unbounded_channel();
        let spawned = thread::Builder::new().name("engine".into()).spawn(move || {
            worker::run(&mut Shelf::new(Box::new(loader)), orders_receiver);
        });
        spawned.map_err(|error| unusable(error.to_string()))?;
        let (loaded, first_loaded) = oneshot::channel();
        let order = Order::Load(Arc::clone(&first.file), loaded);
        orders
            .send(order)
            .map_err(|_| unusable("the engine's thread ended".into()))?;
        first_loaded
            .await
            .map_err(|_| unusable("the engine's thread ended".into()))?
            .map_err(|error| unusable(failure_of(&error).message))?;
        let fetching = tokio::spawn({
            let supply = Arc::clone(&supply);
            async move { supply.complete(missing).await }
        });
        Ok(Self {
            supply,
            orders,
            gpu: gpu_in_use,
            fetching: fetching.abort_handle(),
        })
    }

    async fn relay(
        &self,
        prompt: &LlmPrompt,
        answer: &mut AnswerWriter,
    ) -> Result<Ending, Failure> {
        let file = self.file(&prompt.request.model)?;
        let request = engine_request(prompt, fastrand::u64(..))?;
        // The receiver lives as long as somebody waits: when it is dropped, the worker stops.
        let (sender, mut events) = mpsc::channel(EVENTS_AHEAD);
        let job = Job {
            file: Arc::clone(&file),
            request,
            events: sender,
        };
        self.orders
            .send(Order::Answer(job))
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
                Event::NotLoaded(error) => return Err(self.not_loaded(&file, &error)),
                Event::Panicked => {
                    return Err(Failure::backend(
                        "the node's engine made a mistake of its own",
                    ));
                }
            }
        }
        Err(stopped())
    }

    async fn judge(&self, audit: AuditPrompt) -> Result<NodeMessage, Failure> {
        let file = self.file(&audit.request.model)?;
        let task_id = audit.task_id.clone();
        let (judged, judgement) = oneshot::channel();
        let job = AuditJob {
            file: Arc::clone(&file),
            audit: Audit::new(engine_audit(audit)?),
            judged,
        };
        self.orders.send(Order::Audit(job)).map_err(|_| stopped())?;
        let judgements = judgement.await.map_err(|_| stopped())?;
        match judgements {
            Ok(judgements) => Ok(audit_frame(task_id, &judgements)),
            Err(Unjudged::Failed(error)) => Err(Failure::from(&error)),
            Err(Unjudged::NotLoaded(error)) => Err(self.not_loaded(&file, &error)),
        }
    }

    /// What can't be loaded is offered no more.
    fn not_loaded(&self, file: &Arc<ModelFile>, error: &NotLoaded) -> Failure {
        if let NotLoaded::Failed(error) = error {
            self.supply.withdraw(file, error);
        }
        failure_of(error)
    }

    fn file(&self, id: &str) -> Result<Arc<ModelFile>, Failure> {
        let offered = self.supply.offered();
        let model = offered.into_iter().find(|model| model.advertised.id == id);
        model.map(|model| model.file).ok_or_else(|| {
            Failure::new(
                LlmErrorCode::ModelUnavailable,
                format!("this node's engine does not have the model `{id}`"),
            )
        })
    }
}

impl Drop for EngineBackend {
    fn drop(&mut self) {
        self.fetching.abort();
    }
}

impl Backend for EngineBackend {
    fn models(&self) -> BoxFuture<'_, Result<Vec<NodeModel>, Failure>> {
        Box::pin(async {
            if self.orders.is_closed() {
                return Err(stopped());
            }
            self.supply.look_again().await;
            let offered = self.supply.offered();
            Ok(offered.into_iter().map(|model| model.advertised).collect())
        })
    }

    fn answer<'a>(
        &'a self,
        prompt: &'a LlmPrompt,
        answer: &'a mut AnswerWriter,
    ) -> BoxFuture<'a, Result<Ending, Failure>> {
        Box::pin(self.relay(prompt, answer))
    }

    fn audit(&self, audit: AuditPrompt) -> BoxFuture<'_, Result<NodeMessage, Failure>> {
        Box::pin(self.judge(audit))
    }

    fn gpu_multiply_adds_per_second(&self) -> BoxFuture<'_, Option<f64>> {
        let gpu = self.gpu.borrow().clone();
        Box::pin(async {
            let gpu = gpu?;
            let measured = tokio::task::spawn_blocking(move || processor::measure_gpu(&gpu));
            measured.await.ok()?.ok()
        })
    }

    fn want<'a>(&'a self, models: &'a [String]) -> BoxFuture<'a, ()> {
        Box::pin(self.supply.want(models))
    }
}

fn options(settings: &EngineSettings) -> EngineOptions {
    let context_length = context_length(settings);
    let plenty = device::memory_bytes().is_some_and(|bytes| bytes >= MEMORY_TO_KEEP_THEM_BYTES);
    EngineOptions {
        threads: settings.threads,
        spawn: ::engine::spawn_thread,
        context_length: Some(context_length),
        cache_tokens: plenty.then_some(context_length + TOKENS_KEPT_BESIDE),
        gpu: None,
    }
}

fn context_length(settings: &EngineSettings) -> usize {
    settings.context_length.unwrap_or(DEFAULT_CONTEXT_LENGTH)
}

fn failure_of(error: &NotLoaded) -> Failure {
    match error {
        NotLoaded::Failed(error) => Failure::from(error),
        NotLoaded::NoMemory {
            file_bytes,
            available_bytes,
        } => Failure::new(
            LlmErrorCode::OutOfMemory,
            format!(
                "the model's file has {} MB, and the node has no more than {} MB of memory for it: \
                 ask for a smaller model",
                file_bytes / 1_000_000,
                available_bytes / 1_000_000
            ),
        ),
        NotLoaded::NoRoom => Failure::new(
            LlmErrorCode::Unavailable,
            "the node's memory is taken by models that answer prompts: let another node judge this answer",
        ),
        // Nobody reads this: whoever would is who left.
        NotLoaded::Abandoned => Failure::backend("nobody waits for this answer"),
    }
}

fn stopped() -> Failure {
    Failure::backend("the node's engine has stopped: its owner must start the node again")
}
