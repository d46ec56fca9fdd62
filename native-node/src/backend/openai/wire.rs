//! OpenAI's JSON, as far as a node reads it, with what llama-server and vLLM add.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct ModelList {
    #[serde(default)]
    pub(super) data: Vec<Model>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Model {
    pub(super) id: String,
    /// `llamacpp` and `vllm` say here who they are.
    #[serde(default)]
    pub(super) owned_by: Option<String>,
    /// vLLM: the most tokens of prompt and answer together.
    #[serde(default)]
    pub(super) max_model_len: Option<u32>,
    /// llama-server: facts from the file.
    #[serde(default)]
    pub(super) meta: Option<ModelMeta>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ModelMeta {
    #[serde(default)]
    pub(super) n_params: Option<u64>,
}

/// llama-server's `/props`.
#[derive(Debug, Deserialize)]
pub(super) struct Properties {
    pub(super) default_generation_settings: GenerationSettings,
}

#[derive(Debug, Deserialize)]
pub(super) struct GenerationSettings {
    /// Of one slot.
    pub(super) n_ctx: u32,
}

/// A chunk of `/chat/completions` or `/completions`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk {
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Option<ChunkUsage>,
    /// llama-server's own measurement.
    pub(super) timings: Option<ChunkTimings>,
    pub(super) error: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) delta: Option<Delta>,
    pub(super) text: Option<String>,
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta {
    pub(super) content: Option<String>,
    pub(super) tool_calls: Option<Vec<ToolCallDelta>>,
}

/// A tool call comes in pieces: its name with the first, its arguments bit by bit.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ToolCallDelta {
    pub(super) index: usize,
    pub(super) function: FunctionDelta,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionDelta {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChunkUsage {
    pub(super) prompt_tokens: u32,
    pub(super) completion_tokens: u32,
    pub(super) prompt_tokens_details: Option<PromptTokensDetails>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PromptTokensDetails {
    pub(super) cached_tokens: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChunkTimings {
    pub(super) cache_n: u32,
    pub(super) prompt_ms: f64,
    pub(super) predicted_ms: f64,
}
