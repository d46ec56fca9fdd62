//! Packing, and products with packed weights.

use super::*;

/// Whatever adds up in fewer than 32 bits overflows here, if it can.
#[test]
fn products_of_the_largest_quants_equal_the_portable_ones() {
    let (rows, columns) = (9, 512);
    for dtype in TYPES {
        for byte in [0x00, 0x7F, 0x80, 0xFF] {
            let source = source(dtype, rows, columns, Blocks::Filled(byte));
            let matrix = pack(dtype, rows, columns, &source);
            for x in [-1.0, 1.0] {
                let x = quantised(&Portable, &vec![x; 5 * columns], columns);
                let expected = product(&Portable, &matrix, &x);
                let largest = expected
                    .iter()
                    .fold(0.0f32, |largest, x| largest.max(x.abs()));
                for kernels in all() {
                    for (found, expected) in product(kernels, &matrix, &x).iter().zip(&expected) {
                        assert!(
                            (found - expected).abs() <= largest * 1e-4 + 1e-6,
                            "{dtype:?} {}: {found} is not {expected}",
                            kernels.name()
                        );
                    }
                }
            }
        }
    }
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
        supers in 1usize..6,
    ) {
        for dtype in TYPES {
            let columns = 256 * supers;
            let matrix = pack(dtype, rows, columns, &source(dtype, rows, columns, blocks));
            let x = quantised(&Portable, &activations(seed, tokens, columns), columns);
            let expected = product(&Portable, &matrix, &x);
            // The integer parts are exact; only the order of f32 additions may differ.
            let largest = expected.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
            for kernels in all() {
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
        for kernels in all() {
            let found = quantised(kernels, &x, x.len());
            prop_assert_eq!(&found.quants, &expected.quants);
            prop_assert_eq!(&found.blocks, &expected.blocks);
        }
    }
}
