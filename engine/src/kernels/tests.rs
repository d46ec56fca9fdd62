//! Every kernel against its portable twin, and packing against candle's own reading of the blocks.

use candle_core::quantized::{GgmlDType, k_quants};
use proptest::prelude::*;

use super::portable::Portable;
use super::*;

const TYPES: [GgmlDType; 8] = [
    GgmlDType::Q4_0,
    GgmlDType::Q4_1,
    GgmlDType::Q5_0,
    GgmlDType::Q5_1,
    GgmlDType::Q8_0,
    GgmlDType::Q4K,
    GgmlDType::Q5K,
    GgmlDType::Q6K,
];

/// Every set of kernels that this machine runs, but the portable one.
fn others() -> Vec<&'static dyn Kernels> {
    #[cfg(target_arch = "x86_64")]
    return avx2::all();
    #[cfg(target_arch = "wasm32")]
    return vec![&wasm::Wasm];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "wasm32")))]
    Vec::new()
}

/// What a block's bytes are.
#[derive(Clone, Copy, Debug)]
enum Blocks {
    Random(u64),
    /// Quants and 6-bit scales all zero, or all ones.
    Filled(u8),
    Subnormal(u64),
}

/// GGUF bytes of `rows × columns` with sane f16 scales wherever the type keeps them.
fn source(dtype: GgmlDType, rows: usize, columns: usize, blocks: Blocks) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(match blocks {
        Blocks::Random(seed) | Blocks::Subnormal(seed) => seed,
        Blocks::Filled(byte) => byte.into(),
    });
    let count = rows * columns / dtype.block_size();
    let mut bytes = vec![0u8; count * dtype.type_size()];
    for block in bytes.chunks_exact_mut(dtype.type_size()) {
        match blocks {
            Blocks::Filled(byte) => block.fill(byte),
            Blocks::Random(_) | Blocks::Subnormal(_) => random.fill(block),
        }
        let halves: &[usize] = match dtype {
            GgmlDType::Q4_0 | GgmlDType::Q5_0 | GgmlDType::Q8_0 => &[0],
            GgmlDType::Q6K => &[208],
            _ => &[0, 2],
        };
        for &at in halves {
            let scale = match blocks {
                Blocks::Subnormal(_) => f32::from(half::f16::from_bits(random.u16(0..0x400))),
                _ => random.f32() * 0.1 - 0.05,
            };
            block[at..at + 2].copy_from_slice(&half::f16::from_f32(scale).to_le_bytes());
        }
    }
    bytes
}

fn pack(dtype: GgmlDType, rows: usize, columns: usize, source: &[u8]) -> PackedMatrix {
    let mut matrix = PackedMatrix::new(dtype, rows, columns).unwrap();
    let mut pool = Pool::new(2, spawn_thread);
    // In two pieces, as a file is read.
    let piece = matrix.source_row_bytes() * PackedMatrix::GROUP_ROWS;
    let (first, rest) = source.split_at(piece.min(source.len()));
    matrix.push_groups(&mut pool, first);
    matrix.push_groups(&mut pool, rest);
    matrix
}

fn reference_row(dtype: GgmlDType, bytes: &[u8], columns: usize) -> Vec<f32> {
    fn read<B: k_quants::GgmlType + Clone>(bytes: &[u8], columns: usize) -> Vec<f32> {
        let blocks = columns / B::BLCK_SIZE;
        // Copied into aligned blocks: a file's bytes may lie anywhere.
        let mut aligned = vec![B::zeros(); blocks];
        // SAFETY: both sides have `blocks` blocks of plain bytes.
        unsafe {
            std::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                aligned.as_mut_ptr().cast(),
                blocks * size_of::<B>(),
            );
        }
        let mut out = vec![0.0; columns];
        B::to_float(&aligned, &mut out);
        out
    }
    match dtype {
        GgmlDType::Q4_0 => read::<k_quants::BlockQ4_0>(bytes, columns),
        GgmlDType::Q4_1 => read::<k_quants::BlockQ4_1>(bytes, columns),
        GgmlDType::Q5_0 => read::<k_quants::BlockQ5_0>(bytes, columns),
        GgmlDType::Q5_1 => read::<k_quants::BlockQ5_1>(bytes, columns),
        GgmlDType::Q8_0 => read::<k_quants::BlockQ8_0>(bytes, columns),
        GgmlDType::Q4K => read::<k_quants::BlockQ4K>(bytes, columns),
        GgmlDType::Q5K => read::<k_quants::BlockQ5K>(bytes, columns),
        GgmlDType::Q6K => read::<k_quants::BlockQ6K>(bytes, columns),
        other => panic!("no reference for {other:?}"),
    }
}

fn blocks() -> impl Strategy<Value = Blocks> {
    prop_oneof![
        any::<u64>().prop_map(Blocks::Random),
        prop_oneof![Just(0u8), Just(255), Just(0x80), Just(0x7F)].prop_map(Blocks::Filled),
        any::<u64>().prop_map(Blocks::Subnormal),
    ]
}

fn quantised(kernels: &dyn Kernels, x: &[f32], columns: usize) -> Activations {
    let mut activations = Activations::default();
    activations.resize(x.len() / columns, columns);
    for (index, row) in x.chunks_exact(columns).enumerate() {
        kernels.quantise(row, activations.row_mut(index));
    }
    activations
}

/// Activations that include whole blocks of zeros and of extremes.
fn activations(seed: u64, rows: usize, columns: usize) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut x: Vec<f32> = (0..rows * columns)
        .map(|_| random.f32() * 2.0 - 1.0)
        .collect();
    for block in x.chunks_exact_mut(32) {
        match random.u8(0..8) {
            0 => block.fill(0.0),
            1 => block.fill(random.f32() * 100.0),
            2 => block.fill(-1.0),
            _ => {}
        }
    }
    x
}

fn product(kernels: &dyn Kernels, matrix: &PackedMatrix, x: &Activations) -> Vec<f32> {
    let mut out = vec![f32::NAN; x.rows * matrix.rows];
    let projection = Projection {
        weights: matrix,
        bias: None,
        out: &mut out,
    };
    project(&mut Pool::new(2, spawn_thread), kernels, x, [projection]);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn packing_changes_no_weight(blocks in blocks(), rows in 1usize..20, supers in 1usize..4) {
        for dtype in TYPES {
            let columns = 256 * supers;
            let source = source(dtype, rows, columns, blocks);
            let matrix = pack(dtype, rows, columns, &source);
            let row_bytes = matrix.source_row_bytes();
            prop_assert_eq!(row_bytes * rows, source.len());
            for (row, bytes) in source.chunks_exact(row_bytes).enumerate() {
                let mut found = vec![0.0; columns];
                dequantise_row(&matrix, row, &mut found);
                let expected = reference_row(dtype, bytes, columns);
                for (found, expected) in found.iter().zip(&expected) {
                    // Equal but for the order of two roundings.
                    prop_assert!(
                        (found - expected).abs() <= expected.abs() * 1e-6 + 1e-9,
                        "{:?}: {} is not {}", dtype, found, expected
                    );
                }
            }
        }
    }

    #[test]
    fn products_equal_the_portable_ones(
        blocks in blocks(),
        seed in any::<u64>(),
        rows in 1usize..30,
        tokens in 1usize..11,
        supers in 1usize..3,
    ) {
        for dtype in TYPES {
            let columns = 256 * supers;
            let matrix = pack(dtype, rows, columns, &source(dtype, rows, columns, blocks));
            let x = quantised(&Portable, &activations(seed, tokens, columns), columns);
            let expected = product(&Portable, &matrix, &x);
            // The integer parts are exact; only the order of f32 additions may differ.
            let largest = expected.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
            for kernels in others() {
                for (found, expected) in product(kernels, &matrix, &x).iter().zip(&expected) {
                    prop_assert!(
                        (found - expected).abs() <= largest * 1e-4 + 1e-6,
                        "{:?} {}: {} is not {}", dtype, kernels.name(), found, expected
                    );
                }
            }
        }
    }

    #[test]
    fn portable_products_are_near_those_of_dequantised_weights(
        seed in any::<u64>(),
        rows in 1usize..10,
    ) {
        for dtype in TYPES {
            let columns = 512;
            let blocks = Blocks::Random(seed);
            let matrix = pack(dtype, rows, columns, &source(dtype, rows, columns, blocks));
            let x = activations(seed, 1, columns);
            let found = product(&Portable, &matrix, &quantised(&Portable, &x, columns));
            for (row, found) in found.iter().enumerate() {
                let mut weights = vec![0.0; columns];
                dequantise_row(&matrix, row, &mut weights);
                let terms = weights.iter().zip(&x).map(|(w, x)| f64::from(w * x));
                let expected: f64 = terms.sum();
                // Each activation is off by at most half a step of its block.
                let bound: f64 = weights.chunks(32).zip(x.chunks(32)).map(|(w, x)| {
                    let largest = x.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
                    let step = f64::from(largest) / 127.0;
                    w.iter().map(|w| f64::from(w.abs()) * step / 2.0).sum::<f64>()
                }).sum();
                let error = (f64::from(*found) - expected).abs();
                prop_assert!(error <= bound * 1.001 + 1e-3, "{:?}: {} > {}", dtype, error, bound);
            }
        }
    }

    #[test]
    fn quantising_equals_the_portable_one(seed in any::<u64>(), blocks in 1usize..9) {
        let x = activations(seed, 1, 32 * blocks);
        let expected = quantised(&Portable, &x, x.len());
        for kernels in others() {
            let found = quantised(kernels, &x, x.len());
            prop_assert_eq!(&found.quants, &expected.quants);
            prop_assert_eq!(&found.scales, &expected.scales);
            prop_assert_eq!(&found.sums, &expected.sums);
        }
    }

    #[test]
    fn attention_equals_a_plain_softmax(
        seed in any::<u64>(),
        eights in 1usize..17,
        positions in 1usize..100,
        spread in 0.1f32..30.0,
    ) {
        let width = 8 * eights;
        let mut random = fastrand::Rng::with_seed(seed);
        let mut values = |count: usize, scale: f32| -> Vec<f32> {
            (0..count).map(|_| (random.f32() * 2.0 - 1.0) * scale).collect()
        };
        let query = values(width, spread);
        let (mut keys, mut rows) = (vec![0; width * positions], vec![0; width * positions]);
        Portable.to_half(&values(width * positions, 1.0), &mut keys);
        Portable.to_half(&values(width * positions, 1.0), &mut rows);
        let float = |half: &u16| half::f16::from_bits(*half).to_f64();
        let scores: Vec<f64> = keys
            .chunks_exact(width)
            .map(|key| query.iter().zip(key).map(|(q, k)| f64::from(*q) * float(k)).sum())
            .collect();
        let largest = scores.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut all = others();
        all.push(&Portable);
        for kernels in all {
            let mut out = vec![f32::NAN; width];
            kernels.attend(&query, &keys, &rows, &mut out);
            for (column, found) in out.iter().enumerate() {
                let terms = weights.iter().zip(rows.chunks_exact(width));
                let expected: f64 = terms.map(|(w, row)| w * float(&row[column])).sum::<f64>() / total;
                prop_assert!(
                    (f64::from(*found) - expected).abs() < 2e-4,
                    "{}: {} is not {}", kernels.name(), found, expected
                );
            }
        }
    }

    #[test]
    fn vector_operations_equal_the_portable_ones(seed in any::<u64>(), eights in 1usize..40) {
        let x = activations(seed, 1, 32 * eights);
        let y = activations(seed ^ 1, 1, 32 * eights);
        for kernels in others() {
            let run = |kernels: &dyn Kernels| {
                let (mut normed, mut gate) = (vec![0.0; x.len()], x.clone());
                kernels.rms_norm(&x, &y, 1e-6, &mut normed);
                kernels.silu_multiply(&mut gate, &y);
                let mut halves = vec![0; x.len()];
                kernels.to_half(&x, &mut halves);
                (normed, gate, halves)
            };
            let (found, expected) = (run(kernels), run(&Portable));
            prop_assert_eq!(found.2, expected.2);
            let pairs = found.0.iter().chain(&found.1).zip(expected.0.iter().chain(&expected.1));
            for (found, expected) in pairs {
                prop_assert!((found - expected).abs() <= expected.abs() * 1e-5 + 1e-6);
            }
        }
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place(x in -87.0f32..88.0) {
        let expected = f64::from(x).exp();
        prop_assert!((f64::from(vector::exp(x)) - expected).abs() <= expected * 2.4e-7);
    }
}
