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
pub use self::url::BaseUrl;
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

/// All that the node reads itself, and what the libraries under it do: proxies, certificates,
/// and where the tools of GPUs lie.
const KEPT: [&str; 21] = [
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
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "https_proxy",
    "no_proxy",
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
    pub threads: usize,
    pub context_length: Option<usize>,
    pub sources: ModelSources,
    /// All models that Kipinä knows: a hub may want one of them that is on the disk.
    pub catalogue: Catalogue,
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
mod tests {
    use super::*;

    fn home() -> Environment {
        Environment {
            home: Some("/home/aino".into()),
            ..Environment::default()
        }
    }

    fn backend(arguments: &Arguments, environment: &Environment) -> BackendChoice {
        Config::new(arguments, environment, 4).unwrap().backend
    }

    #[test]
    fn with_nothing_said_ollama_is_tried_and_the_engine_stands_by() {
        let config = Config::new(&Arguments::default(), &home(), 4).unwrap();
        assert_eq!(config.hub_url, "wss://kipina.studio/ws");
        assert_eq!((config.slots, config.threads), (1, 4));
        let BackendChoice::Automatic { ollama, engine } = config.backend else {
            panic!("both are possible")
        };
        assert_eq!(ollama.url.join("/x"), "http://localhost:11434/x");
        assert_eq!(ollama.models, ["qwen2.5-coder:3b"]);
        let [ModelChoice::Catalogue(model)] = &engine.models[..] else {
            panic!("of the catalogue")
        };
        assert_eq!(model.id, "qwen2.5-coder:0.5b");
        assert_eq!(
            engine.models_folder,
            PathBuf::from("/home/aino/.cache/kipina/models")
        );
        let sources = engine.sources;
        assert_eq!(sources.hub.unwrap().to_string(), "https://kipina.studio");
        assert_eq!(sources.hugging_face.to_string(), "https://huggingface.co");
    }

    #[test]
    fn a_model_that_only_one_backend_can_have_chooses_it() {
        let with = |model: &str| Arguments {
            models: vec![model.into()],
            ..Arguments::default()
        };
        assert!(matches!(
            backend(&with("/m/tiny.GGUF"), &home()),
            BackendChoice::Engine(_)
        ));
        assert!(matches!(
            backend(&with("llama3.2"), &home()),
            BackendChoice::Ollama(_)
        ));
        assert!(matches!(
            backend(&with("smollm2:135m"), &home()),
            BackendChoice::Automatic { .. }
        ));
    }

    #[test]
    fn flags_go_before_the_environment() {
        let environment = Environment {
            hub_url: Some("http://one".into()),
            ollama_model: Some("from-environment".into()),
            ..home()
        };
        let arguments = Arguments {
            ollama: true,
            hub: Some("http://two".into()),
            models: vec!["from-flag".into(), "another".into()],
            context: Some("4096".into()),
            ..Arguments::default()
        };
        let config = Config::new(&arguments, &environment, 4).unwrap();
        assert_eq!(config.hub_url, "ws://two/ws");
        let BackendChoice::Ollama(ollama) = config.backend else {
            panic!("ollama was asked for")
        };
        assert_eq!(
            (ollama.models, ollama.context_length),
            (vec!["from-flag".into(), "another".into()], Some(4096))
        );
    }

    #[test]
    fn the_environment_may_name_several_models() {
        let environment = Environment {
            ollama_model: Some("llama3.2, qwen2.5-coder:3b,,llama3.2".into()),
            ..home()
        };
        let BackendChoice::Automatic { ollama, .. } = backend(&Arguments::default(), &environment)
        else {
            panic!("both are possible")
        };
        assert_eq!(ollama.models, ["llama3.2", "qwen2.5-coder:3b"]);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let environment = Environment {
            hub_url: Some("kipina.studio".into()),
            ..Environment::default()
        };
        let arguments = Arguments {
            engine: true,
            models: vec!["smollm2:135m".into(), "gpt-5".into()],
            hours: vec!["18-8".into(), "18".into()],
            max_gpu_temperature: Some("hot".into()),
            threads: Some("0".into()),
            slots: Some("2".into()),
            context: Some("many".into()),
            ..Arguments::default()
        };
        let problems = Config::new(&arguments, &environment, 4).unwrap_err();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let told = told.join("\n");
        for name in [
            "HUB_URL",
            "gpt-5",
            "--threads",
            "--slots",
            "--context",
            "MODELS_DIR",
            "--hours",
            "--max-gpu-temperature",
        ] {
            assert!(told.contains(name), "{name} is missing from:\n{told}");
        }
        assert_eq!(problems.len(), 8, "{told}");
    }

    #[test]
    fn a_flag_that_two_backends_read_is_complained_about_once() {
        let arguments = Arguments {
            context: Some("x".into()),
            ..Arguments::default()
        };
        assert_eq!(Config::new(&arguments, &home(), 4).unwrap_err().len(), 1);
    }

    #[test]
    fn impossible_combinations_are_refused() {
        let several = Arguments {
            engine: true,
            ollama: true,
            ..Arguments::default()
        };
        let problems = Config::new(&several, &home(), 4).unwrap_err();
        assert_eq!(problems, [ConfigError::SeveralBackends]);
        let slots = Arguments {
            engine: true,
            slots: Some("2".into()),
            ..Arguments::default()
        };
        let problems = Config::new(&slots, &home(), 4).unwrap_err();
        assert_eq!(problems, [ConfigError::EngineHasOneSlot]);
        let openai = Arguments {
            openai: true,
            ..Arguments::default()
        };
        let problems = Config::new(&openai, &home(), 4).unwrap_err();
        assert_eq!(problems, [ConfigError::OpenAiWithoutUrl]);
    }

    #[test]
    fn the_status_page_has_a_port_unless_it_is_off() {
        let port = |port: Option<&str>| {
            let status_port = port.map(str::to_owned);
            let arguments = Arguments {
                status_port,
                ..Arguments::default()
            };
            Config::new(&arguments, &home(), 4).map(|config| config.status_port)
        };
        assert_eq!(port(None), Ok(StatusPort::Port(3210)));
        assert_eq!(port(Some("off")), Ok(StatusPort::Off));
        assert_eq!(port(Some("8080")), Ok(StatusPort::Port(8080)));
        for wrong in ["0", "65536", "on", ""] {
            let value = wrong.to_owned();
            let problem = ConfigError::InvalidStatusPort { value };
            assert_eq!(port(Some(wrong)), Err(vec![problem]));
        }
    }

    #[test]
    fn keys_are_not_printed() {
        let environment = Environment {
            node_api_key: Some(Secret("sekret".into())),
            kept: vec![("NODE_API_KEY", Secret("sekret".into()))],
            ..home()
        };
        let config = Config::new(&Arguments::default(), &environment, 4).unwrap();
        assert!(!format!("{environment:?} {config:?}").contains("sekret"));
    }
}
