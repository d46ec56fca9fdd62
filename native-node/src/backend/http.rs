//! HTTP to a backend: one client's settings, and failures in words.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Response};
use rustls::ClientConfig;

use super::Failure;

/// How long questions about models and versions may take. Answers to prompts have no such limit:
/// a long prompt on a slow machine takes minutes, and the hub cancels what nobody waits for.
pub(crate) const QUESTION_TIMEOUT: Duration = Duration::from_secs(10);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) fn client(tls: &ClientConfig) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .connect_timeout(CONNECT_TIMEOUT)
}

/// What a request that got no answer means.
pub(crate) fn unreachable(backend: &'static str, error: &reqwest::Error) -> Failure {
    tracing::debug!("{backend}: {error:?}");
    let what = if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "can't be reached"
    } else if error.is_decode() {
        "sent an answer that can't be read"
    } else {
        "broke the connection off"
    };
    Failure::backend(format!("{backend} {what}"))
}

/// The message of an answer that says no: `{"error": "…"}`, `{"error": {"message": "…"}}`, or the
/// body as it is.
pub(crate) async fn error_message(response: Response) -> String {
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    let message = message_of(&body);
    if message.is_empty() {
        format!("HTTP status {status}")
    } else {
        message
    }
}

pub(crate) fn message_of(body: &str) -> String {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(body);
    let message = parsed.ok().and_then(|value| {
        let error = value.get("error").unwrap_or(&value);
        let message = error.get("message").unwrap_or(error);
        message.as_str().map(str::to_owned)
    });
    // A proxy's error page helps nobody in full.
    message.unwrap_or_else(|| body.trim().chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_found_in_every_known_shape() {
        assert_eq!(message_of(r#"{"error":"no such model"}"#), "no such model");
        assert_eq!(
            message_of(r#"{"error":{"message":"too long","code":400}}"#),
            "too long"
        );
        assert_eq!(
            message_of(r#"{"message":"no key","object":"error"}"#),
            "no key"
        );
        assert_eq!(message_of("Bad Gateway\n"), "Bad Gateway");
        assert_eq!(message_of(""), "");
    }
}
