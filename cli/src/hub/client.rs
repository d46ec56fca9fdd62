//! Requests with limits in time, and what their answers mean.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    error::{HubError, Lack},
    tls,
};
use crate::config::{HubUrl, Secret};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A proxy's error page helps nobody in full.
const LONGEST_MESSAGE: usize = 300;

/// The hub at one address. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    client: Client,
    url: HubUrl,
    key: Option<Secret>,
    silence: Duration,
}

impl Hub {
    /// `silence`: how long nothing may come. A hub breaks its own silence every 15 seconds while an answer waits.
    pub(crate) fn new(url: HubUrl, key: Option<Secret>, silence: Duration) -> anyhow::Result<Self> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client_config()?)
            .user_agent(concat!("kpn/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT.min(silence))
            .read_timeout(silence)
            .build()?;
        Ok(Self {
            client,
            url,
            key,
            silence,
        })
    }

    /// As somebody whom it has given no key.
    pub(crate) fn without_key(&self) -> Self {
        Self {
            key: None,
            ..self.clone()
        }
    }

    pub(crate) fn url(&self) -> String {
        self.url.to_string()
    }

    pub(crate) async fn get<Value: DeserializeOwned>(
        &self,
        route: &str,
    ) -> Result<Value, HubError> {
        let response = self.send(self.client.get(self.url.join(route))).await?;
        let body = response.bytes().await.map_err(|error| self.lost(&error))?;
        serde_json::from_slice(&body).map_err(|error| self.unreadable(&error))
    }

    pub(super) async fn get_stream(&self, route: &str) -> Result<Response, HubError> {
        self.send(self.client.get(self.url.join(route))).await
    }

    pub(super) async fn post(
        &self,
        route: &str,
        body: &serde_json::Value,
    ) -> Result<Response, HubError> {
        self.send(self.client.post(self.url.join(route)).json(body))
            .await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, HubError> {
        let request = match &self.key {
            Some(key) => request.bearer_auth(key.reveal()),
            None => request,
        };
        let response = request.send().await.map_err(|error| self.lost(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    async fn refusal(&self, response: Response) -> HubError {
        let status = response.status();
        let retry_after_seconds = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = response.bytes().await.unwrap_or_default();
        let Ok(ErrorBody { error }) = serde_json::from_slice(&body) else {
            let proxys = [
                StatusCode::BAD_GATEWAY,
                StatusCode::SERVICE_UNAVAILABLE,
                StatusCode::GATEWAY_TIMEOUT,
            ];
            if proxys.contains(&status) {
                return self.unreachable(Lack::Proxy(status.as_u16()));
            }
            let text = String::from_utf8_lossy(&body);
            let words = text.trim().chars().take(LONGEST_MESSAGE).collect();
            return refused(status, None, words, retry_after_seconds);
        };
        refused(status, error.code, error.message, retry_after_seconds)
    }

    /// A request or its answer that did not get through.
    pub(super) fn lost(&self, error: &reqwest::Error) -> HubError {
        let lack = if error.is_timeout() {
            Lack::Silence {
                seconds: self.silence.as_secs(),
            }
        } else if error.is_connect() {
            Lack::Connection(innermost(error))
        } else if error.is_redirect() || error.is_builder() {
            return self.unreadable(error);
        } else {
            Lack::Broken
        };
        self.unreachable(lack)
    }

    pub(super) fn unreachable(&self, lack: Lack) -> HubError {
        HubError::Unreachable {
            url: self.url(),
            lack,
        }
    }

    pub(super) fn unreadable(&self, reason: &impl ToString) -> HubError {
        HubError::Unreadable {
            url: self.url(),
            reason: reason.to_string(),
        }
    }
}

fn refused(
    status: StatusCode,
    code: Option<String>,
    message: String,
    retry_after_seconds: Option<u64>,
) -> HubError {
    HubError::Refused {
        status: status.as_u16(),
        code,
        message,
        retry_after_seconds,
    }
}

/// `{"error": {…}}`: a refusal's body.
#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: ErrorFields,
}

/// Also in the event that ends a broken stream.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorFields {
    message: String,
    #[serde(default)]
    code: Option<String>,
}

impl From<ErrorFields> for HubError {
    fn from(error: ErrorFields) -> Self {
        refused(StatusCode::OK, error.code, error.message, None)
    }
}

/// Of a chain of errors the one that says what happened: the others say which layer noticed.
fn innermost(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => innermost(source),
        None => error.to_string(),
    }
}
