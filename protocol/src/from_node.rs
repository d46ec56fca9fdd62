//! What a node says to the hub.

use serde::{Deserialize, Serialize};

use crate::{FinishReason, Owner, TaskId, Timings, Usage};

/// A frame from a node to the hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NodeMessage {
    Hello(Hello),
    LlmToken(LlmToken),
    LlmDone(LlmDone),
    LlmError(LlmError),
    NodeStatus(NodeStatus),
    BenchmarkResult(BenchmarkResult),
    AuditResult(AuditResult),
}

/// The first frame of every node: who it is and what it can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    pub protocol_version: u32,
    pub kind: NodeKind,
    /// What its owner calls it; shown in statistics.
    pub name: String,
    /// The node's program and its version, as in `kipina-node 0.1.0`.
    #[serde(default)]
    pub software: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whose prompts are this node's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// True where only its owner's prompts are welcome; without an owner, none are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_own: bool,
    /// True where it starts out paused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    #[serde(default)]
    pub models: Vec<NodeModel>,
    /// Prompts it answers at the same time.
    #[serde(default = "one")]
    pub slots: u32,
    #[serde(default)]
    pub device: Device,
}

fn one() -> u32 {
    1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    Browser,
    Native,
}

/// A model that a node can answer with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeModel {
    /// The name that requests use, as in `qwen2.5-coder:0.5b`.
    pub id: String,
    /// `sha256:…` of the weights where known: two nodes with the same id may hold different files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// As in `Q4_K_M`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantisation: Option<String>,
    /// Weights in the model, a count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// The most tokens that prompt and answer may have together on this node.
    pub context_length: u32,
    /// What computes it, as in `kipina-engine 0.1.0` or `ollama 0.13.5`.
    #[serde(default)]
    pub runtime: String,
}

/// Facts about the machine; what could not be found out is absent, never guessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Device {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<Gpu>,
    /// The adapter's name where WebGPU computes the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webgpu: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gpu {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// The next piece of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmToken {
    pub task_id: TaskId,
    /// 0 for the first frame of an answer, then one more each time: a gap is a fault.
    pub seq: u64,
    pub text: String,
    /// The ids of the tokens behind `text` where the runtime tells them. A frame may carry several,
    /// or none: a character can take several tokens, and its text comes with the last of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_ids: Vec<u32>,
}

/// The end of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmDone {
    pub task_id: TaskId,
    pub finish_reason: FinishReason,
    pub usage: Usage,
    #[serde(default)]
    pub timings: Timings,
}

/// The node can't answer, or can't go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmError {
    pub task_id: TaskId,
    pub code: LlmErrorCode,
    /// One sentence for the person who sent the prompt: what happened and what to do.
    pub message: String,
    /// Whether another node may succeed where this one failed.
    #[serde(default)]
    pub retryable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LlmErrorCode {
    /// Prompt and answer do not fit the model's context.
    ContextLengthExceeded,
    /// The request is not one that this backend can serve.
    InvalidRequest,
    /// The node does not have the model, or no longer.
    ModelUnavailable,
    /// The node is busy or being stopped.
    Unavailable,
    OutOfMemory,
    /// The backend behind the node failed.
    BackendFailed,
    /// A code that this build does not know: a newer node's.
    #[serde(other)]
    Other,
}

/// What changed on the node since its last word; absent fields have not changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<NodeModel>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// True while the owner wants no prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// True while only prompts of the owner that `hello` named are welcome. What the node has it
    /// finishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_own: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_battery: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_hidden: Option<bool>,
}

/// The answer to an `ai_task` of kind `benchmark`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkResult {
    pub task_id: TaskId,
    /// Multiply-adds that the CPU did per second, in all threads that the node computes with.
    pub cpu_multiply_adds_per_second: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_multiply_adds_per_second: Option<f64>,
}

/// The answer to an `audit_prompt`: two numbers for each token of the audited answer, and for its end
/// where the model is said to have ended it, in the model's own logit units, at least 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditResult {
    pub task_id: TaskId,
    /// How far the token's logit lies below the largest one, the repeat penalty considered.
    pub logit_margins: Vec<f32>,
    /// How far it lies below the least likely token that the prompt's sampling allows; where the
    /// prompt is greedy, the same.
    #[serde(default)]
    pub sampling_margins: Vec<f32>,
}
