//! A prompt as an OpenAI request, with the extra fields that open servers take.

use protocol::{ChatMessage, LlmPrompt, PromptInput, Sampling};
use serde_json::{Map, Value, json};

use crate::backend::{Failure, text_to_continue};

/// Whose server it is: they differ in what they add to OpenAI's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    LlamaServer,
    Vllm,
    Other,
}

#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) route: &'static str,
    pub(super) body: Value,
}

/// `extras`: whether to send fields that OpenAI's own API does not have.
pub(super) fn call(prompt: &LlmPrompt, dialect: Dialect, extras: bool) -> Result<Call, Failure> {
    let mut body = Map::new();
    body.insert("model".into(), json!(prompt.request.model));
    body.insert("stream".into(), json!(true));
    body.insert("stream_options".into(), json!({ "include_usage": true }));
    add_sampling(&mut body, &prompt.request.sampling, dialect, extras);
    if let Some(format) = &prompt.request.response_format {
        body.insert("response_format".into(), format.clone());
    }
    let route = match &prompt.request.input {
        PromptInput::Chat {
            messages, tools, ..
        } => {
            add_chat(&mut body, messages, &text_to_continue(prompt), dialect)?;
            if !tools.is_empty() {
                body.insert("tools".into(), json!(tools));
            }
            "/chat/completions"
        }
        PromptInput::Raw {
            prompt: text,
            suffix,
        } => {
            let text = [text.as_str(), &text_to_continue(prompt)].concat();
            body.insert("prompt".into(), json!(text));
            if let Some(suffix) = suffix {
                add_suffix(&mut body, suffix, dialect)?;
            }
            "/completions"
        }
    };
    Ok(Call {
        route,
        body: Value::Object(body),
    })
}

fn add_sampling(
    body: &mut Map<String, Value>,
    sampling: &Sampling,
    dialect: Dialect,
    extras: bool,
) {
    body.insert("temperature".into(), json!(sampling.temperature));
    body.insert("top_p".into(), json!(sampling.top_p));
    if let Some(seed) = sampling.seed {
        body.insert("seed".into(), json!(seed));
    }
    if let Some(max_tokens) = sampling.max_tokens {
        body.insert("max_tokens".into(), json!(max_tokens));
    }
    if !sampling.stop.is_empty() {
        body.insert("stop".into(), json!(sampling.stop));
    }
    if !extras {
        return;
    }
    body.insert("top_k".into(), json!(sampling.top_k));
    body.insert("min_p".into(), json!(sampling.min_p));
    let repeat_penalty = match dialect {
        Dialect::Vllm => "repetition_penalty",
        Dialect::LlamaServer | Dialect::Other => "repeat_penalty",
    };
    body.insert(repeat_penalty.into(), json!(sampling.repeat_penalty));
}

fn add_chat(
    body: &mut Map<String, Value>,
    messages: &[ChatMessage],
    begun: &str,
    dialect: Dialect,
) -> Result<(), Failure> {
    let messages = serde_json::to_value(messages);
    let messages =
        messages.map_err(|error| Failure::invalid(format!("the prompt is no JSON: {error}")))?;
    let Value::Array(mut messages) = messages else {
        return Ok(());
    };
    if !begun.is_empty() {
        messages.push(json!({ "role": "assistant", "content": begun }));
        // llama-server goes on from a last assistant message by itself.
        if dialect == Dialect::Vllm {
            body.insert("continue_final_message".into(), json!(true));
            body.insert("add_generation_prompt".into(), json!(false));
        }
    }
    body.insert("messages".into(), Value::Array(messages));
    Ok(())
}

fn add_suffix(
    body: &mut Map<String, Value>,
    suffix: &str,
    dialect: Dialect,
) -> Result<(), Failure> {
    if dialect == Dialect::LlamaServer {
        // It would ignore the suffix and answer something else.
        return Err(Failure {
            retryable: true,
            ..Failure::invalid("llama-server's completions take no `suffix`: leave it out")
        });
    }
    body.insert("suffix".into(), json!(suffix));
    Ok(())
}

/// Whether a server refused a request because of a field that only some servers know.
pub(super) fn refuses_extras(status: u16, message: &str) -> bool {
    matches!(status, 400 | 422)
        && ["top_k", "min_p", "repeat_penalty", "repetition_penalty"]
            .iter()
            .any(|field| message.contains(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(json: Value) -> LlmPrompt {
        serde_json::from_value(json).unwrap()
    }

    fn chat() -> LlmPrompt {
        prompt(json!({
            "task_id": "t", "model": "m", "messages": [{"role": "user", "content": "Hei"}],
            "prefill": "```", "continue_from": "rust",
            "sampling": {"temperature": 0.5, "max_tokens": 9, "seed": 1, "stop": ["x"]},
        }))
    }

    #[test]
    fn a_conversation_is_streamed_with_usage_and_every_setting() {
        let call = call(&chat(), Dialect::LlamaServer, true).unwrap();
        assert_eq!(call.route, "/chat/completions");
        let body = &call.body;
        assert_eq!(body["stream_options"]["include_usage"], true);
        assert_eq!((&body["max_tokens"], &body["seed"]), (&json!(9), &json!(1)));
        assert_eq!((&body["top_k"], &body["stop"]), (&json!(20), &json!(["x"])));
        assert!(body.get("repeat_penalty").is_some());
    }

    #[test]
    fn the_begun_answer_is_continued_in_each_dialect() {
        let begun = json!({"role": "assistant", "content": "```rust"});
        let llama = call(&chat(), Dialect::LlamaServer, true).unwrap().body;
        assert_eq!(llama["messages"][1], begun);
        assert!(llama.get("continue_final_message").is_none());
        let vllm = call(&chat(), Dialect::Vllm, true).unwrap().body;
        assert_eq!(vllm["messages"][1], begun);
        assert_eq!(vllm["continue_final_message"], true);
        assert_eq!(vllm["add_generation_prompt"], false);
        assert!(vllm.get("repetition_penalty").is_some() && vllm.get("repeat_penalty").is_none());
    }

    #[test]
    fn strict_servers_get_openais_fields_only() {
        let body = call(&chat(), Dialect::Other, false).unwrap().body;
        for field in ["top_k", "min_p", "repeat_penalty", "repetition_penalty"] {
            assert!(body.get(field).is_none(), "{field}");
        }
        assert_eq!(body["temperature"], 0.5);
    }

    #[test]
    fn a_suffix_is_never_ignored() {
        let fill = prompt(json!({"task_id": "t", "model": "m", "prompt": "a", "suffix": "b"}));
        let sent = call(&fill, Dialect::Other, true).unwrap();
        assert_eq!(
            (sent.route, &sent.body["suffix"]),
            ("/completions", &json!("b"))
        );
        let refused = call(&fill, Dialect::LlamaServer, true).unwrap_err();
        assert!(refused.retryable, "another node may know how");
    }

    #[test]
    fn a_refusal_counts_when_it_names_an_extra_field() {
        assert!(refuses_extras(
            400,
            "Unrecognized request argument supplied: top_k"
        ));
        assert!(refuses_extras(
            422,
            "body -> min_p: Extra inputs are not permitted"
        ));
        assert!(!refuses_extras(
            400,
            "maximum context length is 4096 tokens"
        ));
        assert!(!refuses_extras(500, "top_k"));
    }
}
