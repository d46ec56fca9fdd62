//! What the hub says to a node.

use serde::{Deserialize, Serialize};

use crate::{FinishReason, PromptRequest, TaskId};

/// A frame from the hub to a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HubMessage {
    Welcome(Welcome),
    LlmPrompt(LlmPrompt),
    LlmCancel(LlmCancel),
    AiTask(AiTask),
    AuditPrompt(AuditPrompt),
    /// Finish what you have, take no more: the connection will be closed.
    Drain(Drain),
}

/// The hub's answer to `hello`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    pub node_id: String,
    pub protocol_version: u32,
    /// The hub pings this often, and drops a node that was silent for three times as long.
    pub heartbeat_ms: u64,
    /// The longest frame that the hub accepts from this node.
    pub max_frame_bytes: usize,
    /// Model ids that the network has too few of; the node may load one of them.
    #[serde(default)]
    pub wanted_models: Vec<String>,
}

/// A prompt to be answered with `llm_token` frames and one `llm_done` or `llm_error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmPrompt {
    pub task_id: TaskId,
    #[serde(flatten)]
    pub request: PromptRequest,
    /// Text of this answer that another node has already sent: go on right after it, and do not
    /// send it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_from: Option<String>,
    /// The tokens behind that text, where all of them are known and this node's model has the same
    /// digest. A node that can't go on from tokens goes on from the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continue_token_ids: Vec<u32>,
}

/// Nobody waits for this answer any more. The node stops; it need not answer, and whatever it
/// still sends for the task is dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmCancel {
    pub task_id: TaskId,
}

/// Work that is no prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AiTask {
    pub task_id: TaskId,
    #[serde(flatten)]
    pub task: Task,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Measure multiply-adds per second for about `duration_ms` each on CPU and GPU.
    Benchmark { duration_ms: u64 },
    /// A task that this build does not know: a newer hub's. It goes unanswered.
    #[serde(other)]
    Unknown,
}

/// A prompt and somebody's answer to it, to be judged by one prefill pass. A node that can't answers
/// with `llm_error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditPrompt {
    pub task_id: TaskId,
    #[serde(flatten)]
    pub request: PromptRequest,
    pub answer: String,
    /// As the answering node told them. They count only where they make the answer's text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer_token_ids: Vec<u32>,
    /// Absent where the answer was broken off. Else its end is judged as well, but for `length` where `max_tokens` or
    /// `context_length` was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// The context of the node that answered, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u32>,
    /// The answering node draws tokens as the judge does, and had this `sampling.seed`: what was drawn is judged, not only
    /// what might have been.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seeded: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Drain {
    /// Come back at a random moment within so long after the connection has closed: a hub is there again, and not all
    /// of its nodes should knock at once. Absent: as soon as after any other loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconnect_within_ms: Option<u64>,
}
