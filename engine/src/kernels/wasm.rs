//! WebAssembly with simd128; with relaxed SIMD, where the build has it, through its dot product of
//! bytes. A browser finds out which build it can run before it loads one, so nothing is detected here.

use std::arch::wasm32::*;
use std::ops::Range;

use half::f16;

use super::Kernels;
use super::activations::{Activations, RowMut};
use super::format::{COLUMNS, Format, Layout, ROWS, STEPS, Scales, with_layout};
use super::pack::PackedMatrix;
use super::threads::SharedSlice;
use super::vector::{self, HalfRows};

/// Tokens that share one unpacking of the weights in a prompt.
const TILE: usize = 4;

/// Rows in a register: a group is computed as two halves.
const LANES: usize = 4;

#[derive(Debug)]
pub(super) struct Wasm;

impl Kernels for Wasm {
    fn name(&self) -> &'static str {
        if cfg!(target_feature = "relaxed-simd") {
            "wasm-relaxed-simd"
        } else {
            "wasm-simd128"
        }
    }

    fn quantise(&self, x: &[f32], row: RowMut<'_>) {
        quantise(x, row);
    }

    unsafe fn multiply(
        &self,
        weights: &PackedMatrix,
        groups: Range<usize>,
        x: &Activations,
        out: &SharedSlice<'_, f32>,
    ) {
        for group in groups {
            let bytes = weights.group(group);
            let first_row = group * ROWS;
            let rows = ROWS.min(weights.rows - first_row);
            let store = |token: usize, sums: [v128; 2]| {
                let mut lanes = [0.0; ROWS];
                for (lanes, sums) in lanes.chunks_exact_mut(LANES).zip(sums) {
                    // SAFETY: the chunk has four floats.
                    unsafe { v128_store(lanes.as_mut_ptr().cast(), sums) };
                }
                let at = token * weights.rows + first_row;
                // SAFETY: the caller's promise that these rows are its alone.
                unsafe { out.slice_mut(at..at + rows) }.copy_from_slice(&lanes[..rows]);
            };
            with_layout!(weights.format, L => {
                let mut token = 0;
                while token + TILE <= x.rows {
                    for (index, sums) in tile::<L, TILE>(bytes, x, token).into_iter().enumerate() {
                        store(token + index, sums);
                    }
                    token += TILE;
                }
                while token < x.rows {
                    let [sums] = tile::<L, 1>(bytes, x, token);
                    store(token, sums);
                    token += 1;
                }
            });
        }
    }

    fn rms_norm(&self, x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
        vector::rms_norm(x, weight, epsilon, out);
    }

    fn silu_multiply(&self, gate: &mut [f32], up: &[f32]) {
        vector::silu_multiply(gate, up);
    }

    fn attend(&self, query: &[f32], keys: &[u16], values: &[u16], out: &mut [f32]) {
        // SAFETY: `SimdHalf` needs what the whole build has.
        unsafe { vector::attend::<SimdHalf>(query, keys, values, out) }
    }

    fn to_half(&self, x: &[f32], out: &mut [u16]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = f16::from_f32(*x).to_bits();
        }
    }
}

/// Four rows' sums for one token in 32 bits each, on the way through a block.
#[derive(Clone, Copy)]
struct Sums {
    low: v128,
    /// Of the weights' eighth bits, 128 times too small: the dot product takes seven.
    #[cfg(target_feature = "relaxed-simd")]
    high: v128,
}

#[cfg(target_feature = "relaxed-simd")]
impl Sums {
    #[inline(always)]
    fn new(start: i32) -> Self {
        Self {
            low: i32x4_splat(start),
            high: i32x4_splat(0),
        }
    }

    /// `weights`: four rows × four columns, `x`: the same four columns in each lane.
    #[inline(always)]
    fn add<L: Layout>(&mut self, weights: v128, x: v128) {
        if L::BITS == 8 {
            let seven = v128_and(weights, u8x16_splat(0x7F));
            let eighth = v128_and(u16x8_shr(weights, 7), u8x16_splat(1));
            self.low = i32x4_relaxed_dot_i8x16_i7x16_add(x, seven, self.low);
            self.high = i32x4_relaxed_dot_i8x16_i7x16_add(x, eighth, self.high);
        } else {
            self.low = i32x4_relaxed_dot_i8x16_i7x16_add(x, weights, self.low);
        }
    }

    #[inline(always)]
    fn total<L: Layout>(self) -> v128 {
        if L::BITS == 8 {
            i32x4_add(self.low, i32x4_shl(self.high, 7))
        } else {
            self.low
        }
    }
}

#[cfg(not(target_feature = "relaxed-simd"))]
impl Sums {
    #[inline(always)]
    fn new(start: i32) -> Self {
        Self {
            low: i32x4_splat(start),
        }
    }

    /// As 16-bit numbers: the even columns of all rows, then the odd ones, so that each lane stays
    /// one row's.
    #[inline(always)]
    fn add<L: Layout>(&mut self, weights: v128, x: v128) {
        let even = i32x4_dot_i16x8(
            v128_and(weights, u16x8_splat(0xFF)),
            i16x8_shr(i16x8_shl(x, 8), 8),
        );
        let odd = i32x4_dot_i16x8(u16x8_shr(weights, 8), i16x8_shr(x, 8));
        self.low = i32x4_add(self.low, i32x4_add(even, odd));
    }

    #[inline(always)]
    fn total<L: Layout>(self) -> v128 {
        self.low
    }
}

/// The quants of one step and half: four rows × four columns, a byte each.
#[inline(always)]
unsafe fn quants<L: Layout>(block: *const u8, step: usize, half: usize) -> v128 {
    // SAFETY: the caller's block has `L::BLOCK_BYTES`, and each load lies in its quants.
    unsafe {
        let load = |at: usize| v128_load(block.add(at + 16 * half).cast());
        if L::BITS == 8 {
            return load(32 * step);
        }
        let bytes = load(32 * (step % 4));
        let low = if step < 4 {
            v128_and(bytes, u8x16_splat(15))
        } else {
            u8x16_shr(bytes, 4)
        };
        let high = match L::BITS {
            5 => shift_to_bit_4(load(128), step),
            6 => shift_to_bit_4(load(128 + 32 * (step / 4)), 2 * (step % 4)),
            _ => return low,
        };
        let mask = if L::BITS == 5 { 0x10 } else { 0x30 };
        v128_or(low, v128_and(high, u8x16_splat(mask)))
    }
}

/// Brings bit `bit` of each byte to bit 4; neighbours spill in and are masked by the caller.
#[inline(always)]
fn shift_to_bit_4(bytes: v128, bit: usize) -> v128 {
    match bit {
        0..4 => u16x8_shl(bytes, 4 - bit as u32),
        4 => bytes,
        _ => u16x8_shr(bytes, bit as u32 - 4),
    }
}

/// Four f16 as f32: the bits are moved into place, and a product with 2^112 mends the exponent, of
/// subnormal numbers too. Exact but for infinities, which no weight or activation is.
#[inline(always)]
unsafe fn halves(at: *const u8) -> v128 {
    // SAFETY: the caller's pointer has 8 readable bytes.
    let bits = unsafe { v128_load64_zero(at.cast()) };
    let bits = u32x4_extend_low_u16x8(bits);
    let magnitude = i32x4_shl(v128_and(bits, u32x4_splat(0x7FFF)), 13);
    let sign = i32x4_shl(v128_and(bits, u32x4_splat(0x8000)), 16);
    let factor = f32x4_splat(f32::from_bits((127 + 112) << 23));
    v128_or(f32x4_mul(magnitude, factor), sign)
}

#[inline(always)]
unsafe fn unsigned_bytes(at: *const u8) -> v128 {
    // SAFETY: the caller's pointer has 4 readable bytes.
    let bytes = unsafe { v128_load32_zero(at.cast()) };
    f32x4_convert_i32x4(u32x4_extend_low_u16x8(u16x8_extend_low_u8x16(bytes)))
}

#[inline(always)]
unsafe fn signed_bytes(at: *const u8) -> v128 {
    // SAFETY: the caller's pointer has 4 readable bytes.
    let bytes = unsafe { v128_load32_zero(at.cast()) };
    f32x4_convert_i32x4(i32x4_extend_low_i16x8(i16x8_extend_low_i8x16(bytes)))
}

/// The scales of a block's two halves of columns and its minimums, each for four rows.
#[inline(always)]
unsafe fn scales<L: Layout>(record: *const u8, block: *const u8, half: usize) -> ([v128; 2], v128) {
    // SAFETY: the caller's record and block are whole.
    unsafe {
        let (bytes, words) = (LANES * half, 2 * LANES * half);
        let at = block.add(L::QUANT_BYTES);
        let none = f32x4_splat(0.0);
        match L::SCALES {
            Scales::Half => ([halves(at.add(words)); 2], none),
            Scales::HalfMinimum => (
                [halves(at.add(words)); 2],
                f32x4_neg(halves(at.add(2 * ROWS + words))),
            ),
            Scales::ByteMinimum => (
                [f32x4_mul(halves(record.add(words)), unsigned_bytes(at.add(bytes))); 2],
                f32x4_mul(
                    halves(record.add(2 * ROWS + words)),
                    unsigned_bytes(at.add(ROWS + bytes)),
                ),
            ),
            Scales::BytePair => {
                let scale = halves(record.add(words));
                let first = f32x4_mul(scale, signed_bytes(at.add(bytes)));
                let second = f32x4_mul(scale, signed_bytes(at.add(ROWS + bytes)));
                ([first, second], none)
            }
        }
    }
}

/// `a · b + c`, fused where the build may.
#[inline(always)]
fn multiply_add(a: v128, b: v128, c: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return f32x4_relaxed_madd(a, b, c);
    #[cfg(not(target_feature = "relaxed-simd"))]
    f32x4_add(f32x4_mul(a, b), c)
}

/// Eight rows times `T` tokens: each weight is unpacked once for all of them.
#[inline(always)]
fn tile<L: Layout, const T: usize>(
    group: &[u8],
    x: &Activations,
    first_token: usize,
) -> [[v128; 2]; T] {
    let blocks = x.columns / COLUMNS;
    let has_minimum = matches!(L::SCALES, Scales::HalfMinimum | Scales::ByteMinimum);
    let mut totals = [[f32x4_splat(0.0); 2]; T];
    // SAFETY: `group` holds a record for each `L::BLOCKS` blocks of the activations' columns, which
    // is how both were made; each token's quants, scales and sums lie inside `x` likewise.
    unsafe {
        let x_quants: [*const i8; T] =
            std::array::from_fn(|token| x.quants.as_ptr().add((first_token + token) * x.columns));
        for index in 0..blocks {
            let record = group.as_ptr().add(index / L::BLOCKS * L::RECORD_BYTES);
            let block = record.add(L::HEADER_BYTES + index % L::BLOCKS * L::BLOCK_BYTES);
            let x_scales: [f32; T] = std::array::from_fn(|token| {
                *x.scales
                    .get_unchecked((first_token + token) * blocks + index)
            });
            let x_sums: [[i32; 2]; T] = std::array::from_fn(|token| {
                *x.sums.get_unchecked((first_token + token) * blocks + index)
            });
            for half in 0..2 {
                let (scales, minimums) = scales::<L>(record, block, half);
                let mut sums: [Sums; T] = std::array::from_fn(|token| {
                    let [first, second] = x_sums[token];
                    let covered = if L::SCALES == Scales::BytePair {
                        first
                    } else {
                        first + second
                    };
                    Sums::new(-L::OFFSET * covered)
                });
                for step in 0..STEPS {
                    let weights = quants::<L>(block, step, half);
                    for token in 0..T {
                        let four = x_quants[token].add(index * COLUMNS + 4 * step);
                        sums[token].add::<L>(weights, v128_load32_splat(four.cast()));
                    }
                    if L::SCALES == Scales::BytePair && step == STEPS / 2 - 1 {
                        for token in 0..T {
                            let scale = f32x4_mul(scales[0], f32x4_splat(x_scales[token]));
                            let sum = f32x4_convert_i32x4(sums[token].total::<L>());
                            totals[token][half] = multiply_add(sum, scale, totals[token][half]);
                            sums[token] = Sums::new(-L::OFFSET * x_sums[token][1]);
                        }
                    }
                }
                for token in 0..T {
                    let scale = f32x4_mul(scales[1], f32x4_splat(x_scales[token]));
                    let sum = f32x4_convert_i32x4(sums[token].total::<L>());
                    let mut total = multiply_add(sum, scale, totals[token][half]);
                    if has_minimum {
                        let [first, second] = x_sums[token];
                        let weight = f32x4_splat(-x_scales[token] * (first + second) as f32);
                        total = multiply_add(minimums, weight, total);
                    }
                    totals[token][half] = total;
                }
            }
        }
    }
    totals
}

/// As `quantise::quantise`, whose conversions compilers leave scalar here.
fn quantise(x: &[f32], row: RowMut<'_>) {
    let blocks = x
        .chunks_exact(COLUMNS)
        .zip(row.quants.chunks_exact_mut(COLUMNS));
    for ((x, quants), (scale, sums)) in blocks.zip(row.scales.iter_mut().zip(row.sums)) {
        let load = |index: usize| {
            let four = &x[LANES * index..][..LANES];
            // SAFETY: `four` is four floats.
            unsafe { v128_load(four.as_ptr().cast()) }
        };
        let largest = (1..8).fold(f32x4_abs(load(0)), |largest, index| {
            f32x4_pmax(largest, f32x4_abs(load(index)))
        });
        let largest = f32x4_pmax(largest, i32x4_shuffle::<2, 3, 0, 1>(largest, largest));
        let largest = f32x4_pmax(largest, i32x4_shuffle::<1, 0, 3, 2>(largest, largest));
        *scale = f32x4_extract_lane::<0>(largest) / 127.0;
        let inverse = f32x4_splat(if *scale > f32::MIN_POSITIVE {
            1.0 / *scale
        } else {
            0.0
        });
        let rounded =
            |index: usize| i32x4_trunc_sat_f32x4(f32x4_nearest(f32x4_mul(load(index), inverse)));
        let halves = quants.chunks_exact_mut(COLUMNS / 2).zip(sums);
        for (half, (quants, sum)) in halves.enumerate() {
            let pair = |index: usize| {
                let index = LANES * half + 2 * index;
                i16x8_narrow_i32x4(rounded(index), rounded(index + 1))
            };
            let bytes = i8x16_narrow_i16x8(pair(0), pair(1));
            // SAFETY: `quants` has sixteen bytes.
            unsafe { v128_store(quants.as_mut_ptr().cast(), bytes) };
            let four = i32x4_extadd_pairwise_i16x8(i16x8_extadd_pairwise_i8x16(bytes));
            let two = i32x4_add(four, i32x4_shuffle::<2, 3, 0, 1>(four, four));
            *sum = i32x4_extract_lane::<0>(two) + i32x4_extract_lane::<1>(two);
        }
    }
}

struct SimdHalf;

impl HalfRows for SimdHalf {
    #[inline(always)]
    unsafe fn dot(x: &[f32], half: &[u16]) -> f32 {
        let mut sum = [f32x4_splat(0.0); 2];
        for (x, half) in x.chunks_exact(8).zip(half.chunks_exact(8)) {
            for (index, sum) in sum.iter_mut().enumerate() {
                // SAFETY: both chunks have eight elements.
                let (x, half) = unsafe {
                    (
                        v128_load(x.as_ptr().add(LANES * index).cast()),
                        halves(half.as_ptr().add(LANES * index).cast()),
                    )
                };
                *sum = multiply_add(x, half, *sum);
            }
        }
        let four = f32x4_add(sum[0], sum[1]);
        let two = f32x4_add(four, i32x4_shuffle::<2, 3, 0, 1>(four, four));
        f32x4_extract_lane::<0>(two) + f32x4_extract_lane::<1>(two)
    }

    #[inline(always)]
    unsafe fn add_scaled(sum: &mut [f32], factor: f32, half: &[u16]) {
        let factor = f32x4_splat(factor);
        for (sum, half) in sum.chunks_exact_mut(LANES).zip(half.chunks_exact(LANES)) {
            // SAFETY: both chunks have four elements.
            unsafe {
                let four = v128_load(sum.as_ptr().cast());
                let four = multiply_add(factor, halves(half.as_ptr().cast()), four);
                v128_store(sum.as_mut_ptr().cast(), four);
            }
        }
    }
}
