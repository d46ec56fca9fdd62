//! The node: its backend, and all that it tells of itself.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use node_core::RUNTIME;
use protocol::{Device, Gpu, Hello, NodeKind, NodeModel, Owner, PROTOCOL_VERSION};
use rustls::ClientConfig;
use tokio::sync::{Notify, watch};

use crate::{
    SOFTWARE,
    backend::{
        Backend,
        engine::{Card, EngineBackend, processor},
        ollama::{self, OllamaBackend},
        openai::OpenAiBackend,
    },
    config::{BackendChoice, Config, EngineSettings, OllamaSettings, Secret},
    device::{self, OwnWork, Sensors},
    download::{Downloader, Patience},
    error::NodeError,
    language::Language,
    limits, models, owner,
    status::{PauseReason, Status},
    surroundings::{Surroundings, ThisMachine},
    tls,
};

const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// What all connections of one run of the program share.
#[derive(Debug)]
pub struct Node {
    pub hub_url: String,
    pub name: String,
    pub key: Option<Secret>,
    /// Where there is no key.
    pub owner: Option<Owner>,
    pub slots: u32,
    /// To compute benchmarks with.
    pub threads: usize,
    pub language: Language,
    pub status: Status,
    pub device: Device,
    pub backend: Arc<dyn Backend>,
    pub models: watch::Receiver<Vec<NodeModel>>,
    /// Rung where the models may no longer be there.
    pub look_again: Arc<Notify>,
    pub surroundings: Arc<dyn Surroundings>,
    /// How long a hub may take to show that it is still there when the network has changed.
    pub sign_of_life: Duration,
    /// Why it takes no prompts just now.
    pub paused: watch::Receiver<Option<PauseReason>>,
    pub tls: Arc<ClientConfig>,
}

impl Node {
    /// Starts the backend, which may have to download or load a model first. `status` is told all
    /// that happens from then on.
    pub async fn start(config: Config, status: Status) -> Result<Self, NodeError> {
        let tls = tls::client_config();
        let tls = tls.map_err(|error| NodeError::Tls {
            reason: error.to_string(),
        })?;
        // A driver's tool may take seconds to tell of a GPU.
        let (started, mut device) = tokio::try_join!(
            start_backend(&config, &tls, &status),
            device::device().map(Ok)
        )?;
        let Started {
            backend,
            slots,
            own_work,
            adapter,
        } = started;
        // Drivers whose own tools are not installed are found by their API.
        let named = adapter.map(|name| Gpu {
            name,
            memory_bytes: None,
        });
        device.gpu = device.gpu.or(named);
        let owner = owner_of(&config);
        let look_again = Arc::new(Notify::new());
        let models = models::watch(
            Arc::clone(&backend),
            models::Pace::default(),
            Arc::clone(&look_again),
            config.language,
            status.clone(),
        );
        let sensors = Sensors {
            own_work,
            ..Sensors::default()
        };
        let paused = limits::watch(config.limits, sensors, status.clone(), config.language);
        let (models, paused) = tokio::join!(models, paused);
        let ids = models::ids(&models.borrow());
        tracing::info!("{}", config.language.models_changed(&ids));
        let name = config.name.or_else(device::host_name);
        let name = name.unwrap_or_else(|| "kipina-node".to_owned());
        status.started(&name, &config.hub_url, slots);
        Ok(Self {
            hub_url: config.hub_url,
            name,
            key: config.key,
            owner,
            slots,
            threads: config.threads,
            language: config.language,
            status,
            device,
            backend,
            models,
            look_again,
            surroundings: Arc::new(ThisMachine),
            sign_of_life: SIGN_OF_LIFE,
            paused,
            tls,
        })
    }

    pub fn hello(&self, models: Vec<NodeModel>, paused: bool) -> Hello {
        Hello {
            protocol_version: PROTOCOL_VERSION,
            kind: NodeKind::Native,
            name: self.name.clone(),
            software: SOFTWARE.to_owned(),
            key: self.key.as_ref().map(|key| key.reveal().to_owned()),
            owner: self.owner.clone(),
            only_own: false,
            paused,
            models,
            slots: self.slots,
            device: self.device.clone(),
        }
    }
}

/// A key says whose the node is, and prompts of its owner are to find it. Without either, hubs know it by its address.
fn owner_of(config: &Config) -> Option<Owner> {
    let folder = config
        .data_folder
        .as_ref()
        .filter(|_| config.key.is_none())?;
    let owner = owner::for_hub(folder, &config.hub_url);
    let not_kept = |error: &std::io::Error| {
        let folder = folder.display().to_string();
        tracing::warn!(
            "{}",
            config.language.owner_not_kept(&folder, &error.to_string())
        );
    };
    owner.inspect_err(not_kept).ok()
}

/// What answers.
struct Started {
    backend: Arc<dyn Backend>,
    /// How many prompts at once.
    slots: u32,
    /// What of the GPU's work is its own.
    own_work: OwnWork,
    /// The GPU that the engine computes on.
    adapter: Option<String>,
}

impl Started {
    /// A server that computes with what it finds.
    fn server(backend: impl Backend + 'static, slots: u32, own_work: OwnWork) -> Self {
        Self {
            backend: Arc::new(backend),
            slots,
            own_work,
            adapter: None,
        }
    }
}

async fn start_backend(
    config: &Config,
    tls: &ClientConfig,
    status: &Status,
) -> Result<Started, NodeError> {
    match &config.backend {
        BackendChoice::Ollama(settings) => start_ollama(config, settings, tls, status).await,
        BackendChoice::Engine(settings) => start_engine(config, settings, tls, status).await,
        BackendChoice::OpenAi(settings) => {
            announce(config.language, status, &settings.url.to_string());
            let backend = OpenAiBackend::start(settings.clone(), tls).await?;
            Ok(Started::server(backend, config.slots, OwnWork::Any))
        }
        BackendChoice::Automatic { ollama, engine } => {
            if ollama::answers(ollama, tls).await {
                start_ollama(config, ollama, tls, status).await
            } else {
                start_engine(config, engine, tls, status).await
            }
        }
    }
}

async fn start_ollama(
    config: &Config,
    settings: &OllamaSettings,
    tls: &ClientConfig,
    status: &Status,
) -> Result<Started, NodeError> {
    announce(
        config.language,
        status,
        &format!("Ollama, {}", settings.url),
    );
    let backend = OllamaBackend::start(settings, tls, config.language).await?;
    Ok(Started::server(backend, config.slots, OwnWork::Ollama))
}

async fn start_engine(
    config: &Config,
    settings: &EngineSettings,
    tls: &ClientConfig,
    status: &Status,
) -> Result<Started, NodeError> {
    status.backend(RUNTIME);
    let sources = settings.sources.clone();
    let downloader = Downloader::new(sources, Patience::default(), tls, config.language)?;
    let card = Card::find(config.data_folder.as_deref()).await;
    let gpu = processor::choose(settings, &card, config.language).await;
    let adapter = gpu.as_ref().map(|gpu| gpu.adapter().to_owned());
    let (status, language) = (status.clone(), config.language);
    let backend = EngineBackend::start(settings, gpu, card, downloader, status, language).await?;
    Ok(Started {
        backend: Arc::new(backend),
        slots: 1,
        own_work: match adapter {
            Some(_) => OwnWork::Engine,
            None => OwnWork::None,
        },
        adapter,
    })
}

fn announce(language: Language, status: &Status, backend: &str) {
    tracing::info!("{}", language.backend_found(backend));
    status.backend(backend);
}
