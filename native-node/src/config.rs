//! What the owner asked for: flags and environment, checked. The only file that reads the
//! environment.

mod checks;
mod limits;
mod url;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use protocol::{Catalogue, CatalogueModel};

use self::checks::Checks;
pub use self::url::{BaseUrl, without_user};
use crate::{arguments::Arguments, language::Language, limits::Limits, service::Home};

/// The environment's variables that matter here, as they are.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    pub hub_url: Option<String>,
    pub ollama_url: Option<String>,
    pub ollama_model: Option<String>,
    pub openai_base_url: Option<String>,
    pub openai_api_key: Option<Secret>,
    pub node_api_key: Option<Secret>,
    pub models_dir: Option<String>,
    pub hugging_face: Option<String>,
    pub home: Option<String>,
    /// The desktop's folders: `XDG_RUNTIME_DIR`, `XDG_DATA_HOME` and `XDG_CONFIG_HOME`.
    pub runtime_folder: Option<String>,
    pub data_folder: Option<String>,
    pub config_folder: Option<String>,
    pub user: Option<String>,
    /// What a service must be given, since it is started from no terminal: see `KEPT`.
    pub kept: Vec<(&'static str, Secret)>,
    /// As in `fi_FI.UTF-8`.
    pub locale: Option<String>,
    pub log_filter: Option<String>,
}

/// All that the node reads itself, and what the libraries under it do: proxies, certificates, the
/// time zone, and where the drivers of GPUs and their tools lie.
const KEPT: [&str; 27] = [
    "HUB_URL",
    "NODE_API_KEY",
    "OLLAMA_URL",
    "OLLAMA_MODEL",
    "OPENAI_BASE_URL",
    "OPENAI_API_KEY",
    "MODELS_DIR",
    "HF_ENDPOINT",
    "XDG_DATA_HOME",
    "LC_ALL",
    "LC_MESSAGES",
    "LANG",
    "RUST_LOG",
    "PATH",
    "VK_DRIVER_FILES",
    "VK_ICD_FILENAMES",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "TZ",
];

impl Environment {
    pub fn read() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one file that may")]
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            hub_url: variable("HUB_URL"),
            ollama_url: variable("OLLAMA_URL"),
            ollama_model: variable("OLLAMA_MODEL"),
            openai_base_url: variable("OPENAI_BASE_URL"),
            openai_api_key: variable("OPENAI_API_KEY").map(Secret),
            node_api_key: variable("NODE_API_KEY").map(Secret),
            models_dir: variable("MODELS_DIR"),
            hugging_face: variable("HF_ENDPOINT"),
            home: variable("HOME").or_else(|| variable("USERPROFILE")),
            runtime_folder: variable("XDG_RUNTIME_DIR"),
            data_folder: variable("XDG_DATA_HOME"),
            config_folder: variable("XDG_CONFIG_HOME"),
            user: variable("USER"),
            kept: KEPT
                .into_iter()
                .filter_map(|name| Some((name, Secret(variable(name)?))))
                .collect(),
            locale: ["LC_ALL", "LC_MESSAGES", "LANG"]
                .into_iter()
                .find_map(variable),
            log_filter: variable("RUST_LOG"),
        }
    }
}

impl Environment {
    /// Where a service of this user's belongs; `None` without a home.
    pub fn service_home(&self) -> Option<Home> {
        let folder = PathBuf::from(self.home.as_ref()?);
        let config = self.config_folder.as_ref().map(PathBuf::from);
        Some(Home {
            config: config.unwrap_or_else(|| folder.join(".config")),
            folder,
            user: self.user.clone(),
        })
    }

    /// Where models are kept; `None` where they are not told and there is no home.
    pub fn models_folder(&self) -> Option<PathBuf> {
        let named = self.models_dir.as_ref().map(PathBuf::from);
        let usual = || Some(Path::new(self.home.as_ref()?).join(".cache/kipina/models"));
        named.or_else(usual)
    }

    /// Where Kipinä keeps what is worth keeping: `~/.local/share/kipina`.
    pub fn data_folder(&self) -> Option<PathBuf> {
        let named = self.data_folder.as_ref().map(PathBuf::from);
        let usual = || Some(Path::new(self.home.as_ref()?).join(".local/share"));
        Some(named.or_else(usual)?.join("kipina"))
    }
}

/// A key, which must not end up in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl Secret {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[derive(Clone, Debug)]
pub struct Config {
    pub language: Language,
    pub hub_url: String,
    pub key: Option<Secret>,
    /// Where Kipinä keeps what is worth keeping; absent without a home.
    pub data_folder: Option<PathBuf>,
    /// What the owner calls the node; absent: the machine's own name.
    pub name: Option<String>,
    pub slots: u32,
    pub threads: usize,
    pub backend: BackendChoice,
    pub status_port: StatusPort,
    /// Where the log goes besides the terminal.
    pub log_file: Option<PathBuf>,
    /// When this machine does not compute.
    pub limits: Limits,
}

/// Where the status page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusPort {
    Off,
    Port(u16),
}

impl StatusPort {
    /// Where the page is unless the owner wants it elsewhere.
    pub const USUAL: u16 = 3210;
}

#[derive(Clone, Debug)]
pub enum BackendChoice {
    /// Ollama where it answers, else the engine.
    Automatic {
        ollama: OllamaSettings,
        engine: EngineSettings,
    },
    Ollama(OllamaSettings),
    OpenAi(OpenAiSettings),
    Engine(EngineSettings),
}

#[derive(Clone, Debug)]
pub struct OllamaSettings {
    pub url: BaseUrl,
    /// Downloaded where Ollama does not have them. Never none.
    pub models: Vec<String>,
    pub context_length: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct OpenAiSettings {
    /// Up to and with `/v1`.
    pub url: BaseUrl,
    pub key: Option<Secret>,
    /// The models to offer; none: all that the server has.
    pub models: Vec<String>,
    pub context_length: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Never none. The first is loaded at once, the others when a prompt for them comes.
    pub models: Vec<ModelChoice>,
    pub models_folder: PathBuf,
    pub processor: ProcessorChoice,
    pub threads: usize,
    pub context_length: Option<usize>,
    pub sources: ModelSources,
    /// All models that Kipinä knows: a hub may want one of them that is on the disk.
    pub catalogue: Catalogue,
}

/// What the engine is to compute with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProcessorChoice {
    /// Whichever a measurement finds faster.
    #[default]
    Measured,
    Gpu,
    Cpu,
}

/// Who is asked for models that are not in the folder, in this order.
#[derive(Clone, Debug)]
pub struct ModelSources {
    /// A hub serves the models of its own folder.
    pub hub: Option<BaseUrl>,
    pub hugging_face: BaseUrl,
}

#[derive(Clone, Debug)]
pub enum ModelChoice {
    Catalogue(Box<CatalogueModel>),
    File(PathBuf),
}

/// One thing that is wrong with flags or environment. In words: `Language::config_error`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", Language::English.config_error(self))]
pub enum ConfigError {
    InvalidUrl {
        name: &'static str,
        value: String,
        example: &'static str,
    },
    InvalidNumber {
        name: &'static str,
        value: String,
        minimum: u32,
        maximum: u32,
    },
    SeveralBackends,
    GpuAndCpu,
    ProcessorOfAnother {
        flag: &'static str,
    },
    OpenAiWithoutUrl,
    UnknownModel {
        id: String,
        known: Vec<String>,
    },
    NoModelsFolder,
    InvalidStatusPort {
        value: String,
    },
    InvalidHours {
        value: String,
    },
    EngineHasOneSlot,
    BrokenCatalogue {
        reason: String,
    },
}

impl Config {
    /// `physical_cores`: how many threads to compute with unless told otherwise.
    pub fn new(
        arguments: &Arguments,
        environment: &Environment,
        physical_cores: usize,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut checks = Checks::new(arguments, environment, physical_cores);
        let backend = checks.backend();
        let hub_url = checks.hub_url();
        let slots = checks.slots();
        let threads = checks.threads();
        let status_port = checks.status_port();
        let limits = checks.limits();
        match (backend, hub_url) {
            (Some(backend), Some(hub_url)) if checks.problems.is_empty() => Ok(Self {
                language: Language::from_locale(environment.locale.as_deref()),
                hub_url,
                key: environment.node_api_key.clone(),
                data_folder: environment.data_folder(),
                name: arguments.name.clone(),
                slots,
                threads,
                backend,
                status_port,
                log_file: arguments.log_file.as_ref().map(PathBuf::from),
                limits,
            }),
            _ => Err(checks.problems),
        }
    }
}

#[cfg(test)]
mod tests;
