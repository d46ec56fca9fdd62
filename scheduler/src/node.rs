//! A node as the scheduler sees it.

use std::time::Duration;

use protocol::{NodeKind, NodeModel, NodeStatus, Owner};

use crate::affinity::Remembered;
use crate::breaker::Breaker;
use crate::speed::{Prior, Speed};
use crate::{Benchmark, ModelNames, NodeProfile};

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) trusted: bool,
    pub(crate) has_gpu: bool,
    pub(crate) slots: u32,
    /// Slots in use.
    pub(crate) busy: u32,
    pub(crate) paused: bool,
    /// It gets no more prompts: the hub's operator wants it so.
    pub(crate) drained: bool,
    pub(crate) owner: Option<Owner>,
    pub(crate) only_own: bool,
    pub(crate) suspended: bool,
    benchmark: Option<Benchmark>,
    pub(crate) breaker: Breaker,
    pub(crate) offers: Vec<Offer>,
    /// Prompts that it was given.
    pub(crate) served: u64,
    /// The decode speed of whatever model answered last.
    pub(crate) tokens_per_second: Option<f64>,
}

/// A model that a node can answer with.
#[derive(Debug)]
pub(crate) struct Offer {
    /// The node's own name for it.
    pub(crate) id: String,
    /// The same in the one spelling that requests are compared with.
    pub(crate) canonical: String,
    pub(crate) family: Option<String>,
    pub(crate) parameters: Option<u64>,
    /// The most tokens that prompt and answer may have together.
    pub(crate) context_length: u32,
    pub(crate) speed: Speed,
    pub(crate) remembered: Remembered,
}

/// How a model's name meets a request's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Exact,
    Family,
}

impl Node {
    pub(crate) fn new(profile: &NodeProfile, names: &ModelNames) -> Self {
        Self {
            kind: profile.kind,
            trusted: profile.trusted,
            has_gpu: profile.has_gpu,
            slots: profile.slots,
            busy: 0,
            paused: profile.paused,
            drained: profile.drained,
            owner: profile.owner.clone(),
            only_own: profile.only_own,
            suspended: profile.suspended,
            benchmark: None,
            breaker: Breaker::default(),
            offers: offers(&profile.models, names, &[]),
            served: 0,
            tokens_per_second: None,
        }
    }

    pub(crate) fn change(&mut self, status: &NodeStatus, names: &ModelNames) {
        if let Some(models) = &status.models {
            self.offers = offers(models, names, &self.offers);
        }
        self.slots = status.slots.unwrap_or(self.slots);
        self.paused = status.paused.unwrap_or(self.paused);
        self.only_own = status.only_own.unwrap_or(self.only_own);
    }

    pub(crate) fn benchmarked(&mut self, benchmark: Benchmark) {
        self.benchmark = Some(benchmark);
    }

    /// As measured with this model; until then as benchmarked, or as machines of its kind are.
    pub(crate) fn expected_speed(&self, offer: &Offer) -> Prior {
        let prior = Prior::of(self.kind, self.has_gpu, offer.parameters);
        let prior = self.benchmark.map_or(prior, |benchmark| {
            benchmark.seed(prior, self.has_gpu, offer.parameters)
        });
        offer.speed.or_prior(prior)
    }

    /// Whether it takes prompts at all, though perhaps not right now.
    pub(crate) fn is_open(&self) -> bool {
        !self.paused && !self.drained && !self.suspended && self.slots > 0
    }

    pub(crate) fn has_free_slot(&self, now: Duration) -> bool {
        self.is_open() && self.busy < self.slots && self.breaker.allows(now)
    }

    /// Whether it may judge an answer beside its prompts: an audit takes no slot, but the last one that
    /// is free must stay so in deed, since whoever gets it would wait for the audit.
    pub(crate) fn has_time_for_audits(&self) -> bool {
        self.is_open() && (self.busy == 0 || self.busy + 1 < self.slots)
    }

    pub(crate) fn offer_mut(&mut self, id: &str) -> Option<&mut Offer> {
        self.offers.iter_mut().find(|offer| offer.id == id)
    }
}

impl Offer {
    /// `canonical` and `family` are what the request's name stands for.
    pub(crate) fn matches(&self, canonical: &str, family: Option<&str>) -> Option<Match> {
        if self.canonical == canonical {
            Some(Match::Exact)
        } else if family.is_some() && self.family.as_deref() == family {
            Some(Match::Family)
        } else {
            None
        }
    }
}

/// What was measured with a model stays known while the node keeps offering it.
fn offers(models: &[NodeModel], names: &ModelNames, before: &[Offer]) -> Vec<Offer> {
    let offer = |model: &NodeModel| {
        let before = before.iter().find(|old| old.id == model.id);
        Offer {
            id: model.id.clone(),
            canonical: names.canonical(&model.id).to_owned(),
            family: names.family_of(&model.id).map(str::to_owned),
            // The catalogue's word before the node's: among models, size decides who is preferred.
            parameters: names.parameters_of(&model.id).or(model.parameters),
            context_length: model.context_length,
            speed: before.map_or_else(Speed::default, |old| old.speed),
            remembered: before.map_or_else(Remembered::default, |old| old.remembered.clone()),
        }
    };
    models.iter().map(offer).collect()
}

#[cfg(test)]
mod tests {
    use protocol::Catalogue;

    use super::*;

    #[test]
    fn a_node_tells_the_size_only_of_models_that_nobody_knows() {
        let catalogue = Catalogue::parse(include_str!("../../models.toml"));
        let names = ModelNames::new(&catalogue.expect("the catalogue parses"));
        let size = |id: &str, told| {
            let model = NodeModel {
                id: id.to_owned(),
                digest: None,
                quantisation: None,
                parameters: told,
                context_length: 1,
                runtime: String::new(),
            };
            offers(&[model], &names, &[])[0].parameters
        };
        assert_eq!(
            size("qwen2.5-coder:0.5b", Some(u64::MAX)),
            Some(494_032_768)
        );
        assert_eq!(size("llama3.2:3b", Some(u64::MAX)), Some(3_000_000_000));
        assert_eq!(size("my-own", Some(7)), Some(7));
        assert_eq!(size("my-own", None), None);
    }
}
