//! The largest mean margin of an honest node, by who judges and who is judged.
//!
//! From `bench/audit.sh` (bench/RESULTS.md has the figures): above what 999 of 1 000 honest pools of 300 tokens stay
//! below, and below what 99 of 100 of a fraud's exceed, where there is room between. There is for all frauds that were tried
//! but one, and only where its text, drawn from a nucleus, is all that is told: weights of nearly as many bits.

use super::{Runtime, Sampled};

/// In logits.
const GREEDY: f32 = 0.012;
const NUCLEUS: f32 = 0.0012;
/// A share of the probability.
const SEEDED: f32 = 0.007;

/// Auditor, audited, sampling, mean of clipped margins.
const TABLE: &[(Runtime, Runtime, Sampled, f32)] = &[
    (Runtime::Engine, Runtime::Engine, Sampled::Greedy, GREEDY),
    (Runtime::Engine, Runtime::Engine, Sampled::Nucleus, NUCLEUS),
    (Runtime::Engine, Runtime::Engine, Sampled::Seeded, SEEDED),
    (Runtime::Engine, Runtime::Tab, Sampled::Greedy, GREEDY),
    (Runtime::Engine, Runtime::Tab, Sampled::Nucleus, NUCLEUS),
    (Runtime::Engine, Runtime::Tab, Sampled::Seeded, SEEDED),
    (Runtime::Engine, Runtime::Other, Sampled::Greedy, GREEDY),
    (Runtime::Engine, Runtime::Other, Sampled::Nucleus, NUCLEUS),
    (Runtime::Engine, Runtime::Other, Sampled::Seeded, SEEDED),
];

#[cfg(test)]
pub(super) fn is_calibrated(auditor: Runtime, audited: Runtime, sampled: Sampled) -> bool {
    let mut table = TABLE.iter();
    table.any(|(a, b, s, _)| (*a, *b, *s) == (auditor, audited, sampled))
}

/// Where a pair was not calibrated, the most lenient of its sampling.
pub(super) fn threshold(auditor: Runtime, audited: Runtime, sampled: Sampled) -> f32 {
    let of_sampling = || TABLE.iter().filter(|(.., s, _)| *s == sampled);
    let exact = of_sampling().find(|(a, b, ..)| (*a, *b) == (auditor, audited));
    exact.map_or_else(
        || of_sampling().map(|(.., most)| *most).fold(0.0, f32::max),
        |(.., most)| *most,
    )
}
