//! Attention of some queries over one head's keys and values, written once for every [`Unpack`].
//!
//! Keys and values come in blocks of 32 positions, in f16, each in the order in which it is read. `few` queries (the heads
//! of one token) take a block otherwise than `many` (a prompt's neighbouring tokens). The softmax is computed online, so
//! nothing as long as the context is kept.

mod few;
mod many;

use std::f32::consts::LOG2_E;

use super::simd::Unpack;
use super::vector::exp2;
use few::FEW;

/// Positions in a block.
pub(crate) const POSITIONS: usize = 32;
/// Neighbouring positions that a block's keys have side by side, and columns that its values have.
pub(crate) const INTERLEAVED: usize = 8;
/// The most queries of one call.
pub(crate) const MOST_QUERIES: usize = 32;
/// The widest head.
pub(crate) const MOST_WIDTH: usize = 256;

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
            if few {
                few::score::<S>(count, rows, keys, width, seen, weights);
                weights[..first * POSITIONS].fill(0.0);
            } else {
                many::score::<S>(first..count, rows, keys, width, seen, block, weights);
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
            if few {
                few::gather::<S>(count, weights, values, width, seen, sums);
            } else {
                many::gather::<S>(first..count, weights, values, width, seen, block, sums);
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
