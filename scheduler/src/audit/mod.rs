//! Proof of compute: whose answers are audited, how often, and what follows from it. A plain value, as
//! the scheduler is: no clock, no randomness and no sockets.
//!
//! The rule is BOINC's adaptive replication: often until proven, then rarely, and one proven fault
//! resets. An audit gives the margins of an answer's tokens; they are clipped, so that one odd token
//! says little, and pooled over several answers, so that a verdict rests on many.

mod identity;
mod newcomers;
mod runtime;
mod sampled;
#[cfg(test)]
mod tests;
mod thresholds;

use std::collections::HashMap;
use std::hash::Hash;

pub use identity::Identity;
use newcomers::{Newcomers, Sum};
pub use runtime::Runtime;
pub use sampled::Sampled;
use thresholds::threshold;

#[derive(Clone, Copy, Debug)]
pub struct AuditSettings {
    /// The fewest tokens that a verdict rests on.
    pub pool_tokens: usize,
    /// Verdicts in a row until a node is proven: all its answers are audited till then.
    pub proven_after: u32,
    /// The share of answers that is audited however long a node has been good.
    pub rarest: f64,
    /// Good names that are kept; the one that was not heard of for longest is forgotten first.
    pub names_kept: usize,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            pool_tokens: 300,
            proven_after: 3,
            rarest: 0.02,
            names_kept: 10_000,
        }
    }
}

/// The most that one token's margin counts, in logits: three odd tokens of 300 are not a fault yet.
pub const CLIP: f32 = 1.0;

/// What a good name hangs on: another model, other weights or another program start from nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    pub identity: Identity,
    /// Of the weights that the answers must come from.
    pub digest: String,
    /// As the node tells it.
    pub runtime: String,
}

/// One answer's margins, and how it came about.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    pub auditor: Runtime,
    pub audited: Runtime,
    pub sampled: Sampled,
    /// `sampling_margins` of the wire.
    pub margins: &'a [f32],
}

impl Evidence<'_> {
    fn threshold(&self) -> f32 {
        threshold(self.auditor, self.audited, self.sampled)
    }
}

/// What a full pool says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    pub good: bool,
    pub tokens: usize,
    pub mean_margin: f32,
    pub threshold: f32,
}

/// How a node stands with one model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Good verdicts in a row.
    pub good_verdicts: u32,
    pub last: Option<Verdict>,
    /// When it was last judged, counted in audits.
    at: u64,
}

/// Margins that wait for a verdict. Whatever runtime the node says it has: else one that says another
/// with every answer would never be judged.
#[derive(Debug, Default)]
struct Pools {
    of: [Pool; Sampled::ALL.len()],
    /// When one was last added to, counted in audits.
    at: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Pool {
    tokens: usize,
    sum: f64,
}

impl Pool {
    /// None where one is no number at all: no engine computed that.
    fn of(margins: &[f32]) -> Option<Self> {
        let mut pool = Self::default();
        for margin in margins {
            if margin.is_nan() {
                return None;
            }
            pool.sum += f64::from(margin.clamp(0.0, CLIP));
            pool.tokens += 1;
        }
        Some(pool)
    }

    fn add(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.sum += other.sum;
    }

    fn verdict(self, threshold: f32) -> Verdict {
        let mean_margin = (self.sum / self.tokens as f64) as f32;
        Verdict {
            good: mean_margin <= threshold,
            tokens: self.tokens,
            mean_margin,
            threshold,
        }
    }
}

/// What outlives a restart of how a node stands with one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    pub subject: Subject,
    pub good_verdicts: u32,
    pub last: Verdict,
}

/// Everybody's standing.
#[derive(Debug)]
pub struct Audits {
    settings: AuditSettings,
    standings: HashMap<Subject, Standing>,
    /// By identity and digest.
    pools: HashMap<(Identity, String), Pools>,
    newcomers: Newcomers,
    /// And how many audits there had been by then.
    suspended: HashMap<Identity, u64>,
    audits: u64,
}

impl Audits {
    pub fn new(settings: AuditSettings) -> Self {
        Self {
            settings,
            standings: HashMap::new(),
            pools: HashMap::new(),
            newcomers: Newcomers::new(settings.names_kept),
            suspended: HashMap::new(),
            audits: 0,
        }
    }

    /// Takes in what was known before a restart, the oldest first; what is known by now stays as it is.
    pub fn remember(&mut self, known: Vec<Remembered>) {
        for Remembered {
            subject,
            good_verdicts,
            last,
        } in known
        {
            self.audits += 1;
            let most = self.settings.names_kept;
            make_room(&mut self.standings, &subject, most, |standing| standing.at);
            self.standings.entry(subject).or_insert(Standing {
                good_verdicts,
                last: Some(last),
                at: self.audits,
            });
        }
    }

    /// The share of its answers that is audited.
    pub fn share(&self, subject: &Subject) -> f64 {
        let good = self.standings.get(subject).map_or(0, |s| s.good_verdicts);
        if good < self.settings.proven_after {
            return 1.0;
        }
        let share = f64::from(self.settings.proven_after) / f64::from(good.max(1));
        share.clamp(self.settings.rarest, 1.0)
    }

    /// Whether this answer is to be audited; `chance` is random, from 0 to 1.
    pub fn wants(&self, subject: &Subject, chance: f64) -> bool {
        chance < self.share(subject)
    }

    /// Takes in what an audit found; a verdict where that fills a pool. After a bad one the node is
    /// suspended, with whichever model.
    pub fn judge(&mut self, subject: &Subject, evidence: Evidence<'_>) -> Option<Verdict> {
        self.audits += 1;
        let most = self.settings.names_kept;
        let whose = (subject.identity.clone(), subject.digest.clone());
        make_room(&mut self.pools, &whose, most, |pools| pools.at);
        let pools = self.pools.entry(whose).or_default();
        pools.at = self.audits;
        let pool = &mut pools.of[evidence.sampled as usize];
        pool.add(Pool::of(evidence.margins)?);
        if pool.tokens < self.settings.pool_tokens.max(1) {
            return None;
        }
        let verdict = std::mem::take(pool).verdict(evidence.threshold());
        if !verdict.good {
            pools.of = Default::default();
        }
        self.newcomers.take_out(&subject.identity, &subject.digest);
        make_room(&mut self.standings, subject, most, |standing| standing.at);
        let standing = self.standings.entry(subject.clone()).or_default();
        standing.at = self.audits;
        standing.last = Some(verdict);
        if verdict.good {
            standing.good_verdicts = standing.good_verdicts.saturating_add(1);
        } else {
            standing.good_verdicts = 0;
            self.suspend(&subject.identity);
        }
        Some(verdict)
    }

    /// Takes in what an audit found of somebody whom [`Self::judge`] had no verdict about, as one of all the newcomers
    /// behind an address. Where that proves a fault, whom it is charged to, who is suspended by it.
    pub fn judge_newcomer(
        &mut self,
        subject: &Subject,
        newcomers: &Identity,
        evidence: Evidence<'_>,
    ) -> Option<(Subject, Verdict)> {
        if !self.is_newcomer(subject) {
            return None;
        }
        let added = Sum {
            pool: Pool::of(evidence.margins)?,
            threshold: evidence.threshold(),
        };
        let crowd = (newcomers.clone(), subject.digest.clone());
        let enough = self.settings.pool_tokens.max(1);
        let Sum { pool, threshold } = self.newcomers.add(
            crowd,
            &subject.identity,
            evidence.sampled,
            added,
            enough,
            self.audits,
        )?;
        let verdict = pool.verdict(threshold);
        if verdict.good {
            return None;
        }
        self.suspend(newcomers);
        let charged = Subject {
            identity: newcomers.clone(),
            ..subject.clone()
        };
        Some((charged, verdict))
    }

    /// Whether it has not proven anything yet.
    pub fn is_newcomer(&self, subject: &Subject) -> bool {
        self.standing(subject).good_verdicts == 0
    }

    pub fn standing(&self, subject: &Subject) -> Standing {
        self.standings.get(subject).copied().unwrap_or_default()
    }

    /// The latest first.
    pub fn suspended(&self) -> Vec<&Identity> {
        let mut suspended: Vec<_> = self.suspended.iter().collect();
        suspended.sort_unstable_by_key(|(_, at)| std::cmp::Reverse(**at));
        suspended
            .into_iter()
            .map(|(identity, _)| identity)
            .collect()
    }

    pub fn is_suspended(&self, identity: &Identity) -> bool {
        self.suspended.contains_key(identity)
    }

    /// It may answer again, and is unproven. False where it was not suspended.
    pub fn reinstate(&mut self, identity: &Identity) -> bool {
        self.suspended.remove(identity).is_some()
    }

    /// It gets no prompts under this name, with whichever model.
    pub fn suspend(&mut self, identity: &Identity) {
        if self.is_suspended(identity) {
            return;
        }
        if self.suspended.len() >= self.settings.names_kept {
            let earliest = self.suspended.iter().min_by_key(|(_, at)| **at);
            if let Some(earliest) = earliest.map(|(identity, _)| identity.clone()) {
                self.suspended.remove(&earliest);
            }
        }
        self.audits += 1;
        self.suspended.insert(identity.clone(), self.audits);
    }
}

/// Names are free to make up, so there must be an end to them. Whoever is forgotten is unproven.
fn make_room<K: Eq + Hash, V>(
    kept: &mut HashMap<K, V>,
    newcomer: &K,
    most: usize,
    at: impl Fn(&V) -> u64,
) {
    if kept.len() < most || kept.contains_key(newcomer) {
        return;
    }
    // A quarter at a time, so that this is rare.
    let mut ages: Vec<u64> = kept.values().map(&at).collect();
    let place = ages.len() / 4;
    let (_, &mut oldest_kept, _) = ages.select_nth_unstable(place);
    kept.retain(|_, value| at(value) > oldest_kept);
}
