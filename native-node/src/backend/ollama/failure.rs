//! Ollama's errors, which are sentences, as the wire's codes.

use protocol::LlmErrorCode;
use reqwest::StatusCode;

use crate::backend::Failure;

/// `status` is absent for an error that came in the middle of a stream.
pub(super) fn failure(status: Option<StatusCode>, message: &str) -> Failure {
    let code = code(status, &message.to_lowercase());
    Failure::new(code, format!("Ollama: {message}"))
}

/// The sentences stand in Ollama's `server/routes.go`, `server/sched.go`, `llm/server.go` and the
/// runners.
fn code(status: Option<StatusCode>, message: &str) -> LlmErrorCode {
    let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    if says(&[
        "exceeds the context length",
        "longer than the context length",
        "exceeds the available context",
    ]) {
        LlmErrorCode::ContextLengthExceeded
    } else if says(&[
        "out of memory",
        "more system memory",
        "insufficient memory",
        "cudamalloc",
    ]) {
        LlmErrorCode::OutOfMemory
    } else if status == Some(StatusCode::NOT_FOUND) {
        LlmErrorCode::ModelUnavailable
    } else if status == Some(StatusCode::BAD_REQUEST) {
        LlmErrorCode::InvalidRequest
    } else if matches!(
        status,
        Some(StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
    ) {
        LlmErrorCode::Unavailable
    } else {
        LlmErrorCode::BackendFailed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sentence_has_its_code() {
        use LlmErrorCode::{
            BackendFailed, ContextLengthExceeded, InvalidRequest, ModelUnavailable, OutOfMemory,
            Unavailable,
        };
        let cases = [
            (
                Some(400),
                "the input length exceeds the context length",
                ContextLengthExceeded,
                false,
            ),
            (
                Some(500),
                "model requires more system memory (5.5 GiB) than is available (1.2 GiB)",
                OutOfMemory,
                true,
            ),
            (None, "CUDA error: out of memory", OutOfMemory, true),
            (Some(404), "model 'x' not found", ModelUnavailable, true),
            (
                Some(400),
                "\"m\" does not support tools",
                InvalidRequest,
                false,
            ),
            (
                Some(503),
                "server busy, please try again.  maximum pending requests exceeded",
                Unavailable,
                true,
            ),
            (
                None,
                "an error was encountered while running the model: unexpected EOF",
                BackendFailed,
                true,
            ),
        ];
        for (status, message, code, retryable) in cases {
            let status = status.map(|status| StatusCode::from_u16(status).unwrap());
            let failure = failure(status, message);
            assert_eq!(
                (failure.code, failure.retryable),
                (code, retryable),
                "{message}"
            );
            assert!(failure.message.ends_with(message));
        }
    }
}
