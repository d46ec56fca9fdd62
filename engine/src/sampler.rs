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
        let slack = if top_p < 1.0 { ROUNDED_TOP_P } else { 0.0 };
        let mut nearest = f64::INFINITY;
        for top_p in [top_p - slack, top_p, top_p + slack] {
            self.candidates.clone_from(&all);
            if slack > 0.0 {
                self.keep_top_p(top_p.clamp(0.0, 1f32.next_down()), largest);
            }
            let (start, end) = self.place(token, logit, largest);
            let point = f64::from(point);
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

    /// The likeliest token's logit, and that of the least likely one that might be chosen. Logits are
    /// changed by the penalty.
    pub(crate) fn allowed(&mut self, logits: &mut [f32], recent: &[u32]) -> (f32, f32) {
        self.penalise(logits, recent);
        let (_, largest) = argmax(logits);
        if self.settings.is_greedy() {
            return (largest, largest);
        }
        self.collect(logits, largest);
        let top_p = self.settings.top_p;
        if top_p < 1.0 {
            // Whoever rounds in another way may have let in one more.
            self.keep_top_p((top_p + ROUNDED_TOP_P).min(1f32.next_down()), largest);
        }
        let least = self.candidates.iter().map(|&(_, logit)| logit);
        (largest, least.fold(largest, f32::min))
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
mod tests {
    use std::f32::consts::LN_2;

    use super::*;

    fn settings() -> Sampling {
        Sampling {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repeat_penalty: 1.0,
            seed: 1,
            max_tokens: None,
            stop: Vec::new(),
        }
    }

    /// How often each token comes out of 20 000 draws.
    fn draw(settings: &Sampling, logits: &[f32]) -> Vec<f64> {
        let mut sampler = Sampler::new(settings);
        let mut counts = vec![0.0; logits.len()];
        for _ in 0..20_000 {
            counts[sampler.sample(&mut logits.to_vec(), &[]) as usize] += 1.0 / 20_000.0;
        }
        counts
    }

    fn assert_near(found: &[f64], expected: &[f64]) {
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 0.015,
                "{found} is not {expected}"
            );
        }
    }

    /// Probabilities 1 : 4 : 2 : 0.
    const LOGITS: [f32; 4] = [0.0, 2.0 * LN_2, LN_2, f32::NEG_INFINITY];

    #[test]
    fn tokens_come_as_often_as_their_probability() {
        assert_near(
            &draw(&settings(), &LOGITS),
            &[1.0 / 7.0, 4.0 / 7.0, 2.0 / 7.0, 0.0],
        );
    }

    #[test]
    fn temperature_sharpens_and_zero_is_greedy() {
        let half = Sampling {
            temperature: 0.5,
            ..settings()
        };
        assert_near(
            &draw(&half, &LOGITS),
            &[1.0 / 21.0, 16.0 / 21.0, 4.0 / 21.0, 0.0],
        );
        let greedy = Sampling {
            temperature: 0.0,
            ..settings()
        };
        assert_near(&draw(&greedy, &LOGITS), &[0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn top_k_top_p_and_min_p_leave_out_the_unlikely() {
        let two = [0.0, 2.0 / 3.0, 1.0 / 3.0, 0.0];
        assert_near(
            &draw(
                &Sampling {
                    top_k: 2,
                    ..settings()
                },
                &LOGITS,
            ),
            &two,
        );
        assert_near(
            &draw(
                &Sampling {
                    top_p: 0.8,
                    ..settings()
                },
                &LOGITS,
            ),
            &two,
        );
        assert_near(
            &draw(
                &Sampling {
                    min_p: 0.4,
                    ..settings()
                },
                &LOGITS,
            ),
            &two,
        );
    }

    #[test]
    fn top_p_reaches_past_the_first_sort() {
        let mut sampler = Sampler::new(&Sampling {
            top_p: 0.99,
            ..settings()
        });
        let flat = vec![0.0; 4 * FIRST_SORT];
        sampler.sample(&mut flat.clone(), &[]);
        assert_eq!(
            sampler.candidates.len(),
            (4.0 * FIRST_SORT as f64 * 0.99).ceil() as usize
        );
    }

    #[test]
    fn repeated_tokens_are_penalised_whatever_the_sign_of_their_logit() {
        let greedy = Sampling {
            temperature: 0.0,
            repeat_penalty: 2.0,
            ..settings()
        };
        let mut sampler = Sampler::new(&greedy);
        assert_eq!(sampler.sample(&mut [1.0, 1.5], &[1]), 0);
        assert_eq!(sampler.sample(&mut [-1.5, -1.0], &[1]), 0);
        let forgotten: Vec<u32> = std::iter::once(1).chain([0; REPEAT_WINDOW]).collect();
        assert_eq!(sampler.sample(&mut [1.0, 1.5], &forgotten), 1);
    }

    #[test]
    fn the_same_seed_gives_the_same_tokens() {
        let run = |seed| {
            let mut sampler = Sampler::new(&Sampling { seed, ..settings() });
            (0..50)
                .map(|_| sampler.sample(&mut LOGITS.to_vec(), &[]))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    /// The settings by which candidates lie in the order of their logits, and in that of their ids.
    fn both_orders() -> [Sampling; 2] {
        let by_id = settings();
        let by_logit = Sampling {
            top_p: 0.95,
            ..settings()
        };
        [by_logit, by_id]
    }

    #[test]
    fn what_is_drawn_lies_at_its_place_and_nothing_else_does() {
        for settings in both_orders() {
            let mut sampler = Sampler::new(&settings);
            let points = sampler.uniforms(0..200);
            let drawn = points.iter().map(|&point| {
                let token = sampler.choose(&mut LOGITS.to_vec(), &[], f64::from(point));
                (point, token)
            });
            for (point, token) in drawn.collect::<Vec<_>>() {
                let mut distance = |token| {
                    let mut logits = LOGITS.to_vec();
                    sampler.distance(&mut logits, &[], token, point)
                };
                assert!(distance(token) < 1e-6, "{token} at {point}");
                let another = (token + 1) % 3;
                let edge = distance(another);
                assert!(
                    edge > 0.0 || point_is_near_an_edge(point),
                    "{another} at {point}"
                );
            }
        }
    }

    /// Tokens end at 1/7, 4/7, 5/7 and 6/7 in the one order or the other; at an edge both are at home.
    fn point_is_near_an_edge(point: f32) -> bool {
        (1..7).any(|seventh| (point - seventh as f32 / 7.0).abs() < 0.03)
    }

    #[test]
    fn a_draw_is_as_far_off_as_the_probability_between() {
        let mut sampler = Sampler::new(&settings());
        let mut far = |token, point| sampler.distance(&mut LOGITS.to_vec(), &[], token, point);
        // In the order of ids: 1/7, 4/7, 2/7 and nothing.
        assert!((far(0, 6.0 / 7.0) - 5.0 / 7.0).abs() < 1e-5);
        assert!((far(2, 2.0 / 7.0) - 3.0 / 7.0).abs() < 1e-5);
    }

    #[test]
    fn tokens_of_nearly_the_same_logit_may_lie_the_other_way_round() {
        let nucleus = Sampling {
            top_k: 20,
            ..settings()
        };
        let mut sampler = Sampler::new(&nucleus);
        let mut far =
            |logits: [f32; 2], point| sampler.distance(&mut logits.to_vec(), &[], 0, point);
        assert_eq!(far([1.0, 0.9], 0.9), 0.0);
        assert!(far([1.0, 0.5], 0.9) > 0.2);
    }

    #[test]
    fn who_lets_in_one_token_more_is_forgiven() {
        // The likeliest reaches 0.8 in one engine, and not quite in another.
        let logits = [(0.805f32 / 0.195).ln(), 0.0];
        let mut sampler = Sampler::new(&Sampling {
            top_p: 0.8,
            ..settings()
        });
        let mut far = |point| sampler.distance(&mut logits.to_vec(), &[], 1, point);
        assert_eq!(far(0.9), 0.0);
    }

    #[test]
    fn logits_that_are_no_numbers_do_not_panic() {
        let mut sampler = Sampler::new(&settings());
        assert!(sampler.sample(&mut [f32::NAN, f32::NAN], &[]) < 2);
    }
}
