//! Products of packed weights with one token's int8 activations, written once for every [`Unpack`]: the
//! weights come straight from their packed form, since each is used once.

use std::ops::Range;

use super::activations::{Activations, Block};
use super::format::{COLUMNS, Layout, ROWS, STEPS};
use super::pack::PackedMatrix;
use super::shared_slice::SharedSlice;
use super::simd::Unpack;
use super::unpack::{
    Constants, block_minimums, block_scales, constants, header_minimums, header_scales, step_quants,
};

/// `out[row] = weights[row] · x` for the rows of `groups` and the only token of `x`.
///
/// Where registers have few lanes, two groups are multiplied at a time: what their rows have in common costs half
/// then, and twice as much memory is on its way. The two walk through halves of the range, since hardware
/// fetches ahead best along few long runs.
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
    let put = |group: usize, sums: &[f32; ROWS]| {
        let rows = group * ROWS..weights.rows.min((group + 1) * ROWS);
        // SAFETY: the caller's promise on `out`.
        unsafe { out.slice_mut(rows.clone()) }.copy_from_slice(&sums[..rows.len()]);
    };
    if S::LANES == ROWS {
        for group in groups {
            // SAFETY: the caller's promises; a group and the activations have as many blocks.
            let [sums, _] = unsafe { dot_groups::<S, L, 1>([weights.group(group); 2], x) };
            put(group, &sums);
        }
        return;
    }
    debug_assert_eq!(S::LANES * 2, ROWS);
    let half = groups.len().div_ceil(2);
    for first in groups.start..groups.start + half {
        // Of an odd number, the last one is computed twice.
        let second = (first + half).min(groups.end - 1);
        let pair = [first, second].map(|group| weights.group(group));
        // SAFETY: as above.
        let [sums, second_sums] = unsafe { dot_groups::<S, L, 4>(pair, x) };
        put(first, &sums);
        put(second, &second_sums);
    }
}

/// As many registers of rows as `R` says, of the first group first, times one token.
///
/// # Safety
/// The processor has the features; a group holds a record for each `L::BLOCKS` blocks of the activations.
#[inline(always)]
unsafe fn dot_groups<S: Unpack, L: Layout, const R: usize>(
    groups: [&[u8]; 2],
    x: &Activations,
) -> [[f32; ROWS]; 2] {
    // SAFETY: the caller's promise; records and blocks stay inside a group.
    unsafe {
        let in_group = ROWS / S::LANES;
        let row = |register: usize| register % in_group * S::LANES;
        let constants = constants::<S, L>();
        let mut totals = [S::splat(0.0); R];
        let mut quants = x.quants.as_ptr();
        let mut records: [*const u8; R] =
            std::array::from_fn(|register| groups[register / in_group].as_ptr());
        for blocks in x.blocks.chunks_exact(L::BLOCKS) {
            let mut sums = Sums {
                scaled: [S::splat(0.0); R],
                minimums: [S::splat(0.0); R],
            };
            // Without a header there are no factors, and blocks add to the totals themselves.
            if L::HEADER_BYTES == 0 {
                sums.scaled = totals;
            }
            let mut at = records.map(|record| record.add(L::HEADER_BYTES));
            for x in blocks {
                for block in at.iter().step_by(in_group) {
                    for line in (0..L::BLOCK_BYTES).step_by(64) {
                        S::prefetch(block.wrapping_add(PREFETCH_BYTES + line));
                    }
                }
                dot_block::<S, L, R>(at, quants, x, &constants, &mut sums);
                at = at.map(|block| block.add(L::BLOCK_BYTES));
                quants = quants.add(COLUMNS);
            }
            if L::HEADER_BYTES == 0 {
                totals = sums.scaled;
            } else {
                for (register, total) in totals.iter_mut().enumerate() {
                    let (record, row) = (records[register], row(register));
                    let scales = header_scales::<S>(record, row);
                    *total = S::multiply_add(sums.scaled[register], scales, *total);
                    if L::HAS_MINIMUMS {
                        let minimums = header_minimums::<S>(record, row);
                        *total = S::multiply_add(sums.minimums[register], minimums, *total);
                    }
                }
            }
            records = records.map(|record| record.add(L::RECORD_BYTES));
        }
        let mut sums = [[0.0; ROWS]; 2];
        for (register, total) in totals.into_iter().enumerate() {
            let sums = sums[register / in_group].as_mut_ptr();
            S::store_floats(sums.add(row(register)), total);
        }
        sums
    }
}

/// How far ahead of their use weights are asked for.
const PREFETCH_BYTES: usize = 1024;

/// What the blocks of a record come to, without its header's factors.
struct Sums<S: Unpack, const R: usize> {
    scaled: [S::Floats; R],
    minimums: [S::Floats; R],
}

/// Adds one block of all rows.
///
/// # Safety
/// The processor has the features; the blocks are whole, `quants` are a block's.
#[inline(always)]
unsafe fn dot_block<S: Unpack, L: Layout, const R: usize>(
    blocks: [*const u8; R],
    mut quants: *const i8,
    x: &Block,
    constants: &Constants<S>,
    totals: &mut Sums<S, R>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let row = |register: usize| register % (ROWS / S::LANES) * S::LANES;
        let x_scale = S::splat_at(&raw const x.scale);
        let mut minus_sum = &raw const x.minus_sum;
        let mut sums = [S::start::<L>(minus_sum); R];
        let mut at: [*const u8; R] =
            std::array::from_fn(|register| blocks[register].add(4 * row(register)));
        for round in 0..S::rounds(L::ROUNDS) {
            if L::HALVED {
                minus_sum = x.minus_sums.as_ptr().add(round);
                sums = [S::start::<L>(minus_sum); R];
            }
            for register in 0..R {
                let weights = |step| step_quants::<S, L>(at[register], step, constants);
                let x = |step| S::broadcast(quants.add(4 * step));
                let sum = &mut sums[register];
                if L::ROUND_STEPS == 1 {
                    *sum = S::dot::<L>(*sum, weights(0), x(0));
                }
                for step in (1..L::ROUND_STEPS).step_by(2) {
                    let weights = [weights(step - 1), weights(step)];
                    *sum = S::dot_two::<L>(*sum, weights, [x(step - 1), x(step)]);
                    if L::ROUND_STEPS == STEPS && step + 1 == STEPS / 2 {
                        *sum = S::halfway::<L>(*sum);
                    }
                }
                at[register] = at[register].add(L::ROUND_BYTES);
            }
            quants = quants.add(4 * L::ROUND_STEPS);
            if L::HALVED {
                for register in 0..R {
                    let (block, row) = (blocks[register], row(register));
                    let total = &mut totals.scaled[register];
                    let scale = block_scales::<S, L>(block, row, round, constants);
                    let sum = S::total::<L>(sums[register], minus_sum);
                    *total = S::multiply_add(sum, S::multiply(scale, x_scale), *total);
                }
            }
        }
        if L::HALVED {
            return;
        }
        let x_sum = S::splat_at(&raw const x.minus_scaled_sum);
        for register in 0..R {
            let (block, row) = (blocks[register], row(register));
            let total = &mut totals.scaled[register];
            let scale = block_scales::<S, L>(block, row, 0, constants);
            let sum = S::total::<L>(sums[register], minus_sum);
            *total = S::multiply_add(sum, S::multiply(scale, x_scale), *total);
            if L::HAS_MINIMUMS {
                let total = if L::HEADER_BYTES == 0 {
                    total
                } else {
                    &mut totals.minimums[register]
                };
                let minimums = block_minimums::<S, L>(block, row, constants);
                *total = S::multiply_add(minimums, x_sum, *total);
            }
        }
    }
}
