//! Matrix products over the pool.

use super::activations::Activations;
use super::pack::PackedMatrix;
use super::threads::{Pool, SharedSlice};
use super::{Kernels, format::ROWS};

/// One product to compute: `out[token] = weights · x[token] + bias`, `out` token after token.
pub(crate) struct Projection<'a> {
    pub(crate) weights: &'a PackedMatrix,
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) out: &'a mut [f32],
}

impl std::fmt::Debug for Projection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.weights.fmt(f)
    }
}

/// Computes several products of the same activations in one go over the pool: each costs the
/// threads a meeting otherwise.
pub(crate) fn project<const N: usize>(
    pool: &mut Pool,
    kernels: &dyn Kernels,
    x: &Activations,
    projections: [Projection<'_>; N],
) {
    let parts = projections.map(|Projection { weights, bias, out }| {
        debug_assert_eq!(weights.columns, x.columns);
        debug_assert_eq!(out.len(), x.rows * weights.rows);
        (weights, bias, SharedSlice::new(out))
    });
    let groups: usize = parts.iter().map(|(weights, ..)| weights.groups()).sum();
    // Pieces small enough to end together, large enough that fetching one costs nothing.
    let chunk = (groups / (pool.threads() * 8)).clamp(1, 64);
    pool.for_each(groups, chunk, &|_, range| {
        let mut first = 0;
        for (weights, bias, out) in &parts {
            let start = range.start.max(first) - first;
            let end = range.end.saturating_sub(first).min(weights.groups());
            first += weights.groups();
            if start >= end {
                continue;
            }
            // SAFETY: each group is in one piece only, and each piece is visited by one thread.
            unsafe { kernels.multiply(weights, start..end, x, out) };
            let rows = start * ROWS..(end * ROWS).min(weights.rows);
            if let Some(bias) = bias {
                for token in 0..x.rows {
                    let base = token * weights.rows;
                    // SAFETY: these rows are this piece's alone.
                    let out = unsafe { out.slice_mut(base + rows.start..base + rows.end) };
                    for (out, bias) in out.iter_mut().zip(&bias[rows.clone()]) {
                        *out += bias;
                    }
                }
            }
        }
    });
}
