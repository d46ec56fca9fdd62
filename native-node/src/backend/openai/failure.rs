//! Errors of OpenAI-compatible servers as the wire's codes.

use protocol::LlmErrorCode;

use crate::backend::Failure;

/// `status` is absent for an error that came in the middle of a stream.
pub(super) fn failure(status: Option<u16>, message: &str) -> Failure {
    let lower = message.to_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    // OpenAI and vLLM: "maximum context length is …"; llama-server: "exceeds the available context".
    let code = if says(&[
        "context length",
        "context_length",
        "available context",
        "context size",
    ]) {
        LlmErrorCode::ContextLengthExceeded
    } else if says(&["out of memory"]) {
        LlmErrorCode::OutOfMemory
    } else {
        match status {
            // The owner's key is wrong: nothing that the sender of the prompt can mend.
            Some(401 | 403) => LlmErrorCode::BackendFailed,
            Some(404) => LlmErrorCode::ModelUnavailable,
            Some(400 | 413 | 422) => LlmErrorCode::InvalidRequest,
            Some(429 | 503) => LlmErrorCode::Unavailable,
            _ => LlmErrorCode::BackendFailed,
        }
    };
    Failure::new(code, format!("the node's model server: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_code() {
        use LlmErrorCode::{
            BackendFailed, ContextLengthExceeded, InvalidRequest, ModelUnavailable, Unavailable,
        };
        let cases = [
            (
                Some(400),
                "This model's maximum context length is 4096 tokens",
                ContextLengthExceeded,
            ),
            (
                Some(400),
                "the request exceeds the available context size",
                ContextLengthExceeded,
            ),
            (Some(400), "messages must not be empty", InvalidRequest),
            (Some(401), "Incorrect API key provided", BackendFailed),
            (Some(404), "The model `x` does not exist", ModelUnavailable),
            (Some(429), "Rate limit reached", Unavailable),
            (None, "slot unavailable", BackendFailed),
        ];
        for (status, message, code) in cases {
            assert_eq!(failure(status, message).code, code, "{message}");
        }
    }
}
