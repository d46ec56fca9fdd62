//! Everything that touches many numbers at once: packed weights, matrix products, attention, and
//! the threads they run on. The only place with intrinsics and `unsafe`.
//!
//! A [`Kernels`] is one instruction set's way to do it, chosen once at run time; `portable` is the
//! slow and obvious twin that every other is tested against.

mod activations;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod format;
mod matrix;
mod pack;
#[cfg(any(test, not(all(target_arch = "wasm32", target_feature = "simd128"))))]
mod portable;
#[cfg(any(test, not(all(target_arch = "wasm32", target_feature = "simd128"))))]
mod quantise;
mod threads;
mod vector;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

use std::ops::Range;

pub(crate) use activations::Activations;
pub(crate) use matrix::{Projection, project};
pub(crate) use pack::{PackedMatrix, dequantise_row};
pub(crate) use threads::Pool;
use threads::SharedSlice;
pub use threads::{Spawn, spawn_thread};

/// One instruction set's kernels.
pub(crate) trait Kernels: Send + Sync + std::fmt::Debug {
    fn name(&self) -> &'static str;

    /// Rounds one row of `x` to int8 in blocks of 32: the weights' partner in integer products.
    /// `x.len()` is the activations' column count, `row` one of its rows.
    fn quantise(&self, x: &[f32], row: activations::RowMut<'_>);

    /// `out[token][row] = weights[row] · x[token]` for the rows of `groups` (eight rows a group)
    /// and every token. `out` is indexed `token * weights.rows + row`.
    ///
    /// # Safety
    /// No one else holds a reference into these rows of `out`.
    unsafe fn multiply(
        &self,
        weights: &PackedMatrix,
        groups: Range<usize>,
        x: &Activations,
        out: &SharedSlice<'_, f32>,
    );

    /// `out = x / rms(x) * weight`.
    fn rms_norm(&self, x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]);

    /// `gate = silu(gate) * up`.
    fn silu_multiply(&self, gate: &mut [f32], up: &[f32]);

    /// One head's attention over `keys.len() / query.len()` positions, keys and values in f16, one
    /// position after another. The softmax is computed online, so nothing of that length is kept.
    fn attend(&self, query: &[f32], keys: &[u16], values: &[u16], out: &mut [f32]);

    /// f32 to f16, rounded to nearest.
    fn to_half(&self, x: &[f32], out: &mut [u16]);
}

/// The fastest kernels that this processor runs.
pub(crate) fn detect() -> &'static dyn Kernels {
    #[cfg(target_arch = "x86_64")]
    if let Some(kernels) = avx2::all().into_iter().next() {
        return kernels;
    }
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    return &wasm::Wasm;
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    &portable::Portable
}

#[cfg(test)]
mod tests;
