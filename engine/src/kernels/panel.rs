//! Products of packed weights with several tokens' int8 activations, written once for every [`Simd`]: a
//! *panel* of rows is unpacked to bytes first, then multiplied with all tokens, so that unpacking costs each
//! weight once, not once a token.

use std::ops::Range;

use super::activations::{Activations, Block};
use super::format::{COLUMNS, Layout, ROWS, STEPS};
use super::pack::PackedMatrix;
use super::shared_slice::SharedSlice;
use super::simd::{Simd, Unpack};
use super::unpack::{
    block_minimums, block_scales, constants, header_minimums, header_scales, step_quants,
};

/// Blocks of columns that a panel has at most: two records of the formats with the longest.
const PANEL_BLOCKS: usize = 16;
/// Rows of the widest panel.
const MOST_ROWS: usize = 32;

/// A panel: some rows, some blocks of columns, a byte for each quant. Its rows are the lanes of
/// [`Simd::PANEL_REGISTERS`] registers.
#[repr(C, align(64))]
pub(super) struct Panel {
    /// `block → step → row → four columns`.
    quants: [u8; PANEL_BLOCKS * COLUMNS * MOST_ROWS],
    /// `block → row`, or `block → half of its columns → row`; then the block's minimums, if the layout has any.
    scales: [f32; PANEL_BLOCKS * 2 * MOST_ROWS],
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
    const {
        assert!(matches!(P::PANEL_REGISTERS, 2 | 4));
        assert!(P::PANEL_REGISTERS * P::LANES <= MOST_ROWS);
    }
    let panel_rows = P::PANEL_REGISTERS * P::LANES;
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
                    token += match (P::PANEL_REGISTERS, left) {
                        (2, 1) => piece.multiply::<P, L, 1, 2>(panel, out),
                        (2, 2) => piece.multiply::<P, L, 2, 2>(panel, out),
                        (2, 3) => piece.multiply::<P, L, 3, 2>(panel, out),
                        (2, _) => piece.multiply::<P, L, 4, 2>(panel, out),
                        (_, 1) => piece.multiply::<P, L, 1, 4>(panel, out),
                        (_, _) => piece.multiply::<P, L, 2, 4>(panel, out),
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
            let constants = constants::<S, L>();
            for row in (0..ROWS).step_by(S::LANES) {
                let mut to = panel.quants.as_mut_ptr();
                to = to.add(4 * (index * STEPS * panel_rows + at + row));
                let mut round = block.add(4 * row);
                for _ in 0..S::rounds(L::ROUNDS) {
                    for step in 0..L::ROUND_STEPS {
                        S::store(to, step_quants::<S, L>(round, step, &constants));
                        to = to.add(4 * panel_rows);
                    }
                    round = round.add(L::ROUND_BYTES);
                }
                let halves = 1 + usize::from(L::HALVED);
                let factors = halves + usize::from(L::HAS_MINIMUMS);
                for half in 0..halves {
                    let mut scales = block_scales::<S, L>(block, row, half, &constants);
                    if L::HEADER_BYTES > 0 {
                        scales = S::multiply(scales, header_scales::<S>(record, row));
                    }
                    let to = (index * factors + half) * panel_rows + at + row;
                    S::store_floats(panel.scales.as_mut_ptr().add(to), scales);
                }
                if L::HAS_MINIMUMS {
                    let mut minimums = block_minimums::<S, L>(block, row, &constants);
                    if L::HEADER_BYTES > 0 {
                        minimums = S::multiply(minimums, header_minimums::<S>(record, row));
                    }
                    let to = (index * factors + halves) * panel_rows + at + row;
                    S::store_floats(panel.scales.as_mut_ptr().add(to), minimums);
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
    unsafe fn multiply<S: Simd, L: Layout, const T: usize, const R: usize>(
        &self,
        panel: &Panel,
        out: &SharedSlice<'_, f32>,
    ) -> usize {
        let rows = self.rows.len();
        let at = |token: usize| (self.first_token + token) * self.weights_rows + self.rows.start;
        let mut padded = [[0.0; MOST_ROWS]; T];
        let is_whole = rows == R * S::LANES;
        // SAFETY: the caller's promises.
        unsafe {
            let rows_of = |token: usize| out.slice_mut(at(token)..at(token) + rows);
            let sums = std::array::from_fn(|token| {
                if is_whole {
                    return rows_of(token).as_mut_ptr();
                }
                padded[token][..rows].copy_from_slice(rows_of(token));
                padded[token].as_mut_ptr()
            });
            self.accumulate::<S, L, T, R>(panel, sums);
            if !is_whole {
                for (token, padded) in padded.iter().enumerate() {
                    rows_of(token).copy_from_slice(&padded[..rows]);
                }
            }
        }
        T
    }

    /// # Safety
    /// As for [`Self::multiply`].
    #[inline(always)]
    unsafe fn accumulate<S: Simd, L: Layout, const T: usize, const R: usize>(
        &self,
        panel: &Panel,
        out: [*mut f32; T],
    ) {
        // SAFETY: the caller's promises: what is read lies in the panel and in the tokens' rows.
        unsafe {
            let panel_rows = R * S::LANES;
            let all_blocks = self.x.columns / COLUMNS;
            let mut totals: [[S::Floats; R]; T] = std::array::from_fn(|token| {
                std::array::from_fn(|register| {
                    if self.blocks.start == 0 {
                        S::splat(0.0)
                    } else {
                        S::load_floats(out[token].add(register * S::LANES))
                    }
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
            let halves = if L::HALVED { S::rounds(2) } else { 1 };
            let rounds = S::rounds(STEPS / 2);
            for index in 0..self.blocks.len() {
                let mut x_at = index * COLUMNS;
                for half in 0..halves {
                    let minus_sum = |token: usize| {
                        let block = x_blocks[token].add(index);
                        if L::HALVED {
                            (&raw const (*block).minus_sums).cast::<i32>().add(half)
                        } else {
                            &raw const (*block).minus_sum
                        }
                    };
                    let mut sums: [[S::Sums; R]; T] =
                        std::array::from_fn(|token| [S::start::<L>(minus_sum(token)); R]);
                    let x: [*const i8; T] = std::array::from_fn(|token| x_quants[token].add(x_at));
                    // A loop would cost browsers counters, moves and checks for interruption.
                    add_two_steps::<S, L, T, R, 0>(&mut sums, quants, x);
                    if rounds > 1 {
                        add_two_steps::<S, L, T, R, 2>(&mut sums, quants, x);
                    }
                    if !L::HALVED {
                        for sum in sums.as_flattened_mut() {
                            *sum = S::halfway::<L>(*sum);
                        }
                        if rounds > 2 {
                            add_two_steps::<S, L, T, R, 4>(&mut sums, quants, x);
                        }
                        if rounds > 3 {
                            add_two_steps::<S, L, T, R, 6>(&mut sums, quants, x);
                        }
                    }
                    let steps = if L::HALVED { STEPS / 2 } else { STEPS };
                    quants = quants.add(4 * panel_rows * steps);
                    x_at += 4 * steps;
                    for token in 0..T {
                        let x_scale = S::splat_at(&raw const (*x_blocks[token].add(index)).scale);
                        for register in 0..R {
                            let scale = S::load_floats(scales.add(register * S::LANES));
                            let sum = S::total::<L>(sums[token][register], minus_sum(token));
                            let total = &mut totals[token][register];
                            *total = S::multiply_add(sum, S::multiply(scale, x_scale), *total);
                        }
                    }
                    scales = scales.add(panel_rows);
                }
                if L::HAS_MINIMUMS {
                    for (token, totals) in totals.iter_mut().enumerate() {
                        let block = x_blocks[token].add(index);
                        let x_sum = S::splat_at(&raw const (*block).minus_scaled_sum);
                        for (register, total) in totals.iter_mut().enumerate() {
                            let minimum = S::load_floats(scales.add(register * S::LANES));
                            *total = S::multiply_add(minimum, x_sum, *total);
                        }
                    }
                    scales = scales.add(panel_rows);
                }
            }
            for (out, totals) in out.into_iter().zip(totals) {
                for (register, total) in totals.into_iter().enumerate() {
                    S::store_floats(out.add(register * S::LANES), total);
                }
            }
        }
    }
}

/// Adds two steps' products of `R` registers of rows with `T` tokens, from `STEP` of `weights` and `x` on.
///
/// Weights are named as elements of arrays: of pointers moved by a number of bytes LLVM forgets that they can't wrap, and
/// then no browser's load takes that number as its constant. Not by an index that might panic for all that LLVM knows
/// before it has unrolled anything: closures' results would stay in memory, four times as slow natively.
///
/// # Safety
/// The processor has the features; `weights` holds these steps of a panel, `x` points to as many of each token.
#[inline(always)]
unsafe fn add_two_steps<S: Simd, L: Layout, const T: usize, const R: usize, const STEP: usize>(
    sums: &mut [[S::Sums; R]; T],
    weights: *const u8,
    x: [*const i8; T],
) {
    const { assert!(size_of::<S::Bytes>() == 4 * S::LANES) };
    // SAFETY: the caller's promise.
    unsafe {
        let weights = weights.cast::<[[S::Bytes; R]; STEPS]>();
        let x = x.map(|x| [STEP, STEP + 1].map(|step| S::broadcast(x.add(4 * step))));
        for register in 0..R {
            let weights = [
                &raw const (*weights)[STEP][register],
                &raw const (*weights)[STEP + 1][register],
            ]
            .map(|weights| S::load(weights.cast()));
            for (sums, x) in sums.iter_mut().zip(x) {
                let sum = &mut sums[register];
                *sum = S::dot_two::<L>(*sum, weights, x);
            }
        }
    }
}
