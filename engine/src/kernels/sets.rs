//! The sets of kernels, one for each instruction set, and which of them a machine runs.

use std::ops::Range;

use half::f16;

use super::activations::{Activations, BlocksMut};
use super::attention::{self, Blocks, Queries};
use super::format::{Format, Layout, with_layout};
use super::pack::PackedMatrix;
use super::panel::{self, Panel};
use super::shared_slice::SharedSlice;
use super::{Kernels, Scratch, product, vector};

/// Makes a set of kernels out of what is written once. `$set` is a type whose value is handed out only
/// where its features were found: that is what makes the calls into functions that need them sound.
macro_rules! kernels {
    ($set:ident, $label:literal, $features:meta, $unpack:ty, $panels:ty, $quantise:path, $to_half:path) => {
        #[derive(Debug)]
        pub(super) struct $set;

        const _: () = {
            #[$features]
            unsafe fn quantise(x: &[f32], to: BlocksMut<'_>) {
                vector::quantise(x, to, |x, quants| $quantise(x, quants));
            }

            #[$features]
            unsafe fn normalise(x: &[f32], weight: &[f32], epsilon: f32, to: BlocksMut<'_>) {
                vector::normalise(x, weight, epsilon, to, |x, quants| $quantise(x, quants));
            }

            // One function for each layout: a browser's compiler takes long over large ones, and what it
            // has not compiled yet runs slowly.
            #[$features]
            unsafe fn multiply_one<L: Layout>(
                weights: &PackedMatrix,
                groups: Range<usize>,
                x: &Activations,
                out: &SharedSlice<'_, f32>,
            ) {
                // SAFETY: this function has the features; its caller keeps the other promises.
                unsafe { product::multiply_one::<$unpack, L>(weights, groups, x, out) };
            }

            #[$features]
            unsafe fn multiply_many<L: Layout>(
                weights: &PackedMatrix,
                groups: Range<usize>,
                x: &Activations,
                out: &SharedSlice<'_, f32>,
                panel: &mut Panel,
            ) {
                // SAFETY: as above.
                unsafe {
                    panel::multiply_many::<$unpack, $panels, L>(weights, groups, x, out, panel);
                }
            }

            #[$features]
            unsafe fn silu_multiply(gate: &mut [f32], up: &[f32]) {
                vector::silu_multiply(gate, up);
            }

            #[$features]
            unsafe fn attend(
                queries: &Queries<'_>,
                blocks: &Blocks<'_>,
                scratch: &mut Scratch,
                take: &mut dyn FnMut(usize, &mut [f32]),
            ) {
                // SAFETY: this function has the features.
                unsafe {
                    attention::attend::<$unpack>(queries, blocks, &mut scratch.attention, take);
                }
            }

            #[$features]
            unsafe fn to_half(x: &[f32], out: &mut [u16]) {
                $to_half(x, out);
            }

            impl Kernels for $set {
                fn name(&self) -> &'static str {
                    $label
                }

                fn quantise(&self, x: &[f32], to: BlocksMut<'_>) {
                    // SAFETY: the features were found.
                    unsafe { quantise(x, to) }
                }

                fn normalise(&self, x: &[f32], weight: &[f32], epsilon: f32, to: BlocksMut<'_>) {
                    // SAFETY: the features were found.
                    unsafe { normalise(x, weight, epsilon, to) }
                }

                unsafe fn multiply(
                    &self,
                    weights: &PackedMatrix,
                    groups: Range<usize>,
                    x: &Activations,
                    out: &SharedSlice<'_, f32>,
                    scratch: &mut Scratch,
                ) {
                    debug_assert_eq!(weights.columns, x.columns);
                    // SAFETY: the features were found; the caller's promise on `out`.
                    with_layout!(weights.format, L => unsafe {
                        if x.rows == 1 {
                            multiply_one::<L>(weights, groups, x, out);
                        } else {
                            multiply_many::<L>(weights, groups, x, out, &mut scratch.panel);
                        }
                    });
                }

                fn silu_multiply(&self, gate: &mut [f32], up: &[f32]) {
                    // SAFETY: the features were found.
                    unsafe { silu_multiply(gate, up) }
                }

                fn attend(
                    &self,
                    queries: &Queries<'_>,
                    blocks: &Blocks<'_>,
                    scratch: &mut Scratch,
                    take: &mut dyn FnMut(usize, &mut [f32]),
                ) {
                    // SAFETY: the features were found.
                    unsafe { attend(queries, blocks, scratch, take) }
                }

                fn to_half(&self, x: &[f32], out: &mut [u16]) {
                    // SAFETY: the features were found.
                    unsafe { to_half(x, out) }
                }
            }
        };
    };
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::super::{avx2, avx512, quantise};
    use super::*;

    kernels!(
        Avx2,
        "avx2",
        target_feature(enable = "avx2,fma,f16c"),
        avx2::Avx2,
        avx2::Avx2,
        quantise::quantise_block,
        avx2::to_half
    );
    kernels!(
        AvxVnni,
        "avx-vnni",
        target_feature(enable = "avx2,fma,f16c,avxvnni"),
        avx2::AvxVnni,
        avx2::AvxVnni,
        quantise::quantise_block,
        avx2::to_half
    );
    kernels!(
        Avx512Vnni,
        "avx512-vnni",
        target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni"),
        avx2::Avx512Vnni256,
        avx512::Avx512Vnni,
        quantise::quantise_block,
        avx2::to_half
    );

    /// Fastest first.
    pub(in super::super) fn all() -> Vec<&'static dyn Kernels> {
        let mut all: Vec<&'static dyn Kernels> = Vec::new();
        let avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        if avx2 && avx512 {
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
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm32 {
    use super::super::wasm;
    use super::*;

    // Whoever loads the module has made sure of its features.
    #[cfg(target_feature = "relaxed-simd")]
    kernels!(
        RelaxedUnsigned,
        "wasm-relaxed-simd-u8",
        inline(never),
        wasm::RelaxedUnsigned,
        wasm::RelaxedUnsigned,
        wasm::quantise_block,
        plain_to_half
    );
    #[cfg(target_feature = "relaxed-simd")]
    kernels!(
        RelaxedPairs,
        "wasm-relaxed-simd-pairs",
        inline(never),
        wasm::RelaxedPairs,
        wasm::RelaxedPairs,
        wasm::quantise_block,
        plain_to_half
    );
    #[cfg(target_feature = "relaxed-simd")]
    kernels!(
        Relaxed,
        "wasm-relaxed-simd",
        inline(never),
        wasm::Relaxed,
        wasm::Relaxed,
        wasm::quantise_block,
        plain_to_half
    );
    #[cfg(not(target_feature = "relaxed-simd"))]
    kernels!(
        Plain,
        "wasm-simd128",
        inline(never),
        wasm::Plain,
        wasm::Plain,
        wasm::quantise_block,
        plain_to_half
    );

    /// Fastest first.
    pub(in super::super) fn all() -> Vec<&'static dyn Kernels> {
        let mut all: Vec<&'static dyn Kernels> = Vec::new();
        #[cfg(target_feature = "relaxed-simd")]
        {
            if wasm::second_operand_is_unsigned() {
                all.push(&RelaxedUnsigned);
            }
            if wasm::sums_pairs_first() {
                all.push(&RelaxedPairs);
            }
            all.push(&Relaxed);
        }
        #[cfg(not(target_feature = "relaxed-simd"))]
        all.push(&Plain);
        all
    }
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use super::super::{neon, quantise};
    use super::*;

    kernels!(
        Neon,
        "neon-dotprod",
        target_feature(enable = "neon,dotprod"),
        neon::Neon,
        neon::Neon,
        quantise::quantise_block,
        plain_to_half
    );

    pub(in super::super) fn all() -> Vec<&'static dyn Kernels> {
        let mut all: Vec<&'static dyn Kernels> = Vec::new();
        if std::arch::is_aarch64_feature_detected!("dotprod") {
            all.push(&Neon);
        }
        all
    }
}

/// Every set that this machine runs but the portable one, fastest first.
pub(super) fn all() -> Vec<&'static dyn Kernels> {
    #[cfg(target_arch = "x86_64")]
    return x86_64::all();
    #[cfg(target_arch = "aarch64")]
    return aarch64::all();
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    return wasm32::all();
    #[allow(unreachable_code, reason = "where there is none of the above")]
    Vec::new()
}

/// The fastest kernels that this machine runs.
pub(super) fn detect() -> &'static dyn Kernels {
    all()
        .into_iter()
        .next()
        .unwrap_or(&super::portable::Portable)
}

#[allow(dead_code, reason = "some instruction sets have one of their own")]
#[inline(always)]
pub(super) fn plain_to_half(x: &[f32], out: &mut [u16]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = f16::from_f32(*x).to_bits();
    }
}
