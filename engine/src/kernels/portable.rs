//! The slow and obvious kernels: what every other instruction set is tested against, and what runs
//! where there is none of them.

use std::ops::Range;

use half::f16;

use super::Kernels;
use super::activations::{Activations, RowMut};
use super::format::{COLUMNS, Format, Layout, ROWS, with_layout};
use super::pack::{PackedMatrix, unpack};
use super::quantise;
use super::threads::SharedSlice;
use super::vector::{self, HalfRows};

#[derive(Debug)]
pub(super) struct Portable;

impl Kernels for Portable {
    fn name(&self) -> &'static str {
        "portable"
    }

    fn quantise(&self, x: &[f32], row: RowMut<'_>) {
        quantise::quantise(x, row);
    }

    unsafe fn multiply(
        &self,
        weights: &PackedMatrix,
        groups: Range<usize>,
        x: &Activations,
        out: &SharedSlice<'_, f32>,
    ) {
        for group in groups {
            let bytes = weights.group(group);
            for row in 0..ROWS.min(weights.rows - group * ROWS) {
                for token in 0..x.rows {
                    let sum = with_layout!(weights.format, L => dot::<L>(bytes, row, x, token));
                    let at = token * weights.rows + group * ROWS + row;
                    // SAFETY: the caller's promise: these rows are its alone.
                    unsafe { out.slice_mut(at..at + 1)[0] = sum };
                }
            }
        }
    }

    fn rms_norm(&self, x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
        vector::rms_norm(x, weight, epsilon, out);
    }

    fn silu_multiply(&self, gate: &mut [f32], up: &[f32]) {
        vector::silu_multiply(gate, up);
    }

    fn attend(&self, query: &[f32], keys: &[u16], values: &[u16], out: &mut [f32]) {
        // SAFETY: `PlainHalf` needs no feature.
        unsafe { vector::attend::<PlainHalf>(query, keys, values, out) }
    }

    fn to_half(&self, x: &[f32], out: &mut [u16]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = f16::from_f32(*x).to_bits();
        }
    }
}

/// One weight row times one token: integer products in each 16 columns, scaled and added up.
fn dot<L: Layout>(group: &[u8], row: usize, x: &Activations, token: usize) -> f32 {
    let blocks = x.columns / COLUMNS;
    let mut sum = 0.0;
    for block in 0..blocks {
        let record = &group[block / L::BLOCKS * L::RECORD_BYTES..][..L::RECORD_BYTES];
        let weights = unpack::<L>(record, block % L::BLOCKS, row);
        let quants = &x.quants[token * x.columns + block * COLUMNS..][..COLUMNS];
        let scale = x.scales[token * blocks + block];
        let sums = x.sums[token * blocks + block];
        for half in 0..2 {
            let product: i32 = (16 * half..16 * half + 16)
                .map(|column| {
                    (i32::from(weights.quants[column]) - L::OFFSET) * i32::from(quants[column])
                })
                .sum();
            sum += product as f32 * weights.scales[half] * scale;
        }
        sum -= weights.minimum * scale * (sums[0] + sums[1]) as f32;
    }
    sum
}

struct PlainHalf;

impl HalfRows for PlainHalf {
    unsafe fn dot(x: &[f32], half: &[u16]) -> f32 {
        x.iter()
            .zip(half)
            .map(|(x, &half)| x * f16::from_bits(half).to_f32())
            .sum()
    }

    unsafe fn add_scaled(sum: &mut [f32], factor: f32, half: &[u16]) {
        for (sum, &half) in sum.iter_mut().zip(half) {
            *sum += factor * f16::from_bits(half).to_f32();
        }
    }
}
