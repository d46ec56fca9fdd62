//! Which of several nodes should answer: the comparison, and nothing but the comparison.

use std::cmp::Ordering;

use crate::node::{Node, Offer};
use crate::{NodeId, PromptProfile};

/// One node and one of its models that may answer a prompt.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) node: NodeId,
    pub(crate) offer: &'a Offer,
    /// Whether the prompt asked for this very model rather than for its family.
    exact: bool,
    seconds: f64,
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
        let seconds = expected_seconds(node, offer, profile);
        Self {
            node: id,
            offer,
            exact,
            seconds,
            served: node.served,
        }
    }

    /// Less is better: the model that was asked for, then the largest of its family, then the
    /// node that finishes first. Between equals, the node that has had fewer prompts, so that
    /// each of them gets measured.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (other.exact.cmp(&self.exact))
            .then_with(|| other.offer.parameters.cmp(&self.offer.parameters))
            .then_with(|| self.seconds.total_cmp(&other.seconds))
            .then_with(|| self.served.cmp(&other.served))
            .then_with(|| self.node.cmp(&other.node))
    }
}

/// How long the node is expected to take from now to the last token.
fn expected_seconds(node: &Node, offer: &Offer, profile: &PromptProfile) -> f64 {
    let speed = node.expected_speed(offer);
    let alone = f64::from(profile.prompt_tokens) / speed.prefill
        + f64::from(profile.answer_tokens) / speed.decode;
    // Prompts that a node answers at the same time share its memory bandwidth.
    alone * f64::from(1 + node.busy)
}
