//! Ollama's JSON, as far as a node uses it. Source: `docs/api.md` and `api/types.go` of Ollama
//! 0.13.5. Fields that older or newer versions leave out have defaults.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
pub(super) struct Version {
    pub(super) version: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tags {
    #[serde(default)]
    pub(super) models: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    pub(super) name: String,
    /// Of the manifest, not of the weights: it changes when anything about the model does.
    #[serde(default)]
    pub(super) digest: String,
    /// Set where the model is computed in Ollama's cloud.
    #[serde(default)]
    pub(super) remote_host: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Show {
    pub(super) details: Details,
    /// The GGUF's metadata.
    pub(super) model_info: Map<String, Value>,
    pub(super) capabilities: Vec<String>,
    pub(super) modelfile: String,
    /// Lines as in `stop    "<|im_end|>"`.
    pub(super) parameters: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Details {
    pub(super) quantization_level: String,
}

/// A line of `/api/pull`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PullProgress {
    pub(super) status: String,
    pub(super) digest: String,
    pub(super) total: u64,
    pub(super) completed: u64,
    pub(super) error: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct ChatRequest<'a> {
    pub(super) messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    pub(super) tools: &'a [Value],
    #[serde(flatten)]
    pub(super) common: CommonRequest<'a>,
}

#[derive(Debug, Serialize)]
pub(super) struct GenerateRequest<'a> {
    pub(super) prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suffix: Option<&'a str>,
    pub(super) raw: bool,
    #[serde(flatten)]
    pub(super) common: CommonRequest<'a>,
}

/// What `/api/chat` and `/api/generate` share.
#[derive(Debug, Serialize)]
pub(super) struct CommonRequest<'a> {
    pub(super) model: &'a str,
    pub(super) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<Value>,
    pub(super) keep_alive: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) think: Option<bool>,
    /// False: a prompt that is too long is an error instead of being cut.
    pub(super) truncate: bool,
    /// False: an answer ends at the end of the context instead of forgetting its prompt.
    pub(super) shift: bool,
    pub(super) options: Options<'a>,
}

#[derive(Debug, Serialize)]
pub(super) struct Options<'a> {
    pub(super) num_ctx: u32,
    pub(super) num_predict: i64,
    pub(super) temperature: f32,
    pub(super) top_k: u32,
    pub(super) top_p: f32,
    pub(super) min_p: f32,
    pub(super) repeat_penalty: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) stop: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    pub(super) role: &'static str,
    pub(super) content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_call_id: Option<&'a str>,
}

/// The answer to a request with `_debug_render_only`: the prompt as the template wrote it.
#[derive(Debug, Deserialize)]
pub(super) struct Rendered {
    #[serde(rename = "_debug_info")]
    pub(super) debug_info: RenderedPrompt,
}

#[derive(Debug, Deserialize)]
pub(super) struct RenderedPrompt {
    pub(super) rendered_template: String,
}

/// A line of `/api/chat` or `/api/generate`. Durations are in nanoseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AnswerLine {
    pub(super) message: Option<AnswerMessage>,
    pub(super) response: Option<String>,
    pub(super) done: bool,
    pub(super) done_reason: Option<String>,
    pub(super) error: Option<String>,
    pub(super) load_duration: u64,
    pub(super) prompt_eval_count: u32,
    pub(super) prompt_eval_duration: u64,
    pub(super) eval_count: u32,
    pub(super) eval_duration: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AnswerMessage {
    pub(super) content: String,
    pub(super) tool_calls: Vec<AnswerToolCall>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AnswerToolCall {
    pub(super) function: AnswerFunction,
}

#[derive(Debug, Deserialize)]
pub(super) struct AnswerFunction {
    pub(super) name: String,
    #[serde(default)]
    pub(super) arguments: Value,
}
