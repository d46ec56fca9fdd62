//! Ollama's routes.

use reqwest::{Client, Response};
use rustls::ClientConfig;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    failure::failure,
    request::Call,
    wire::{PullProgress, Rendered, Show, Tag, Tags, Version},
};
use crate::{
    backend::{
        Failure,
        body_lines::BodyLines,
        http::{self, QUESTION_TIMEOUT},
    },
    config::BaseUrl,
};

const NAME: &str = "Ollama";

#[derive(Clone, Debug)]
pub(super) struct OllamaClient {
    http: Client,
    base: BaseUrl,
}

impl OllamaClient {
    pub(super) fn new(base: BaseUrl, tls: &ClientConfig) -> Result<Self, Failure> {
        // Ollama is this machine or a neighbour: a proxy for the internet would only be in the way.
        let http = http::client(tls).no_proxy().build();
        let http = http.map_err(|error| Failure::backend(format!("HTTP client: {error}")))?;
        Ok(Self { http, base })
    }

    pub(super) async fn version(&self) -> Result<String, Failure> {
        let version: Version = self.get("/api/version").await?;
        Ok(version.version)
    }

    pub(super) async fn tags(&self) -> Result<Vec<Tag>, Failure> {
        let tags: Tags = self.get("/api/tags").await?;
        Ok(tags.models)
    }

    pub(super) async fn show(&self, name: &str) -> Result<Show, Failure> {
        let request = self
            .http
            .post(self.base.join("/api/show"))
            .json(&json!({ "model": name }));
        json_of(send(request.timeout(QUESTION_TIMEOUT)).await?).await
    }

    /// Downloads a model; `progress` is called with every line that tells of some.
    pub(super) async fn pull(
        &self,
        name: &str,
        mut progress: impl FnMut(&PullProgress),
    ) -> Result<(), Failure> {
        let mut lines = self
            .stream("/api/pull", &json!({ "model": name, "stream": true }))
            .await?;
        let mut succeeded = false;
        while let Some(line) = lines.next().await? {
            let Ok(line) = serde_json::from_str::<PullProgress>(&line) else {
                continue;
            };
            if let Some(message) = &line.error {
                return Err(failure(None, message));
            }
            succeeded = line.status == "success";
            progress(&line);
        }
        if succeeded {
            Ok(())
        } else {
            Err(Failure::backend(format!(
                "Ollama stopped before all of {name} was downloaded"
            )))
        }
    }

    pub(super) async fn stream(&self, route: &str, body: &Value) -> Result<BodyLines, Failure> {
        let response = send(self.http.post(self.base.join(route)).json(body)).await?;
        Ok(BodyLines::new(response, NAME))
    }

    /// What a template makes of a conversation; `None` from an Ollama that can't tell.
    pub(super) async fn rendered(&self, call: &Call) -> Result<Option<String>, Failure> {
        let mut lines = self.stream(call.route, &call.body).await?;
        let line = lines.next().await?.unwrap_or_default();
        let rendered: Option<Rendered> = serde_json::from_str(&line).ok();
        Ok(rendered.map(|rendered| rendered.debug_info.rendered_template))
    }

    async fn get<T: DeserializeOwned>(&self, route: &str) -> Result<T, Failure> {
        json_of(
            send(
                self.http
                    .get(self.base.join(route))
                    .timeout(QUESTION_TIMEOUT),
            )
            .await?,
        )
        .await
    }
}

async fn send(request: reqwest::RequestBuilder) -> Result<Response, Failure> {
    let response = request
        .send()
        .await
        .map_err(|error| http::unreachable(NAME, &error))?;
    let status = response.status();
    if status.is_success() {
        Ok(response)
    } else {
        Err(failure(Some(status), &http::error_message(response).await))
    }
}

async fn json_of<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    response
        .json()
        .await
        .map_err(|error| http::unreachable(NAME, &error))
}
