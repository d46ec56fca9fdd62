//! The one error of the HTTP edge, in OpenAI's shape: the only file that knows status codes.

use std::time::Duration;

use axum::{
    Json,
    extract::rejection::PathRejection,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    access,
    dispatch::{FailureKind, PromptFailure, Refusal},
    keys::{Scope, Standing},
    net::Refused,
    store::StoreError,
};

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
}

/// Where a failed attempt tells nothing about how long to wait.
const SHORT_PAUSE: Duration = Duration::from_secs(2);

/// Where trying again is not worth much.
const LONG_PAUSE: Duration = Duration::from_secs(30);

impl ApiError {
    /// A field whose value can't be served.
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadRequest {
            message: message.into(),
            param: Some(param.into()),
            code: None,
        }
    }

    /// A field that no node can serve yet, and that would change the answer if it were ignored.
    pub fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadRequest {
            message: message.into(),
            param: Some(param.into()),
            code: Some("unsupported_parameter"),
        }
    }

    pub fn missing_key() -> Self {
        Self::Unauthorised {
            message: "this hub wants an API key: send it as 'Authorization: Bearer kp_…'; its operator makes them".to_owned(),
            code: "missing_api_key",
        }
    }

    pub fn missing_scope(scope: Scope) -> Self {
        let scope = scope.name();
        Self::Forbidden {
            message: format!(
                "this API key lacks the scope '{scope}'; the hub's operator can give it one that has it"
            ),
            code: "insufficient_scope",
        }
    }

    pub fn keys_unreadable(error: &StoreError) -> Self {
        Self::Unavailable {
            message: format!("{error}; try again in a moment, the hub's log says why"),
            code: "keys_unreadable",
            retry_after: SHORT_PAUSE,
        }
    }

    pub fn not_logged_in() -> Self {
        Self::Unauthorised {
            message: "this is for the hub's operator: log in with POST /api/admin/login, or send an API key with the scope 'admin'".to_owned(),
            code: "login_required",
        }
    }

    pub fn wrong_password() -> Self {
        Self::Unauthorised {
            message: "the password is wrong; it is the hub's ADMIN_PASSWORD".to_owned(),
            code: "wrong_password",
        }
    }

    pub fn too_many_logins(retry_after: Duration) -> Self {
        let seconds = retry_after.as_secs_f64().ceil();
        Self::TooManyRequests {
            message: format!("too many passwords were tried; try again in {seconds} s"),
            retry_after,
        }
    }

    /// Where nobody can log in.
    pub fn admin_closed() -> Self {
        Self::Forbidden {
            message: "the operator's pages are closed: start the hub with ADMIN_PASSWORD, or call it from its own machine by a loopback address where it listens there only".to_owned(),
            code: "admin_closed",
        }
    }

    /// Where nobody has to log in.
    pub fn no_password() -> Self {
        Self::Forbidden {
            message:
                "this hub has no ADMIN_PASSWORD: whoever is at its own machine is its operator"
                    .to_owned(),
            code: "no_password",
        }
    }

    pub fn foreign_page() -> Self {
        Self::Forbidden {
            message: "only the hub's own pages may do this from a browser; open them at the hub's own address".to_owned(),
            code: "origin_not_allowed",
        }
    }

    /// What an operator asked for, and the database did not do.
    pub fn database(error: &StoreError) -> Self {
        tracing::warn!("an operator's request failed: {error}");
        Self::Unavailable {
            message: format!("the hub's database failed: {error}"),
            code: "database_unavailable",
            retry_after: LONG_PAUSE,
        }
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::Failed {
            message: message.into(),
            code: "internal_error",
        }
    }

    /// For who asks for a script: the hub writes its own address into it.
    pub fn unclear_address() -> Self {
        Self::BadRequest {
            message: "the Host of this request (or a proxy's X-Forwarded-Host or -Proto) is no plain host \
                      with an optional port; fetch the script from the hub's usual address"
                .to_owned(),
            param: None,
            code: Some("unclear_address"),
        }
    }

    pub fn too_many_listeners(limit: usize) -> Self {
        Self::TooManyRequests {
            message: format!(
                "{limit} clients already listen to this hub's statistics; ask GET /api/stats, or try again"
            ),
            retry_after: LONG_PAUSE,
        }
    }

    pub fn too_many_connections(limit: usize) -> Self {
        Self::Unavailable {
            message: format!(
                "this hub already has its {limit} connections; try again, or its operator can raise \
                 MAX_CONNECTIONS"
            ),
            code: "too_many_connections",
            retry_after: SHORT_PAUSE,
        }
    }

    pub fn not_answered_within(deadline: Duration) -> Self {
        Self::DeadlineExpired {
            message: format!(
                "the hub could not answer within {} seconds; try again later",
                deadline.as_secs_f64()
            ),
        }
    }

    pub fn no_history() -> Self {
        Self::Unavailable {
            message: "the hub's database can't be read right now; its log says why".to_owned(),
            code: "history_unavailable",
            retry_after: LONG_PAUSE,
        }
    }

    pub fn stopping() -> Self {
        Refusal::Stopping.into()
    }

    pub fn body(&self) -> ErrorBody {
        ErrorBody {
            error: ErrorFields {
                message: self.to_string(),
                r#type: self.kind(),
                param: self.param(),
                code: self.code(),
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
            Self::TooManyRequests { .. } | Self::LimitReached { .. } => {
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
            Self::TooManyRequests { .. } | Self::LimitReached { .. } => "rate_limit_error",
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
            Self::TooManyRequests { .. } => Some("rate_limit_exceeded"),
            Self::DeadlineExpired { .. } => Some("deadline_expired"),
            Self::Unavailable { code, .. } | Self::Failed { code, .. } => Some(code),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after, .. }
            | Self::LimitReached { retry_after, .. }
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
            _ => {}
        }
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::NoNode {
                model,
                known: false,
                ..
            } => Self::ModelNotFound { model },
            Refusal::NoNode { retry_after, .. } => Self::Unavailable {
                message,
                code: "no_node_available",
                retry_after,
            },
            Refusal::QueueFull { retry_after, .. } => Self::TooManyRequests {
                message,
                retry_after,
            },
            Refusal::DeadlineExpired { .. } => Self::DeadlineExpired { message },
            Refusal::Failed(failure) => failure.into(),
            Refusal::TooFewNodes { .. } => Self::Unavailable {
                message,
                code: "too_few_nodes",
                retry_after: LONG_PAUSE,
            },
            Refusal::NoJudge { .. } => Self::Unavailable {
                message,
                code: "no_judge",
                retry_after: LONG_PAUSE,
            },
            Refusal::Stopping => Self::Unavailable {
                message,
                code: "hub_stopping",
                retry_after: SHORT_PAUSE,
            },
        }
    }
}

impl From<PromptFailure> for ApiError {
    fn from(PromptFailure { kind, message }: PromptFailure) -> Self {
        let code = kind.as_str();
        match kind {
            FailureKind::ContextLengthExceeded => Self::BadRequest {
                message,
                param: Some("messages".to_owned()),
                code: Some(code),
            },
            FailureKind::InvalidRequest => Self::BadRequest {
                message,
                param: None,
                code: Some(code),
            },
            FailureKind::ModelUnavailable
            | FailureKind::Unavailable
            | FailureKind::NodeLost
            | FailureKind::HubStopping => Self::Unavailable {
                message,
                code,
                retry_after: SHORT_PAUSE,
            },
            FailureKind::NodeSilent => Self::DeadlineExpired { message },
            FailureKind::OutOfMemory | FailureKind::BackendFailed | FailureKind::ClientTooSlow => {
                Self::Failed { message, code }
            }
        }
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::BadRequest {
            message: format!("the address can't be read: {}", rejection.body_text()),
            param: None,
            code: Some("invalid_path"),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::ForeignOrigin { .. } => Self::ForeignOrigin(message),
            Refused::TooManyConnections { .. } => Self::TooManyRequests {
                message,
                retry_after: SHORT_PAUSE,
            },
        }
    }
}

#[cfg(test)]
mod tests;
