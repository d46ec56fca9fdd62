//! A node as the dispatcher knows it: who it is, what it did, and the way to its session.

use std::sync::Arc;
use std::time::SystemTime;

use protocol::{NodeModel, NodeStatus, Usage};
use scheduler::audit::Identity;
use scheduler::{NodeId, NodeProfile};
use tokio::sync::mpsc;

use super::message::{Command, Introduction, Membership, Origin};
use super::prompt::Prompt;
use super::{AnsweringNode, NodeSighting, OutcomeSink, Record};
use crate::net::network_of;
use crate::rules::{NodeIdentity, Rulebook, Ruling};

/// Dropping it records that the node left.
pub(super) struct Node {
    pub(super) node_id: Arc<str>,
    pub(super) introduction: Introduction,
    pub(super) origin: Origin,
    /// What operators decided about it.
    pub(super) ruling: Ruling,
    /// An operator trusts it without a key, for as long as it stays: its name and address are anybody's to take.
    pub(super) trusted_for_now: bool,
    /// What the scheduler was told of both.
    pub(super) counts_as_trusted: bool,
    pub(super) counts_as_drained: bool,
    /// What audits know it by.
    pub(super) good_name: Identity,
    /// And as one of many, while it has none; absent where a key says whose it is.
    pub(super) newcomers: Option<Identity>,
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
        origin: Origin,
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
            good_name: introduction.good_name(origin.address),
            newcomers: introduction.newcomers(origin.address),
            node_id,
            counts_as_trusted: introduction.trusted,
            counts_as_drained: false,
            introduction,
            origin,
            ruling: Ruling::default(),
            trusted_for_now: false,
            joined_at,
            prompts: 0,
            tokens: 0,
            commands: sender,
            sink,
        };
        (node, membership)
    }

    pub(super) fn identity(&self) -> NodeIdentity {
        NodeIdentity {
            kind: self.introduction.kind,
            name: self.introduction.name.clone(),
            key: self.origin.key,
            network: network_of(self.origin.address),
        }
    }

    pub(super) fn is_trusted(&self) -> bool {
        (self.introduction.trusted || self.trusted_for_now) && !self.ruling.distrusted
    }

    /// Has all rules about it count.
    pub(super) fn rule(&mut self, rules: &Rulebook) {
        self.ruling = rules.ruling(&self.identity());
        if let Some(ban) = &self.ruling.ban {
            // Its session still has its prompts; its report moves them on.
            self.command(Command::Ban(ban.clone()));
        }
    }

    /// It gets nothing more.
    pub(super) fn is_drained(&self) -> bool {
        self.ruling.drained || self.ruling.ban.is_some()
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

    /// What it tells of the model with this name.
    pub(super) fn offered(&self, model: &str) -> Option<&NodeModel> {
        let models = &self.introduction.models;
        models.iter().find(|offered| offered.id == model)
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
    pub(super) fn profile(&self) -> NodeProfile {
        NodeProfile {
            kind: self.kind,
            trusted: self.trusted,
            has_gpu: self.device.gpu.is_some() || self.device.webgpu.is_some(),
            slots: self.slots,
            models: self.models.clone(),
            owner: self.owner.clone(),
            only_own: self.only_own,
            paused: self.paused,
            drained: false,
            suspended: false,
        }
    }
}
