//! Those of one address who are too new for a verdict of their own: together they get one. Else whoever takes a new
//! name before each verdict would never be judged.

use std::collections::HashMap;

use super::{Identity, Pool, Sampled, make_room};

#[derive(Debug)]
pub(super) struct Newcomers {
    /// By address and digest.
    crowds: HashMap<(Identity, String), Crowd>,
    /// Crowds that are kept.
    most: usize,
}

/// Everybody's margins apart, so that whoever gets a verdict of his own can be taken out.
#[derive(Debug, Default)]
struct Crowd {
    pools: Vec<(Identity, Sampled, Pool)>,
    /// The most lenient of those that were judged.
    threshold: f32,
    /// When one was last added to, counted in audits.
    at: u64,
}

/// What a crowd's margins have come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sum {
    pub(super) pool: Pool,
    pub(super) threshold: f32,
}

impl Newcomers {
    pub(super) fn new(most: usize) -> Self {
        Self {
            crowds: HashMap::new(),
            most,
        }
    }

    /// Adds a newcomer's margins to those of all behind the same address. Once these are `enough` tokens they are
    /// given back, and forgotten.
    pub(super) fn add(
        &mut self,
        crowd: (Identity, String),
        newcomer: &Identity,
        sampled: Sampled,
        added: Sum,
        enough: usize,
        at: u64,
    ) -> Option<Sum> {
        make_room(&mut self.crowds, &crowd, self.most, |crowd| crowd.at);
        let crowd = self.crowds.entry(crowd).or_default();
        crowd.at = at;
        crowd.threshold = crowd.threshold.max(added.threshold);
        let mut pools = crowd.pools.iter_mut();
        let its = pools.find(|(who, how, _)| who == newcomer && *how == sampled);
        match its {
            Some((.., pool)) => pool.add(added.pool),
            None => crowd.pools.push((newcomer.clone(), sampled, added.pool)),
        }
        let mut all = Pool::default();
        let of_the_kind = crowd.pools.iter().filter(|(_, how, _)| *how == sampled);
        of_the_kind.for_each(|(.., pool)| all.add(*pool));
        if all.tokens < enough {
            return None;
        }
        crowd.pools.retain(|(_, how, _)| *how != sampled);
        Some(Sum {
            pool: all,
            threshold: crowd.threshold,
        })
    }

    /// It has a verdict of its own now.
    pub(super) fn take_out(&mut self, identity: &Identity, digest: &str) {
        let crowds = self.crowds.iter_mut();
        for (_, crowd) in crowds.filter(|((_, weights), _)| weights == digest) {
            crowd.pools.retain(|(who, ..)| who != identity);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.crowds.len()
    }
}
