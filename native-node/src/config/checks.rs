//! Checks every setting, and collects all that is wrong instead of stopping at the first.

use std::path::PathBuf;

use protocol::Catalogue;

use super::{
    BackendChoice, BaseUrl, ConfigError, EngineSettings, Environment, ModelChoice, ModelSources,
    OllamaSettings, OpenAiSettings, ProcessorChoice, StatusPort, url,
};
use crate::arguments::Arguments;

const CATALOGUE: &str = include_str!("../../../models.toml");

const DEFAULT_HUB_URL: &str = "wss://kipina.studio/ws";
const DEFAULT_OLLAMA_URL: &str = "http://localhost:11434";
const DEFAULT_OLLAMA_MODEL: &str = "qwen2.5-coder:3b";
const DEFAULT_ENGINE_MODEL: &str = "qwen2.5-coder:0.5b";
const DEFAULT_HUGGING_FACE: &str = "https://huggingface.co";

pub(super) struct Checks<'a> {
    pub(super) arguments: &'a Arguments,
    environment: &'a Environment,
    physical_cores: usize,
    /// `None` where it is broken, which is among the problems then.
    catalogue: Option<Catalogue>,
    pub(super) problems: Vec<ConfigError>,
}

impl<'a> Checks<'a> {
    pub(super) fn new(
        arguments: &'a Arguments,
        environment: &'a Environment,
        physical_cores: usize,
    ) -> Self {
        let catalogue = Catalogue::parse(CATALOGUE);
        let broken = catalogue
            .as_ref()
            .err()
            .map(|error| ConfigError::BrokenCatalogue {
                reason: error.to_string(),
            });
        Self {
            arguments,
            environment,
            physical_cores,
            catalogue: catalogue.ok(),
            problems: broken.into_iter().collect(),
        }
    }

    pub(super) fn backend(&mut self) -> Option<BackendChoice> {
        let arguments = self.arguments;
        match (arguments.engine, arguments.ollama, arguments.openai) {
            (true, false, false) => self.engine().map(BackendChoice::Engine),
            (false, true, false) => {
                self.no_processor();
                self.ollama().map(BackendChoice::Ollama)
            }
            (false, false, true) => {
                self.no_processor();
                self.openai().map(BackendChoice::OpenAi)
            }
            (false, false, false) => self.automatic(),
            _ => {
                self.problems.push(ConfigError::SeveralBackends);
                None
            }
        }
    }

    fn named_hub(&self) -> (&'static str, &'a str) {
        match (&self.arguments.hub, &self.environment.hub_url) {
            (Some(flag), _) => ("--hub", flag.as_str()),
            (None, Some(variable)) => ("HUB_URL", variable.as_str()),
            (None, None) => ("HUB_URL", DEFAULT_HUB_URL),
        }
    }

    pub(super) fn hub_url(&mut self) -> Option<String> {
        let (name, value) = self.named_hub();
        let url = url::hub_url(value);
        self.or_invalid(url, name, value, DEFAULT_HUB_URL)
    }

    pub(super) fn slots(&mut self) -> u32 {
        let slots = self
            .number("--slots", self.arguments.slots.as_deref(), 1, 64)
            .unwrap_or(1);
        if slots > 1 && self.arguments.engine {
            self.problems.push(ConfigError::EngineHasOneSlot);
        }
        slots
    }

    /// To compute with: the engine's answers, and the benchmark of every node.
    pub(super) fn threads(&mut self) -> usize {
        let threads = self.number("--threads", self.arguments.threads.as_deref(), 1, 1024);
        let threads = threads.and_then(|threads| usize::try_from(threads).ok());
        threads.unwrap_or(self.physical_cores)
    }

    pub(super) fn status_port(&mut self) -> StatusPort {
        match self.arguments.status_port.as_deref() {
            None => StatusPort::Port(StatusPort::USUAL),
            Some("off") => StatusPort::Off,
            Some(text) => match text.parse() {
                Ok(port) if port > 0 => StatusPort::Port(port),
                _ => {
                    let value = text.to_owned();
                    self.problems.push(ConfigError::InvalidStatusPort { value });
                    StatusPort::Off
                }
            },
        }
    }

    /// What only one of the two can have or do decides which it is.
    fn automatic(&mut self) -> Option<BackendChoice> {
        let models = &self.arguments.models;
        let for_engine = self.arguments.gpu || self.arguments.cpu;
        if for_engine || models.iter().any(|model| is_path(model)) {
            return self.engine().map(BackendChoice::Engine);
        }
        let known = &self.catalogue.as_ref()?.models;
        let is_known = |model: &String| known.iter().any(|known| known.id == *model);
        if !models.iter().all(is_known) {
            return self.ollama().map(BackendChoice::Ollama);
        }
        let (ollama, engine) = (self.ollama(), self.engine());
        Some(BackendChoice::Automatic {
            ollama: ollama?,
            engine: engine?,
        })
    }

    fn ollama(&mut self) -> Option<OllamaSettings> {
        let environment = self.environment;
        let context_length = self.context_length();
        let url = environment
            .ollama_url
            .as_deref()
            .unwrap_or(DEFAULT_OLLAMA_URL);
        let url = self.or_invalid(BaseUrl::parse(url), "OLLAMA_URL", url, DEFAULT_OLLAMA_URL)?;
        let flags = &self.arguments.models;
        let variable = environment.ollama_model.as_deref().unwrap_or_default();
        let models = if flags.is_empty() {
            different(variable.split(',').map(str::trim))
        } else {
            different(flags.iter().map(String::as_str))
        };
        Some(OllamaSettings {
            url,
            models: or_default(models, DEFAULT_OLLAMA_MODEL),
            context_length,
        })
    }

    fn openai(&mut self) -> Option<OpenAiSettings> {
        let environment = self.environment;
        let context_length = self.context_length();
        let Some(url) = environment.openai_base_url.as_deref() else {
            self.problems.push(ConfigError::OpenAiWithoutUrl);
            return None;
        };
        let example = "http://localhost:8080/v1";
        let url = self.or_invalid(BaseUrl::parse(url), "OPENAI_BASE_URL", url, example)?;
        Some(OpenAiSettings {
            url,
            key: environment.openai_api_key.clone(),
            models: self.arguments.models.clone(),
            context_length,
        })
    }

    fn engine(&mut self) -> Option<EngineSettings> {
        let context_length = self
            .context_length()
            .and_then(|length| usize::try_from(length).ok());
        let (threads, processor) = (self.threads(), self.processor());
        let wanted = different(self.arguments.models.iter().map(String::as_str));
        let wanted = or_default(wanted, DEFAULT_ENGINE_MODEL);
        // Every one is looked at, so that all that is wrong is told at once.
        let models: Vec<_> = wanted.iter().map(|id| self.engine_model(id)).collect();
        let models_folder = self.models_folder();
        let sources = self.model_sources();
        Some(EngineSettings {
            models: models.into_iter().collect::<Option<_>>()?,
            models_folder: models_folder?,
            processor,
            threads,
            context_length,
            sources: sources?,
            catalogue: self.catalogue.clone()?,
        })
    }

    fn processor(&mut self) -> ProcessorChoice {
        match (self.arguments.gpu, self.arguments.cpu) {
            (false, false) => ProcessorChoice::Measured,
            (true, false) => ProcessorChoice::Gpu,
            (false, true) => ProcessorChoice::Cpu,
            (true, true) => {
                self.problems.push(ConfigError::GpuAndCpu);
                ProcessorChoice::Measured
            }
        }
    }

    /// Ollama and other servers choose by themselves what they compute with.
    fn no_processor(&mut self) {
        let arguments = self.arguments;
        for (given, flag) in [(arguments.gpu, "--gpu"), (arguments.cpu, "--cpu")] {
            if given {
                let problem = ConfigError::ProcessorOfAnother { flag };
                self.problems.push(problem);
            }
        }
    }

    fn model_sources(&mut self) -> Option<ModelSources> {
        let environment = self.environment;
        let hugging_face = environment
            .hugging_face
            .as_deref()
            .unwrap_or(DEFAULT_HUGGING_FACE);
        let parsed = BaseUrl::parse(hugging_face);
        let hugging_face =
            self.or_invalid(parsed, "HF_ENDPOINT", hugging_face, DEFAULT_HUGGING_FACE)?;
        Some(ModelSources {
            // What is wrong with the hub's address is told by `hub_url`.
            hub: url::hub_url(self.named_hub().1).and_then(|url| url::site_of(&url)),
            hugging_face,
        })
    }

    fn engine_model(&mut self, wanted: &str) -> Option<ModelChoice> {
        if is_path(wanted) {
            return Some(ModelChoice::File(PathBuf::from(wanted)));
        }
        let catalogue = self.catalogue.as_ref()?;
        let model = catalogue.find(wanted);
        if model.is_none() {
            self.problems.push(ConfigError::UnknownModel {
                id: wanted.to_owned(),
                known: catalogue
                    .models
                    .iter()
                    .map(|model| model.id.clone())
                    .collect(),
            });
        }
        model.map(|model| ModelChoice::Catalogue(Box::new(model.clone())))
    }

    fn models_folder(&mut self) -> Option<PathBuf> {
        let folder = self.environment.models_folder();
        if folder.is_none() {
            self.problems.push(ConfigError::NoModelsFolder);
        }
        folder
    }

    fn context_length(&mut self) -> Option<u32> {
        self.number("--context", self.arguments.context.as_deref(), 256, 1 << 20)
    }

    pub(super) fn number(
        &mut self,
        name: &'static str,
        value: Option<&str>,
        minimum: u32,
        maximum: u32,
    ) -> Option<u32> {
        let value = value?;
        let number = value
            .parse()
            .ok()
            .filter(|number| (minimum..=maximum).contains(number));
        if number.is_none() {
            let problem = ConfigError::InvalidNumber {
                name,
                value: value.to_owned(),
                minimum,
                maximum,
            };
            // Two backends may have been asked about the same flag.
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
        number
    }

    fn or_invalid<T>(
        &mut self,
        parsed: Option<T>,
        name: &'static str,
        value: &str,
        example: &'static str,
    ) -> Option<T> {
        if parsed.is_none() {
            self.problems.push(ConfigError::InvalidUrl {
                name,
                value: value.to_owned(),
                example,
            });
        }
        parsed
    }
}

/// Each once, in order, and none that is empty.
fn different<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names.filter(|name| !name.is_empty()) {
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

fn or_default(models: Vec<String>, default: &str) -> Vec<String> {
    if models.is_empty() {
        vec![default.to_owned()]
    } else {
        models
    }
}

fn is_path(model: &str) -> bool {
    model.to_ascii_lowercase().ends_with(".gguf")
}
