//! x86-64 with AVX2, FMA and F16C (2013 and later), and where the processor has it the dot product
//! of AVX-512 VNNI or AVX-VNNI, found at run time.

use std::arch::x86_64::*;
use std::ops::Range;

use super::Kernels;
use super::activations::{Activations, RowMut};
use super::format::{COLUMNS, Format, Layout, ROWS, STEPS, Scales, with_layout};
use super::pack::PackedMatrix;
use super::quantise;
use super::threads::SharedSlice;
use super::vector::{self, HalfRows};

/// Tokens that share one unpacking of the weights in a prompt.
const TILE: usize = 4;

/// The sets of kernels that this processor runs, fastest first.
pub(super) fn all() -> Vec<&'static dyn Kernels> {
    let mut all: Vec<&'static dyn Kernels> = Vec::new();
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c");
    if avx2 && is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vl") {
        all.push(&Avx512Vnni);
    }
    if avx2 && is_x86_feature_detected!("avxvnni") {
        all.push(&AvxVnni);
    }
    if avx2 {
        all.push(&Avx2);
    }
    all
}

/// Adds to each 32-bit lane the four products of its bytes.
trait Dot {
    /// # Safety
    /// The processor has the implementation's features.
    unsafe fn dot<L: Layout>(sum: __m256i, weights: __m256i, x: __m256i) -> __m256i;

    /// What `dot` subtracts from the stored quants by itself.
    fn corrected_offset<L: Layout>() -> i32;
}

/// Unsigned × signed bytes straight to 32 bits: exact for every stored quant.
macro_rules! vnni_dot {
    ($name:ident, $intrinsic:ident) => {
        #[derive(Debug)]
        pub(super) struct $name;
        impl Dot for $name {
            #[inline(always)]
            unsafe fn dot<L: Layout>(sum: __m256i, weights: __m256i, x: __m256i) -> __m256i {
                // SAFETY: the caller's promise.
                unsafe { $intrinsic(sum, weights, x) }
            }

            fn corrected_offset<L: Layout>() -> i32 {
                0
            }
        }
    };
}
vnni_dot!(Avx512Vnni, _mm256_dpbusd_epi32);
vnni_dot!(AvxVnni, _mm256_dpbusd_avx_epi32);

#[derive(Debug)]
pub(super) struct Avx2;

impl Dot for Avx2 {
    /// `maddubs` adds two products in 16 bits with saturation: exact up to 7 bits
    /// (2 · 127 · 127 < 2^15). 8-bit weights are multiplied as |w| · (x with w's sign), where
    /// 2 · 128 · 127 < 2^15 holds too.
    #[inline(always)]
    unsafe fn dot<L: Layout>(sum: __m256i, weights: __m256i, x: __m256i) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe {
            let pairs = if L::BITS == 8 {
                let signed = _mm256_xor_si256(weights, _mm256_set1_epi8(-128));
                _mm256_maddubs_epi16(_mm256_abs_epi8(signed), _mm256_sign_epi8(x, signed))
            } else {
                _mm256_maddubs_epi16(weights, x)
            };
            _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
    }

    fn corrected_offset<L: Layout>() -> i32 {
        if L::BITS == 8 { 128 } else { 0 }
    }
}

/// The quants of one step: eight rows × four columns, a byte each.
#[inline(always)]
unsafe fn quants<L: Layout>(block: *const u8, step: usize) -> __m256i {
    // SAFETY: the caller's block has `L::BLOCK_BYTES`, and each load lies in its quants.
    unsafe {
        let load = |at: usize| _mm256_loadu_si256(block.add(at).cast());
        if L::BITS == 8 {
            return load(32 * step);
        }
        let bytes = load(32 * (step % 4));
        let shifted = if step < 4 {
            bytes
        } else {
            _mm256_srli_epi16(bytes, 4)
        };
        let low = _mm256_and_si256(shifted, _mm256_set1_epi8(15));
        let high = match L::BITS {
            5 => shift_to_bit_4(load(128), step),
            6 => shift_to_bit_4(load(128 + 32 * (step / 4)), 2 * (step % 4)),
            _ => return low,
        };
        let mask = if L::BITS == 5 { 0x10 } else { 0x30 };
        _mm256_or_si256(low, _mm256_and_si256(high, _mm256_set1_epi8(mask)))
    }
}

/// Brings bit `bit` of each byte to bit 4; neighbours spill in and are masked by the caller.
#[inline(always)]
unsafe fn shift_to_bit_4(bytes: __m256i, bit: usize) -> __m256i {
    // SAFETY: the caller has AVX2.
    unsafe {
        match bit {
            0 => _mm256_slli_epi16(bytes, 4),
            1 => _mm256_slli_epi16(bytes, 3),
            2 => _mm256_slli_epi16(bytes, 2),
            3 => _mm256_slli_epi16(bytes, 1),
            4 => bytes,
            5 => _mm256_srli_epi16(bytes, 1),
            6 => _mm256_srli_epi16(bytes, 2),
            _ => _mm256_srli_epi16(bytes, 3),
        }
    }
}

#[inline(always)]
unsafe fn halves(at: *const u8) -> __m256 {
    // SAFETY: the caller's pointer has 16 readable bytes.
    unsafe { _mm256_cvtph_ps(_mm_loadu_si128(at.cast())) }
}

#[inline(always)]
unsafe fn unsigned_bytes(at: *const u8) -> __m256 {
    // SAFETY: the caller's pointer has 8 readable bytes.
    unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(at.cast()))) }
}

#[inline(always)]
unsafe fn signed_bytes(at: *const u8) -> __m256 {
    // SAFETY: the caller's pointer has 8 readable bytes.
    unsafe { _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(at.cast()))) }
}

/// The scales of a block's two halves and its minimums, each for eight rows.
#[inline(always)]
unsafe fn scales<L: Layout>(record: *const u8, block: *const u8) -> ([__m256; 2], __m256) {
    // SAFETY: the caller's record and block are whole.
    unsafe {
        let at = block.add(L::QUANT_BYTES);
        let none = _mm256_setzero_ps();
        match L::SCALES {
            Scales::Half => ([halves(at); 2], none),
            Scales::HalfMinimum => (
                [halves(at); 2],
                _mm256_sub_ps(none, halves(at.add(2 * ROWS))),
            ),
            Scales::ByteMinimum => {
                let scale = _mm256_mul_ps(halves(record), unsigned_bytes(at));
                let minimum =
                    _mm256_mul_ps(halves(record.add(2 * ROWS)), unsigned_bytes(at.add(ROWS)));
                ([scale; 2], minimum)
            }
            Scales::BytePair => {
                let scale = halves(record);
                let first = _mm256_mul_ps(scale, signed_bytes(at));
                let second = _mm256_mul_ps(scale, signed_bytes(at.add(ROWS)));
                ([first, second], none)
            }
        }
    }
}

/// Eight rows times `T` tokens: each weight is unpacked once for all of them.
#[inline(always)]
unsafe fn tile<L: Layout, D: Dot, const T: usize>(
    group: &[u8],
    x: &Activations,
    first_token: usize,
) -> [__m256; T] {
    let blocks = x.columns / COLUMNS;
    // SAFETY: `group` holds a record for each `L::BLOCKS` blocks of the activations' columns, which
    // is how both were made; each token's quants, scales and sums lie inside `x` likewise.
    unsafe {
        let x_quants: [*const i8; T] =
            std::array::from_fn(|token| x.quants.as_ptr().add((first_token + token) * x.columns));
        let offset = L::OFFSET - D::corrected_offset::<L>();
        let has_minimum = matches!(L::SCALES, Scales::HalfMinimum | Scales::ByteMinimum);
        let mut totals = [_mm256_setzero_ps(); T];
        for index in 0..blocks {
            let record = group.as_ptr().add(index / L::BLOCKS * L::RECORD_BYTES);
            let block = record.add(L::HEADER_BYTES + index % L::BLOCKS * L::BLOCK_BYTES);
            let (scales, minimums) = scales::<L>(record, block);
            let x_scales: [f32; T] = std::array::from_fn(|token| {
                *x.scales
                    .get_unchecked((first_token + token) * blocks + index)
            });
            let x_sums: [[i32; 2]; T] = std::array::from_fn(|token| {
                *x.sums.get_unchecked((first_token + token) * blocks + index)
            });
            let mut sums: [__m256i; T] = std::array::from_fn(|token| {
                let [first, second] = x_sums[token];
                let covered = if L::SCALES == Scales::BytePair {
                    first
                } else {
                    first + second
                };
                _mm256_set1_epi32(-offset * covered)
            });
            for step in 0..STEPS {
                let weights = quants::<L>(block, step);
                for token in 0..T {
                    let four = x_quants[token].add(index * COLUMNS + 4 * step);
                    let four = _mm256_set1_epi32(four.cast::<i32>().read_unaligned());
                    sums[token] = D::dot::<L>(sums[token], weights, four);
                }
                if L::SCALES == Scales::BytePair && step == STEPS / 2 - 1 {
                    for token in 0..T {
                        let scale = _mm256_mul_ps(scales[0], _mm256_set1_ps(x_scales[token]));
                        totals[token] =
                            _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[token]), scale, totals[token]);
                        sums[token] = _mm256_set1_epi32(-offset * x_sums[token][1]);
                    }
                }
            }
            for token in 0..T {
                let scale = _mm256_mul_ps(scales[1], _mm256_set1_ps(x_scales[token]));
                totals[token] =
                    _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[token]), scale, totals[token]);
                if has_minimum {
                    let [first, second] = x_sums[token];
                    let weight = _mm256_set1_ps(x_scales[token] * (first + second) as f32);
                    totals[token] = _mm256_fnmadd_ps(minimums, weight, totals[token]);
                }
            }
        }
        totals
    }
}

#[inline(always)]
unsafe fn multiply<D: Dot>(
    weights: &PackedMatrix,
    groups: Range<usize>,
    x: &Activations,
    out: &SharedSlice<'_, f32>,
) {
    for group in groups {
        let bytes = weights.group(group);
        let first_row = group * ROWS;
        let rows = ROWS.min(weights.rows - first_row);
        let store = |token: usize, sums: __m256| {
            let at = token * weights.rows + first_row;
            // SAFETY: the caller's promise that these rows are its alone.
            unsafe {
                let out = out.slice_mut(at..at + rows);
                let mut lanes = [0.0; ROWS];
                _mm256_storeu_ps(lanes.as_mut_ptr(), sums);
                out.copy_from_slice(&lanes[..rows]);
            }
        };
        with_layout!(weights.format, L => {
            let mut token = 0;
            while token + TILE <= x.rows {
                // SAFETY: the caller has the features.
                let sums = unsafe { tile::<L, D, TILE>(bytes, x, token) };
                for (index, sums) in sums.into_iter().enumerate() {
                    store(token + index, sums);
                }
                token += TILE;
            }
            while token < x.rows {
                // SAFETY: the caller has the features.
                let [sums] = unsafe { tile::<L, D, 1>(bytes, x, token) };
                store(token, sums);
                token += 1;
            }
        });
    }
}

struct F16c;

impl HalfRows for F16c {
    #[inline(always)]
    unsafe fn dot(x: &[f32], half: &[u16]) -> f32 {
        // SAFETY: the caller has AVX2, FMA and F16C; both chunks have 8 elements.
        unsafe {
            let mut sum = _mm256_setzero_ps();
            for (x, half) in x.chunks_exact(8).zip(half.chunks_exact(8)) {
                sum = _mm256_fmadd_ps(
                    _mm256_loadu_ps(x.as_ptr()),
                    halves(half.as_ptr().cast()),
                    sum,
                );
            }
            let four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)))
        }
    }

    #[inline(always)]
    unsafe fn add_scaled(sum: &mut [f32], factor: f32, half: &[u16]) {
        // SAFETY: as above.
        unsafe {
            let factor = _mm256_set1_ps(factor);
            for (sum, half) in sum.chunks_exact_mut(8).zip(half.chunks_exact(8)) {
                let added = _mm256_fmadd_ps(
                    factor,
                    halves(half.as_ptr().cast()),
                    _mm256_loadu_ps(sum.as_ptr()),
                );
                _mm256_storeu_ps(sum.as_mut_ptr(), added);
            }
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn to_half(x: &[f32], out: &mut [u16]) {
    for (x, out) in x.chunks_exact(8).zip(out.chunks_exact_mut(8)) {
        // SAFETY: both chunks have 8 elements.
        unsafe {
            let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(x.as_ptr()));
            _mm_storeu_si128(out.as_mut_ptr().cast(), halves);
        }
    }
}

/// The kernels of one dot product. Its value is handed out only where `all` found the features, which
/// is what makes the calls into functions that need them sound.
macro_rules! kernels {
    ($name:ident, $label:literal, $features:literal) => {
        const _: () = {
            #[target_feature(enable = $features)]
            unsafe fn multiply_here(
                weights: &PackedMatrix,
                groups: Range<usize>,
                x: &Activations,
                out: &SharedSlice<'_, f32>,
            ) {
                // SAFETY: this function has the features, its caller keeps the promise on `out`.
                unsafe { multiply::<$name>(weights, groups, x, out) }
            }

            #[target_feature(enable = $features)]
            fn quantise_here(x: &[f32], row: RowMut<'_>) {
                quantise::quantise(x, row);
            }

            #[target_feature(enable = $features)]
            fn rms_norm_here(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
                vector::rms_norm(x, weight, epsilon, out);
            }

            #[target_feature(enable = $features)]
            fn silu_multiply_here(gate: &mut [f32], up: &[f32]) {
                vector::silu_multiply(gate, up);
            }

            #[target_feature(enable = $features)]
            fn attend_here(query: &[f32], keys: &[u16], values: &[u16], out: &mut [f32]) {
                // SAFETY: this function has the features.
                unsafe { vector::attend::<F16c>(query, keys, values, out) }
            }

            impl Kernels for $name {
                fn name(&self) -> &'static str {
                    $label
                }

                fn quantise(&self, x: &[f32], row: RowMut<'_>) {
                    // SAFETY: `all` found the features.
                    unsafe { quantise_here(x, row) }
                }

                unsafe fn multiply(
                    &self,
                    weights: &PackedMatrix,
                    groups: Range<usize>,
                    x: &Activations,
                    out: &SharedSlice<'_, f32>,
                ) {
                    // SAFETY: `all` found the features; the caller's promise on `out`.
                    unsafe { multiply_here(weights, groups, x, out) }
                }

                fn rms_norm(&self, x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
                    // SAFETY: `all` found the features.
                    unsafe { rms_norm_here(x, weight, epsilon, out) }
                }

                fn silu_multiply(&self, gate: &mut [f32], up: &[f32]) {
                    // SAFETY: `all` found the features.
                    unsafe { silu_multiply_here(gate, up) }
                }

                fn attend(&self, query: &[f32], keys: &[u16], values: &[u16], out: &mut [f32]) {
                    // SAFETY: `all` found the features.
                    unsafe { attend_here(query, keys, values, out) }
                }

                fn to_half(&self, x: &[f32], out: &mut [u16]) {
                    // SAFETY: `all` found the features.
                    unsafe { to_half(x, out) }
                }
            }
        };
    };
}
kernels!(Avx2, "avx2", "avx2,fma,f16c");
kernels!(AvxVnni, "avx-vnni", "avx2,fma,f16c,avxvnni");
kernels!(
    Avx512Vnni,
    "avx512-vnni",
    "avx2,fma,f16c,avx512f,avx512vl,avx512vnni"
);
