//! x86-64 with AVX-512 and its VNNI: panels in registers of twice the width.

use std::arch::x86_64::*;

use super::format::Layout;
use super::simd::{Simd, offset_shift};

#[derive(Debug)]
pub(super) struct Avx512Vnni;

impl Simd for Avx512Vnni {
    const LANES: usize = 16;
    type Bytes = __m512i;
    type Sums = __m512i;
    type Floats = __m512;

    #[inline(always)]
    unsafe fn load(at: *const u8) -> __m512i {
        // SAFETY: the trait's contract.
        unsafe { _mm512_loadu_si512(at.cast()) }
    }

    #[inline(always)]
    unsafe fn broadcast(four: *const i8) -> __m512i {
        // SAFETY: the trait's contract.
        unsafe { _mm512_set1_epi32(four.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn start<L: Layout>(minus_sum: *const i32) -> __m512i {
        // SAFETY: the trait's contract.
        unsafe {
            match offset_shift::<L, Self>() {
                Some(shift) => _mm512_set1_epi32(*minus_sum << shift),
                None => _mm512_setzero_si512(),
            }
        }
    }

    #[inline(always)]
    unsafe fn dot<L: Layout>(sums: __m512i, weights: __m512i, x: __m512i) -> __m512i {
        // SAFETY: the trait's contract.
        unsafe { _mm512_dpbusd_epi32(sums, weights, x) }
    }

    #[inline(always)]
    unsafe fn total<L: Layout>(sums: __m512i, _: *const i32) -> __m512 {
        // SAFETY: the trait's contract.
        unsafe { _mm512_cvtepi32_ps(sums) }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        // SAFETY: the trait's contract.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn splat_at(x: *const f32) -> __m512 {
        // SAFETY: the trait's contract.
        unsafe { _mm512_set1_ps(*x) }
    }

    #[inline(always)]
    unsafe fn load_floats(at: *const f32) -> __m512 {
        // SAFETY: the trait's contract.
        unsafe { _mm512_loadu_ps(at) }
    }

    #[inline(always)]
    unsafe fn store_floats(at: *mut f32, x: __m512) {
        // SAFETY: the trait's contract.
        unsafe { _mm512_storeu_ps(at, x) };
    }

    #[inline(always)]
    unsafe fn multiply(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the trait's contract.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn multiply_add(a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: the trait's contract.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
}
