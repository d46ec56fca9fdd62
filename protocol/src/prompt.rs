//! A prompt as the hub and its nodes see it: already checked, with every default filled in, and
//! free of any one API's habits.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names one task on the wire; unique per hub, opaque to nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(pub String);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptRequest {
    /// The id of a model that the node said it has.
    pub model: String,
    #[serde(flatten)]
    pub input: PromptInput,
    #[serde(default)]
    pub sampling: Sampling,
    /// A JSON schema or grammar that the answer must obey, in OpenAI's `response_format` shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PromptInput {
    /// A conversation, to be rendered with the model's own chat template.
    Chat {
        messages: Vec<ChatMessage>,
        /// OpenAI's tool definitions.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tools: Vec<Value>,
        /// The beginning of the assistant's answer: the model goes on from here, and the answer
        /// does not repeat it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prefill: Option<String>,
    },
    /// Plain text to go on from, without a template; with a suffix, the text between the two
    /// (fill in the middle).
    Raw {
        prompt: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suffix: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatMessage {
    pub role: Role,
    #[serde(default)]
    pub content: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Calls that an assistant's message made, in OpenAI's shape.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<Value>,
    /// Which call a tool's message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

/// How the next token is chosen. The defaults are those that Qwen gives for Qwen2.5-Coder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// 0 is greedy: always the likeliest token.
    pub temperature: f32,
    /// Only the k likeliest tokens are considered; 0 considers all.
    pub top_k: u32,
    /// Only the likeliest tokens that together reach this probability are considered; 1 is off.
    pub top_p: f32,
    /// Only tokens at least this fraction as likely as the likeliest are considered; 0 is off.
    pub min_p: f32,
    /// Logits of recent tokens are divided (or, below zero, multiplied) by this; 1 is off.
    pub repeat_penalty: f32,
    /// The same seed, prompt and engine give the same answer. Absent: chosen at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// The most tokens to answer with. Absent: as many as the context has room for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// The answer ends before the first of these; none of their text is sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.7,
            top_k: 20,
            top_p: 0.8,
            min_p: 0.0,
            repeat_penalty: 1.05,
            seed: None,
            max_tokens: None,
            stop: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended its answer, or a stop string was reached.
    Stop,
    /// `max_tokens` or the end of the context was reached.
    Length,
    /// The model calls a tool.
    ToolCalls,
}

/// Token counts of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: u32,
    /// Those of the prompt's tokens that were in the node's KV cache already.
    #[serde(default)]
    pub cached_tokens: u32,
    pub completion_tokens: u32,
}

/// Where a node's time went, as the node measured it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timings {
    /// Loading the model, where this prompt had to wait for it.
    pub load_ms: f64,
    pub prefill_ms: f64,
    pub decode_ms: f64,
}
