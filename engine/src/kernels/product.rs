//! Products of packed weights with one token's int8 activations, written once for every [`Unpack`]: the
//! weights come straight from their packed form, since each is used once.

use std::ops::Range;

use super::activations::{Activations, Block};
use super::format::{COLUMNS, Layout, ROWS, STEPS, Scales};
use super::pack::PackedMatrix;
use super::simd::Unpack;
use super::threads::SharedSlice;

/// `out[row] = weights[row] · x` for the rows of `groups` and the only token of `x`.
///
/// # Safety
/// The processor has the features; `weights` has the layout; nobody else holds a reference into these rows
/// of `out`.
#[inline(always)]
pub(super) unsafe fn multiply_one<S: Unpack, L: Layout>(
    weights: &PackedMatrix,
    groups: Range<usize>,
    x: &Activations,
    out: &SharedSlice<'_, f32>,
) {
    for group in groups {
        let rows = ROWS.min(weights.rows - group * ROWS);
        let mut sums = [0.0; ROWS];
        // SAFETY: the caller's promises; a group and the activations have as many blocks.
        unsafe {
            dot_group::<S, L>(weights.group(group), x, &mut sums);
            out.slice_mut(group * ROWS..group * ROWS + rows)
                .copy_from_slice(&sums[..rows]);
        }
    }
}

/// Eight rows times one token.
///
/// # Safety
/// The processor has the features; `group` holds a record for each `L::BLOCKS` blocks of the activations.
#[inline(always)]
unsafe fn dot_group<S: Unpack, L: Layout>(group: &[u8], x: &Activations, out: &mut [f32; ROWS]) {
    // SAFETY: the caller's promise; parts and steps stay inside a block.
    unsafe {
        let parts = ROWS / S::LANES;
        let mut totals = [S::splat(0.0); 2];
        let mut quants = x.quants.as_ptr();
        let mut record = group.as_ptr();
        for blocks in x.blocks.chunks_exact(L::BLOCKS) {
            let mut block = record.add(L::HEADER_BYTES);
            for x in blocks {
                let mut line = 0;
                while line < L::BLOCK_BYTES {
                    S::prefetch(block.wrapping_add(PREFETCH_BYTES + line));
                    line += 64;
                }
                for (part, total) in totals.iter_mut().enumerate().take(parts) {
                    *total = dot_block::<S, L>(record, block, quants, x, part * S::LANES, *total);
                }
                block = block.add(L::BLOCK_BYTES);
                quants = quants.add(COLUMNS);
            }
            record = block;
        }
        for (part, total) in totals.iter().enumerate().take(parts) {
            S::store_floats(out.as_mut_ptr().add(part * S::LANES), *total);
        }
    }
}

/// How far ahead of their use weights are asked for.
const PREFETCH_BYTES: usize = 1024;

/// One block of the rows from `row` on, added to `total`.
///
/// # Safety
/// The processor has the features; `record` and `block` are whole, `quants` are a block's.
#[inline(always)]
unsafe fn dot_block<S: Unpack, L: Layout>(
    record: *const u8,
    block: *const u8,
    quants: *const i8,
    x: &Block,
    row: usize,
    mut total: S::Floats,
) -> S::Floats {
    // SAFETY: the caller's promise.
    unsafe {
        let x_scale = S::splat_at(&raw const x.scale);
        let [first, second] = scales::<S, L>(record, block, row);
        let start = if L::HALVED {
            &raw const x.minus_sums[0]
        } else {
            &raw const x.minus_sum
        };
        let mut sums = S::start::<L>(start);
        for step in 0..STEPS {
            let weights = step_quants::<S, L>(block, row, step);
            sums = S::dot::<L>(sums, weights, S::broadcast(quants.add(4 * step)));
            if L::HALVED && step == STEPS / 2 - 1 {
                let scale = S::multiply(first, x_scale);
                total = S::multiply_add(S::total::<L>(sums), scale, total);
                sums = S::start::<L>(&raw const x.minus_sums[1]);
            }
        }
        let scale = S::multiply(second, x_scale);
        total = S::multiply_add(S::total::<L>(sums), scale, total);
        if L::HAS_MINIMUMS {
            let minimums = minimums::<S, L>(record, block, row);
            let x_sum = S::splat_at(&raw const x.minus_scaled_sum);
            total = S::multiply_add(minimums, x_sum, total);
        }
        total
    }
}

/// The quants of one step, a byte each.
///
/// # Safety
/// The processor has the features; `block` has `L::BLOCK_BYTES`.
#[inline(always)]
pub(super) unsafe fn step_quants<S: Unpack, L: Layout>(
    block: *const u8,
    row: usize,
    step: usize,
) -> S::Bytes {
    // SAFETY: the loads lie in the block's quants.
    unsafe {
        let load = |column: usize| S::load(block.add(4 * (ROWS * column + row)));
        match (L::BITS, step) {
            (4, 0..4) => S::and(load(step), 15),
            (4, _) => S::and(S::shift_right::<4>(load(step - 4)), 15),
            (5, 0..5) => S::and(load(step), 31),
            (5, 5 | 6) => {
                let low = S::and(S::shift_right::<5>(load(2 * (step - 5))), 7);
                let high = S::and(S::shift_right::<2>(load(2 * (step - 5) + 1)), 0x18);
                S::or(low, high)
            }
            (5, _) => {
                let low = S::and(S::shift_right::<5>(load(4)), 7);
                let fourth = S::and(S::shift_right::<4>(load(1)), 8);
                let fifth = S::and(S::shift_right::<3>(load(3)), 0x10);
                S::or(low, S::or(fourth, fifth))
            }
            (6, 0..6) => S::and(load(step), 63),
            (6, _) => {
                let from = 3 * (step - 6);
                let low = S::and(S::shift_right::<6>(load(from)), 3);
                let middle = S::and(S::shift_right::<4>(load(from + 1)), 0x0C);
                let high = S::and(S::shift_right::<2>(load(from + 2)), 0x30);
                S::or(low, S::or(middle, high))
            }
            _ => load(step),
        }
    }
}

/// The scales of a block's two halves of columns.
///
/// # Safety
/// The processor has the features; `record` and `block` are whole.
#[inline(always)]
pub(super) unsafe fn scales<S: Unpack, L: Layout>(
    record: *const u8,
    block: *const u8,
    row: usize,
) -> [S::Floats; 2] {
    // SAFETY: the caller's promise.
    unsafe {
        let at = block.add(L::QUANT_BYTES);
        match L::SCALES {
            Scales::Half | Scales::HalfMinimum => [S::halves(at.add(2 * row).cast()); 2],
            Scales::ByteMinimum => {
                let scale = S::load_floats(record.add(4 * row).cast());
                [S::multiply(scale, S::unsigned_bytes(at.add(row))); 2]
            }
            Scales::BytePair => {
                let scale = S::load_floats(record.add(4 * row).cast());
                [0, ROWS].map(|half| S::multiply(scale, S::signed_bytes(at.add(half + row))))
            }
        }
    }
}

/// What is taken off each weight of a block; only where the layout has minimums.
///
/// # Safety
/// As for [`scales`].
#[inline(always)]
pub(super) unsafe fn minimums<S: Unpack, L: Layout>(
    record: *const u8,
    block: *const u8,
    row: usize,
) -> S::Floats {
    // SAFETY: the caller's promise.
    unsafe {
        let at = block.add(L::QUANT_BYTES);
        if L::SCALES == Scales::HalfMinimum {
            let added = S::halves(at.add(2 * ROWS + 2 * row).cast());
            S::multiply(added, S::splat(-1.0))
        } else {
            let scale = S::load_floats(record.add(4 * ROWS + 4 * row).cast());
            S::multiply(scale, S::unsigned_bytes(at.add(ROWS + row)))
        }
    }
}
