//! What other rooms refuse or fail with, as the edge tells it.

use axum::extract::rejection::PathRejection;

use super::{ApiError, LONG_PAUSE, SHORT_PAUSE};
use crate::{
    dispatch::{FailureKind, PromptFailure, Refusal},
    net::Refused,
};

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
            Refusal::QueueFull {
                standing,
                retry_after,
                ..
            } => Self::QueueFull {
                message,
                standing,
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
            // No status that clients try again at by themselves.
            FailureKind::CancelledByOperator => Self::Forbidden { message, code },
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
