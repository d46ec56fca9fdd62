//! Attention of some queries over one head's keys and values, written once for every [`Unpack`].
//!
//! Keys and values come in blocks of 32 positions, in f16, each in the order in which it is read. Where few queries share
//! a block (the heads of one token), it is made f32 on its way into the sums, so that there is something to compute while
//! memory is waited for; where many do (a prompt's neighbouring tokens), once for all of them. The softmax is computed
//! online, so nothing as long as the context is kept.

use std::f32::consts::LOG2_E;

use super::simd::Unpack;
use super::vector::exp2;

/// Positions in a block.
pub(crate) const POSITIONS: usize = 32;
/// Neighbouring positions that a block's keys have side by side, and columns that its values have.
pub(crate) const INTERLEAVED: usize = 8;
/// The most queries of one call.
pub(crate) const MOST_QUERIES: usize = 32;
/// The widest head.
pub(crate) const MOST_WIDTH: usize = 256;

/// As many queries take a block as it comes: their sums fit into the registers of every instruction set.
const FEW: usize = 8;

/// Where a position's key begins in its block. Its columns lie [`INTERLEAVED`] apart: one vector holds one column of
/// eight positions, and a score needs no sum across its lanes.
pub(crate) fn key_at(position: usize, width: usize) -> usize {
    let place = position % POSITIONS;
    place / INTERLEAVED * INTERLEAVED * width + place % INTERLEAVED
}

/// Where a position's value has a column in its block: all positions' first eight columns come before the next eight.
pub(crate) fn value_at(position: usize, column: usize) -> usize {
    let run = column / INTERLEAVED * POSITIONS + position % POSITIONS;
    run * INTERLEAVED + column % INTERLEAVED
}

/// Room for one call's intermediate values.
#[derive(Debug)]
pub(super) struct Scratch {
    /// A block's keys, `register of positions → column → lane`, then its values, as they lie.
    block: Vec<f32>,
    /// `query → position`.
    weights: Vec<f32>,
    /// `query → column`, or `column → query` where there are few; times log2(e), so that weights are powers of two.
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

/// A block's keys and values by its number: keys are four runs of `width × 8` positions, values as many runs of
/// `32 positions × 8` columns as the width has. [`key_at`] and [`value_at`] find their way there.
pub(crate) type Blocks<'a> = dyn Fn(usize) -> (&'a [u16], &'a [u16]) + 'a;

/// `$count`, at most [`FEW`], as a constant.
macro_rules! with_count {
    ($count:expr, $name:ident => $body:expr) => {
        with_count!($count, $name => $body, 1 2 3 4 5 6 7 8)
    };
    ($count:expr, $name:ident => $body:expr, $($few:literal)*) => {
        match $count {
            $($few => {
                const $name: usize = $few;
                $body
            })*
            _ => unreachable!("at most FEW"),
        }
    };
}

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
    let few = count <= FEW;
    for query in 0..count {
        // Few lie so that one step of a loop over columns finds what it needs side by side.
        let (first, step) = if few {
            (query, count)
        } else {
            (query * width, 1)
        };
        let places = rows[first..].iter_mut().step_by(step);
        for (place, x) in places.zip((queries.row)(query)) {
            *place = *x * LOG2_E;
        }
    }
    sums[..count * width].fill(0.0);
    let mut largest = [f32::NEG_INFINITY; MOST_QUERIES];
    let mut totals = [[0.0; SIDE_BY_SIDE]; MOST_QUERIES];
    let positions = (queries.positions)(count - 1);
    // The first query that sees anything of the block.
    let mut first = 0;
    for (index, start) in (0..positions).step_by(POSITIONS).enumerate() {
        while (queries.positions)(first) <= start {
            first += 1;
        }
        let seen = POSITIONS.min(positions - start);
        if start + POSITIONS < positions {
            let (keys, values) = blocks(index + 1);
            // SAFETY: the caller's promise; both have a beginning.
            unsafe {
                S::touch(keys.as_ptr().cast());
                S::touch(values.as_ptr().cast());
            }
        }
        let (keys, values) = blocks(index);
        assert!(keys.len() == POSITIONS * width && values.len() == POSITIONS * width);
        // SAFETY: the caller's promise; all lengths were looked at above.
        unsafe {
            let mut query = first;
            if few {
                with_count!(count, T => score_few::<S, T>(rows, keys, width, seen, weights));
                weights[..first * POSITIONS].fill(0.0);
                query = count;
            } else {
                widen_keys::<S>(keys, width, seen, block);
            }
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
            let mut query = first;
            if few {
                with_count!(count, T => gather_few::<S, T>(weights, values, width, seen, sums));
                query = count;
            } else {
                widen::<S>(values, block);
            }
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
        let normalise = 1.0 / totals[query].iter().sum::<f32>();
        sums.iter_mut().for_each(|sum| *sum *= normalise);
        take(query, sums);
    }
}

/// Sums that grow side by side, as vectors have them.
const SIDE_BY_SIDE: usize = 8;

/// Turns scores, which are logarithms to the base 2, into weights relative to the largest score so far, adds them to the
/// totals, and returns by how much what was summed up before shrinks.
#[inline(always)]
fn soften(scores: &mut [f32], largest: &mut f32, totals: &mut [f32; SIDE_BY_SIDE]) -> f32 {
    let (eights, _) = scores.as_chunks_mut::<SIDE_BY_SIDE>();
    let before = *largest;
    // A comparison that vectors have: `max` minds what is no number.
    let mut peaks = [before; SIDE_BY_SIDE];
    for scores in &*eights {
        for (peak, score) in peaks.iter_mut().zip(scores) {
            *peak = if *score > *peak { *score } else { *peak };
        }
    }
    let mut shrink = 1.0;
    // Seldom, after the first blocks.
    if peaks.iter().fold(false, |any, peak| any | (*peak > before)) {
        let peak = peaks.into_iter().fold(*largest, f32::max);
        shrink = exp2(*largest - peak);
        *largest = peak;
        totals.iter_mut().for_each(|total| *total *= shrink);
    }
    // Copies, which compilers keep in registers.
    let (base, mut sums) = (*largest, *totals);
    for scores in eights {
        for (total, score) in sums.iter_mut().zip(scores) {
            *score = exp2(*score - base);
            *total += *score;
        }
    }
    *totals = sums;
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

/// As [`score`], of all queries, which are `column → query`, and with keys as they lie in the cache.
///
/// # Safety
/// The processor has the features; `queries` have `width × T` numbers, `keys` are a block's, `out` has `T` rows.
#[inline(always)]
unsafe fn score_few<S: Unpack, const T: usize>(
    queries: &[f32],
    keys: &[u16],
    width: usize,
    seen: usize,
    out: &mut [f32],
) {
    debug_assert!(queries.len() >= T * width && out.len() >= T * POSITIONS);
    // SAFETY: the caller's promise.
    let with = unsafe { S::for_halves() };
    for first in (0..seen).step_by(S::LANES) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut key = keys.as_ptr().add(key_at(first, width));
            let (mut x, end) = (queries.as_ptr(), queries.as_ptr().add(width * T));
            let mut sums = [S::splat(0.0); T];
            while x != end {
                let floats = S::halves(key, with);
                for (query, sum) in sums.iter_mut().enumerate() {
                    *sum = S::multiply_add(S::splat_at(x.add(query)), floats, *sum);
                }
                key = key.add(INTERLEAVED);
                x = x.add(T);
            }
            for (query, sum) in sums.into_iter().enumerate() {
                S::store_floats(out.as_mut_ptr().add(query * POSITIONS + first), sum);
            }
        }
    }
}

/// As [`gather`], for all queries, and with values as they lie in the cache.
///
/// # Safety
/// The processor has the features; `values` are a block's, the others have `T` rows.
#[inline(always)]
unsafe fn gather_few<S: Unpack, const T: usize>(
    weights: &[f32],
    values: &[u16],
    width: usize,
    seen: usize,
    sums: &mut [f32],
) {
    debug_assert!(weights.len() >= T * POSITIONS && sums.len() >= T * width);
    // SAFETY: the caller's promise.
    let with = unsafe { S::for_halves() };
    for column in (0..width).step_by(S::LANES) {
        // SAFETY: the caller's promise.
        unsafe {
            let values = values.as_ptr().add(value_at(0, column));
            let at = |query: usize| query * width + column;
            let mut totals: [S::Floats; T] =
                std::array::from_fn(|query| S::load_floats(sums.as_ptr().add(at(query))));
            let mut values = values;
            let (mut weight, end) = (weights.as_ptr(), weights.as_ptr().add(seen));
            while weight != end {
                let floats = S::halves(values, with);
                for (query, total) in totals.iter_mut().enumerate() {
                    let weight = S::splat_at(weight.add(query * POSITIONS));
                    *total = S::multiply_add(weight, floats, *total);
                }
                values = values.add(INTERLEAVED);
                weight = weight.add(1);
            }
            for (query, total) in totals.into_iter().enumerate() {
                S::store_floats(sums.as_mut_ptr().add(at(query)), total);
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
/// The processor has the features; `values` are a block's, in f32, the others have `T` rows.
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
