//! The one error of the HTTP edge, in OpenAI's shape: the only file that knows status codes.

mod conversions;
mod reasons;

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{access, dispatch::Standing as QueueStanding, keys::Standing};

/// Why a request got no answer. Its message goes to whoever sent the request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ApiError {
    /// The request itself is at fault; `param` names the field, as in `messages[2].content`.
    #[error("{message}")]
    BadRequest {
        message: String,
        param: Option<String>,
        code: Option<&'static str>,
    },
    /// The hub does not know who asks, or does not take his key.
    #[error("{message}")]
    Unauthorised { message: String, code: &'static str },
    /// The hub knows who asks, and that he may not.
    #[error("{message}")]
    Forbidden { message: String, code: &'static str },
    /// What was to be changed is in no state for it.
    #[error("{message}")]
    Conflict { message: String, code: &'static str },
    /// Whoever asks has had as much as his limits allow.
    #[error("{message}")]
    LimitReached {
        message: String,
        code: &'static str,
        retry_after: Duration,
        standing: Standing,
    },
    #[error("{0}")]
    ForeignOrigin(String),
    #[error("the model '{model}' does not exist; GET /v1/models lists those that do")]
    ModelNotFound { model: String },
    #[error("there is nothing at {path}")]
    NotFound { path: String },
    #[error("{message}")]
    NoSuchThing { message: String },
    #[error("{path} does not take {method} requests")]
    MethodNotAllowed { method: String, path: String },
    #[error("{path} takes a node's WebSocket and nothing else; GET /v1/models is a good beginning")]
    UpgradeRequired { path: &'static str },
    #[error("the request is longer than the {limit_bytes} bytes that this hub takes")]
    BodyTooLarge { limit_bytes: usize },
    #[error("the request's body came too slowly; send it at once, or over a faster connection")]
    BodyTooSlow,
    #[error(
        "this hub takes no compressed bodies; send this one as it is, without Content-Encoding"
    )]
    EncodedBody,
    /// Try again after the pause.
    #[error("{message}")]
    TooManyRequests {
        message: String,
        retry_after: Duration,
    },
    /// Too many wait already; try again after the pause.
    #[error("{message}")]
    QueueFull {
        message: String,
        standing: QueueStanding,
        retry_after: Duration,
    },
    /// Nobody can answer right now; try again after the pause.
    #[error("{message}")]
    Unavailable {
        message: String,
        code: &'static str,
        retry_after: Duration,
    },
    #[error("{message}")]
    DeadlineExpired { message: String },
    /// A node or the hub itself failed.
    #[error("{message}")]
    Failed { message: String, code: &'static str },
}

/// `{"error": {…}}`: the body of a refusal, and the event that ends a broken stream.
#[derive(Debug, Serialize)]
pub struct ErrorBody {
    error: ErrorFields,
}

#[derive(Debug, Serialize)]
struct ErrorFields {
    message: String,
    r#type: &'static str,
    param: Option<String>,
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kipina: Option<QueueFields>,
}

/// What only Kipinä tells: where the prompt would have stood.
#[derive(Debug, Serialize)]
struct QueueFields {
    queue_position: usize,
    expected_wait_ms: Option<u64>,
}

pub(crate) const QUEUE_POSITION: HeaderName = HeaderName::from_static("x-kipina-queue-position");
pub(crate) const EXPECTED_WAIT: HeaderName = HeaderName::from_static("x-kipina-expected-wait-ms");

/// Where a failed attempt tells nothing about how long to wait.
const SHORT_PAUSE: Duration = Duration::from_secs(2);

/// Where trying again is not worth much.
const LONG_PAUSE: Duration = Duration::from_secs(30);

impl ApiError {
    pub fn body(&self) -> ErrorBody {
        ErrorBody {
            error: ErrorFields {
                message: self.to_string(),
                r#type: self.kind(),
                param: self.param(),
                code: self.code(),
                kipina: self.standing().map(|standing| QueueFields {
                    queue_position: standing.position,
                    expected_wait_ms: expected_wait_ms(standing),
                }),
            },
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthorised { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::ForeignOrigin(_) => StatusCode::FORBIDDEN,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::ModelNotFound { .. } | Self::NotFound { .. } | Self::NoSuchThing { .. } => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::UpgradeRequired { .. } => StatusCode::UPGRADE_REQUIRED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::EncodedBody => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests { .. } | Self::LimitReached { .. } | Self::QueueFull { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::DeadlineExpired { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Failed { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// OpenAI's `type`: which broad kind of thing went wrong.
    fn kind(&self) -> &'static str {
        match self {
            Self::Unauthorised { .. } => "authentication_error",
            Self::Forbidden { .. } | Self::ForeignOrigin(_) => "permission_error",
            Self::TooManyRequests { .. } | Self::LimitReached { .. } | Self::QueueFull { .. } => {
                "rate_limit_error"
            }
            Self::Unavailable { .. } | Self::DeadlineExpired { .. } | Self::Failed { .. } => {
                "server_error"
            }
            _ => "invalid_request_error",
        }
    }

    fn param(&self) -> Option<String> {
        match self {
            Self::BadRequest { param, .. } => param.clone(),
            Self::ModelNotFound { .. } => Some("model".to_owned()),
            _ => None,
        }
    }

    fn code(&self) -> Option<&'static str> {
        match self {
            Self::BadRequest { code, .. } => *code,
            Self::Unauthorised { code, .. }
            | Self::Forbidden { code, .. }
            | Self::Conflict { code, .. }
            | Self::LimitReached { code, .. } => Some(code),
            Self::ForeignOrigin(_) => Some("origin_not_allowed"),
            Self::ModelNotFound { .. } => Some("model_not_found"),
            Self::NotFound { .. } | Self::NoSuchThing { .. } => Some("not_found"),
            Self::MethodNotAllowed { .. } => Some("method_not_allowed"),
            Self::UpgradeRequired { .. } => Some("upgrade_required"),
            Self::BodyTooLarge { .. } => Some("request_too_large"),
            Self::BodyTooSlow => Some("request_timeout"),
            Self::EncodedBody => Some("unsupported_encoding"),
            Self::TooManyRequests { .. } | Self::QueueFull { .. } => Some("rate_limit_exceeded"),
            Self::DeadlineExpired { .. } => Some("deadline_expired"),
            Self::Unavailable { code, .. } | Self::Failed { code, .. } => Some(code),
        }
    }

    fn standing(&self) -> Option<QueueStanding> {
        match self {
            Self::QueueFull { standing, .. } => Some(*standing),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after, .. }
            | Self::LimitReached { retry_after, .. }
            | Self::QueueFull { retry_after, .. }
            | Self::Unavailable { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.body())).into_response();
        if matches!(self, Self::UpgradeRequired { .. }) {
            let protocol = HeaderValue::from_static("websocket");
            response.headers_mut().insert(header::UPGRADE, protocol);
        }
        if let Some(pause) = self.retry_after() {
            // The header counts whole seconds, and 0 would invite a busy loop.
            let seconds = pause.as_secs_f64().ceil().max(1.0) as u64;
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        match &self {
            Self::Unauthorised { .. } => {
                let scheme = HeaderValue::from_static("Bearer");
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, scheme);
            }
            Self::LimitReached { standing, .. } => access::tell(standing, response.headers_mut()),
            Self::QueueFull { standing, .. } => {
                response.headers_mut().extend(queue_headers(*standing));
            }
            _ => {}
        }
        response
    }
}

/// Where a prompt stands in the queue, or would.
pub(crate) fn queue_headers(standing: QueueStanding) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(QUEUE_POSITION, HeaderValue::from(standing.position));
    if let Some(milliseconds) = expected_wait_ms(standing) {
        headers.insert(EXPECTED_WAIT, HeaderValue::from(milliseconds));
    }
    headers
}

pub(crate) fn expected_wait_ms(standing: QueueStanding) -> Option<u64> {
    let wait = standing.expected_wait?;
    u64::try_from(wait.as_millis()).ok()
}

#[cfg(test)]
mod tests;
