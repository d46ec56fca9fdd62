//! What a model says about the next token, for people who want to see how sampling changes it.

use std::collections::BTreeMap;

use crate::sampler::likelier;
use crate::tokenizer::Tokenizer;

/// Bins of a logit in which unlikely tokens are summed up. With a bin's mean for each of its tokens, a
/// softmax of any temperature is off by about (1/8)² / 24, less than a thousandth.
const BINS_PER_LOGIT: f32 = 8.0;

/// Logits before penalty, filters and temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Likeliest first.
    pub candidates: Vec<Candidate>,
    /// The other tokens: mean logit and number of those that are about equally likely, likeliest first.
    pub rest: Vec<(f32, usize)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub token: u32,
    /// May be part of a character, and then has U+FFFD.
    pub text: String,
    pub logit: f32,
    /// It stands among the tokens that the repeat penalty looks back on.
    pub recent: bool,
    /// Choosing it ends the answer.
    pub ends: bool,
}

impl Distribution {
    pub(crate) fn of(logits: &[f32], recent: &[u32], count: usize, tokenizer: &Tokenizer) -> Self {
        let (shown, others) = split(logits, recent, count);
        let candidates = shown.into_iter().map(|(token, logit)| Candidate {
            token,
            text: String::from_utf8_lossy(tokenizer.bytes(token)).into_owned(),
            logit,
            recent: recent.contains(&token),
            ends: tokenizer.ends(token),
        });
        Self {
            candidates: candidates.collect(),
            rest: summarise(&others),
        }
    }
}

/// The `count` likeliest and all recent tokens, in order; and the logits of the others.
fn split(logits: &[f32], recent: &[u32], count: usize) -> (Vec<(u32, f32)>, Vec<f32>) {
    let finite = |&(_, logit): &(u32, f32)| logit.is_finite();
    let mut all: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).filter(finite).collect();
    let count = count.min(all.len());
    if count < all.len() {
        all.select_nth_unstable_by(count, likelier);
    }
    let (recent_ones, others): (Vec<_>, Vec<_>) = all
        .split_off(count)
        .into_iter()
        .partition(|(token, _)| recent.contains(token));
    all.extend(recent_ones);
    all.sort_unstable_by(likelier);
    (all, others.into_iter().map(|(_, logit)| logit).collect())
}

fn summarise(logits: &[f32]) -> Vec<(f32, usize)> {
    let mut bins = BTreeMap::<i32, (f64, usize)>::new();
    for &logit in logits {
        let (sum, count) = bins
            .entry((logit * BINS_PER_LOGIT).floor() as i32)
            .or_default();
        *sum += f64::from(logit);
        *count += 1;
    }
    let mean = |(sum, count): (f64, usize)| ((sum / count as f64) as f32, count);
    bins.into_values().rev().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_and_the_recent_are_told_one_by_one() {
        let logits = [1.0, 5.0, -3.0, 4.0, 0.5, f32::NEG_INFINITY];
        let (shown, others) = split(&logits, &[2, 3], 2);
        assert_eq!(shown, [(1, 5.0), (3, 4.0), (2, -3.0)]);
        assert_eq!(others.len(), 2);
        assert_eq!(split(&logits, &[], 100).0.len(), 5);
        assert!(split(&logits, &[], 0).0.is_empty());
    }

    #[test]
    fn a_summary_gives_nearly_the_same_softmax_at_every_temperature() {
        let mut random = fastrand::Rng::with_seed(5);
        let logits: Vec<f32> = (0..5000).map(|_| random.f32() * 20.0 - 10.0).collect();
        let bins = summarise(&logits);
        assert!(bins.len() <= 161);
        assert!(bins.is_sorted_by(|a, b| a.0 > b.0));
        for temperature in [0.2, 1.0, 2.0] {
            let weight = |logit: f32| f64::from(logit / temperature).exp();
            let exact: f64 = logits.iter().copied().map(weight).sum();
            let summed: f64 = bins.iter().map(|&(l, n)| weight(l) * n as f64).sum();
            let off = (summed / exact - 1.0).abs();
            assert!(off < 0.02, "off by {off} at a temperature of {temperature}");
        }
    }
}
