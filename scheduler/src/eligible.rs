//! Who may answer a prompt at all, now or later, and what follows where nobody may.

use std::time::Duration;

use crate::cost::{Candidate, seconds};
use crate::deadlines::Patience;
use crate::node::{Match, Node, Offer};
use crate::prompt::{Expected, Prompt};
use crate::{GiveUpReason, NodeId, Scheduler};

/// Who should answer, with which model, and how long that is expected to take.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) node: NodeId,
    /// The node's own name for it.
    pub(crate) model: String,
    pub(crate) expected: Expected,
}

impl Scheduler {
    /// The node with a free slot that should answer, and its name for the model.
    pub(crate) fn best(&self, prompt: &Prompt) -> Option<Place> {
        self.best_but(prompt, None)
    }

    /// As [`Self::best`], but for one node that is out of the question.
    pub(crate) fn best_but(&self, prompt: &Prompt, except: Option<NodeId>) -> Option<Place> {
        let best = self
            .offers(prompt)
            .filter(|(id, node, ..)| Some(*id) != except && node.has_free_slot(self.now))
            .map(|(id, node, offer, matched)| {
                Candidate::new(id, node, offer, matched == Match::Exact, &prompt.profile)
            })
            .min_by(Candidate::compare)?;
        Some(Place {
            node: best.node,
            model: best.offer.id.clone(),
            expected: Expected {
                first_token: seconds(best.work.first_token),
                whole: seconds(best.work.whole),
            },
        })
    }

    /// Whether some node here could take the prompt, were it free.
    pub(crate) fn anyone_could_take(&self, prompt: &Prompt) -> bool {
        self.offers(prompt).any(|(_, node, ..)| node.is_open())
    }

    /// Whether it is worth waiting for a node that could take the prompt.
    pub(crate) fn may_wait(&self, prompt: &Prompt) -> bool {
        self.nodes_expected || self.anyone_could_take(prompt)
    }

    pub(crate) fn no_node(&self, prompt: &Prompt) -> GiveUpReason {
        let name = &prompt.profile.model;
        let (canonical, family) = self.meaning(name);
        let offered = |node: &Node| {
            node.offers
                .iter()
                .any(|o| o.matches(canonical, family).is_some())
        };
        GiveUpReason::NoNode {
            known: self.names.knows(name) || self.nodes.values().any(offered),
        }
    }

    pub(crate) fn mark_stranded(&mut self, now: Duration) {
        let mut queue = std::mem::take(&mut self.queue);
        queue.mark_stranded(now, |prompt| !self.may_wait(prompt));
        self.queue = queue;
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience {
            busy: self.settings.queue_deadline,
            stranded: self.settings.stranded_deadline,
        }
    }

    /// Every model of every node that the prompt may go to, busy and paused ones too.
    pub(crate) fn offers<'a>(
        &'a self,
        prompt: &'a Prompt,
    ) -> impl Iterator<Item = (NodeId, &'a Node, &'a Offer, Match)> {
        let (canonical, family) = self.meaning(&prompt.profile.model);
        let allowed = |(id, node): &(&NodeId, &Node)| {
            prompt.profile.allows(node) && !prompt.failed_on.contains(id)
        };
        self.nodes
            .iter()
            .filter(allowed)
            .flat_map(move |(id, node)| {
                node.offers.iter().filter_map(move |offer| {
                    offer
                        .matches(canonical, family)
                        .map(|matched| (*id, node, offer, matched))
                })
            })
            .filter(|(id, _, offer, _)| {
                let ensemble = prompt.profile.ensemble;
                self.ensembles.allows(ensemble, *id, &offer.id)
            })
    }

    /// Whether the prompt might ever go to this node.
    pub(crate) fn suits(&self, node: &Node, prompt: &Prompt) -> bool {
        let (canonical, family) = self.meaning(&prompt.profile.model);
        let mut offers = node.offers.iter();
        prompt.profile.allows(node)
            && offers.any(|offer| offer.matches(canonical, family).is_some())
    }

    /// What a requested name stands for: a model, and perhaps a whole family.
    fn meaning<'a>(&'a self, name: &'a str) -> (&'a str, Option<&'a str>) {
        (
            self.names.canonical(name),
            self.names.requested_family(name),
        )
    }
}
