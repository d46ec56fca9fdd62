//! Many queries over one block: those of a prompt's neighbouring tokens. Keys and values are made f32 once for all of
//! them, and a few queries at a time share what is loaded.

use std::ops::Range;

use super::super::simd::Unpack;
use super::{INTERLEAVED, POSITIONS, value_at};

/// Registers that the loops below work on at a time.
const REGISTERS: usize = 2;

/// Scores of some queries over the first `seen` positions, rounded up to whole registers.
///
/// # Safety
/// The processor has the features; `queries` and `out` have rows for all of `range`, `keys` are a block's, for which
/// `block` has room.
#[inline(always)]
pub(super) unsafe fn score<S: Unpack>(
    range: Range<usize>,
    queries: &[f32],
    keys: &[u16],
    width: usize,
    seen: usize,
    block: &mut [f32],
    out: &mut [f32],
) {
    // SAFETY: the caller's promise.
    unsafe { widen_keys::<S>(keys, width, seen, block) };
    let mut query = range.start;
    while query < range.end {
        let queries = &queries[query * width..];
        let out = &mut out[query * POSITIONS..];
        // SAFETY: the caller's promise; there are as many rows as are asked for.
        query += unsafe {
            match range.end - query {
                1 => score_some::<S, 1>(queries, block, width, seen, out),
                2 => score_some::<S, 2>(queries, block, width, seen, out),
                3 => score_some::<S, 3>(queries, block, width, seen, out),
                _ => score_some::<S, 4>(queries, block, width, seen, out),
            }
        };
    }
}

/// Adds the first `seen` positions' values to some queries' sums.
///
/// # Safety
/// The processor has the features; `weights` and `sums` have rows for all of `range`, `values` are a block's, for which
/// `block` has room.
#[inline(always)]
pub(super) unsafe fn gather<S: Unpack>(
    range: Range<usize>,
    weights: &[f32],
    values: &[u16],
    width: usize,
    seen: usize,
    block: &mut [f32],
    sums: &mut [f32],
) {
    // SAFETY: the caller's promise.
    unsafe { widen::<S>(values, block) };
    let mut query = range.start;
    while query < range.end {
        let weights = &weights[query * POSITIONS..];
        let sums = &mut sums[query * width..];
        // SAFETY: the caller's promise; there are as many rows as are asked for.
        query += unsafe {
            match range.end - query {
                1 => gather_some::<S, 1>(weights, block, width, seen, sums),
                2 => gather_some::<S, 2>(weights, block, width, seen, sums),
                3 => gather_some::<S, 3>(weights, block, width, seen, sums),
                _ => gather_some::<S, 4>(weights, block, width, seen, sums),
            }
        };
    }
}

/// f16 to f32, as they lie.
///
/// # Safety
/// The processor has the features; `out` is as long as `halves`, whose length is a multiple of the lanes.
#[inline(always)]
unsafe fn widen<S: Unpack>(halves: &[u16], out: &mut [f32]) {
    // SAFETY: the caller's promise.
    let with = unsafe { S::for_halves() };
    for at in (0..halves.len()).step_by(S::LANES) {
        // SAFETY: the caller's promise.
        unsafe {
            S::store_floats(
                out.as_mut_ptr().add(at),
                S::halves(halves.as_ptr().add(at), with),
            );
        }
    }
}

/// The runs of keys that hold the first `seen` positions, each register of lanes on its own.
///
/// # Safety
/// The processor has the features; `keys` is a block's, `out` has room for it.
#[inline(always)]
unsafe fn widen_keys<S: Unpack>(keys: &[u16], width: usize, seen: usize, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    let with = unsafe { S::for_halves() };
    let (run, parts) = (INTERLEAVED * width, INTERLEAVED / S::LANES);
    for run in (0..seen.div_ceil(INTERLEAVED)).map(|index| index * run) {
        for column in 0..width {
            for part in 0..parts {
                // SAFETY: the caller's promise.
                unsafe {
                    let from = run + column * INTERLEAVED + part * S::LANES;
                    let to = run + (part * width + column) * S::LANES;
                    let floats = S::halves(keys.as_ptr().add(from), with);
                    S::store_floats(out.as_mut_ptr().add(to), floats);
                }
            }
        }
    }
}

/// Scores of `T` queries over the first `seen` positions, rounded up to whole registers; returns `T`.
///
/// # Safety
/// The processor has the features; `keys` come from [`widen_keys`], the others have `T` rows.
#[inline(always)]
unsafe fn score_some<S: Unpack, const T: usize>(
    queries: &[f32],
    keys: &[f32],
    width: usize,
    seen: usize,
    out: &mut [f32],
) -> usize {
    debug_assert!(queries.len() >= T * width && out.len() >= T * POSITIONS);
    for first in (0..seen).step_by(REGISTERS * S::LANES) {
        // SAFETY: the caller's promise. A second register past `seen` lies in the block all the same.
        unsafe {
            let keys = keys.as_ptr().add(first * width);
            let mut sums = [[S::splat(0.0); REGISTERS]; T];
            for column in 0..width {
                let keys: [S::Floats; REGISTERS] = std::array::from_fn(|register| {
                    S::load_floats(keys.add((register * width + column) * S::LANES))
                });
                for (query, sums) in sums.iter_mut().enumerate() {
                    let x = S::splat_at(queries.as_ptr().add(query * width + column));
                    for (sum, key) in sums.iter_mut().zip(keys) {
                        *sum = S::multiply_add(x, key, *sum);
                    }
                }
            }
            for (query, sums) in sums.into_iter().enumerate() {
                for (register, sum) in sums.into_iter().enumerate() {
                    let at = query * POSITIONS + first + register * S::LANES;
                    S::store_floats(out.as_mut_ptr().add(at), sum);
                }
            }
        }
    }
    T
}

/// Adds the first `seen` positions' values to `T` queries' sums; returns `T`.
///
/// # Safety
/// The processor has the features; `values` are a block's, in f32, the others have `T` rows.
#[inline(always)]
unsafe fn gather_some<S: Unpack, const T: usize>(
    weights: &[f32],
    values: &[f32],
    width: usize,
    seen: usize,
    sums: &mut [f32],
) -> usize {
    debug_assert!(weights.len() >= T * POSITIONS && sums.len() >= T * width);
    let mut column = 0;
    while column < width {
        // SAFETY: the caller's promise.
        unsafe {
            column += if column + REGISTERS * S::LANES <= width {
                gather_columns::<S, T, REGISTERS>(weights, values, width, seen, column, sums)
            } else {
                gather_columns::<S, T, 1>(weights, values, width, seen, column, sums)
            };
        }
    }
    T
}

/// [`gather_some`] for `R` registers of columns; returns how many columns that are.
///
/// # Safety
/// As for [`gather_some`], and the columns are inside `width`.
#[inline(always)]
unsafe fn gather_columns<S: Unpack, const T: usize, const R: usize>(
    weights: &[f32],
    values: &[f32],
    width: usize,
    seen: usize,
    column: usize,
    sums: &mut [f32],
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        let at = |query: usize, register: usize| query * width + column + register * S::LANES;
        let mut totals: [[S::Floats; R]; T] = std::array::from_fn(|query| {
            std::array::from_fn(|register| S::load_floats(sums.as_ptr().add(at(query, register))))
        });
        for position in 0..seen {
            let values: [S::Floats; R] = std::array::from_fn(|register| {
                let at = value_at(position, column + register * S::LANES);
                S::load_floats(values.as_ptr().add(at))
            });
            for (query, totals) in totals.iter_mut().enumerate() {
                let weight = S::splat_at(weights.as_ptr().add(query * POSITIONS + position));
                for (total, value) in totals.iter_mut().zip(values) {
                    *total = S::multiply_add(weight, value, *total);
                }
            }
        }
        for (query, totals) in totals.into_iter().enumerate() {
            for (register, total) in totals.into_iter().enumerate() {
                S::store_floats(sums.as_mut_ptr().add(at(query, register)), total);
            }
        }
    }
    R * S::LANES
}
