//! Few queries over one block: the heads of one token. Keys and values become f32 on their way into the sums, so that
//! there is something to compute while memory is waited for.

use super::super::simd::Unpack;
use super::{INTERLEAVED, POSITIONS, key_at, value_at};

/// As many are few: their sums fit into the registers of every instruction set.
pub(super) const FEW: usize = 8;

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

/// Scores of all `count` queries over the first `seen` positions, rounded up to whole registers.
///
/// # Safety
/// The processor has the features; `queries`, `column → query`, have `width × count` numbers, `keys` are a block's, `out`
/// has `count` rows.
#[inline(always)]
pub(super) unsafe fn score<S: Unpack>(
    count: usize,
    queries: &[f32],
    keys: &[u16],
    width: usize,
    seen: usize,
    out: &mut [f32],
) {
    // SAFETY: the caller's promise.
    unsafe { with_count!(count, T => score_all::<S, T>(queries, keys, width, seen, out)) }
}

/// Adds the first `seen` positions' values to all `count` queries' sums.
///
/// # Safety
/// The processor has the features; `values` are a block's, the others have `count` rows.
#[inline(always)]
pub(super) unsafe fn gather<S: Unpack>(
    count: usize,
    weights: &[f32],
    values: &[u16],
    width: usize,
    seen: usize,
    sums: &mut [f32],
) {
    // SAFETY: the caller's promise.
    unsafe { with_count!(count, T => gather_all::<S, T>(weights, values, width, seen, sums)) }
}

/// [`score`] for `T` queries.
///
/// # Safety
/// As for [`score`].
#[inline(always)]
unsafe fn score_all<S: Unpack, const T: usize>(
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

/// [`gather`] for `T` queries.
///
/// # Safety
/// As for [`gather`].
#[inline(always)]
unsafe fn gather_all<S: Unpack, const T: usize>(
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
