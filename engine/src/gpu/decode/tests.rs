//! Every shader of a token's pass against a plain twin in f64, with and without sums across subgroups, on random and
//! adversarial weights of all formats.

use candle_core::quantized::GgmlDType;

use super::*;
use crate::gpu::matrix::{Format, Planes, Scratch};
use crate::gpu::testing::GPU;
use crate::kernels::tests::{Blocks, TYPES, activations, reference_row, source};

gpu_tests! {
    logits_are_those_of_normalised_rows_in_every_format,
    rows_of_the_embedding_are_the_weights,
    queries_are_turned_and_keys_and_values_reach_their_page,
    attention_over_pages_and_its_output_equal_the_plain_ones,
    the_gate_lets_through_and_down_adds,
    a_row_of_a_chunk_is_spread,
}

const KINDS: [Blocks; 6] = [
    Blocks::Random(7),
    Blocks::Filled(0),
    Blocks::Filled(255),
    Blocks::Filled(0x80),
    Blocks::Filled(0x7F),
    Blocks::Subnormal(8),
];

/// What browsers can ask for, and what there is here.
fn abilities() -> Vec<crate::gpu::device::Abilities> {
    let all = GPU.abilities;
    let fewest = crate::gpu::device::Abilities {
        subgroups: false,
        halves: false,
        ..all
    };
    vec![all, fewest]
}

/// A matrix by its values and where it lies.
struct Matrix {
    values: Vec<Vec<f32>>,
    planes: Planes,
}

/// Matrices of some rows in one buffer.
fn upload(matrices: &[(GgmlDType, Blocks, usize)], columns: usize) -> (wgpu::Buffer, Vec<Matrix>) {
    let mut end = 0;
    let mut made = Vec::new();
    for &(dtype, blocks, rows) in matrices {
        let planes = Planes::at(end, Format::of(dtype).unwrap(), rows, columns);
        end = planes.end;
        let source = source(dtype, rows, columns, blocks);
        let row_bytes = planes.format.source_row_bytes(columns);
        let rows = source.chunks_exact(row_bytes);
        let values = rows.map(|bytes| reference_row(dtype, bytes, columns));
        made.push((
            Matrix {
                values: values.collect(),
                planes,
            },
            source,
        ));
    }
    let buffer = GPU.storage("matrices", end as u64);
    for (Matrix { planes, .. }, source) in &made {
        planes.pack(
            0..planes.rows,
            source,
            &mut Scratch::default(),
            |at, bytes| {
                GPU.queue.write_buffer(&buffer, at as u64, bytes);
            },
        );
    }
    (buffer, made.into_iter().map(|(matrix, _)| matrix).collect())
}

fn words(words: &[u32]) -> wgpu::Buffer {
    let floats: Vec<f32> = words.iter().map(|word| f32::from_bits(*word)).collect();
    GPU.floats("words", &floats)
}

fn run(shader: &Shader, grid: [u32; 3], buffers: &[&wgpu::Buffer]) {
    let pipeline = GPU.pipeline("test", &shader.text);
    let group = GPU.bind(&pipeline, buffers);
    let mut encoder = GPU.encoder();
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(grid[0], grid[1], grid[2]);
    }
    GPU.queue.submit([encoder.finish()]);
}

async fn read(buffer: &wgpu::Buffer) -> Vec<f32> {
    let size = buffer.size();
    let to = GPU.readable("test", size);
    let mut encoder = GPU.encoder();
    encoder.copy_buffer_to_buffer(buffer, 0, &to, 0, size);
    GPU.queue.submit([encoder.finish()]);
    let reading = GPU.read(&to, size).finish(|bytes| {
        let (words, _) = bytes.as_chunks::<4>();
        words.iter().map(|word| f32::from_le_bytes(*word)).collect()
    });
    reading.await.unwrap()
}

/// In the order of columns again.
fn gather(spread_values: &[f32], columns: usize) -> Vec<f32> {
    let numbers: Vec<f32> = (0..columns).map(|column| column as f32).collect();
    let places = spread(&numbers);
    let mut out = vec![0.0; columns];
    for (value, column) in spread_values.iter().zip(places) {
        out[column as usize] = *value;
    }
    out
}

/// A product, and the sum of its terms' sizes.
fn product(weights: &[f32], x: &[f64]) -> (f64, f64) {
    let terms = weights
        .iter()
        .zip(x)
        .map(|(weight, x)| f64::from(*weight) * x);
    terms.fold((0.0, 0.0), |(sum, size), term| {
        (sum + term, size + term.abs())
    })
}

fn normalised(hidden: &[f32], norm: &[f32], epsilon: f32) -> Vec<f64> {
    let squares: f64 = hidden.iter().map(|x| f64::from(*x).powi(2)).sum();
    let scale = (squares / hidden.len() as f64 + f64::from(epsilon))
        .sqrt()
        .recip();
    let weighed = hidden.iter().zip(norm);
    weighed
        .map(|(x, norm)| f64::from(*x) * f64::from(*norm) * scale)
        .collect()
}

/// `size`: of the terms that were summed up, of which single precision keeps seven digits; a quant is
/// lifted by up to twice its range.
fn assert_near(found: f32, (expected, size): (f64, f64), what: &str) {
    let bound = size * 2e-6 + 1e-6;
    assert!(
        (f64::from(found) - expected).abs() <= bound,
        "{what}: {found} is not {expected} within {bound}"
    );
}

/// How large that at most is which comes off a weight again: twice its range, with the largest scale that
/// there is in `source`.
fn lift(dtype: GgmlDType) -> f64 {
    let format = Format::of(dtype).unwrap();
    let bytes = match format {
        Format::Q4K | Format::Q5K => 63.0,
        Format::Q6K => 128.0,
        _ => 1.0,
    };
    0.05 * bytes * f64::from((1u32 << format.bits()) + format.offset())
}

fn random(seed: u64, count: usize) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count).map(|_| random.f32() * 2.0 - 1.0).collect()
}

fn dimensions(width: usize) -> Dimensions {
    Dimensions {
        width,
        heads: 4,
        kv_heads: 2,
        head_width: 64,
        epsilon: 1e-5,
        halves: true,
    }
}

fn shapes() -> [Shape; 3] {
    let shape = |threads, rows| Shape { threads, rows };
    [shape(32, 1), shape(64, 4), shape(128, 8)]
}

async fn logits_are_those_of_normalised_rows_in_every_format() {
    const ROWS: usize = 40;
    for dtype in TYPES {
        for blocks in KINDS {
            for (abilities, shape) in abilities().into_iter().zip(shapes()) {
                let columns = 768;
                let (weights, matrices) = upload(&[(dtype, blocks, ROWS)], columns);
                let hidden = activations(3, 1, columns);
                let norm = random(4, columns);
                let out = GPU.storage("logits", 4 * (ROWS as u64 + 5));
                let shader = logits(
                    abilities,
                    &dimensions(columns),
                    matrices[0].planes,
                    5,
                    shape,
                );
                let bound = [
                    &weights,
                    &GPU.floats("hidden", &spread(&hidden)),
                    &GPU.floats("norm", &spread(&norm)),
                    &out,
                ];
                run(&shader, shader.grid, &bound);
                let found = read(&out).await;
                let x = normalised(&hidden, &norm, 1e-5);
                for (row, weights) in matrices[0].values.iter().enumerate() {
                    let what = format!("{dtype:?} {blocks:?} row {row}");
                    // What cancels out of an offset is as large as its sum.
                    let (sum, size) = product(weights, &x);
                    let lifted = x.iter().map(|x| x.abs()).sum::<f64>() * lift(dtype);
                    assert_near(found[row + 5], (sum, size + lifted), &what);
                }
            }
        }
    }
}

async fn rows_of_the_embedding_are_the_weights() {
    const ROWS: usize = 30;
    for dtype in TYPES {
        for blocks in KINDS {
            let columns = 512;
            let (weights, matrices) = upload(&[(dtype, blocks, ROWS)], columns);
            // The part has the vocabulary's rows from 10 on; a token of another part is left alone.
            let tokens = words(&[0, 10 + 7, 10 + ROWS as u32]);
            for (is_spread, length, count) in [(true, 2, 1), (false, 3, 2)] {
                let state = words(&[length, 0, 1, count]);
                let hidden = GPU.floats("hidden", &vec![0.5; 2 * columns]);
                let shader = Shader {
                    text: embed(matrices[0].planes, 10, is_spread),
                    grid: [count, 1, 1],
                };
                run(&shader, shader.grid, &[&weights, &tokens, &state, &hidden]);
                let found = read(&hidden).await;
                let row = if is_spread {
                    gather(&found[..columns], columns)
                } else {
                    found[..columns].to_vec()
                };
                for (found, expected) in row.iter().zip(&matrices[0].values[7]) {
                    let bound = expected.abs() * 1e-5
                        + 1e-6
                            * matrices[0].values[7]
                                .iter()
                                .fold(0.0f32, |most, w| most.max(w.abs()))
                        + 1e-9;
                    assert!(
                        (found - expected).abs() <= bound,
                        "{dtype:?} {blocks:?}: {found} is not {expected}"
                    );
                }
                assert!(found[columns..].iter().all(|value| *value == 0.5));
            }
        }
    }
}

async fn queries_are_turned_and_keys_and_values_reach_their_page() {
    const WIDTH: usize = 512;
    for halves in [true, false] {
        for (abilities, shape) in abilities().into_iter().zip(shapes()) {
            let dimensions = Dimensions {
                halves,
                ..dimensions(WIDTH)
            };
            let kinds = [GgmlDType::Q4K, GgmlDType::Q4K, GgmlDType::Q6K];
            let rows = [256, 128, 128];
            let wanted: Vec<_> = kinds
                .into_iter()
                .zip(rows)
                .map(|(dtype, rows)| (dtype, Blocks::Random(rows as u64), rows))
                .collect();
            let (weights, matrices) = upload(&wanted, WIDTH);
            let hidden = random(1, WIDTH);
            let norm = random(2, WIDTH);
            let biases = random(3, 512);
            let turns = random(4, 64 * 40);
            // 38 tokens: the last one lies in the second page, which is block 3 of the pool.
            let mut state = vec![38, 0, 1, 1, 0, 0, 0, 0];
            state.extend([1, 3]);
            let element = if abilities.halves { 2 } else { 4 };
            let memory = || GPU.storage("cache", 4 * 2 * 32 * 64 * element);
            let (query, keys, values) = (GPU.storage("query", 4 * 256), memory(), memory());
            let planes = [0, 1, 2].map(|index: usize| matrices[index].planes);
            let shader = query_key_value(abilities, &dimensions, planes, true, shape);
            let parameters = GPU.floats("parameters", &[spread(&norm), biases.clone()].concat());
            run(
                &shader,
                shader.grid,
                &[
                    &weights,
                    &GPU.floats("hidden", &spread(&hidden)),
                    &parameters,
                    &query,
                    &keys,
                    &values,
                    &words(&state),
                    &GPU.floats("rotation", &turns),
                ],
            );
            let x = normalised(&hidden, &norm, 1e-5);
            let all: Vec<(f64, f64)> = matrices
                .iter()
                .flat_map(|matrix| matrix.values.iter().map(|row| product(row, &x)))
                .zip(&biases)
                .map(|((sum, size), bias)| (sum + f64::from(*bias), size + 1.0))
                .collect();
            let turned = |index: usize| {
                let (head, dimension) = (index / 64, index % 64);
                let (pair, first) = if halves {
                    (dimension % 32, dimension < 32)
                } else {
                    (dimension / 2, dimension % 2 == 0)
                };
                let place = |second: bool| {
                    head * 64
                        + if halves {
                            pair + if second { 32 } else { 0 }
                        } else {
                            2 * pair + usize::from(second)
                        }
                };
                let (a, b) = (all[place(false)], all[place(true)]);
                let at = 2 * (37 * 32 + pair);
                let (cosine, sine) = (f64::from(turns[at]), f64::from(turns[at + 1]));
                let value = if first {
                    a.0 * cosine - b.0 * sine
                } else {
                    a.0 * sine + b.0 * cosine
                };
                (value, a.1 + b.1)
            };
            let found = read(&query).await;
            for (index, found) in found[..256].iter().enumerate() {
                assert_near(*found, turned(index), &format!("query {index}"));
            }
            for (memory, is_key) in [(&keys, true), (&values, false)] {
                let found = elements(memory, abilities.halves).await;
                for index in 0..128 {
                    let (head, dimension) = (index / 64, index % 64);
                    let at = ((3 * 2 + head) * 32 + 5) * 64 + dimension;
                    let (expected, size) = if is_key {
                        turned(256 + index)
                    } else {
                        all[384 + index]
                    };
                    let half = if abilities.halves {
                        expected.abs() * 1e-3
                    } else {
                        0.0
                    };
                    let bound = size * 4e-6 + 1e-5 + half;
                    assert!(
                        (f64::from(found[at]) - expected).abs() <= bound,
                        "{is_key} {index}: {} is not {expected}",
                        found[at]
                    );
                }
                let written = found.iter().filter(|value| **value != 0.0).count();
                assert!(written <= 128, "{written} numbers were written");
            }
        }
    }
}

/// The numbers of a cache of either kind.
async fn elements(memory: &wgpu::Buffer, halves: bool) -> Vec<f32> {
    let found = read(memory).await;
    if !halves {
        return found;
    }
    let halves = found.iter().flat_map(|word| {
        let bits = word.to_bits();
        [bits as u16, (bits >> 16) as u16]
    });
    halves
        .map(|bits| half::f16::from_bits(bits).to_f32())
        .collect()
}

async fn attention_over_pages_and_its_output_equal_the_plain_ones() {
    const PAGES: usize = 30;
    let dimensions = dimensions(256);
    for abilities in abilities() {
        for (length, splits) in [
            (1, 1),
            (31, 1),
            (128, 1),
            (129, 2),
            (600, 1),
            (700, 5),
            (900, 16),
        ] {
            let query = random(1, 256);
            let count = PAGES * 2 * 32 * 64;
            let (mut keys, mut values) = (random(2, count), random(3, count));
            // A cache of halves holds no more than those.
            for value in keys.iter_mut().chain(&mut values) {
                *value = half::f16::from_f32(*value).to_f32();
            }
            let memory = |values: &[f32]| {
                if abilities.halves {
                    let (pairs, _) = values.as_chunks::<2>();
                    let word = |pair: &[f32; 2]| {
                        let [low, high] =
                            pair.map(|value| u32::from(half::f16::from_f32(value).to_bits()));
                        low | high << 16
                    };
                    words(&pairs.iter().map(word).collect::<Vec<_>>())
                } else {
                    GPU.floats("cache", values)
                }
            };
            let table: Vec<u32> = (0..PAGES as u32).rev().collect();
            let mut state = vec![length as u32, 0, splits, 1, 0, 0, 0, 0];
            state.extend(&table);
            let state = words(&state);
            let sums = GPU.storage("sums", 4 * (4 * MOST_SPLITS * 64) as u64);
            let weights = GPU.storage("weights", 8 * (4 * MOST_SPLITS) as u64);
            let shader = attention(abilities, &dimensions);
            let bound = [
                &GPU.floats("query", &query),
                &memory(&keys),
                &memory(&values),
                &state,
                &sums,
                &weights,
            ];
            run(&shader, [shader.grid[0], splits, 1], &bound);
            let (matrix, matrices) = upload(&[(GgmlDType::Q8_0, Blocks::Random(5), 96)], 256);
            let hidden = GPU.floats("hidden", &spread(&random(6, 96)));
            let shader = output(
                abilities,
                &dimensions,
                matrices[0].planes,
                Shape {
                    threads: 32,
                    rows: 4,
                },
            );
            run(
                &shader,
                shader.grid,
                &[&matrix, &sums, &weights, &hidden, &state],
            );
            let found = gather(&read(&hidden).await[..96], 96);
            let attended: Vec<f64> = (0..4)
                .flat_map(|head| attend(&query, &keys, &values, &table, head, length))
                .collect();
            for (row, weights) in matrices[0].values.iter().enumerate() {
                let (sum, size) = product(weights, &attended);
                let before = f64::from(random(6, 96)[row]);
                assert_near(
                    found[row],
                    (sum + before, size * 30.0 + 1.0),
                    &format!("{length} in {splits}, row {row}"),
                );
            }
        }
    }
}

/// One head's attention of the last position.
fn attend(
    query: &[f32],
    keys: &[f32],
    values: &[f32],
    table: &[u32],
    head: usize,
    length: usize,
) -> Vec<f64> {
    let at = |position: usize| {
        ((table[position / 32] as usize * 2 + head / 2) * 32 + position % 32) * 64
    };
    let scores: Vec<f64> = (0..length)
        .map(|position| {
            let pairs = query[head * 64..][..64]
                .iter()
                .zip(&keys[at(position)..][..64]);
            pairs
                .map(|(q, k)| f64::from(*q) * f64::from(*k))
                .sum::<f64>()
                / 8.0
        })
        .collect();
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
    (0..64)
        .map(|dimension| {
            let weighed = scores.iter().enumerate().map(|(position, score)| {
                (score - largest).exp() / total * f64::from(values[at(position) + dimension])
            });
            weighed.sum()
        })
        .collect()
}

async fn the_gate_lets_through_and_down_adds() {
    const WIDTH: usize = 256;
    const INNER: usize = 1280;
    for dtype in TYPES {
        for (abilities, shape) in abilities().into_iter().zip(shapes()) {
            let (weights, matrices) = upload(
                &[
                    (dtype, Blocks::Random(1), INNER),
                    (dtype, Blocks::Random(2), INNER),
                ],
                WIDTH,
            );
            let (hidden, norm) = (random(3, WIDTH), random(4, WIDTH));
            let gated = GPU.storage("gated", 4 * INNER as u64);
            let planes = [matrices[0].planes, matrices[1].planes];
            let shader = gate_up(abilities, &dimensions(WIDTH), planes, shape);
            let hidden_buffer = GPU.floats("hidden", &spread(&hidden));
            run(
                &shader,
                shader.grid,
                &[
                    &weights,
                    &hidden_buffer,
                    &GPU.floats("norm", &spread(&norm)),
                    &gated,
                ],
            );
            let x = normalised(&hidden, &norm, 1e-5);
            let found = gather(&read(&gated).await, INNER);
            let rows = matrices[0].values.iter().zip(&matrices[1].values);
            for (row, (gate, up)) in rows.enumerate() {
                let (gate, up) = (product(gate, &x), product(up, &x));
                let through = gate.0 / (1.0 + (-gate.0).exp());
                let size = (gate.1 + 1.0) * (up.1 + 1.0) * 30.0;
                assert_near(
                    found[row],
                    (through * up.0, size),
                    &format!("{dtype:?} row {row}"),
                );
            }
            let (weights, matrices) = upload(&[(dtype, Blocks::Random(5), WIDTH)], INNER);
            let shader = down(abilities, matrices[0].planes, shape);
            run(&shader, shader.grid, &[&weights, &gated, &hidden_buffer]);
            let after = gather(&read(&hidden_buffer).await, WIDTH);
            let x: Vec<f64> = found.iter().map(|x| f64::from(*x)).collect();
            for (row, weights) in matrices[0].values.iter().enumerate() {
                let (sum, size) = product(weights, &x);
                assert_near(
                    after[row],
                    (sum + f64::from(hidden[row]), size * 10.0 + 1.0),
                    &format!("{dtype:?} row {row}"),
                );
            }
        }
    }
}

async fn a_row_of_a_chunk_is_spread() {
    let row = random(1, 96);
    let hidden = GPU.storage("hidden", 4 * 96);
    let shader = spread_row(96);
    run(&shader, shader.grid, &[&GPU.floats("row", &row), &hidden]);
    assert_eq!(read(&hidden).await, spread(&row));
    assert_eq!(gather(&spread(&row), 96), row);
}
