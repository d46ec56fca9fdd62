//! Ollama as a backend: every model that it has and that can answer.

mod answer;
mod client;
mod failure;
mod model;
mod prefill;
mod pull;
mod request;
mod wire;

use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use protocol::{LlmErrorCode, LlmPrompt, NodeModel};
use rustls::ClientConfig;

use self::{client::OllamaClient, model::OllamaModel};
use super::{AnswerWriter, Backend, Ending, Failure};
use crate::{config::OllamaSettings, error::NodeError, language::Language};

/// The first release whose API can be told not to cut a long prompt; older ones do it silently.
const OLDEST_VERSION: (u32, u32, u32) = (0, 12, 6);

#[derive(Debug)]
pub struct OllamaBackend {
    client: OllamaClient,
    /// As in `ollama 0.13.5`.
    runtime: String,
    context_length: Option<u32>,
    /// What Ollama said about its models when they were last listed.
    known: Mutex<Vec<OllamaModel>>,
}

/// Whether an Ollama answers there.
pub async fn answers(settings: &OllamaSettings, tls: &ClientConfig) -> bool {
    match OllamaClient::new(settings.url.clone(), tls) {
        Ok(client) => client.version().await.is_ok(),
        Err(_) => false,
    }
}

impl OllamaBackend {
    /// Connects, and downloads the models that the owner wants and Ollama does not have.
    pub async fn start(
        settings: &OllamaSettings,
        tls: &ClientConfig,
        language: Language,
    ) -> Result<Self, NodeError> {
        let unreachable = |failure: Failure| NodeError::OllamaUnreachable {
            url: settings.url.to_string(),
            reason: failure.message,
        };
        let client = OllamaClient::new(settings.url.clone(), tls).map_err(unreachable)?;
        let version = client.version().await.map_err(unreachable)?;
        if is_too_old(&version) {
            return Err(NodeError::OllamaTooOld { version });
        }
        let tags = client.tags().await.map_err(unreachable)?;
        pull::pull_missing(&client, &settings.models, &tags, language).await?;
        Ok(Self {
            client,
            runtime: format!("ollama {version}"),
            context_length: settings.context_length,
            known: Mutex::new(Vec::new()),
        })
    }

    fn known(&self) -> Vec<OllamaModel> {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn list(&self) -> Result<Vec<NodeModel>, Failure> {
        let before = self.known();
        let mut models = Vec::new();
        for tag in self.client.tags().await? {
            // What is computed in somebody's cloud is neither private nor this node's.
            if !tag.remote_host.is_empty() {
                continue;
            }
            let unchanged = before
                .iter()
                .find(|model| model.name == tag.name && model.manifest_digest == tag.digest);
            if let Some(model) = unchanged {
                models.push(model.clone());
                continue;
            }
            match self.client.show(&tag.name).await {
                Ok(show) => {
                    models.extend(model::describe(
                        &tag,
                        &show,
                        &self.runtime,
                        self.context_length,
                    ));
                }
                // It may have been deleted since it was listed.
                Err(failure) => tracing::warn!("{}: {failure}", tag.name),
            }
        }
        let advertised = models
            .iter()
            .map(|model| model.advertised.clone())
            .collect();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = models;
        Ok(advertised)
    }
}

impl Backend for OllamaBackend {
    fn models(&self) -> BoxFuture<'_, Result<Vec<NodeModel>, Failure>> {
        Box::pin(self.list())
    }

    fn answer<'a>(
        &'a self,
        prompt: &'a LlmPrompt,
        answer: &'a mut AnswerWriter,
    ) -> BoxFuture<'a, Result<Ending, Failure>> {
        Box::pin(async move {
            let id = &prompt.request.model;
            let models = self.known();
            let model = models
                .iter()
                .find(|model| model.advertised.id == *id)
                .ok_or_else(|| {
                    Failure::new(
                        LlmErrorCode::ModelUnavailable,
                        format!("this node's Ollama does not have the model `{id}`"),
                    )
                })?;
            let call = prefill::call(&self.client, prompt, model).await?;
            let lines = self.client.stream(call.route, &call.body).await?;
            answer::relay(lines, model.advertised.context_length, answer).await
        })
    }
}

/// Versions that can't be read count as new: `0.0.0` is what a build from source calls itself.
fn is_too_old(version: &str) -> bool {
    let mut numbers = version
        .split(|character: char| !character.is_ascii_digit())
        .map_while(|number| number.parse::<u32>().ok());
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(0), Some(0), Some(0)) => false,
        (Some(major), Some(minor), Some(patch)) => (major, minor, patch) < OLDEST_VERSION,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_cut_prompts_silently_are_too_old() {
        for old in ["0.12.5", "0.9.6", "0.5.13-rc1"] {
            assert!(is_too_old(old), "{old}");
        }
        for new in ["0.12.6", "0.12.10", "0.13.5", "1.0.0", "0.0.0", "main", ""] {
            assert!(!is_too_old(new), "{new}");
        }
    }
}
