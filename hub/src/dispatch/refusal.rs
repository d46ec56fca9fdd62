//! Why a prompt was not answered, or not to its end, in terms that know nothing of HTTP.

use std::time::Duration;

use scheduler::Standing;

/// A prompt that was refused before its first token: there is still time for a true status.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// `known` is false where neither the catalogue nor any node has ever heard of the name.
    #[error("no node that is here now can answer with the model '{model}'")]
    NoNode {
        model: String,
        known: bool,
        retry_after: Duration,
    },
    #[error("{waiting} prompts already wait for the model '{model}'; try again later")]
    QueueFull {
        model: String,
        waiting: usize,
        /// Where the prompt would have stood.
        standing: Standing,
        retry_after: Duration,
    },
    #[error("no node for the model '{model}' became free within {} seconds", .waited.as_secs())]
    DeadlineExpired { model: String, waited: Duration },
    /// A node had the prompt and could not answer it, and there was no other to try.
    #[error(transparent)]
    Failed(#[from] PromptFailure),
    /// Of an ensemble.
    #[error(
        "{here} nodes that are here now could answer with the same weights of the model '{model}', not {wanted}; ask for fewer in 'kipina.ensemble'"
    )]
    TooFewNodes {
        model: String,
        wanted: usize,
        here: usize,
    },
    /// Of an ensemble.
    #[error(
        "no trusted node with the built-in engine and the model '{model}' is here to choose the best of several answers; leave 'kipina.ensemble' out"
    )]
    NoJudge { model: String },
    #[error("the hub is stopping; try again in a moment")]
    Stopping,
}

/// What went wrong with a prompt that a node had. The message is fit for whoever sent the prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PromptFailure {
    pub kind: FailureKind,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    ContextLengthExceeded,
    InvalidRequest,
    ModelUnavailable,
    Unavailable,
    OutOfMemory,
    BackendFailed,
    /// The node's connection ended.
    NodeLost,
    /// The node sent nothing for longer than the deadline allows.
    NodeSilent,
    /// The answer was not read as fast as it came.
    ClientTooSlow,
    CancelledByOperator,
    HubStopping,
}

impl Refusal {
    /// Whether somebody wanted the prompt ended, and no other attempt is to answer it.
    pub(super) fn is_an_operators(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.kind == FailureKind::CancelledByOperator)
    }
}

impl FailureKind {
    /// Whether it speaks against the node, and not against the prompt or its reader.
    pub(super) fn is_the_nodes(self) -> bool {
        match self {
            Self::ModelUnavailable
            | Self::Unavailable
            | Self::OutOfMemory
            | Self::BackendFailed
            | Self::NodeLost
            | Self::NodeSilent => true,
            Self::ContextLengthExceeded
            | Self::InvalidRequest
            | Self::ClientTooSlow
            | Self::CancelledByOperator
            | Self::HubStopping => false,
        }
    }

    /// The name that outcomes are recorded under.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContextLengthExceeded => "context_length_exceeded",
            Self::InvalidRequest => "invalid_request",
            Self::ModelUnavailable => "model_unavailable",
            Self::Unavailable => "unavailable",
            Self::OutOfMemory => "out_of_memory",
            Self::BackendFailed => "backend_failed",
            Self::NodeLost => "node_lost",
            Self::NodeSilent => "node_silent",
            Self::ClientTooSlow => "client_too_slow",
            Self::CancelledByOperator => "cancelled_by_operator",
            Self::HubStopping => "hub_stopping",
        }
    }
}
