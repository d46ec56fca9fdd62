//! Why a prompt has no answer.

use engine::{EngineError, GpuError};
use protocol::{LlmError, LlmErrorCode, NodeMessage, TaskId};

/// Why there is no answer, or no more of it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub code: LlmErrorCode,
    /// For whoever sent the prompt: what happened, and what to do.
    pub message: String,
    /// Whether another node may succeed.
    pub retryable: bool,
}

impl Failure {
    pub fn new(code: LlmErrorCode, message: impl Into<String>) -> Self {
        let retryable = match code {
            LlmErrorCode::ContextLengthExceeded | LlmErrorCode::InvalidRequest => false,
            LlmErrorCode::ModelUnavailable
            | LlmErrorCode::Unavailable
            | LlmErrorCode::OutOfMemory
            | LlmErrorCode::BackendFailed
            | LlmErrorCode::Other => true,
        };
        Self {
            code,
            message: message.into(),
            retryable,
        }
    }

    pub fn backend(message: impl Into<String>) -> Self {
        Self::new(LlmErrorCode::BackendFailed, message)
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(LlmErrorCode::InvalidRequest, message)
    }

    /// The frame that ends the prompt with this.
    pub fn into_frame(self, task_id: TaskId) -> NodeMessage {
        NodeMessage::LlmError(LlmError {
            task_id,
            code: self.code,
            message: self.message,
            retryable: self.retryable,
        })
    }
}

impl From<&EngineError> for Failure {
    fn from(error: &EngineError) -> Self {
        let code = match error {
            EngineError::ContextLengthExceeded { .. } => LlmErrorCode::ContextLengthExceeded,
            EngineError::InvalidRequest(_) => LlmErrorCode::InvalidRequest,
            EngineError::Gpu(GpuError::OutOfMemory(_) | GpuError::TooSmall { .. }) => {
                LlmErrorCode::OutOfMemory
            }
            EngineError::InvalidModel(_)
            | EngineError::UnsupportedArchitecture(_)
            | EngineError::Gpu(_)
            | EngineError::Io(_) => LlmErrorCode::BackendFailed,
        };
        Self::new(code, error.to_string())
    }
}
