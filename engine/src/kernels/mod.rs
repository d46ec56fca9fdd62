//! Everything that touches many numbers at once: packed weights, matrix products, attention, and
//! the threads they run on. The only place with intrinsics and `unsafe`.
//!
//! A [`Kernels`] is one instruction set's way to do it, chosen once at run time; `portable` is the
//! slow and obvious twin that every other is tested against. The others are written once, in
//! `product`, `panel`, `attention` and `vector`, for whatever implements `simd`'s traits.

mod activations;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod format;
#[cfg(target_arch = "aarch64")]
mod neon;
mod operations;
mod pack;
mod panel;
mod portable;
mod product;
mod quantise;
mod sets;
mod shared_slice;
mod simd;
mod threads;
mod unpack;
mod vector;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

use std::ops::Range;

pub(crate) use activations::Activations;
use activations::BlocksMut;
#[cfg(test)]
pub(crate) use attention::INTERLEAVED;
use attention::{Blocks, Queries};
pub(crate) use attention::{MOST_WIDTH, POSITIONS, key_at, value_at};
pub(crate) use operations::{Attention, CacheRows, Heads, Projection, Rotation, Workers};
pub(crate) use pack::{PackedMatrix, UnsupportedType, dequantise_row};
use sets::detect;
use shared_slice::SharedSlice;
pub(crate) use threads::Pool;
pub use threads::{Spawn, spawn_thread};

/// One instruction set's kernels.
trait Kernels: Send + Sync + std::fmt::Debug {
    fn name(&self) -> &'static str;

    /// Rounds `x` to int8 in blocks of 32: the weights' partner in integer products.
    fn quantise(&self, x: &[f32], to: BlocksMut<'_>);

    /// The same of `x / rms(x) · weight`.
    fn normalise(&self, x: &[f32], weight: &[f32], epsilon: f32, to: BlocksMut<'_>);

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
        scratch: &mut Scratch,
    );

    /// `gate = silu(gate) * up`.
    fn silu_multiply(&self, gate: &mut [f32], up: &[f32]);

    /// Some queries' attention over one head's keys and values; `take` gets each query's result.
    fn attend(
        &self,
        queries: &Queries<'_>,
        blocks: &Blocks<'_>,
        scratch: &mut Scratch,
        take: &mut dyn FnMut(usize, &mut [f32]),
    );

    /// f32 to f16, rounded to nearest.
    fn to_half(&self, x: &[f32], out: &mut [u16]);
}

/// What one thread writes to while it computes.
#[derive(Debug)]
struct Scratch {
    panel: Box<panel::Panel>,
    attention: attention::Scratch,
}

impl Scratch {
    fn new() -> Self {
        Self {
            panel: Box::new(panel::Panel::new()),
            attention: attention::Scratch::new(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
