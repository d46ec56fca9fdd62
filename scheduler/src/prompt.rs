//! A prompt as the scheduler sees it: what it demands of a node, and what became of it so far.

use std::time::Duration;

use protocol::{NodeKind, Owner};

use crate::node::Node;
use crate::{ClientId, EnsembleId, NodeId, Prefix, PromptId};

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
    /// Whose share of the network it takes.
    pub client: ClientId,
    /// A rough guess: only comparisons rest on it.
    pub prompt_tokens: u32,
    /// As rough a guess.
    pub answer_tokens: u32,
    /// Where its messages end, the first one first: what of it a node may hold already.
    pub prefixes: Vec<Prefix>,
    /// The prompt that this is a second attempt at: it goes at once to another node than that one's, or
    /// nowhere.
    pub hedges: Option<PromptId>,
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
    /// How much it is expected to be, in tokens.
    pub(crate) fn work(&self) -> u64 {
        u64::from(self.prompt_tokens) + u64::from(self.answer_tokens)
    }

    /// What its client is charged for when a node gets it: a second attempt is the network's own wish.
    pub(crate) fn charge(&self) -> u64 {
        if self.hedges.is_some() {
            0
        } else {
            self.work()
        }
    }

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
    /// Nodes in a row that were given it and brought its answer no further.
    pub(crate) in_vain: u32,
    /// Nodes that gave it back: they are not asked again.
    pub(crate) failed_on: Vec<NodeId>,
}

impl Prompt {
    pub(crate) fn new(profile: PromptProfile) -> Self {
        Self {
            profile,
            attempts: 0,
            in_vain: 0,
            failed_on: Vec::new(),
        }
    }

    /// The client in whose line it waits; none where a node had it already: it comes before all others.
    pub(crate) fn line(&self) -> Option<ClientId> {
        (self.attempts == 0).then_some(self.profile.client)
    }

    /// Whether some node may not have it that may have others that ask for the same.
    pub(crate) fn stands_alone(&self) -> bool {
        !self.failed_on.is_empty() || self.profile.ensemble.is_some()
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
    /// When the node got it.
    pub(crate) since: Duration,
    /// How long it was expected to take from then on.
    pub(crate) expected: Expected,
    /// When a second attempt at it is due; none where that is out of the question.
    pub(crate) hedge_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) first_token: Duration,
    pub(crate) whole: Duration,
}

impl Running {
    /// The prompt for another node; none where the answer has begun and nobody else may go on with it.
    pub(crate) fn into_resumable(self) -> Option<Prompt> {
        let mut prompt = self.prompt;
        if prompt.profile.hedges.is_some() {
            // The first attempt goes on by itself.
            return None;
        }
        if self.started {
            if !prompt.profile.resumable {
                return None;
            }
            // Whoever asked for a family must not hear two of its models in one answer.
            prompt.profile.model = self.model;
            prompt.in_vain = 0;
        }
        Some(prompt)
    }
}
