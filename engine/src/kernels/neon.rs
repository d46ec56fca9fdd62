//! 64-bit ARM with NEON and its dot product (Armv8.2: Apple's M1, Cortex-A76 and later).

use std::arch::aarch64::*;
use std::arch::asm;

use super::format::Layout;
use super::simd::{Simd, Unpack, offset_shift};

#[derive(Debug)]
pub(super) struct Neon;

impl Simd for Neon {
    const LANES: usize = 4;
    type Bytes = uint8x16_t;
    type Sums = int32x4_t;
    type Floats = float32x4_t;

    #[inline(always)]
    unsafe fn load(at: *const u8) -> uint8x16_t {
        // SAFETY: the trait's contract.
        unsafe { vld1q_u8(at) }
    }

    #[inline(always)]
    unsafe fn broadcast(four: *const i8) -> uint8x16_t {
        // SAFETY: the trait's contract.
        unsafe { vreinterpretq_u8_u32(vdupq_n_u32(four.cast::<u32>().read_unaligned())) }
    }

    const CORRECTS_EIGHT_BITS: bool = true;

    #[inline(always)]
    unsafe fn start<L: Layout>(minus_sum: *const i32) -> int32x4_t {
        // SAFETY: the trait's contract.
        unsafe {
            match offset_shift::<L, Self>() {
                Some(shift) => vdupq_n_s32(*minus_sum << shift),
                None => vdupq_n_s32(0),
            }
        }
    }

    /// Signed × signed bytes: exact up to seven bits, and for eight after their offset is taken off.
    #[inline(always)]
    unsafe fn dot<L: Layout>(mut sums: int32x4_t, weights: uint8x16_t, x: uint8x16_t) -> int32x4_t {
        // SAFETY: the trait's contract; the instruction touches registers only. (The compiler's own
        // function for it is not stable.)
        unsafe {
            let weights = if L::BITS == 8 {
                veorq_u8(weights, vdupq_n_u8(0x80))
            } else {
                weights
            };
            asm!(
                "sdot {sums:v}.4s, {weights:v}.16b, {x:v}.16b",
                sums = inout(vreg) sums,
                weights = in(vreg) weights,
                x = in(vreg) x,
                options(pure, nomem, nostack, preserves_flags),
            );
            sums
        }
    }

    #[inline(always)]
    unsafe fn total<L: Layout>(sums: int32x4_t, _: *const i32) -> float32x4_t {
        // SAFETY: the trait's contract.
        unsafe { vcvtq_f32_s32(sums) }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> float32x4_t {
        // SAFETY: the trait's contract.
        unsafe { vdupq_n_f32(x) }
    }

    #[inline(always)]
    unsafe fn splat_at(x: *const f32) -> float32x4_t {
        // SAFETY: the trait's contract.
        unsafe { vld1q_dup_f32(x) }
    }

    #[inline(always)]
    unsafe fn load_floats(at: *const f32) -> float32x4_t {
        // SAFETY: the trait's contract.
        unsafe { vld1q_f32(at) }
    }

    #[inline(always)]
    unsafe fn store_floats(at: *mut f32, x: float32x4_t) {
        // SAFETY: the trait's contract.
        unsafe { vst1q_f32(at, x) };
    }

    #[inline(always)]
    unsafe fn multiply(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: the trait's contract.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn multiply_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: the trait's contract.
        unsafe { vfmaq_f32(c, a, b) }
    }
}

impl Unpack for Neon {
    #[inline(always)]
    unsafe fn store(at: *mut u8, bytes: uint8x16_t) {
        // SAFETY: the trait's contract.
        unsafe { vst1q_u8(at, bytes) };
    }

    #[inline(always)]
    unsafe fn mask(byte: u8) -> uint8x16_t {
        // SAFETY: the trait's contract.
        unsafe { vdupq_n_u8(byte) }
    }

    #[inline(always)]
    unsafe fn and(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
        // SAFETY: the trait's contract.
        unsafe { vandq_u8(a, b) }
    }

    #[inline(always)]
    unsafe fn or(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
        // SAFETY: the trait's contract.
        unsafe { vorrq_u8(a, b) }
    }

    #[inline(always)]
    unsafe fn shift_right<const BITS: i32>(bytes: uint8x16_t) -> uint8x16_t {
        // In lanes of bytes, which NEON has: nothing comes in from a neighbour.
        // SAFETY: the trait's contract.
        unsafe { vshrq_n_u8::<BITS>(bytes) }
    }

    type Halves = ();

    #[inline(always)]
    unsafe fn for_halves() {}

    #[inline(always)]
    unsafe fn halves(at: *const u16, (): ()) -> float32x4_t {
        // SAFETY: the trait's contract.
        unsafe { vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(at))) }
    }

    #[inline(always)]
    unsafe fn unsigned_bytes(at: *const u8) -> float32x4_t {
        // SAFETY: the trait's contract.
        unsafe {
            let four = vcreate_u8(u64::from(at.cast::<u32>().read_unaligned()));
            vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(four))))
        }
    }

    #[inline(always)]
    unsafe fn signed_bytes(at: *const u8) -> float32x4_t {
        // SAFETY: the trait's contract.
        unsafe {
            let four = vcreate_s8(u64::from(at.cast::<u32>().read_unaligned()));
            vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(four))))
        }
    }
}
