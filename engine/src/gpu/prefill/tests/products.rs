//! Products of every format with what becomes of them, and the norm.

use super::*;
use crate::gpu::matrix::{Planes, Scratch};
use crate::gpu::prefill::product::FEW_ROWS;
use crate::kernels::tests::{Blocks, TYPES, activations, reference_row, source};

use candle_core::quantized::GgmlDType;

gpu_tests! {
    products_of_every_format_equal_those_of_the_weights,
    products_of_any_size_are_finished_as_asked_and_touch_nothing_else,
    many_rows_have_larger_tiles_and_the_same_products,
    matrices_of_several_formats_are_multiplied_at_once,
    a_gate_is_the_silu_of_one_product_times_another,
    a_row_is_normalised_by_its_root_mean_square,
    activations_become_the_nearest_bytes,
}

const BLOCKS: [Blocks; 6] = [
    Blocks::Random(7),
    Blocks::Filled(0),
    Blocks::Filled(255),
    Blocks::Filled(0x80),
    Blocks::Filled(0x7F),
    Blocks::Subnormal(8),
];

/// Matrices on the GPU, one behind the other, and something else before them.
pub(super) fn upload(matrices: &[(GgmlDType, usize, usize, &[u8])]) -> (wgpu::Buffer, Vec<Planes>) {
    let mut end = 48;
    let places = matrices.iter().map(|&(dtype, rows, columns, _)| {
        let planes = Planes::at(end, Format::of(dtype).unwrap(), rows, columns);
        end = planes.end;
        planes
    });
    let planes: Vec<Planes> = places.collect();
    let buffer = GPU.storage("matrices", end as u64);
    let mut scratch = Scratch::default();
    for (&(_, rows, columns, source), planes) in matrices.iter().zip(&planes) {
        let row_bytes = planes.format.source_row_bytes(columns);
        // In two pieces, as a file is read.
        let cut = (rows / 2).next_multiple_of(Planes::ROWS_TOGETHER).min(rows);
        for rows in [0..cut, cut..rows] {
            let source = &source[rows.start * row_bytes..rows.end * row_bytes];
            planes.pack(rows, source, &mut scratch, |at, bytes| {
                GPU.queue.write_buffer(&buffer, at as u64, bytes);
            });
        }
    }
    (buffer, planes)
}

/// `token → row`: each product, and the sum of its terms' sizes.
fn twin(dtype: GgmlDType, source: &[u8], x: &[f32], columns: usize) -> Vec<(f64, f64)> {
    let row_bytes = Format::of(dtype).unwrap().source_row_bytes(columns);
    let weights: Vec<Vec<f32>> = (source.chunks_exact(row_bytes))
        .map(|bytes| reference_row(dtype, bytes, columns))
        .collect();
    let product = |weights: &Vec<f32>, x: &[f32]| {
        let terms = weights.iter().zip(x);
        let terms = terms.map(|(weight, x)| f64::from(*weight) * f64::from(*x));
        terms.fold((0.0, 0.0), |(sum, size), term| {
            (sum + term, size + term.abs())
        })
    };
    x.chunks_exact(columns)
        .flat_map(|x| weights.iter().map(move |weights| product(weights, x)))
        .collect()
}

/// What the bytes stand for that were multiplied last.
async fn rounded(prefill: &Prefill, tokens: usize, columns: usize) -> Vec<f32> {
    let quants = read(&prefill.buffers.quants).await;
    let scales = read_floats(&prefill.buffers.scales).await;
    let quants = quants.iter().flat_map(|word| word.to_le_bytes());
    let quants: Vec<i8> = quants.map(u8::cast_signed).take(tokens * columns).collect();
    let blocks = quants.chunks_exact(BLOCK).zip(scales.chunks_exact(2));
    let mut values = Vec::new();
    for (quants, scale) in blocks {
        let sum: i32 = quants.iter().map(|quant| i32::from(*quant)).sum();
        let error = (scale[1] - scale[0] * sum as f32).abs();
        assert!(
            error <= scale[1].abs() * 1e-6,
            "{} is not {sum} × {}",
            scale[1],
            scale[0]
        );
        values.extend(quants.iter().map(|quant| f32::from(*quant) * scale[0]));
    }
    values
}

/// Products of matrices of these types and heights with some tokens.
async fn check(
    prefill: &mut Prefill,
    matrices: &[(GgmlDType, usize)],
    blocks: Blocks,
    [tokens, columns]: [usize; 2],
    finish: Finish,
) {
    let sources: Vec<_> = (matrices.iter())
        .map(|&(dtype, rows)| (dtype, rows, source(dtype, rows, columns, blocks)))
        .collect();
    let x = activations(9, tokens, columns);
    let uploaded: Vec<_> = (sources.iter())
        .map(|(dtype, rows, source)| (*dtype, *rows, columns, source.as_slice()))
        .collect();
    let (weights, planes) = upload(&uploaded);
    let rows = if finish == Finish::Gate {
        matrices[0].1
    } else {
        matrices.iter().map(|(_, rows)| rows).sum()
    };
    let width = rows + 5;
    let before: Vec<f32> = (0..(tokens + 2) * width)
        .map(|at| 0.25 + (at % 7) as f32)
        .collect();
    let bias = random_floats(&mut fastrand::Rng::with_seed(10), rows + 1);
    let out = floats(&before);
    let steps = prefill.project(&Product {
        weights: &weights,
        matrices: &planes,
        x: &floats(&x),
        out: &out,
        out_width: width,
        finish,
        bias: (finish == Finish::Bias).then_some((&floats(&bias), 1)),
    });
    run(prefill, steps, 0, tokens);
    let found = read_floats(&out).await;
    let x = match prefill.dots {
        Dots::Floats => x,
        Dots::Bytes => rounded(prefill, tokens, columns).await,
    };
    // `token → row`, one matrix after the other.
    let products: Vec<_> = (sources.iter())
        .map(|(dtype, _, source)| twin(*dtype, source, &x, columns))
        .collect();
    for (at, (&found, &before)) in found.iter().zip(&before).enumerate() {
        let (token, row) = (at / width, at % width);
        let what = || {
            format!(
                "{matrices:?} {blocks:?} × {tokens} × {columns} {finish:?} row {row} token {token}"
            )
        };
        if row >= rows || token >= tokens {
            assert_eq!(found, before, "{}", what());
            continue;
        }
        let (mut in_matrix, mut index) = (row, 0);
        while in_matrix >= matrices[index].1 {
            in_matrix -= matrices[index].1;
            index += 1;
        }
        let of = |index: usize| products[index][token * matrices[index].1 + in_matrix];
        let (product, size) = of(index);
        let (expected, size) = match finish {
            Finish::Store => (product, size),
            Finish::Bias => (product + f64::from(bias[row + 1]), size),
            Finish::Add => (product + f64::from(before), size),
            Finish::Gate => {
                let silu = product / (1.0 + (-product).exp());
                let (up, up_size) = of(1);
                // The SiLU is nowhere steeper than 1.1.
                (silu * up, 1.1 * size * up.abs() + silu.abs() * up_size)
            }
        };
        let error = (f64::from(found) - expected).abs();
        let bound = size * 2e-6 + expected.abs() * 1e-5 + 1e-12;
        assert!(error <= bound, "{}: {found} is not {expected}", what());
    }
}

async fn products_of_every_format_equal_those_of_the_weights() {
    for dots in all_dots() {
        let mut prefill = Prefill::new(&GPU, dimensions(4, 2, 64), 512, dots);
        for dtype in TYPES {
            for blocks in BLOCKS {
                check(
                    &mut prefill,
                    &[(dtype, 66)],
                    blocks,
                    [65, 256],
                    Finish::Store,
                )
                .await;
            }
        }
    }
}

async fn products_of_any_size_are_finished_as_asked_and_touch_nothing_else() {
    for dots in all_dots() {
        let mut prefill = Prefill::new(&GPU, dimensions(4, 2, 64), 512, dots);
        let blocks = Blocks::Random(11);
        for finish in [Finish::Store, Finish::Bias, Finish::Add] {
            for (rows, size) in [
                (1, [1, 256]),
                (63, [2, 768]),
                (64, [64, 256]),
                (129, [130, 512]),
            ] {
                check(
                    &mut prefill,
                    &[(GgmlDType::Q4K, rows)],
                    blocks,
                    size,
                    finish,
                )
                .await;
            }
            // Widths that no K quant has.
            for (rows, size) in [(17, [33, 32]), (70, [3, 96])] {
                check(
                    &mut prefill,
                    &[(GgmlDType::Q5_0, rows)],
                    blocks,
                    size,
                    finish,
                )
                .await;
                check(
                    &mut prefill,
                    &[(GgmlDType::Q8_0, rows)],
                    blocks,
                    size,
                    finish,
                )
                .await;
            }
        }
    }
}

async fn many_rows_have_larger_tiles_and_the_same_products() {
    for dots in all_dots() {
        let mut prefill = Prefill::new(&GPU, dimensions(4, 2, 64), 512, dots);
        for dtype in TYPES {
            let matrices = [(dtype, FEW_ROWS + 1)];
            check(
                &mut prefill,
                &matrices,
                Blocks::Random(12),
                [3, 256],
                Finish::Store,
            )
            .await;
        }
    }
}

async fn matrices_of_several_formats_are_multiplied_at_once() {
    use GgmlDType::{Q4_0, Q4K, Q5_0, Q6K, Q8_0};
    for dots in all_dots() {
        let mut prefill = Prefill::new(&GPU, dimensions(4, 2, 64), 512, dots);
        for types in [
            [Q4K, Q4K, Q6K],
            [Q5_0, Q8_0, Q8_0],
            [Q4_0, Q5_0, Q4_0],
            [Q8_0, Q6K, Q4K],
            [Q5_0; 3],
        ] {
            let [query, key, value] = types;
            for finish in [Finish::Store, Finish::Bias] {
                let matrices = [(query, 70), (key, 16), (value, 33)];
                check(
                    &mut prefill,
                    &matrices,
                    Blocks::Random(13),
                    [67, 256],
                    finish,
                )
                .await;
            }
        }
    }
}

async fn a_gate_is_the_silu_of_one_product_times_another() {
    for dots in all_dots() {
        let mut prefill = Prefill::new(&GPU, dimensions(4, 2, 64), 512, dots);
        for (gate, up) in [
            (GgmlDType::Q4K, GgmlDType::Q4K),
            (GgmlDType::Q5_0, GgmlDType::Q8_0),
        ] {
            for (rows, tokens) in [(1, 1), (32, 64), (75, 66)] {
                let matrices = [(gate, rows), (up, rows)];
                check(
                    &mut prefill,
                    &matrices,
                    Blocks::Random(14),
                    [tokens, 256],
                    Finish::Gate,
                )
                .await;
            }
        }
    }
}

async fn a_row_is_normalised_by_its_root_mean_square() {
    for width in [32, 256, 896, 4128] {
        let dimensions = Dimensions {
            width,
            ..dimensions(4, 2, 64)
        };
        let mut prefill = Prefill::new(&GPU, dimensions, 512, Dots::Floats);
        let (x, weight) = (activations(12, 5, width), activations(13, 1, width));
        let out = floats(&vec![f32::NAN; x.len()]);
        let step = prefill.normalise(&floats(&x), &floats(&weight), &out);
        run(&mut prefill, vec![step], 0, 5);
        let found = read_floats(&out).await;
        for (found, x) in found.chunks_exact(width).zip(x.chunks_exact(width)) {
            let squares: f64 = x.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
            let scale = 1.0 / (squares / width as f64 + 1e-6).sqrt();
            for ((found, x), weight) in found.iter().zip(x).zip(&weight) {
                let expected = f64::from(*x) * scale * f64::from(*weight);
                let error = (f64::from(*found) - expected).abs();
                assert!(error <= expected.abs() * 1e-5, "{found} is not {expected}");
            }
        }
    }
}

async fn activations_become_the_nearest_bytes() {
    if !GPU.abilities.byte_dots {
        return;
    }
    let (tokens, columns) = (5, 96);
    let mut x = activations(15, tokens, columns);
    x[..BLOCK].fill(0.0);
    x[BLOCK..2 * BLOCK].iter_mut().for_each(|x| *x *= 1e-20);
    x[2 * BLOCK..3 * BLOCK].iter_mut().for_each(|x| *x *= 1e20);
    x[3 * BLOCK] = -500.0;
    let mut prefill = Prefill::new(&GPU, dimensions(4, 2, 64), 512, Dots::Bytes);
    let step = prefill.quantise(&floats(&x), columns / BLOCK);
    run(&mut prefill, vec![step], 0, tokens);
    let found = rounded(&prefill, tokens, columns).await;
    for (found, x) in found.chunks_exact(BLOCK).zip(x.chunks_exact(BLOCK)) {
        let peak = x.iter().fold(0.0, |peak: f32, x| peak.max(x.abs()));
        for (found, x) in found.iter().zip(x) {
            let error = (found - x).abs();
            assert!(error <= peak / 127.0 * 0.50001, "{found} is not {x}");
        }
    }
}
