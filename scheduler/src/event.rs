//! The scheduler's whole vocabulary: what it is told, and what it asks for.

use protocol::{NodeKind, NodeModel, NodeStatus, Owner, Timings, Usage};

use crate::{EnsembleId, PromptProfile, Settings, Standing};

/// Names a prompt. Ids ascend in the order of submission and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PromptId(pub u64);

/// Names one connection of a node. Ids are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u64);

/// What a node said when it joined, as far as routing cares.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeProfile {
    pub kind: NodeKind,
    pub trusted: bool,
    /// Whether it computes on a GPU, as far as it told.
    pub has_gpu: bool,
    pub slots: u32,
    pub models: Vec<NodeModel>,
    pub owner: Option<Owner>,
    /// Whether it takes its owner's prompts only; without an owner, it takes none.
    pub only_own: bool,
    pub paused: bool,
    /// Whether an operator took it out of use: it gets nothing.
    pub drained: bool,
    /// Whether it was caught at a fault before, and gets no prompts.
    pub suspended: bool,
}

/// What a node measured when it was asked to multiply and add, in operations per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Benchmark {
    pub cpu_multiply_adds_per_second: f64,
    pub gpu_multiply_adds_per_second: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    NodeJoined {
        node: NodeId,
        profile: NodeProfile,
    },
    NodeChanged {
        node: NodeId,
        status: NodeStatus,
    },
    /// Caught at a fault: it gets no more prompts. What it has must come back as [`Self::Failed`].
    /// Or reinstated.
    NodeSuspended {
        node: NodeId,
        suspended: bool,
    },
    /// What the hub's operator decided about the node.
    NodeRuled {
        node: NodeId,
        trusted: bool,
        drained: bool,
    },
    /// What to expect of the node until it has answered something.
    Benchmarked {
        node: NodeId,
        benchmark: Benchmark,
    },
    /// The node is gone; what it had goes to another, if begun only where another may go on.
    NodeLeft {
        node: NodeId,
    },
    Submitted {
        prompt: PromptId,
        profile: PromptProfile,
    },
    /// Prompts of this ensemble go to these nodes only, each with its own name for the model.
    EnsembleBegun {
        ensemble: EnsembleId,
        among: Vec<(NodeId, String)>,
    },
    /// The first token came.
    Started {
        node: NodeId,
        prompt: PromptId,
    },
    /// The answer has begun, and what was said so far can be continued by nobody else, whatever the profile said.
    Unresumable {
        node: NodeId,
        prompt: PromptId,
    },
    Finished {
        node: NodeId,
        prompt: PromptId,
        usage: Usage,
        timings: Timings,
    },
    /// The node gave the prompt back unanswered, or broke off.
    Failed {
        node: NodeId,
        prompt: PromptId,
        retryable: bool,
        /// Whether it speaks against the node, and not against the prompt or its reader.
        fault: bool,
    },
    /// Nobody waits for the answer any more.
    Cancelled {
        prompt: PromptId,
    },
    /// Whether nodes are about to come that are not here yet: prompts may wait for them as for busy ones.
    NodesExpected(bool),
    /// From now on; what waits or runs keeps its place.
    SettingsChanged(Settings),
    /// Nothing happened but the passing of time: due at [`crate::Scheduler::next_deadline`].
    TimePassed,
    /// Take no more prompts; what runs may finish.
    DrainRequested,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Hand the prompt to the node, which is to answer with the model of this id.
    Assign {
        prompt: PromptId,
        node: NodeId,
        model: String,
    },
    /// Tell the node to stop: the prompt was cancelled while the node had it.
    Cancel { prompt: PromptId, node: NodeId },
    /// The first token is late, and another node idle: a second attempt may be submitted, with
    /// [`PromptProfile::hedges`]. Whichever begins first is the answer; cancel the other.
    Hedge { prompt: PromptId },
    /// Drop the prompt: it was cancelled while it waited.
    Withdraw { prompt: PromptId },
    /// Tell whoever asked that there will be no answer, or no more of it.
    GiveUp {
        prompt: PromptId,
        reason: GiveUpReason,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUpReason {
    /// No node that is here may answer. `known`: whether the model's name means anything at all.
    NoNode {
        known: bool,
    },
    /// `standing`: where the prompt would have stood.
    QueueFull {
        waiting: usize,
        standing: Standing,
    },
    DeadlineExpired,
    /// The last node that had the prompt failed, and no other may try.
    Failed,
    Stopping,
}
