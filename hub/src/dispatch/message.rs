//! What the dispatcher's task is told and what it tells: requests from handlers, reports from
//! nodes' sessions, commands to them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::{
    AuditPrompt, AuditResult, Device, LlmErrorCode, NodeKind, NodeModel, NodeStatus, Owner, TaskId,
    Timings, Usage,
};
use scheduler::{Benchmark, NodeId, PromptId, PromptProfile, Standing};
use tokio::sync::{mpsc, oneshot};

use super::audits::{Evidence, Question};
use super::operators::OperatorRequest;
use super::prompt::Prompt;
use super::{Load, PromptFailure, Snapshot};
use crate::keys::KeyId;
use crate::rules::Ban;

/// From handlers. They come in the order in which they were sent, so that the cancel of a prompt
/// never overtakes its submission.
#[derive(Debug)]
pub(super) enum Request {
    Submit {
        prompt: Box<Prompt>,
        profile: Box<PromptProfile>,
    },
    Cancel(PromptId),
    Standing(PromptId, oneshot::Sender<Option<Standing>>),
    Snapshot(oneshot::Sender<Snapshot>),
    Load(oneshot::Sender<Load>),
    Audits(Question),
    /// Nodes are about to come, or no more of them.
    ExpectNodes(bool),
    /// Another process takes new prompts. Answered once no prompt and no node is left.
    Leave(oneshot::Sender<()>),
    /// Answered once no prompt is left.
    Drain(oneshot::Sender<()>),
    /// Answered once no node is left.
    CloseNodes(oneshot::Sender<()>),
    Operate(OperatorRequest),
}

/// From sessions. A prompt that comes along goes back into the dispatcher's hands.
#[derive(Debug)]
pub(crate) enum Report {
    Joined {
        introduction: Box<Introduction>,
        origin: Origin,
        membership: oneshot::Sender<Membership>,
    },
    Changed {
        node: NodeId,
        status: NodeStatus,
    },
    Benchmarked {
        node: NodeId,
        benchmark: Benchmark,
    },
    Started {
        node: NodeId,
        prompt: PromptId,
    },
    Finished {
        node: NodeId,
        prompt: PromptId,
        usage: Usage,
        timings: Timings,
        /// The answer, where it could be audited.
        evidence: Option<Box<Evidence>>,
    },
    Failed {
        node: NodeId,
        prompt: Box<Prompt>,
        failure: PromptFailure,
        retryable: bool,
    },
    /// What a node found of another's answer, or why it could not judge.
    Audited {
        node: NodeId,
        task_id: TaskId,
        found: Result<AuditResult, LlmErrorCode>,
    },
    /// Whoever asked has left in the middle of the answer.
    Abandoned {
        node: NodeId,
        evidence: Box<Evidence>,
    },
    Left {
        node: NodeId,
        prompts: Vec<Prompt>,
        failure: PromptFailure,
    },
}

/// To a session. The channel is unbounded, yet holds little: a session never waits for its node,
/// and is given no more prompts than the node has slots.
#[derive(Debug)]
pub(crate) enum Command {
    Answer(Box<Prompt>),
    Cancel(PromptId),
    /// Likewise, and whoever asked is to hear of it.
    Stop(PromptId),
    /// The prompt's first token is late: its reader may want a second attempt.
    Late(PromptId),
    /// Judge another's answer.
    Audit(Box<AuditPrompt>),
    /// Nobody wants to know that any more.
    StopAudit(TaskId),
    /// Take every prompt from the node, so that others answer them.
    GiveBack,
    Drain,
    Close,
    /// Tell it to come back within so long: to the process that takes over.
    Move(Duration),
    /// It may not be here any more.
    Ban(Ban),
}

/// Where a node comes from: only operators are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) address: IpAddr,
    /// The key of the hub's book that it joined with.
    pub(crate) key: Option<KeyId>,
}

/// Who a node is, checked and cleaned.
#[derive(Clone, Debug)]
pub(crate) struct Introduction {
    pub(crate) name: String,
    pub(crate) kind: NodeKind,
    pub(crate) trusted: bool,
    pub(crate) software: String,
    pub(crate) models: Vec<NodeModel>,
    pub(crate) slots: u32,
    pub(crate) device: Device,
    pub(crate) owner: Option<Owner>,
    pub(crate) only_own: bool,
    pub(crate) paused: bool,
}

/// A session's connection to the dispatcher.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) node: NodeId,
    /// The name that the node is known by outside.
    pub(crate) node_id: Arc<str>,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
}
