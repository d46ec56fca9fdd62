//! The dot products of relaxed SIMD: as the specification has it, and as x86 computes it with VNNI and without.

use super::super::format::STEPS;
use super::super::simd::fits_16_bits;
use super::*;

/// The dot product with its second operand as the specification has it: seven bits. Weights of eight
/// bits take two: their eighth bits are multiplied on their own.
#[derive(Debug)]
pub(in super::super) struct Relaxed;

unpack!(Relaxed);

impl Simd for Relaxed {
    common!();

    /// The second one is of eighth bits, 128 times too small.
    type Sums = [v128; 2];

    #[inline(always)]
    unsafe fn start<L: Layout>(minus_sum: *const i32) -> [v128; 2] {
        // SAFETY: the trait's contract.
        [unsafe { start::<L, Self>(minus_sum) }, i32x4_splat(0)]
    }

    #[inline(always)]
    unsafe fn dot<L: Layout>([low, high]: [v128; 2], weights: v128, x: v128) -> [v128; 2] {
        if L::BITS < 8 {
            return [i32x4_relaxed_dot_i8x16_i7x16_add(x, weights, low), high];
        }
        let seven = v128_and(weights, u8x16_splat(0x7F));
        let eighth = v128_and(u16x8_shr(weights, 7), u8x16_splat(1));
        [
            i32x4_relaxed_dot_i8x16_i7x16_add(x, seven, low),
            i32x4_relaxed_dot_i8x16_i7x16_add(x, eighth, high),
        ]
    }

    #[inline(always)]
    unsafe fn total<L: Layout>([low, high]: [v128; 2], _: *const i32) -> v128 {
        f32x4_convert_i32x4(if L::BITS < 8 {
            low
        } else {
            i32x4_add(low, i32x4_shl(high, 7))
        })
    }
}

/// The dot product where [`second_operand_is_unsigned`].
#[derive(Debug)]
pub(in super::super) struct RelaxedUnsigned;

unpack!(RelaxedUnsigned);

impl Simd for RelaxedUnsigned {
    common!();

    type Sums = v128;

    #[inline(always)]
    unsafe fn start<L: Layout>(minus_sum: *const i32) -> v128 {
        // SAFETY: the trait's contract.
        unsafe { start::<L, Self>(minus_sum) }
    }

    #[inline(always)]
    unsafe fn dot<L: Layout>(sums: v128, weights: v128, x: v128) -> v128 {
        i32x4_relaxed_dot_i8x16_i7x16_add(x, weights, sums)
    }

    #[inline(always)]
    unsafe fn total<L: Layout>(sums: v128, _: *const i32) -> v128 {
        f32x4_convert_i32x4(sums)
    }
}

/// The dot product where it [`sums_pairs_first`]: of weights of four bits a whole block's pairs fit into 16 bits, of
/// five bits half of one's, of six two steps', and are summed up there before their lanes are widened. Weights of
/// eight bits are two of four.
#[derive(Debug)]
pub(in super::super) struct RelaxedPairs;

unpack!(RelaxedPairs);

impl RelaxedPairs {
    #[inline(always)]
    fn add_pairs(sums: v128, weights: v128, x: v128) -> v128 {
        i16x8_add(sums, i16x8_relaxed_dot_i8x16_i7x16(x, weights))
    }

    #[inline(always)]
    fn widen(sums: v128, factor: i16) -> v128 {
        i32x4_dot_i16x8(sums, i16x8_splat(factor))
    }
}

impl Simd for RelaxedPairs {
    common!();

    /// The second one is of upper halves of eight bits, 16 times too small; of five bits, what has been widened.
    type Sums = [v128; 2];

    #[inline(always)]
    unsafe fn start<L: Layout>(minus_sum: *const i32) -> [v128; 2] {
        let zero = i32x4_splat(0);
        match L::BITS {
            4 | 8 => [zero; 2],
            // SAFETY: the trait's contract.
            5 => [zero, unsafe { start::<L, Self>(minus_sum) }],
            // SAFETY: the trait's contract.
            _ => [unsafe { start::<L, Self>(minus_sum) }, zero],
        }
    }

    #[inline(always)]
    unsafe fn dot<L: Layout>([low, high]: [v128; 2], weights: v128, x: v128) -> [v128; 2] {
        const { assert!(fits_16_bits(STEPS, 4) && fits_16_bits(STEPS / 2, 5)) };
        match L::BITS {
            4 | 5 => [Self::add_pairs(low, weights, x), high],
            8 => {
                let half = u8x16_splat(15);
                let upper = v128_and(u16x8_shr(weights, 4), half);
                [
                    Self::add_pairs(low, v128_and(weights, half), x),
                    Self::add_pairs(high, upper, x),
                ]
            }
            _ => [i32x4_relaxed_dot_i8x16_i7x16_add(x, weights, low), high],
        }
    }

    /// What doesn't fit for a whole block does for two steps.
    #[inline(always)]
    unsafe fn dot_two<L: Layout>(sums: [v128; 2], weights: [v128; 2], x: [v128; 2]) -> [v128; 2] {
        if L::BITS != 6 {
            // SAFETY: the trait's contract.
            return unsafe {
                Self::dot::<L>(Self::dot::<L>(sums, weights[0], x[0]), weights[1], x[1])
            };
        }
        const { assert!(fits_16_bits(2, 6)) };
        let pairs = i16x8_relaxed_dot_i8x16_i7x16(x[0], weights[0]);
        let pairs = Self::add_pairs(pairs, weights[1], x[1]);
        [i32x4_add(sums[0], Self::widen(pairs, 1)), sums[1]]
    }

    #[inline(always)]
    unsafe fn halfway<L: Layout>([low, high]: [v128; 2]) -> [v128; 2] {
        if L::BITS != 5 {
            return [low, high];
        }
        [i32x4_splat(0), i32x4_add(high, Self::widen(low, 1))]
    }

    #[inline(always)]
    unsafe fn total<L: Layout>([low, high]: [v128; 2], minus_sum: *const i32) -> v128 {
        // SAFETY: the trait's contract.
        let start = || unsafe { start::<L, Self>(minus_sum) };
        f32x4_convert_i32x4(match L::BITS {
            4 => i32x4_add(start(), Self::widen(low, 1)),
            5 => i32x4_add(high, Self::widen(low, 1)),
            8 => i32x4_add(
                i32x4_add(start(), Self::widen(low, 1)),
                Self::widen(high, 16),
            ),
            _ => low,
        })
    }
}

/// One lane of the dot product of sixteen times the same.
fn dot(x: i8, weight: u8) -> i32 {
    // `black_box`: the compiler must leave the answer to the machine.
    let (x, weight) = (i8x16_splat(x), u8x16_splat(weight));
    let (x, weight) = (black_box(x), black_box(weight));
    let sums = i32x4_relaxed_dot_i8x16_i7x16_add(x, weight, i32x4_splat(0));
    i32x4_extract_lane::<0>(sums)
}

/// Whether this machine's dot product takes all eight bits of its second operand as a number without
/// sign, and sums up without overflow, as x86's VNNI does. The specification lets an engine choose,
/// but it must choose the same every time.
pub(in super::super) fn second_operand_is_unsigned() -> bool {
    [(127, 255), (-127, 255), (-127, 128), (1, 200)]
        .into_iter()
        .all(|(x, weight)| dot(x, weight) == 4 * i32::from(x) * i32::from(weight))
}

/// Whether this machine's dot product sums up two products in 16 bits, and then two such sums in 32, as x86 does
/// without VNNI: what doesn't fit into 16 bits is cut off there. An instruction for all four, as ARM has it, is as
/// fast as either half of that.
pub(in super::super) fn sums_pairs_first() -> bool {
    dot(127, 255) == 2 * i32::from(i16::MAX) && dot(-127, 255) == 2 * i32::from(i16::MIN)
}
