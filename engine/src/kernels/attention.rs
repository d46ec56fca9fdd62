//! Attention of some queries over one head's keys and values, written once for every [`Unpack`].
//!
//! Keys and values come in blocks of 32 positions, in f16. A block is made f32 once for all queries
//! that share it (a token's heads, and a prompt's neighbouring tokens); the softmax is computed online,
//! so nothing as long as the context is kept.

use super::simd::Unpack;
use super::vector::exp;

/// Positions in a block.
pub(crate) const POSITIONS: usize = 32;
/// Neighbouring positions that a block's keys have side by side.
pub(crate) const INTERLEAVED: usize = 8;
/// The most queries of one call.
pub(crate) const MOST_QUERIES: usize = 32;
/// The widest head.
pub(crate) const MOST_WIDTH: usize = 256;

/// Room for one call's intermediate values.
#[derive(Debug)]
pub(super) struct Scratch {
    /// A block's keys, `register of positions → column → lane`, then its values, `position → column`.
    block: Vec<f32>,
    /// `query → position`.
    weights: Vec<f32>,
    /// `query → column`.
    queries: Vec<f32>,
    sums: Vec<f32>,
}

impl Scratch {
    pub(super) fn new() -> Self {
        Self {
            block: vec![0.0; POSITIONS * MOST_WIDTH],
            weights: vec![0.0; MOST_QUERIES * POSITIONS],
            queries: vec![0.0; MOST_QUERIES * MOST_WIDTH],
            sums: vec![0.0; MOST_QUERIES * MOST_WIDTH],
        }
    }
}

/// One call's queries, `count` rows of `width`, which is a multiple of 8.
pub(crate) struct Queries<'a> {
    pub(crate) width: usize,
    pub(crate) count: usize,
    /// The row of a query, already scaled.
    pub(crate) row: &'a dyn Fn(usize) -> &'a [f32],
    /// How many positions a query sees; never fewer than the query before it does.
    pub(crate) positions: &'a dyn Fn(usize) -> usize,
}

/// A block's keys and values by its number: keys are four runs of `width × 8` positions, values
/// `position × width`.
pub(crate) type Blocks<'a> = dyn Fn(usize) -> (&'a [u16], &'a [u16]) + 'a;

/// Calls `take(query, row)` with each query's attended values.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(super) unsafe fn attend<S: Unpack>(
    queries: &Queries<'_>,
    blocks: &Blocks<'_>,
    scratch: &mut Scratch,
    take: &mut dyn FnMut(usize, &mut [f32]),
) {
    let (width, count) = (queries.width, queries.count);
    assert!(count <= MOST_QUERIES && width <= MOST_WIDTH && width.is_multiple_of(INTERLEAVED));
    let Scratch {
        block,
        weights,
        queries: rows,
        sums,
    } = scratch;
    for (query, row) in rows.chunks_exact_mut(width).enumerate().take(count) {
        row.copy_from_slice((queries.row)(query));
    }
    sums[..count * width].fill(0.0);
    let mut largest = [f32::NEG_INFINITY; MOST_QUERIES];
    let mut totals = [0.0; MOST_QUERIES];
    let positions = (queries.positions)(count - 1);
    // The first query that sees anything of the block.
    let mut first = 0;
    for (index, start) in (0..positions).step_by(POSITIONS).enumerate() {
        while (queries.positions)(first) <= start {
            first += 1;
        }
        let seen = POSITIONS.min(positions - start);
        let (keys, values) = blocks(index);
        assert!(keys.len() == POSITIONS * width && values.len() == POSITIONS * width);
        // SAFETY: the caller's promise; all lengths were looked at above.
        unsafe {
            widen_keys::<S>(keys, width, seen, block);
            let mut query = first;
            while query < count {
                let rows = &rows[query * width..];
                let weights = &mut weights[query * POSITIONS..];
                query += match count - query {
                    1 => score::<S, 1>(rows, block, width, seen, weights),
                    2 => score::<S, 2>(rows, block, width, seen, weights),
                    3 => score::<S, 3>(rows, block, width, seen, weights),
                    _ => score::<S, 4>(rows, block, width, seen, weights),
                };
            }
            for query in first..count {
                let weights = &mut weights[query * POSITIONS..][..POSITIONS];
                let sees = ((queries.positions)(query) - start).min(POSITIONS);
                weights[sees..].fill(f32::NEG_INFINITY);
                let shrink = soften(weights, &mut largest[query], &mut totals[query]);
                if shrink < 1.0 {
                    let sums = &mut sums[query * width..][..width];
                    sums.iter_mut().for_each(|sum| *sum *= shrink);
                }
            }
            widen::<S>(&values[..seen * width], block);
            let mut query = first;
            while query < count {
                let weights = &weights[query * POSITIONS..];
                let sums = &mut sums[query * width..];
                query += match count - query {
                    1 => gather::<S, 1>(weights, block, width, seen, sums),
                    2 => gather::<S, 2>(weights, block, width, seen, sums),
                    3 => gather::<S, 3>(weights, block, width, seen, sums),
                    _ => gather::<S, 4>(weights, block, width, seen, sums),
                };
            }
        }
    }
    for (query, sums) in sums.chunks_exact_mut(width).enumerate().take(count) {
        let normalise = 1.0 / totals[query];
        sums.iter_mut().for_each(|sum| *sum *= normalise);
        take(query, sums);
    }
}

/// Turns scores into weights relative to the largest score so far, and returns by how much what was
/// summed up before shrinks.
#[inline(always)]
fn soften(scores: &mut [f32], largest: &mut f32, total: &mut f32) -> f32 {
    // Eight side by side, and a comparison that vectors have: `max` minds what is no number.
    let (eights, _) = scores.as_chunks_mut::<8>();
    let before = *largest;
    let mut peaks = [before; 8];
    for scores in &*eights {
        for (peak, score) in peaks.iter_mut().zip(scores) {
            *peak = if *score > *peak { *score } else { *peak };
        }
    }
    let peak = peaks.into_iter().fold(before, f32::max);
    let mut sums = [0.0; 8];
    for scores in eights {
        for (sum, score) in sums.iter_mut().zip(scores) {
            *score = exp(*score - peak);
            *sum += *score;
        }
    }
    let shrink = exp(before - peak);
    *total = *total * shrink + sums.iter().sum::<f32>();
    *largest = peak;
    shrink
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

/// Registers that the loops below work on at a time.
const REGISTERS: usize = 2;

/// Scores of `T` queries over the first `seen` positions, rounded up to whole registers; returns `T`.
///
/// # Safety
/// The processor has the features; `keys` come from [`widen_keys`], the others have `T` rows.
#[inline(always)]
unsafe fn score<S: Unpack, const T: usize>(
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
/// The processor has the features; `values` are `position × width`, the others have `T` rows.
#[inline(always)]
unsafe fn gather<S: Unpack, const T: usize>(
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

/// [`gather`] for `R` registers of columns; returns how many columns that are.
///
/// # Safety
/// As for [`gather`], and the columns are inside `width`.
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
                S::load_floats(values.as_ptr().add(at(position, register)))
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
