//! Packed weights as registers, written once for every [`Unpack`].

use super::format::{BYTE_STRIDE, Layout, ROWS, Scales};
use super::simd::Unpack;

/// What unpacking computes with, made outside of loops.
pub(super) struct Constants<S: Unpack> {
    masks: [S::Bytes; 5],
    halves: S::Halves,
}

/// # Safety
/// The processor has the features.
#[inline(always)]
pub(super) unsafe fn constants<S: Unpack, L: Layout>() -> Constants<S> {
    let masks = match L::BITS {
        4 => [15; 5],
        5 => [31, 7, 0x18, 8, 0x10],
        _ => [63, 3, 0x0C, 0x30, 0],
    };
    // SAFETY: the caller's promise.
    unsafe {
        Constants {
            masks: masks.map(|mask| S::mask(mask)),
            halves: S::for_halves(),
        }
    }
}

/// The quants of one step of a round, a byte each; `at`: the round's first byte of the first of the rows.
///
/// # Safety
/// The processor has the features; the round is whole.
#[inline(always)]
pub(super) unsafe fn step_quants<S: Unpack, L: Layout>(
    at: *const u8,
    step: usize,
    constants: &Constants<S>,
) -> S::Bytes {
    // SAFETY: the loads lie in the round.
    unsafe {
        let load = |byte: usize| S::load(at.add(BYTE_STRIDE * byte));
        let [low, mask_1, mask_2, mask_3, mask_4] = constants.masks;
        match (L::BITS, step) {
            (4, 0) => S::and(load(0), low),
            (4, _) => S::and(S::shift_right::<4>(load(0)), low),
            (5, 0..5) => S::and(load(step), low),
            (5, 5 | 6) => {
                let low = S::and(S::shift_right::<5>(load(2 * (step - 5))), mask_1);
                let high = S::and(S::shift_right::<2>(load(2 * (step - 5) + 1)), mask_2);
                S::or(low, high)
            }
            (5, _) => {
                let low = S::and(S::shift_right::<5>(load(4)), mask_1);
                let fourth = S::and(S::shift_right::<4>(load(1)), mask_3);
                let fifth = S::and(S::shift_right::<3>(load(3)), mask_4);
                S::or(low, S::or(fourth, fifth))
            }
            (6, 0..3) => S::and(load(step), low),
            (6, _) => {
                let low = S::and(S::shift_right::<6>(load(0)), mask_1);
                let middle = S::and(S::shift_right::<4>(load(1)), mask_2);
                let high = S::and(S::shift_right::<2>(load(2)), mask_3);
                S::or(low, S::or(middle, high))
            }
            _ => load(0),
        }
    }
}

/// The scales of one half of a block's columns, without the header's factor; without halves there is one scale,
/// half 0's.
///
/// # Safety
/// The processor has the features; the block is whole.
#[inline(always)]
pub(super) unsafe fn block_scales<S: Unpack, L: Layout>(
    block: *const u8,
    row: usize,
    half: usize,
    constants: &Constants<S>,
) -> S::Floats {
    // SAFETY: the caller's promise.
    unsafe {
        let at = block.add(L::QUANT_BYTES);
        match L::SCALES {
            Scales::Half | Scales::HalfMinimum => {
                S::halves(at.add(2 * row).cast(), constants.halves)
            }
            Scales::ByteMinimum => S::unsigned_bytes(at.add(row)),
            Scales::BytePair => S::signed_bytes(at.add(ROWS * half + row)),
        }
    }
}

/// What is taken off each weight of a block, without the header's factor; only where the layout has minimums.
///
/// # Safety
/// As for [`block_scales`].
#[inline(always)]
pub(super) unsafe fn block_minimums<S: Unpack, L: Layout>(
    block: *const u8,
    row: usize,
    constants: &Constants<S>,
) -> S::Floats {
    // SAFETY: the caller's promise.
    unsafe {
        let at = block.add(L::QUANT_BYTES);
        if L::SCALES == Scales::HalfMinimum {
            let added = S::halves(at.add(2 * ROWS + 2 * row).cast(), constants.halves);
            S::multiply(added, S::splat(-1.0))
        } else {
            S::unsigned_bytes(at.add(ROWS + row))
        }
    }
}

/// The factor that a header has for the scales of its blocks.
///
/// # Safety
/// The processor has the features; the record is whole, and has a header.
#[inline(always)]
pub(super) unsafe fn header_scales<S: Unpack>(record: *const u8, row: usize) -> S::Floats {
    // SAFETY: the caller's promise.
    unsafe { S::load_floats(record.add(4 * row).cast()) }
}

/// Likewise for their minimums.
///
/// # Safety
/// As for [`header_scales`]; the layout has minimums.
#[inline(always)]
pub(super) unsafe fn header_minimums<S: Unpack>(record: *const u8, row: usize) -> S::Floats {
    // SAFETY: the caller's promise.
    unsafe { S::load_floats(record.add(4 * (ROWS + row)).cast()) }
}
