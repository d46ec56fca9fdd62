//! Rounding activations to int8, written once for every instruction set that compilers vectorise it for.

use super::activations::Block;
use super::format::COLUMNS;

#[inline(always)]
pub(super) fn quantise_block(x: &[f32; COLUMNS], quants: &mut [i8; COLUMNS]) -> Block {
    let largest = x.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
    let scale = largest / 127.0;
    // A block so small that its scale's inverse would overflow is zero for all purposes.
    let inverse = if scale > f32::MIN_POSITIVE {
        1.0 / scale
    } else {
        0.0
    };
    for (quant, x) in quants.iter_mut().zip(x) {
        *quant = (x * inverse).round_ties_even() as i8;
    }
    let (first, second) = quants.split_at(COLUMNS / 2);
    let sum = |half: &[i8]| half.iter().map(|&quant| i32::from(quant)).sum();
    Block::new(scale, [sum(first), sum(second)])
}
