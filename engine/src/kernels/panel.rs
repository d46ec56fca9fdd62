//! Products of packed weights with several tokens' int8 activations, written once for every [`Simd`]: a
//! *panel* of rows is unpacked to bytes first, then multiplied with all tokens, so that unpacking costs each
//! weight once, not once a token.

use std::ops::Range;

use super::activations::{Activations, Block};
use super::format::{COLUMNS, Layout, ROWS, STEPS};
use super::pack::PackedMatrix;
use super::product::{minimums, scales, step_quants};
use super::simd::{Simd, Unpack};
use super::threads::SharedSlice;

/// Registers of rows that a panel has.
const REGISTERS: usize = 2;
/// Blocks of columns that a panel has at most: two records of the formats with the longest.
const PANEL_BLOCKS: usize = 16;
/// Rows of the widest panel.
const MOST_ROWS: usize = 32;

/// A panel: some rows, some blocks of columns, a byte for each quant. Its rows are the lanes of
/// [`REGISTERS`] registers.
#[repr(C, align(64))]
pub(super) struct Panel {
    /// `block → step → row → four columns`.
    quants: [u8; PANEL_BLOCKS * COLUMNS * MOST_ROWS],
    /// `block → half of its columns → row`; formats with one scale a block use the first half only.
    scales: [f32; PANEL_BLOCKS * 2 * MOST_ROWS],
    /// `block → row`.
    minimums: [f32; PANEL_BLOCKS * MOST_ROWS],
}

impl std::fmt::Debug for Panel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Panel")
    }
}

impl Panel {
    pub(super) fn new() -> Self {
        Self {
            quants: [0; _],
            scales: [0.0; _],
            minimums: [0.0; _],
        }
    }
}

/// `out[token · weights.rows + row] = weights[row] · x[token]` for the rows of `groups` and all tokens of `x`. `U`
/// unpacks, `P` multiplies panels: they may differ in how wide they are.
///
/// # Safety
/// The processor has the features; `weights` has the layout; nobody else holds a reference into these rows
/// of `out`.
#[inline(always)]
pub(super) unsafe fn multiply_many<U: Unpack, P: Simd, L: Layout>(
    weights: &PackedMatrix,
    groups: Range<usize>,
    x: &Activations,
    out: &SharedSlice<'_, f32>,
    panel: &mut Panel,
) {
    let panel_rows = REGISTERS * P::LANES;
    let all_blocks = x.columns / COLUMNS;
    for first_group in groups.clone().step_by(panel_rows / ROWS) {
        let groups = first_group..groups.end.min(first_group + panel_rows / ROWS);
        let rows = groups.start * ROWS..(groups.end * ROWS).min(weights.rows);
        for first_block in (0..all_blocks).step_by(PANEL_BLOCKS) {
            let blocks = first_block..all_blocks.min(first_block + PANEL_BLOCKS);
            // SAFETY: the caller's promises; groups and blocks are the matrix's.
            unsafe {
                for group in groups.clone() {
                    let at = (group - groups.start) * ROWS;
                    unpack::<U, L>(weights.group(group), blocks.clone(), panel, at, panel_rows);
                }
                let mut token = 0;
                while token < x.rows {
                    let left = x.rows - token;
                    let piece = Piece {
                        x,
                        first_token: token,
                        blocks: blocks.clone(),
                        rows: rows.clone(),
                        weights_rows: weights.rows,
                    };
                    token += match left {
                        1 => piece.multiply::<P, L, 1>(panel, out),
                        2 => piece.multiply::<P, L, 2>(panel, out),
                        3 => piece.multiply::<P, L, 3>(panel, out),
                        _ => piece.multiply::<P, L, 4>(panel, out),
                    };
                }
            }
        }
    }
}

/// Writes eight rows' blocks into a panel, from its row `at` on.
///
/// # Safety
/// The processor has the features; `group` has the blocks, the panel room for them and `panel_rows`.
#[inline(always)]
unsafe fn unpack<S: Unpack, L: Layout>(
    group: &[u8],
    blocks: Range<usize>,
    panel: &mut Panel,
    at: usize,
    panel_rows: usize,
) {
    for (index, block) in blocks.enumerate() {
        // SAFETY: the caller's promise.
        unsafe {
            let record = group.as_ptr().add(block / L::BLOCKS * L::RECORD_BYTES);
            let block = record.add(L::HEADER_BYTES + block % L::BLOCKS * L::BLOCK_BYTES);
            for row in (0..ROWS).step_by(S::LANES) {
                for step in 0..STEPS {
                    let to = 4 * ((index * STEPS + step) * panel_rows + at + row);
                    let quants = step_quants::<S, L>(block, row, step);
                    S::store(panel.quants.as_mut_ptr().add(to), quants);
                }
                let [first, second] = scales::<S, L>(record, block, row);
                let scales = panel.scales.as_mut_ptr();
                let scales = scales.add(index * 2 * panel_rows + at + row);
                S::store_floats(scales, first);
                if L::HALVED {
                    S::store_floats(scales.add(panel_rows), second);
                }
                if L::HAS_MINIMUMS {
                    let to = panel
                        .minimums
                        .as_mut_ptr()
                        .add(index * panel_rows + at + row);
                    S::store_floats(to, minimums::<S, L>(record, block, row));
                }
            }
        }
    }
}

/// Some tokens' share of a panel.
struct Piece<'a> {
    x: &'a Activations,
    first_token: usize,
    blocks: Range<usize>,
    rows: Range<usize>,
    weights_rows: usize,
}

impl Piece<'_> {
    /// Adds the panel's products with `T` tokens to `out` (the first blocks' set it); returns `T`.
    ///
    /// # Safety
    /// As for [`multiply_many`]; the panel holds these rows and blocks, and there are `T` tokens.
    #[inline(always)]
    unsafe fn multiply<S: Simd, L: Layout, const T: usize>(
        &self,
        panel: &Panel,
        out: &SharedSlice<'_, f32>,
    ) -> usize {
        let mut sums = [[0.0; MOST_ROWS]; T];
        let rows = self.rows.len();
        for (index, sums) in sums.iter_mut().enumerate() {
            let at = (self.first_token + index) * self.weights_rows + self.rows.start;
            if self.blocks.start > 0 {
                // SAFETY: the caller's promise on `out`.
                sums[..rows].copy_from_slice(unsafe { out.slice_mut(at..at + rows) });
            }
        }
        // SAFETY: the caller's promises.
        unsafe { self.accumulate::<S, L, T>(panel, &mut sums) };
        for (index, sums) in sums.iter().enumerate() {
            let at = (self.first_token + index) * self.weights_rows + self.rows.start;
            // SAFETY: the caller's promise on `out`.
            unsafe { out.slice_mut(at..at + rows) }.copy_from_slice(&sums[..rows]);
        }
        T
    }

    /// # Safety
    /// As for [`Self::multiply`].
    #[inline(always)]
    unsafe fn accumulate<S: Simd, L: Layout, const T: usize>(
        &self,
        panel: &Panel,
        out: &mut [[f32; MOST_ROWS]; T],
    ) {
        // SAFETY: the caller's promises: what is read lies in the panel and in the tokens' rows.
        unsafe {
            let panel_rows = REGISTERS * S::LANES;
            let all_blocks = self.x.columns / COLUMNS;
            let mut totals: [[S::Floats; REGISTERS]; T] = std::array::from_fn(|token| {
                std::array::from_fn(|register| {
                    S::load_floats(out[token].as_ptr().add(register * S::LANES))
                })
            });
            let block_of = |token: usize| {
                let first = (self.first_token + token) * all_blocks + self.blocks.start;
                self.x.blocks.as_ptr().add(first)
            };
            let quants_of = |token: usize| {
                let first = (self.first_token + token) * all_blocks + self.blocks.start;
                self.x.quants.as_ptr().add(first * COLUMNS)
            };
            let x_blocks: [*const Block; T] = std::array::from_fn(block_of);
            let x_quants: [*const i8; T] = std::array::from_fn(quants_of);
            let mut quants = panel.quants.as_ptr();
            let mut scales = panel.scales.as_ptr();
            let mut minimums = panel.minimums.as_ptr();
            for index in 0..self.blocks.len() {
                let mut sums: [[S::Sums; REGISTERS]; T] = std::array::from_fn(|token| {
                    let block = x_blocks[token].add(index);
                    let start = if L::HALVED {
                        &raw const (*block).minus_sums[0]
                    } else {
                        &raw const (*block).minus_sum
                    };
                    [S::start::<L>(start); REGISTERS]
                });
                for step in 0..STEPS {
                    let weights: [S::Bytes; REGISTERS] = std::array::from_fn(|register| {
                        S::load(quants.add(4 * S::LANES * register))
                    });
                    quants = quants.add(4 * panel_rows);
                    for token in 0..T {
                        let x = S::broadcast(x_quants[token].add(index * COLUMNS + 4 * step));
                        for register in 0..REGISTERS {
                            let sum = &mut sums[token][register];
                            *sum = S::dot::<L>(*sum, weights[register], x);
                        }
                    }
                    if L::HALVED && step == STEPS / 2 - 1 {
                        for token in 0..T {
                            let block = x_blocks[token].add(index);
                            let x_scale = S::splat_at(&raw const (*block).scale);
                            for register in 0..REGISTERS {
                                let scale = S::load_floats(scales.add(register * S::LANES));
                                let sum = S::total::<L>(sums[token][register]);
                                let total = &mut totals[token][register];
                                *total = S::multiply_add(sum, S::multiply(scale, x_scale), *total);
                            }
                            sums[token] =
                                [S::start::<L>(&raw const (*block).minus_sums[1]); REGISTERS];
                        }
                    }
                }
                let last_scales = if L::HALVED {
                    scales.add(panel_rows)
                } else {
                    scales
                };
                for token in 0..T {
                    let block = x_blocks[token].add(index);
                    let x_scale = S::splat_at(&raw const (*block).scale);
                    let x_sum = S::splat_at(&raw const (*block).minus_scaled_sum);
                    for register in 0..REGISTERS {
                        let at = register * S::LANES;
                        let scale = S::multiply(S::load_floats(last_scales.add(at)), x_scale);
                        let sum = S::total::<L>(sums[token][register]);
                        let total = &mut totals[token][register];
                        *total = S::multiply_add(sum, scale, *total);
                        if L::HAS_MINIMUMS {
                            *total =
                                S::multiply_add(S::load_floats(minimums.add(at)), x_sum, *total);
                        }
                    }
                }
                scales = scales.add(2 * panel_rows);
                minimums = minimums.add(panel_rows);
            }
            for (out, totals) in out.iter_mut().zip(totals) {
                for (register, total) in totals.into_iter().enumerate() {
                    S::store_floats(out.as_mut_ptr().add(register * S::LANES), total);
                }
            }
        }
    }
}
