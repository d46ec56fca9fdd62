//! What is remembered of prompts and nodes: never a word of a prompt or an answer.

use std::time::{Duration, SystemTime};

use protocol::{Device, FinishReason, NodeKind, NodeModel, TaskId, Usage};

use super::{FailureKind, Sampled, Subject, Verdict};
use crate::keys::{Bill, KeyId};

/// Takes records for keeping. `record` is called from the tasks that move prompts, so it must
/// return at once: an implementation that can't keep up loses records and logs the loss.
pub trait OutcomeSink: Send + Sync + 'static {
    fn record(&self, record: Record);
}

/// Forgets everything: for tests, and for hubs without a database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forget;

impl OutcomeSink for Forget {
    fn record(&self, _record: Record) {}
}

#[derive(Clone, Debug)]
pub enum Record {
    NodeJoined(NodeSighting),
    NodeLeft {
        node_id: String,
        left_at: SystemTime,
    },
    PromptEnded(PromptOutcome),
    /// A key was used for something other than a prompt.
    KeyUsed {
        key: KeyId,
        at: SystemTime,
    },
    Audited(AuditRecord),
}

/// What a pool of audits said of a node.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    pub at: SystemTime,
    pub subject: Subject,
    pub node_id: String,
    pub node_name: String,
    /// The node's own name for it.
    pub model: String,
    pub auditor_id: String,
    pub sampled: Sampled,
    pub verdict: Verdict,
    /// In a row, this one included.
    pub good_verdicts: u32,
}

#[derive(Clone, Debug)]
pub struct NodeSighting {
    /// Given by the hub; a node that comes back gets another.
    pub node_id: String,
    pub name: String,
    pub kind: NodeKind,
    pub trusted: bool,
    pub software: String,
    pub device: Device,
    pub models: Vec<NodeModel>,
    pub slots: u32,
    pub joined_at: SystemTime,
}

#[derive(Clone, Debug)]
pub struct PromptOutcome {
    pub task_id: TaskId,
    /// For whom it is counted.
    pub bill: Bill,
    /// The name that the request asked for: a model's id, an alias or a family.
    pub requested_model: String,
    /// The node that had the prompt last; absent where none ever had it.
    pub node: Option<AnsweringNode>,
    /// The id of the model that answered.
    pub model: Option<String>,
    /// Nodes that were given the prompt.
    pub attempts: u32,
    pub submitted_at: SystemTime,
    /// From the submission until the last node got it, or until it was refused.
    pub queued: Duration,
    /// From the submission to the first token.
    pub first_token: Option<Duration>,
    /// From the submission to the end.
    pub total: Duration,
    /// As the node told, or, where the answer was cut off, the tokens that were passed on.
    pub usage: Usage,
    pub ending: Ending,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweringNode {
    pub id: String,
    pub name: String,
    pub kind: NodeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Finished(FinishReason),
    /// Whoever asked went away.
    Cancelled,
    NoNode,
    QueueFull,
    DeadlineExpired,
    Stopping,
    Failed(FailureKind),
}

impl Ending {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished(FinishReason::Stop) => "stop",
            Self::Finished(FinishReason::Length) => "length",
            Self::Finished(FinishReason::ToolCalls) => "tool_calls",
            Self::Cancelled => "cancelled",
            Self::NoNode => "no_node",
            Self::QueueFull => "queue_full",
            Self::DeadlineExpired => "deadline_expired",
            Self::Stopping => "stopping",
            Self::Failed(kind) => kind.as_str(),
        }
    }

    /// True where whoever asked got a whole answer.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Finished(_))
    }
}
