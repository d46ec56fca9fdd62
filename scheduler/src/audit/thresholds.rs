//! The largest mean margin of an honest node, by who judges and who is judged.
//!
//! Wide on purpose until `bench/audit.sh` has been run for each pair: an engine's own answers came out
//! below 0.02 and canned text above 1 (`engine/tests/audit.rs`), so these suspend nobody for rounding, catch
//! what is plainly another text or model, and let a somewhat coarser quantisation pass.

use super::{Runtime, Sampled};

/// Auditor, audited, sampling, mean of clipped margins in logits.
const TABLE: &[(Runtime, Runtime, Sampled, f32)] = &[
    (Runtime::Engine, Runtime::Engine, Sampled::Greedy, 0.2),
    (Runtime::Engine, Runtime::Engine, Sampled::Nucleus, 0.2),
    (Runtime::Engine, Runtime::Tab, Sampled::Greedy, 0.2),
    (Runtime::Engine, Runtime::Tab, Sampled::Nucleus, 0.2),
    (Runtime::Engine, Runtime::Other, Sampled::Greedy, 0.3),
    (Runtime::Engine, Runtime::Other, Sampled::Nucleus, 0.3),
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
