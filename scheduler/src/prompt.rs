//! A prompt as the scheduler sees it: what it demands of a node, and what became of it so far.

use protocol::{NodeKind, Owner};

use crate::node::Node;
use crate::{EnsembleId, NodeId};

/// What a prompt demands, and how much work it is expected to be.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptProfile {
    /// A model's id, an alias or a family.
    pub model: String,
    pub preference: NodePreference,
    /// What is demanded beside that, whatever the prompt prefers.
    pub demand: NodePreference,
    /// Whose it is, if somebody's: it may then go to that owner's nodes, too.
    pub owner: Option<Owner>,
    /// A rough guess: only the comparison of nodes rests on it.
    pub prompt_tokens: u32,
    /// As rough a guess.
    pub answer_tokens: u32,
    /// Whether another node may go on in the middle of its answer.
    pub resumable: bool,
    /// The others of the same go to other nodes.
    pub ensemble: Option<EnsembleId>,
}

/// Which nodes may answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NodePreference {
    #[default]
    Any,
    Native,
    Browser,
    Trusted,
    /// Those of the prompt's owner.
    Own,
}

impl PromptProfile {
    /// Whether prompt and node want each other, whatever the node's models.
    pub(crate) fn allows(&self, node: &Node) -> bool {
        let is_own = self.owner.is_some() && self.owner == node.owner;
        let is = |wanted| match wanted {
            NodePreference::Any => true,
            NodePreference::Native => node.kind == NodeKind::Native,
            NodePreference::Browser => node.kind == NodeKind::Browser,
            NodePreference::Trusted => node.trusted,
            NodePreference::Own => is_own,
        };
        is(self.preference) && is(self.demand) && (is_own || !node.only_own)
    }
}

/// A prompt and its history with nodes.
#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    pub(crate) profile: PromptProfile,
    /// Nodes that have been given it.
    pub(crate) attempts: u32,
    /// Nodes that gave it back: they are not asked again.
    pub(crate) failed_on: Vec<NodeId>,
}

impl Prompt {
    pub(crate) fn new(profile: PromptProfile) -> Self {
        Self {
            profile,
            attempts: 0,
            failed_on: Vec::new(),
        }
    }
}

/// A prompt that a node has.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) prompt: Prompt,
    pub(crate) node: NodeId,
    /// The node's own name for the model that answers.
    pub(crate) model: String,
    pub(crate) started: bool,
}

impl Running {
    /// The prompt for another node; none where the answer has begun and nobody else may go on with it.
    pub(crate) fn into_resumable(self) -> Option<Prompt> {
        let mut prompt = self.prompt;
        if self.started {
            if !prompt.profile.resumable {
                return None;
            }
            // Whoever asked for a family must not hear two of its models in one answer.
            prompt.profile.model = self.model;
        }
        Some(prompt)
    }
}
