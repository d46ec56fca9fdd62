//! x86-64 with AVX2, FMA and F16C (2013 and later), and where the processor has it the dot product of
//! AVX-VNNI.

use std::arch::x86_64::*;

use super::format::{Layout, STEPS};
use super::simd::{Simd, Unpack, fits_16_bits, offset_shift};

/// Whether a block's sums grow in lanes of 16 bits, and are widened at its end.
const fn in_pairs<L: Layout>(sums_pairs_first: bool) -> bool {
    sums_pairs_first && fits_16_bits(STEPS, L::BITS)
}

/// How AVX2's registers take part in products: what differs is the dot product, and whether it sums `pairs` first.
macro_rules! simd {
    ($name:ident, corrects: $corrects:literal, pairs: $pairs:literal, |$sums:ident, $weights:ident, $x:ident, $bits:ident| $dot:expr) => {
        #[derive(Debug)]
        pub(super) struct $name;

        impl Simd for $name {
            const LANES: usize = 8;
            type Bytes = __m256i;
            type Sums = __m256i;
            type Floats = __m256;

            #[inline(always)]
            unsafe fn load(at: *const u8) -> __m256i {
                // SAFETY: the trait's contract.
                unsafe { _mm256_loadu_si256(at.cast()) }
            }

            #[inline(always)]
            unsafe fn broadcast(four: *const i8) -> __m256i {
                // SAFETY: the trait's contract.
                unsafe { _mm256_set1_epi32(four.cast::<i32>().read_unaligned()) }
            }

            const CORRECTS_EIGHT_BITS: bool = $corrects;

            #[inline(always)]
            unsafe fn start<L: Layout>(minus_sum: *const i32) -> __m256i {
                // SAFETY: the trait's contract.
                unsafe {
                    match offset_shift::<L, Self>() {
                        Some(shift) if !in_pairs::<L>($pairs) => {
                            _mm256_set1_epi32(*minus_sum << shift)
                        }
                        _ => _mm256_setzero_si256(),
                    }
                }
            }

            #[inline(always)]
            unsafe fn dot<L: Layout>($sums: __m256i, $weights: __m256i, $x: __m256i) -> __m256i {
                let $bits = L::BITS;
                // SAFETY: the trait's contract.
                unsafe { $dot }
            }

            #[inline(always)]
            unsafe fn dot_two<L: Layout>(
                sums: __m256i,
                weights: [__m256i; 2],
                x: [__m256i; 2],
            ) -> __m256i {
                // SAFETY: the trait's contract.
                unsafe {
                    if $pairs && !in_pairs::<L>($pairs) && fits_16_bits(2, L::BITS) {
                        let [first, second] =
                            [0, 1].map(|step| _mm256_maddubs_epi16(weights[step], x[step]));
                        let pairs = _mm256_add_epi16(first, second);
                        let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
                        return _mm256_add_epi32(sums, fours);
                    }
                    let sums = Self::dot::<L>(sums, weights[0], x[0]);
                    Self::dot::<L>(sums, weights[1], x[1])
                }
            }

            #[inline(always)]
            unsafe fn total<L: Layout>(mut sums: __m256i, minus_sum: *const i32) -> __m256 {
                // SAFETY: the trait's contract.
                unsafe {
                    if in_pairs::<L>($pairs) {
                        sums = _mm256_madd_epi16(sums, _mm256_set1_epi16(1));
                        if let Some(shift) = offset_shift::<L, Self>() {
                            sums = _mm256_add_epi32(sums, _mm256_set1_epi32(*minus_sum << shift));
                        }
                    }
                    _mm256_cvtepi32_ps(sums)
                }
            }

            #[inline(always)]
            unsafe fn splat(x: f32) -> __m256 {
                // SAFETY: the trait's contract.
                unsafe { _mm256_set1_ps(x) }
            }

            #[inline(always)]
            unsafe fn splat_at(x: *const f32) -> __m256 {
                // SAFETY: the trait's contract.
                unsafe { _mm256_set1_ps(*x) }
            }

            #[inline(always)]
            unsafe fn load_floats(at: *const f32) -> __m256 {
                // SAFETY: the trait's contract.
                unsafe { _mm256_loadu_ps(at) }
            }

            #[inline(always)]
            unsafe fn store_floats(at: *mut f32, x: __m256) {
                // SAFETY: the trait's contract.
                unsafe { _mm256_storeu_ps(at, x) };
            }

            #[inline(always)]
            unsafe fn multiply(a: __m256, b: __m256) -> __m256 {
                // SAFETY: the trait's contract.
                unsafe { _mm256_mul_ps(a, b) }
            }

            #[inline(always)]
            unsafe fn multiply_add(a: __m256, b: __m256, c: __m256) -> __m256 {
                // SAFETY: the trait's contract.
                unsafe { _mm256_fmadd_ps(a, b, c) }
            }
        }

        impl Unpack for $name {
            #[inline(always)]
            unsafe fn store(at: *mut u8, bytes: __m256i) {
                // SAFETY: the trait's contract.
                unsafe { _mm256_storeu_si256(at.cast(), bytes) };
            }

            #[inline(always)]
            unsafe fn mask(byte: u8) -> __m256i {
                // SAFETY: the trait's contract.
                unsafe { _mm256_set1_epi8(byte.cast_signed()) }
            }

            #[inline(always)]
            unsafe fn and(a: __m256i, b: __m256i) -> __m256i {
                // SAFETY: the trait's contract.
                unsafe { _mm256_and_si256(a, b) }
            }

            #[inline(always)]
            unsafe fn or(a: __m256i, b: __m256i) -> __m256i {
                // SAFETY: the trait's contract.
                unsafe { _mm256_or_si256(a, b) }
            }

            #[inline(always)]
            unsafe fn shift_right<const BITS: i32>(bytes: __m256i) -> __m256i {
                // SAFETY: the trait's contract.
                unsafe { _mm256_srli_epi16::<BITS>(bytes) }
            }

            #[inline(always)]
            unsafe fn prefetch(at: *const u8) {
                // SAFETY: a hint; it faults nowhere.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
            }

            type Halves = ();

            #[inline(always)]
            unsafe fn for_halves() {}

            #[inline(always)]
            unsafe fn halves(at: *const u16, (): ()) -> __m256 {
                // SAFETY: the trait's contract.
                unsafe { _mm256_cvtph_ps(_mm_loadu_si128(at.cast())) }
            }

            #[inline(always)]
            unsafe fn unsigned_bytes(at: *const u8) -> __m256 {
                // SAFETY: the trait's contract.
                unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(at.cast()))) }
            }

            #[inline(always)]
            unsafe fn signed_bytes(at: *const u8) -> __m256 {
                // SAFETY: the trait's contract.
                unsafe { _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(at.cast()))) }
            }
        }
    };
}

// `maddubs` adds two products in 16 bits with saturation: exact up to 7 bits (2 · 127 · 127 < 2^15). 8-bit
// weights are multiplied as |w| · (x with w's sign), where 2 · 128 · 127 < 2^15 holds too.
simd!(Avx2, corrects: true, pairs: true, |sums, weights, x, bits| {
    let pairs = if bits == 8 {
        let signed = _mm256_xor_si256(weights, _mm256_set1_epi8(-128));
        _mm256_maddubs_epi16(_mm256_abs_epi8(signed), _mm256_sign_epi8(x, signed))
    } else {
        _mm256_maddubs_epi16(weights, x)
    };
    if fits_16_bits(STEPS, bits) {
        _mm256_add_epi16(sums, pairs)
    } else {
        _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }
});

// Unsigned × signed bytes straight to 32 bits: exact for every stored quant.
simd!(AvxVnni, corrects: false, pairs: false, |sums, weights, x, _bits| {
    _mm256_dpbusd_avx_epi32(sums, weights, x)
});
simd!(Avx512Vnni256, corrects: false, pairs: false, |sums, weights, x, _bits| {
    _mm256_dpbusd_epi32(sums, weights, x)
});

/// f32 to f16; the processor has F16C, and the lengths are the same multiple of 8.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) fn to_half(x: &[f32], out: &mut [u16]) {
    for (x, out) in x.chunks_exact(8).zip(out.chunks_exact_mut(8)) {
        // SAFETY: both chunks have 8 elements.
        unsafe {
            let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(x.as_ptr()));
            _mm_storeu_si128(out.as_mut_ptr().cast(), halves);
        }
    }
}
