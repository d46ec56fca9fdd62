//! Any OpenAI-compatible server as a backend: llama-server, vLLM, LM Studio and their like.

mod answer;
mod failure;
mod request;
mod wire;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use futures_util::future::BoxFuture;
use protocol::{LlmPrompt, NodeModel};
use reqwest::{Client, RequestBuilder, Response};
use rustls::ClientConfig;

use self::{
    request::Dialect,
    wire::{Model, ModelList, Properties},
};
use super::{
    AnswerWriter, Backend, Ending, Failure,
    body_lines::BodyLines,
    http::{self, QUESTION_TIMEOUT},
};
use crate::{config::OpenAiSettings, error::NodeError};

const NAME: &str = "the node's model server";

/// Where a server tells no context length; prompts that are too long for it get its own refusal.
const DEFAULT_CONTEXT_LENGTH: u32 = 4096;

#[derive(Debug)]
pub struct OpenAiBackend {
    http: Client,
    settings: OpenAiSettings,
    dialect: Dialect,
    /// What a llama-server was started with.
    served_context_length: Option<u32>,
    /// Set once the server has refused fields that OpenAI's own API does not have.
    refuses_extras: AtomicBool,
}

impl OpenAiBackend {
    pub async fn start(settings: OpenAiSettings, tls: &ClientConfig) -> Result<Self, NodeError> {
        let unreachable = |reason: String| NodeError::OpenAiUnreachable {
            url: settings.url.to_string(),
            reason,
        };
        let http = http::client(tls)
            .build()
            .map_err(|error| unreachable(error.to_string()))?;
        let mut backend = Self {
            http,
            settings: settings.clone(),
            dialect: Dialect::Other,
            served_context_length: None,
            refuses_extras: AtomicBool::new(false),
        };
        let list = backend
            .list()
            .await
            .map_err(|failure| unreachable(failure.message))?;
        backend.dialect = dialect(&list);
        if backend.dialect == Dialect::LlamaServer {
            backend.served_context_length = backend.slot_context_length().await;
        }
        Ok(backend)
    }

    async fn list(&self) -> Result<Vec<Model>, Failure> {
        let request = self
            .http
            .get(self.settings.url.join("/models"))
            .timeout(QUESTION_TIMEOUT);
        let response = self.send(request).await?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let list: ModelList = response
            .json()
            .await
            .map_err(|error| http::unreachable(NAME, &error))?;
        Ok(list.data)
    }

    /// llama-server tells it outside of OpenAI's routes; where it does not, nothing is lost.
    async fn slot_context_length(&self) -> Option<u32> {
        let url = self.settings.url.without_suffix("/v1").join("/props");
        let response = self
            .send(self.http.get(url).timeout(QUESTION_TIMEOUT))
            .await
            .ok()?;
        let properties: Properties = response.json().await.ok()?;
        Some(properties.default_generation_settings.n_ctx)
    }

    async fn send(&self, mut request: RequestBuilder) -> Result<Response, Failure> {
        if let Some(key) = &self.settings.key {
            request = request.bearer_auth(key.reveal());
        }
        request
            .send()
            .await
            .map_err(|error| http::unreachable(NAME, &error))
    }

    async fn request_answer(&self, prompt: &LlmPrompt) -> Result<Response, Failure> {
        loop {
            let extras = !self.refuses_extras.load(Ordering::Relaxed);
            let call = request::call(prompt, self.dialect, extras)?;
            let url = self.settings.url.join(call.route);
            let response = self.send(self.http.post(url).json(&call.body)).await?;
            if response.status().is_success() {
                return Ok(response);
            }
            let status = response.status().as_u16();
            let message = http::error_message(response).await;
            if !(extras && request::refuses_extras(status, &message)) {
                return Err(failure::failure(Some(status), &message));
            }
            tracing::debug!("{NAME} takes no extra fields: {message}");
            self.refuses_extras.store(true, Ordering::Relaxed);
        }
    }

    fn describe(&self, model: &Model) -> NodeModel {
        let context_length = self
            .settings
            .context_length
            .or(model.max_model_len)
            .or(self.served_context_length)
            .unwrap_or(DEFAULT_CONTEXT_LENGTH);
        let runtime = match self.dialect {
            Dialect::LlamaServer => "llama-server",
            Dialect::Vllm => "vllm",
            Dialect::Other => "openai-compatible",
        };
        NodeModel {
            id: model.id.clone(),
            digest: None,
            quantisation: None,
            parameters: model.meta.as_ref().and_then(|meta| meta.n_params),
            context_length,
            runtime: runtime.to_owned(),
        }
    }
}

impl Backend for OpenAiBackend {
    fn models(&self) -> BoxFuture<'_, Result<Vec<NodeModel>, Failure>> {
        Box::pin(async {
            let wanted = &self.settings.models;
            let models = self.list().await?;
            let models = models
                .iter()
                .filter(|model| wanted.is_empty() || wanted.contains(&model.id));
            Ok(models.map(|model| self.describe(model)).collect())
        })
    }

    fn answer<'a>(
        &'a self,
        prompt: &'a LlmPrompt,
        answer: &'a mut AnswerWriter,
    ) -> BoxFuture<'a, Result<Ending, Failure>> {
        Box::pin(async move {
            let started = Instant::now();
            let response = self.request_answer(prompt).await?;
            answer::relay(BodyLines::new(response, NAME), started, answer).await
        })
    }
}

fn dialect(models: &[Model]) -> Dialect {
    let owner = models.first().and_then(|model| model.owned_by.as_deref());
    match owner {
        Some("llamacpp") => Dialect::LlamaServer,
        Some("vllm") => Dialect::Vllm,
        _ => Dialect::Other,
    }
}

async fn refusal(response: Response) -> Failure {
    let status = response.status().as_u16();
    failure::failure(Some(status), &http::error_message(response).await)
}
