//! A node as the dispatcher knows it: who it is, what it did, and the way to its session.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use protocol::{NodeStatus, Usage};
use scheduler::audit::Identity;
use scheduler::{NodeId, NodeProfile};
use tokio::sync::mpsc;

use super::message::{Command, Introduction, Membership};
use super::prompt::Prompt;
use super::{AnsweringNode, NodeSighting, OutcomeSink, Record};

/// Dropping it records that the node left.
pub(super) struct Node {
    pub(super) node_id: Arc<str>,
    pub(super) introduction: Introduction,
    pub(super) identity: Identity,
    pub(super) joined_at: SystemTime,
    /// Answers that it finished.
    pub(super) prompts: u64,
    /// Tokens in them.
    pub(super) tokens: u64,
    commands: mpsc::UnboundedSender<Command>,
    sink: Arc<dyn OutcomeSink>,
}

impl Node {
    pub(super) fn join(
        node: NodeId,
        node_id: String,
        introduction: Introduction,
        identity: Identity,
        sink: Arc<dyn OutcomeSink>,
    ) -> (Self, Membership) {
        let (sender, commands) = mpsc::unbounded_channel();
        let node_id: Arc<str> = node_id.into();
        let membership = Membership {
            node,
            node_id: Arc::clone(&node_id),
            commands,
        };
        let joined_at = SystemTime::now();
        sink.record(Record::NodeJoined(NodeSighting {
            node_id: node_id.to_string(),
            name: introduction.name.clone(),
            kind: introduction.kind,
            trusted: introduction.trusted,
            software: introduction.software.clone(),
            device: introduction.device.clone(),
            models: introduction.models.clone(),
            slots: introduction.slots,
            joined_at,
        }));
        let node = Self {
            node_id,
            introduction,
            identity,
            joined_at,
            prompts: 0,
            tokens: 0,
            commands: sender,
            sink,
        };
        (node, membership)
    }

    pub(super) fn change(&mut self, status: &NodeStatus) {
        if let Some(models) = &status.models {
            self.introduction.models.clone_from(models);
        }
    }

    pub(super) fn count(&mut self, usage: Usage) {
        self.prompts += 1;
        self.tokens += u64::from(usage.completion_tokens);
    }

    /// Hands a prompt over. It comes back where the node's session has ended.
    pub(super) fn answer(&self, prompt: Box<Prompt>) -> Result<(), Box<Prompt>> {
        match self.commands.send(Command::Answer(prompt)) {
            Err(mpsc::error::SendError(Command::Answer(prompt))) => Err(prompt),
            _ => Ok(()),
        }
    }

    pub(super) fn command(&self, command: Command) {
        // A session that has ended needs no commands; its report is on its way.
        let _ = self.commands.send(command);
    }

    pub(super) fn answering_node(&self) -> AnsweringNode {
        AnsweringNode {
            id: self.node_id.to_string(),
            name: self.introduction.name.clone(),
            kind: self.introduction.kind,
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let node_id = self.node_id.to_string();
        self.sink.record(Record::NodeLeft {
            node_id,
            left_at: SystemTime::now(),
        });
    }
}

impl Introduction {
    /// Whose good name the node has.
    pub(super) fn identity(&self, address: IpAddr) -> Identity {
        let name = self.trusted.then_some(self.name.as_str());
        Identity::of(self.owner.as_ref(), name, address)
    }

    pub(super) fn profile(&self, suspended: bool) -> NodeProfile {
        NodeProfile {
            kind: self.kind,
            trusted: self.trusted,
            has_gpu: self.device.gpu.is_some() || self.device.webgpu.is_some(),
            slots: self.slots,
            models: self.models.clone(),
            owner: self.owner.clone(),
            only_own: self.only_own,
            paused: self.paused,
            suspended,
        }
    }
}
