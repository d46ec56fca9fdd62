//! Which of several nodes should answer: the comparison, and nothing but the comparison.

use std::cmp::Ordering;
use std::time::Duration;

use crate::node::{Node, Offer};
use crate::{NodeId, PromptProfile};

/// One node and one of its models that may answer a prompt.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) node: NodeId,
    pub(crate) offer: &'a Offer,
    /// Whether the prompt asked for this very model rather than for its family.
    exact: bool,
    pub(crate) work: Work,
    served: u64,
}

impl<'a> Candidate<'a> {
    pub(crate) fn new(
        id: NodeId,
        node: &Node,
        offer: &'a Offer,
        exact: bool,
        profile: &PromptProfile,
    ) -> Self {
        Self {
            node: id,
            offer,
            exact,
            work: Work::on(node, offer, profile),
            served: node.served,
        }
    }

    /// Less is better: the model that was asked for, then the largest of its family, then the
    /// node that finishes first. Between equals, the node that has had fewer prompts, so that
    /// each of them gets measured.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (other.exact.cmp(&self.exact))
            .then_with(|| other.offer.parameters.cmp(&self.offer.parameters))
            .then_with(|| self.work.whole.total_cmp(&other.work.whole))
            .then_with(|| self.served.cmp(&other.served))
            .then_with(|| self.node.cmp(&other.node))
    }
}

/// How long a node is expected to take from the moment it has the prompt, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) first_token: f64,
    /// To the last token.
    pub(crate) whole: f64,
}

impl Work {
    pub(crate) fn on(node: &Node, offer: &Offer, profile: &PromptProfile) -> Self {
        let speed = node.expected_speed(offer);
        let held = offer.remembered.held_tokens(&profile.prefixes);
        let prefilled = profile.prompt_tokens.saturating_sub(held);
        let prefill = f64::from(prefilled) / speed.prefill;
        let decode = f64::from(profile.answer_tokens) / speed.decode;
        // Prompts that a node answers at the same time share its memory bandwidth.
        let sharing = f64::from((1 + node.busy).min(node.slots.max(1)));
        Self {
            first_token: prefill * sharing,
            whole: (prefill + decode) * sharing,
        }
    }
}

/// Longer than any clock can tell becomes the longest that it can.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
