//! How the next token is chosen from its logits, without sorting a vocabulary of 150 000.

use std::ops::Range;

use crate::Sampling;

/// Tokens that the repeat penalty looks back on.
pub(crate) const REPEAT_WINDOW: usize = 64;

/// Candidates that are sorted first where only `top_p` limits them: nearly always enough.
const FIRST_SORT: usize = 1024;

/// Logits that engines may put in another order, since they round in other ways.
const CLOSE: f32 = 0.25;

/// By how much of all probability `top_p` may let in more, or less, in an engine that rounds in another way.
const ROUNDED_TOP_P: f32 = 0.02;

#[derive(Debug)]
pub(crate) struct Sampler {
    settings: Sampling,
    random: fastrand::Rng,
    candidates: Vec<(u32, f32)>,
}

impl Sampler {
    pub(crate) fn new(settings: &Sampling) -> Self {
        let random = fastrand::Rng::with_seed(settings.seed);
        Self {
            settings: settings.clone(),
            random,
            candidates: Vec::new(),
        }
    }

    pub(crate) fn settings(&self) -> &Sampling {
        &self.settings
    }

    /// The next token; `recent` are the tokens before it. Logits are changed by the penalty.
    pub(crate) fn sample(&mut self, logits: &mut [f32], recent: &[u32]) -> u32 {
        let uniform = self.random.f64();
        self.choose(logits, recent, uniform)
    }

    /// The numbers that choose the tokens of some steps from here on, each at least 0 and below 1, for
    /// whoever samples elsewhere. They are still to come: see [`Self::skip`].
    pub(crate) fn uniforms(&self, steps: Range<usize>) -> Vec<f32> {
        let mut random = self.random.clone();
        let all = (0..steps.end).map(|_| (random.f64() as f32).min(1f32.next_down()));
        all.skip(steps.start).collect()
    }

    /// So many tokens were chosen elsewhere.
    pub(crate) fn skip(&mut self, steps: usize) {
        for _ in 0..steps {
            self.random.f64();
        }
    }

    /// The token at a point, from 0 to 1, of the probabilities in a row.
    pub(crate) fn choose(&mut self, logits: &mut [f32], recent: &[u32], uniform: f64) -> u32 {
        self.penalise(logits, recent);
        let (best, largest) = argmax(logits);
        if self.settings.is_greedy() {
            return best;
        }
        self.collect(logits, largest);
        self.keep_top_p(self.settings.top_p, largest);
        let probabilities = |candidates: &[(u32, f32)], temperature: f32| -> Vec<f64> {
            let weigh = |&(_, logit): &(u32, f32)| f64::from((logit - largest) / temperature).exp();
            candidates.iter().map(weigh).collect()
        };
        let weights = probabilities(&self.candidates, self.settings.temperature);
        let mut point = uniform * weights.iter().sum::<f64>();
        for (&(token, _), weight) in self.candidates.iter().zip(&weights) {
            point -= weight;
            if point < 0.0 {
                return token;
            }
        }
        best
    }

    /// How far the point at which [`Self::choose`] chooses lies from where it would choose this token, as a share of the
    /// probabilities in a row: 0 for what this engine would have chosen, or one that rounds in another way. Logits are
    /// changed by the penalty.
    pub(crate) fn distance(
        &mut self,
        logits: &mut [f32],
        recent: &[u32],
        token: u32,
        point: f32,
    ) -> f32 {
        self.penalise(logits, recent);
        let (_, largest) = argmax(logits);
        let logit = logits[token as usize];
        self.collect(logits, largest);
        let all = std::mem::take(&mut self.candidates);
        let top_p = self.settings.top_p;
        let cuts: &[f32] = if top_p < 1.0 {
            &[top_p - ROUNDED_TOP_P, top_p, top_p + ROUNDED_TOP_P]
        } else {
            &[top_p]
        };
        let point = f64::from(point);
        let mut nearest = f64::INFINITY;
        for &cut in cuts {
            self.candidates.clone_from(&all);
            if top_p < 1.0 {
                self.keep_top_p(cut.clamp(0.0, 1f32.next_down()), largest);
            }
            let (start, end) = self.place(token, logit, largest);
            nearest = nearest.min((start - point).max(point - end).max(0.0));
        }
        nearest as f32
    }

    /// Where a token lies among the candidates' probabilities in a row: from the first place that rounding may have
    /// given it to the last.
    fn place(&self, token: u32, logit: f32, largest: f32) -> (f64, f64) {
        let weight = |logit: f32| f64::from((logit - largest) / self.settings.temperature).exp();
        let total: f64 = self
            .candidates
            .iter()
            .map(|&(_, logit)| weight(logit))
            .sum();
        let sum = |holds: &dyn Fn(&(u32, f32)) -> bool| -> f64 {
            let held = self.candidates.iter().filter(|candidate| holds(candidate));
            held.map(|&(_, logit)| weight(logit)).sum()
        };
        let (before, end) = if self.sorts_by_logit() {
            let before = sum(&|candidate| candidate.1 > logit + CLOSE);
            (before, sum(&|candidate| candidate.1 >= logit - CLOSE))
        } else {
            let before = sum(&|candidate| candidate.0 < token);
            (before, before + weight(logit))
        };
        (before / total, end / total)
    }

    /// Else candidates are in the order of their ids.
    fn sorts_by_logit(&self) -> bool {
        self.settings.top_p < 1.0 || (1..=FIRST_SORT).contains(&self.settings.top_k)
    }

    /// Whether recent tokens are treated otherwise than others.
    pub(crate) fn penalises(&self) -> bool {
        self.settings.repeat_penalty != 1.0
    }

    /// The likeliest token's logit, and that of the least likely one that might be chosen, also by an engine that rounds in
    /// another way where chance chooses. Logits are changed by the penalty.
    pub(crate) fn allowed(&mut self, logits: &mut [f32], recent: &[u32]) -> (f32, f32) {
        self.penalise(logits, recent);
        let (_, largest) = argmax(logits);
        if self.settings.is_greedy() {
            return (largest, largest);
        }
        self.collect(logits, largest);
        let top_p = self.settings.top_p;
        if top_p < 1.0 {
            // It may have let in one more, or another one.
            self.keep_top_p((top_p + ROUNDED_TOP_P).min(1f32.next_down()), largest);
        }
        let least = self.candidates.iter().map(|&(_, logit)| logit);
        (largest, least.fold(largest, f32::min) - CLOSE)
    }

    fn penalise(&self, logits: &mut [f32], recent: &[u32]) {
        let penalty = self.settings.repeat_penalty;
        if penalty == 1.0 {
            return;
        }
        let mut recent = recent[recent.len().saturating_sub(REPEAT_WINDOW)..].to_vec();
        recent.sort_unstable();
        recent.dedup();
        for token in recent {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = if *logit > 0.0 {
                    *logit / penalty
                } else {
                    *logit * penalty
                };
            }
        }
    }

    /// Puts the tokens that `min_p` and `top_k` leave into `candidates`.
    fn collect(&mut self, logits: &[f32], largest: f32) {
        // p ≥ min_p · p_best is a bound on logits: no softmax needed.
        let least = match self.settings.min_p {
            min_p if min_p > 0.0 => largest + min_p.ln(),
            _ => f32::NEG_INFINITY,
        };
        self.candidates.clear();
        let above = logits
            .iter()
            .enumerate()
            .filter(|&(_, &logit)| logit >= least);
        self.candidates
            .extend(above.map(|(token, &logit)| (token as u32, logit)));
        let top_k = self.settings.top_k;
        if top_k > 0 && top_k < self.candidates.len() {
            self.candidates.select_nth_unstable_by(top_k - 1, likelier);
            self.candidates.truncate(top_k);
            self.candidates.sort_unstable_by_key(|&(token, _)| token);
        }
        // In an order that does not hang on how they were found: a GPU finds them otherwise, and an auditor knows it.
        if (1..=FIRST_SORT).contains(&top_k) {
            self.candidates.sort_unstable_by(likelier);
        }
    }

    /// Keeps the likeliest candidates that together reach `top_p` of the candidates' probability.
    fn keep_top_p(&mut self, top_p: f32, largest: f32) {
        let top_p = f64::from(top_p);
        if top_p >= 1.0 {
            return;
        }
        let weight = |&(_, logit): &(u32, f32)| f64::from(logit - largest).exp();
        let wanted = top_p * self.candidates.iter().map(weight).sum::<f64>();
        let mut sorted = FIRST_SORT.min(self.candidates.len());
        loop {
            if sorted < self.candidates.len() {
                self.candidates.select_nth_unstable_by(sorted, likelier);
            }
            self.candidates[..sorted].sort_unstable_by(likelier);
            let mut reached = 0.0;
            let enough = self.candidates[..sorted].iter().position(|candidate| {
                reached += weight(candidate);
                reached >= wanted
            });
            match enough {
                Some(last) => return self.candidates.truncate(last + 1),
                None if sorted == self.candidates.len() => return,
                None => sorted = self.candidates.len(),
            }
        }
    }
}

/// Likelier first; equal ones by id, so that a seed gives the same answer every time. Zero is zero
/// whatever its sign, as it is for [`argmax`].
pub(crate) fn likelier(a: &(u32, f32), b: &(u32, f32)) -> std::cmp::Ordering {
    (b.1 + 0.0).total_cmp(&(a.1 + 0.0)).then(a.0.cmp(&b.0))
}

/// The likeliest token, the first of equals, and its logit.
pub(crate) fn argmax(logits: &[f32]) -> (u32, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (token, &logit) in logits.iter().enumerate() {
        if logit > best.1 {
            best = (token as u32, logit);
        }
    }
    best
}

#[cfg(test)]
mod tests;
