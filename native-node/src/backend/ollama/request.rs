//! A prompt in Ollama's words.

use protocol::{ChatMessage, LlmPrompt, PromptInput, Role, Sampling};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    model::OllamaModel,
    wire::{ChatRequest, CommonRequest, GenerateRequest, Message, Options},
};
use crate::backend::{Failure, text_to_continue, tool_calls};

/// How long Ollama keeps a model in memory after an answer: longer than its own five minutes, as
/// loading is what makes the first prompt of a quiet network slow.
const KEEP_ALIVE: &str = "30m";

/// Which route a prompt takes, and the JSON that goes there.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) route: &'static str,
    pub(super) body: Value,
}

impl Call {
    fn new(route: &'static str, body: &impl Serialize) -> Result<Self, Failure> {
        let body = serde_json::to_value(body);
        let body =
            body.map_err(|error| Failure::invalid(format!("the prompt is no JSON: {error}")))?;
        Ok(Self { route, body })
    }
}

pub(super) fn call(prompt: &LlmPrompt, model: &OllamaModel) -> Result<Call, Failure> {
    let begun = text_to_continue(prompt);
    match &prompt.request.input {
        PromptInput::Chat {
            messages, tools, ..
        } => {
            let mut messages: Vec<Message<'_>> = messages.iter().map(message).collect();
            if !begun.is_empty() {
                // Ollama goes on from a last message that is the assistant's.
                messages.push(Message {
                    role: role(Role::Assistant),
                    content: &begun,
                    tool_calls: Vec::new(),
                    tool_name: None,
                    tool_call_id: None,
                });
            }
            let request = ChatRequest {
                messages,
                tools,
                common: common(prompt, model)?,
            };
            Call::new("/api/chat", &request)
        }
        PromptInput::Raw {
            prompt: text,
            suffix,
        } => {
            let request = GenerateRequest {
                prompt: [text.as_str(), &begun].concat(),
                suffix: suffix.as_deref(),
                // Ollama inserts between prompt and suffix with the model's own template, which
                // raw mode would turn off.
                raw: suffix.is_none(),
                common: common(prompt, model)?,
            };
            Call::new("/api/generate", &request)
        }
    }
}

/// The same call, to be answered with the text that the model's template makes of it.
pub(super) fn render(prompt: &LlmPrompt, model: &OllamaModel) -> Result<Call, Failure> {
    let mut call = call(prompt, model)?;
    call.body["_debug_render_only"] = json!(true);
    Ok(call)
}

/// Goes on from `text`, which a template has already been applied to.
pub(super) fn go_on(
    prompt: &LlmPrompt,
    model: &OllamaModel,
    text: String,
) -> Result<Call, Failure> {
    let common = common(prompt, model)?;
    Call::new(
        "/api/generate",
        &GenerateRequest {
            prompt: text,
            suffix: None,
            raw: true,
            common,
        },
    )
}

fn common<'a>(prompt: &'a LlmPrompt, model: &'a OllamaModel) -> Result<CommonRequest<'a>, Failure> {
    Ok(CommonRequest {
        model: &model.name,
        stream: true,
        format: format(prompt.request.response_format.as_ref())?,
        keep_alive: KEEP_ALIVE,
        // An answer on the wire has no place for thoughts, and waiting for them in silence would
        // look like a node that hangs.
        think: model.thinks.then_some(false),
        truncate: false,
        shift: false,
        options: options(&prompt.request.sampling, model),
    })
}

fn options<'a>(sampling: &'a Sampling, model: &'a OllamaModel) -> Options<'a> {
    // Where a request names none, Ollama uses the model's own by itself.
    let stop = if sampling.stop.is_empty() {
        &[][..]
    } else {
        &model.stop
    };
    Options {
        // The same for every prompt: Ollama loads the model anew when it changes.
        num_ctx: model.advertised.context_length,
        num_predict: sampling.max_tokens.map_or(-1, i64::from),
        temperature: sampling.temperature,
        top_k: sampling.top_k,
        top_p: sampling.top_p,
        min_p: sampling.min_p,
        repeat_penalty: sampling.repeat_penalty,
        seed: sampling.seed,
        stop: sampling
            .stop
            .iter()
            .chain(stop)
            .map(String::as_str)
            .collect(),
    }
}

fn message(message: &ChatMessage) -> Message<'_> {
    Message {
        role: role(message.role),
        content: &message.content,
        tool_calls: message.tool_calls.iter().map(tool_call).collect(),
        tool_name: message
            .name
            .as_deref()
            .filter(|_| message.role == Role::Tool),
        tool_call_id: message.tool_call_id.as_deref(),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

/// OpenAI's call has its arguments in a string, Ollama's as an object.
fn tool_call(call: &Value) -> Value {
    let function = &call["function"];
    json!({
        "id": call["id"].as_str().unwrap_or_default(),
        "function": {
            "name": function["name"],
            "arguments": tool_calls::parse_arguments(&function["arguments"]),
        },
    })
}

/// OpenAI's `response_format` as Ollama's `format`.
fn format(response_format: Option<&Value>) -> Result<Option<Value>, Failure> {
    let Some(wanted) = response_format else {
        return Ok(None);
    };
    match wanted["type"].as_str() {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(json!("json"))),
        Some("json_schema") if wanted["json_schema"]["schema"].is_object() => {
            Ok(Some(wanted["json_schema"]["schema"].clone()))
        }
        _ => Err(Failure::invalid(
            "`response_format` must be `text`, `json_object` or `json_schema` with a schema",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::ollama::model::tests::model;

    fn prompt(json: Value) -> LlmPrompt {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_conversation_goes_to_chat_with_the_context_fixed_and_nothing_cut() {
        let prompt = prompt(json!({
            "task_id": "t", "model": "qwen2.5-coder:3b",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hei"}],
            "sampling": {"temperature": 0.0, "top_k": 5, "seed": 42, "max_tokens": 64, "stop": ["\n\n"]},
        }));
        let call = call(&prompt, &model("qwen2.5-coder:3b", 8192)).unwrap();
        assert_eq!(call.route, "/api/chat");
        let body = &call.body;
        assert_eq!(body["model"], "qwen2.5-coder:3b");
        assert_eq!(body["stream"], true);
        assert_eq!(
            (&body["truncate"], &body["shift"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(
            body["messages"][1],
            json!({"role": "user", "content": "Hei"})
        );
        let options = &body["options"];
        assert_eq!(options["num_ctx"], 8192);
        assert_eq!(options["num_predict"], 64);
        assert_eq!(options["seed"], 42);
        assert_eq!(options["stop"], json!(["\n\n"]));
        assert_eq!(options["temperature"], 0.0);
        assert!(body.get("think").is_none() && body.get("format").is_none());
    }

    #[test]
    fn without_a_limit_the_answer_may_fill_the_context() {
        let prompt = prompt(json!({"task_id": "t", "model": "m", "messages": []}));
        let call = call(&prompt, &model("m", 4096)).unwrap();
        assert_eq!(call.body["options"]["num_predict"], -1);
        assert!(call.body["options"].get("seed").is_none());
    }

    #[test]
    fn prefill_and_what_another_node_sent_are_one_last_assistant_message() {
        let prompt = prompt(json!({
            "task_id": "t", "model": "m", "messages": [{"role": "user", "content": "Hei"}],
            "prefill": "```rust\n", "continue_from": "fn main",
        }));
        let call = call(&prompt, &model("m", 4096)).unwrap();
        let expected = json!({"role": "assistant", "content": "```rust\nfn main"});
        assert_eq!(call.body["messages"][1], expected);
    }

    #[test]
    fn raw_text_skips_the_template_and_a_suffix_needs_it() {
        let raw =
            prompt(json!({"task_id": "t", "model": "m", "prompt": "fn ", "continue_from": "a"}));
        let sent = call(&raw, &model("m", 4096)).unwrap();
        assert_eq!(sent.route, "/api/generate");
        assert_eq!(
            (&sent.body["prompt"], &sent.body["raw"]),
            (&json!("fn a"), &json!(true))
        );
        let fill = prompt(json!({"task_id": "t", "model": "m", "prompt": "fn ", "suffix": "}"}));
        let sent = call(&fill, &model("m", 4096)).unwrap();
        assert_eq!(
            (&sent.body["suffix"], &sent.body["raw"]),
            (&json!("}"), &json!(false))
        );
    }

    #[test]
    fn tool_calls_and_their_answers_are_put_in_ollamas_shape() {
        let prompt = prompt(json!({
            "task_id": "t", "model": "m",
            "messages": [
                {"role": "assistant", "tool_calls": [
                    {"id": "c1", "type": "function",
                     "function": {"name": "add", "arguments": "{\"a\":1}"}}]},
                {"role": "tool", "name": "add", "tool_call_id": "c1", "content": "2"},
            ],
            "tools": [{"type": "function", "function": {"name": "add"}}],
        }));
        let body = call(&prompt, &model("m", 4096)).unwrap().body;
        let expected = json!({"id": "c1", "function": {"name": "add", "arguments": {"a": 1}}});
        assert_eq!(body["messages"][0]["tool_calls"][0], expected);
        assert_eq!(body["messages"][1]["tool_name"], "add");
        assert_eq!(body["tools"][0]["function"]["name"], "add");
    }

    #[test]
    fn a_schema_is_handed_on_and_an_unknown_format_is_refused() {
        let schema = json!({"type": "object"});
        let wanted = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
        assert_eq!(format(Some(&wanted)), Ok(Some(schema)));
        assert_eq!(
            format(Some(&json!({"type": "json_object"}))),
            Ok(Some(json!("json")))
        );
        assert_eq!(format(Some(&json!({"type": "text"}))), Ok(None));
        assert!(format(Some(&json!({"type": "grammar"}))).is_err());
    }

    #[test]
    fn models_that_think_aloud_are_asked_not_to() {
        let prompt = prompt(json!({"task_id": "t", "model": "m", "messages": []}));
        let thinker = OllamaModel {
            thinks: true,
            ..model("m", 4096)
        };
        assert_eq!(call(&prompt, &thinker).unwrap().body["think"], false);
    }
}
