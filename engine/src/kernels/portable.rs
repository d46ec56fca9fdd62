//! Plain Rust, slow and obvious: what every instruction set is tested against, and what runs
//! where there is none of them.

use std::ops::Range;

use half::f16;

use super::activations::{Activations, BlocksMut};
use super::attention::{Blocks, INTERLEAVED, POSITIONS, Queries, key_at, value_at};
use super::format::{COLUMNS, Format, Layout, ROWS, with_layout};
use super::pack::{PackedMatrix, unpack};
use super::quantise::quantise_block;
use super::sets::plain_to_half;
use super::shared_slice::SharedSlice;
use super::{Kernels, Scratch, vector};

#[derive(Debug)]
pub(super) struct Portable;

impl Kernels for Portable {
    fn name(&self) -> &'static str {
        "portable"
    }

    fn quantise(&self, x: &[f32], to: BlocksMut<'_>) {
        vector::quantise(x, to, quantise_block);
    }

    fn normalise(&self, x: &[f32], weight: &[f32], epsilon: f32, to: BlocksMut<'_>) {
        vector::normalise(x, weight, epsilon, to, quantise_block);
    }

    unsafe fn multiply(
        &self,
        weights: &PackedMatrix,
        groups: Range<usize>,
        x: &Activations,
        out: &SharedSlice<'_, f32>,
        _: &mut Scratch,
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

    fn silu_multiply(&self, gate: &mut [f32], up: &[f32]) {
        vector::silu_multiply(gate, up);
    }

    fn attend(
        &self,
        queries: &Queries<'_>,
        blocks: &Blocks<'_>,
        _: &mut Scratch,
        take: &mut dyn FnMut(usize, &mut [f32]),
    ) {
        let width = queries.width;
        let float = |half: u16| f16::from_bits(half).to_f32();
        for query in 0..queries.count {
            let row = (queries.row)(query);
            let positions = (queries.positions)(query);
            let score = |position: usize| -> f32 {
                let (keys, _) = blocks(position / POSITIONS);
                let at = key_at(position, width);
                let key = (0..width).map(|column| float(keys[at + column * INTERLEAVED]));
                row.iter().zip(key).map(|(x, key)| x * key).sum()
            };
            let scores: Vec<f32> = (0..positions).map(score).collect();
            let largest = scores.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
            let (mut sums, mut total) = (vec![0.0; width], 0.0);
            for (position, score) in scores.iter().enumerate() {
                let weight = (score - largest).exp();
                let (_, values) = blocks(position / POSITIONS);
                for (run, sums) in sums.chunks_exact_mut(INTERLEAVED).enumerate() {
                    let value = &values[value_at(position, run * INTERLEAVED)..];
                    for (sum, &value) in sums.iter_mut().zip(value) {
                        *sum += weight * float(value);
                    }
                }
                total += weight;
            }
            sums.iter_mut().for_each(|sum| *sum /= total);
            take(query, &mut sums);
        }
    }

    fn to_half(&self, x: &[f32], out: &mut [u16]) {
        plain_to_half(x, out);
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
        let scale = x.blocks[token * blocks + block].scale;
        let mut plain_sum = 0;
        for half in 0..2 {
            let columns = 16 * half..16 * half + 16;
            let pairs = weights.quants[columns.clone()].iter().zip(&quants[columns]);
            let mut product = 0;
            for (&weight, &quant) in pairs {
                product += (i32::from(weight) - L::OFFSET) * i32::from(quant);
                plain_sum += i32::from(quant);
            }
            sum += product as f32 * weights.scales[half] * scale;
        }
        sum -= weights.minimum * scale * plain_sum as f32;
    }
    sum
}
