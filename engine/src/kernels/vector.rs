//! Vector operations written once, in plain Rust that compilers turn into whatever vectors the
//! surrounding function may use: every instruction set instantiates these with its own features.

use super::activations::{Block, BlocksMut};
use super::format::COLUMNS;

#[inline(always)]
pub(super) fn quantise(
    x: &[f32],
    to: BlocksMut<'_>,
    quantise: impl Fn(&[f32; COLUMNS], &mut [i8; COLUMNS]) -> Block,
) {
    let (x, _) = x.as_chunks();
    let (quants, _) = to.quants.as_chunks_mut();
    for ((x, quants), block) in x.iter().zip(quants).zip(to.blocks) {
        *block = quantise(x, quants);
    }
}

/// `x / rms(x) · weight` as int8, a block at a time: it is never in memory as a whole.
#[inline(always)]
pub(super) fn normalise(
    x: &[f32],
    weight: &[f32],
    epsilon: f32,
    to: BlocksMut<'_>,
    quantise: impl Fn(&[f32; COLUMNS], &mut [i8; COLUMNS]) -> Block,
) {
    let factor = 1.0 / (mean_square(x) + epsilon).sqrt();
    let (x, _) = x.as_chunks::<COLUMNS>();
    let (weight, _) = weight.as_chunks::<COLUMNS>();
    let (quants, _) = to.quants.as_chunks_mut();
    for (((x, weight), quants), block) in x.iter().zip(weight).zip(quants).zip(to.blocks) {
        let normed = std::array::from_fn(|column| x[column] * factor * weight[column]);
        *block = quantise(&normed, quants);
    }
}

#[inline(always)]
fn mean_square(x: &[f32]) -> f32 {
    // Eight sums side by side: vectorisable, and rounding errors grow eight times slower.
    let mut squares = [0.0f32; 8];
    for x in x.chunks_exact(8) {
        for (square, x) in squares.iter_mut().zip(x) {
            *square += x * x;
        }
    }
    squares.iter().sum::<f32>() / x.len() as f32
}

#[inline(always)]
pub(super) fn silu_multiply(gate: &mut [f32], up: &[f32]) {
    for (gate, up) in gate.iter_mut().zip(up) {
        *gate = *gate / (1.0 + exp(-*gate)) * up;
    }
}

/// e^x within 2 ulp, in operations that vectorise: 2^n · e^r with |r| ≤ ln 2 / 2, where e^r is its
/// Taylor polynomial of degree 7 (error below 2^-26 there).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // ln 2 in two parts: the first has trailing zeros, so that n · HIGH is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Comparisons that vectors have, unlike `clamp`.
    let x = if x > -87.0 { x } else { -87.0 };
    let x = if x < 88.0 { x } else { 88.0 };
    let n = (x * std::f32::consts::LOG2_E).round_ties_even();
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut sum = 1.0 / 5040.0;
    for coefficient in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = sum * r + coefficient;
    }
    sum * two_to_the(n)
}

/// 2^x within 3 ulp from -126 to 127, and 2^-126 below: as [`exp`], with the polynomial of degree 5 whose largest relative
/// error from -0.5 to 0.5 is least (8e-8, before its first coefficient became 1).
#[inline(always)]
pub(super) fn exp2(x: f32) -> f32 {
    let x = if x > -126.0 { x } else { -126.0 };
    let n = x.round_ties_even();
    let r = x - n;
    let mut sum = 0.001_327_647_2;
    for coefficient in [0.009_675_541, 0.055_507_135, 0.240_221_2, 0.693_146_95, 1.0] {
        sum = sum * r + coefficient;
    }
    sum * two_to_the(n)
}

/// 2^n of a whole number: its lowest bits are n + 127, once it is far from 0, and exponents are where they are shifted to.
#[inline(always)]
fn two_to_the(n: f32) -> f32 {
    // Numbers around it are whole, their lowest bits counting from here.
    const WHOLE: f32 = 12_582_912.0; // 1.5 · 2^23
    f32::from_bits((n + (WHOLE + 127.0)).to_bits() << 23)
}
