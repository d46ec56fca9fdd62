//! WebAssembly with simd128; with relaxed SIMD, where the build has it, through its dot product of
//! bytes. A browser finds out which build it can run before it loads one.

use std::arch::wasm32::*;
use std::hint::black_box;

use super::activations::Block;
use super::format::{COLUMNS, Layout};
use super::simd::{Simd, Unpack, offset_shift};

const LANES: usize = 4;

/// What both builds do alike.
macro_rules! common {
    () => {
        const LANES: usize = LANES;
        type Bytes = v128;
        type Floats = v128;

        /// What is unrolled, LLVM turns into one expression for WebAssembly's stack machine, with all loads first;
        /// browsers compute in the order they are told, and run out of registers.
        #[inline(always)]
        fn rounds(count: usize) -> usize {
            black_box(count)
        }

        #[inline(always)]
        unsafe fn load(at: *const u8) -> v128 {
            // SAFETY: the trait's contract.
            unsafe { v128_load(at.cast()) }
        }

        /// Two tokens' activations are fewer to broadcast, which takes a browser two or three instructions each.
        const PANEL_REGISTERS: usize = 4;

        #[inline(always)]
        unsafe fn broadcast(four: *const i8) -> v128 {
            // SAFETY: the trait's contract.
            unsafe { v128_load32_splat(four.cast()) }
        }

        #[inline(always)]
        unsafe fn splat(x: f32) -> v128 {
            f32x4_splat(x)
        }

        #[inline(always)]
        unsafe fn splat_at(x: *const f32) -> v128 {
            // SAFETY: the trait's contract.
            unsafe { v128_load32_splat(x.cast()) }
        }

        #[inline(always)]
        unsafe fn load_floats(at: *const f32) -> v128 {
            // SAFETY: the trait's contract.
            unsafe { v128_load(at.cast()) }
        }

        #[inline(always)]
        unsafe fn store_floats(at: *mut f32, x: v128) {
            // SAFETY: the trait's contract.
            unsafe { v128_store(at.cast(), x) };
        }

        #[inline(always)]
        unsafe fn multiply(a: v128, b: v128) -> v128 {
            f32x4_mul(a, b)
        }

        #[inline(always)]
        unsafe fn multiply_add(a: v128, b: v128, c: v128) -> v128 {
            #[cfg(target_feature = "relaxed-simd")]
            return f32x4_relaxed_madd(a, b, c);
            #[cfg(not(target_feature = "relaxed-simd"))]
            f32x4_add(f32x4_mul(a, b), c)
        }
    };
}

/// Unpacking is the same for all.
macro_rules! unpack {
    ($name:ident) => {
        impl Unpack for $name {
            #[inline(always)]
            unsafe fn store(at: *mut u8, bytes: v128) {
                // SAFETY: the trait's contract.
                unsafe { v128_store(at.cast(), bytes) };
            }

            #[inline(always)]
            unsafe fn mask(byte: u8) -> v128 {
                // Browsers make a constant anew at each use; what they don't know to be one they keep.
                black_box(u8x16_splat(byte))
            }

            #[inline(always)]
            unsafe fn and(a: v128, b: v128) -> v128 {
                v128_and(a, b)
            }

            #[inline(always)]
            unsafe fn or(a: v128, b: v128) -> v128 {
                v128_or(a, b)
            }

            #[inline(always)]
            unsafe fn shift_right<const BITS: i32>(bytes: v128) -> v128 {
                u16x8_shr(bytes, BITS as u32)
            }

            /// A load like any other, whose result nobody needs: there is no hint.
            #[inline(always)]
            unsafe fn touch(at: *const u8) {
                // SAFETY: the trait's contract.
                unsafe { at.read_volatile() };
            }

            /// Which bits to keep, and the factor.
            type Halves = [v128; 2];

            #[inline(always)]
            unsafe fn for_halves() -> [v128; 2] {
                black_box([
                    u32x4_splat(0x8FFF_E000),
                    f32x4_splat(f32::from_bits((127 + 112) << 23)),
                ])
            }

            /// The bits are moved to where f32 has them, and a product with 2^112 mends the exponent, of
            /// subnormal numbers too.
            #[inline(always)]
            unsafe fn halves(at: *const u16, [kept, factor]: [v128; 2]) -> v128 {
                // SAFETY: the trait's contract.
                let signed = unsafe { i32x4_load_extend_i16x4(at.cast()) };
                f32x4_mul(v128_and(i32x4_shl(signed, 13), kept), factor)
            }

            #[inline(always)]
            unsafe fn unsigned_bytes(at: *const u8) -> v128 {
                // SAFETY: the trait's contract.
                let bytes = unsafe { v128_load32_zero(at.cast()) };
                f32x4_convert_i32x4(u32x4_extend_low_u16x8(u16x8_extend_low_u8x16(bytes)))
            }

            #[inline(always)]
            unsafe fn signed_bytes(at: *const u8) -> v128 {
                // SAFETY: the trait's contract.
                let bytes = unsafe { v128_load32_zero(at.cast()) };
                f32x4_convert_i32x4(i32x4_extend_low_i16x8(i16x8_extend_low_i8x16(bytes)))
            }
        }
    };
}

/// # Safety
/// `minus_sum` can be read.
#[inline(always)]
unsafe fn start<L: Layout, S: Simd>(minus_sum: *const i32) -> v128 {
    match offset_shift::<L, S>() {
        // SAFETY: the caller's promise.
        Some(shift) => i32x4_shl(unsafe { v128_load32_splat(minus_sum.cast()) }, shift),
        None => i32x4_splat(0),
    }
}

#[cfg(target_feature = "relaxed-simd")]
pub(super) use relaxed::{
    Relaxed, RelaxedPairs, RelaxedUnsigned, second_operand_is_unsigned, sums_pairs_first,
};

#[cfg(target_feature = "relaxed-simd")]
mod relaxed;

/// Without a dot product of bytes.
#[cfg(not(target_feature = "relaxed-simd"))]
#[derive(Debug)]
pub(super) struct Plain;

#[cfg(not(target_feature = "relaxed-simd"))]
unpack!(Plain);

#[cfg(not(target_feature = "relaxed-simd"))]
impl Simd for Plain {
    common!();

    type Sums = v128;

    #[inline(always)]
    unsafe fn start<L: Layout>(minus_sum: *const i32) -> v128 {
        // SAFETY: the trait's contract.
        unsafe { start::<L, Self>(minus_sum) }
    }

    /// As 16-bit numbers: the even columns of all rows, then the odd ones, so that each lane stays one
    /// row's.
    #[inline(always)]
    unsafe fn dot<L: Layout>(sums: v128, weights: v128, x: v128) -> v128 {
        let even = i32x4_dot_i16x8(
            v128_and(weights, u16x8_splat(0xFF)),
            i16x8_shr(i16x8_shl(x, 8), 8),
        );
        let odd = i32x4_dot_i16x8(u16x8_shr(weights, 8), i16x8_shr(x, 8));
        i32x4_add(sums, i32x4_add(even, odd))
    }

    #[inline(always)]
    unsafe fn total<L: Layout>(sums: v128, _: *const i32) -> v128 {
        f32x4_convert_i32x4(sums)
    }
}

/// As `quantise::quantise_block`, whose conversions compilers leave scalar here.
#[inline(always)]
pub(super) fn quantise_block(x: &[f32; COLUMNS], quants: &mut [i8; COLUMNS]) -> Block {
    // SAFETY: the eight loads lie in the block.
    let load = |index: usize| unsafe { v128_load(x.as_ptr().add(LANES * index).cast()) };
    let largest = (1..8).fold(f32x4_abs(load(0)), |largest, index| {
        f32x4_pmax(largest, f32x4_abs(load(index)))
    });
    let largest = f32x4_pmax(largest, i32x4_shuffle::<2, 3, 0, 1>(largest, largest));
    let largest = f32x4_pmax(largest, i32x4_shuffle::<1, 0, 3, 2>(largest, largest));
    let scale = f32x4_extract_lane::<0>(largest) / 127.0;
    let inverse = f32x4_splat(if scale > f32::MIN_POSITIVE {
        1.0 / scale
    } else {
        0.0
    });
    let rounded =
        |index: usize| i32x4_trunc_sat_f32x4(f32x4_nearest(f32x4_mul(load(index), inverse)));
    let mut sums = [0; 2];
    let halves = quants.chunks_exact_mut(COLUMNS / 2).zip(&mut sums);
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
    Block::new(scale, sums)
}
