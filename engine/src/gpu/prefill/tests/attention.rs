//! Rotation, the cache, and attention over it.

use super::*;
use crate::gpu::decode::STATE_TABLE;

gpu_tests! {
    queries_are_rotated_in_place_and_keys_and_values_go_to_their_pages,
    attention_equals_a_plain_softmax,
    scores_far_apart_and_close_together_are_both_softened,
}

const PAGE: usize = 32;

/// A layer's cache, its pages in no order.
struct Cache {
    dimensions: Dimensions,
    halves: bool,
    table: Vec<u32>,
}

impl Cache {
    fn new(
        random: &mut fastrand::Rng,
        dimensions: Dimensions,
        halves: bool,
        positions: usize,
    ) -> Self {
        // With some that are nobody's.
        let mut table: Vec<u32> = (0..positions.div_ceil(PAGE) as u32 + 2).collect();
        random.shuffle(&mut table);
        Self {
            dimensions,
            halves,
            table,
        }
    }

    fn length(&self) -> usize {
        self.table.len() * PAGE * self.dimensions.kv_heads * self.dimensions.head_width
    }

    /// Where a position's key or value begins.
    fn place(&self, kv_head: usize, position: usize) -> usize {
        let page = self.table[position / PAGE] as usize;
        let Dimensions {
            kv_heads,
            head_width,
            ..
        } = self.dimensions;
        ((page * kv_heads + kv_head) * PAGE + position % PAGE) * head_width
    }

    fn upload(&self, values: &[f32]) -> wgpu::Buffer {
        if !self.halves {
            return floats(values);
        }
        let half = |value: f32| u32::from(half::f16::from_f32(value).to_bits());
        let pairs = values.chunks_exact(2);
        storage(
            &pairs
                .map(|pair| half(pair[0]) | half(pair[1]) << 16)
                .collect::<Vec<_>>(),
        )
    }

    async fn read(&self, buffer: &wgpu::Buffer) -> Vec<f32> {
        if !self.halves {
            return read_floats(buffer).await;
        }
        let half = |bits: u32| half::f16::from_bits(bits as u16).to_f32();
        let words = read(buffer).await.into_iter();
        words
            .flat_map(|word| [half(word & 0xFFFF), half(word >> 16)])
            .collect()
    }

    fn state(&self) -> wgpu::Buffer {
        let mut words = vec![0; STATE_TABLE];
        words.extend(&self.table);
        storage(&words)
    }
}

/// As far as f16 has it.
fn halved(mut values: Vec<f32>) -> Vec<f32> {
    for value in &mut values {
        *value = half::f16::from_f32(*value).to_f32();
    }
    values
}

pub(super) fn angles(positions: usize, pairs: usize) -> Vec<f32> {
    let angle = |at: usize| (at / pairs) as f64 / 10.0f64.powf((at % pairs) as f64 / pairs as f64);
    (0..positions * pairs)
        .flat_map(|at| [angle(at).cos() as f32, angle(at).sin() as f32])
        .collect()
}

async fn rotates(dimensions: Dimensions, halves: bool) {
    let (first, tokens) = (27, 40);
    let Dimensions {
        heads,
        kv_heads,
        head_width,
        ..
    } = dimensions;
    let (pairs, all) = (head_width / 2, heads + 2 * kv_heads);
    let mut random = fastrand::Rng::with_seed(20);
    let cache = Cache::new(&mut random, dimensions, halves, first + tokens);
    let mut prefill = Prefill::new(&gpu(halves), dimensions, 64, Dots::Floats);
    let projected = random_floats(&mut random, tokens * all * head_width);
    let words: Vec<u32> = projected.iter().map(|x| x.to_bits()).collect();
    GPU.queue
        .write_buffer(&prefill.buffers.heads, 0, &bytes(&words));
    let old = vec![0.5; cache.length()];
    let (keys, values) = (cache.upload(&old), cache.upload(&old));
    let angles = angles(first + tokens, pairs);
    let shared = Shared {
        hidden: &floats(&[]),
        state: &cache.state(),
        rotation: &floats(&angles),
    };
    let step = prefill.rotate(shared, &keys, &values);
    run(&mut prefill, vec![step], first, tokens);
    let in_place = read_floats(&prefill.buffers.heads).await;
    let (mut expected_keys, mut expected_values) = (old.clone(), old);
    for token in 0..tokens {
        for head in 0..all {
            let at = (token * all + head) * head_width;
            let row = &projected[at..][..head_width];
            let mut turned = row.to_vec();
            for pair in 0..pairs {
                let (x, y) = if dimensions.halves {
                    (pair, pair + pairs)
                } else {
                    (2 * pair, 2 * pair + 1)
                };
                let turn = &angles[2 * ((first + token) * pairs + pair)..];
                turned[x] = row[x] * turn[0] - row[y] * turn[1];
                turned[y] = row[x] * turn[1] + row[y] * turn[0];
            }
            if head < heads {
                for (found, turned) in in_place[at..].iter().zip(&turned) {
                    let expected = turned / (head_width as f32).sqrt();
                    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
                }
                continue;
            }
            let (to, row) = if head < heads + kv_heads {
                (&mut expected_keys, turned)
            } else {
                (&mut expected_values, row.to_vec())
            };
            let at = cache.place((head - heads) % kv_heads, first + token);
            to[at..at + head_width].copy_from_slice(&row);
        }
    }
    // A step of f16, whichever way it is rounded.
    let step = if halves { 1.0 / 1024.0 } else { 1e-6 };
    for (found, expected) in [(keys, expected_keys), (values, expected_values)] {
        let found = cache.read(&found).await;
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            let error = (found - expected).abs();
            assert!(
                error <= expected.abs() * step + 1e-6,
                "{found} is not {expected}"
            );
        }
    }
}

async fn queries_are_rotated_in_place_and_keys_and_values_go_to_their_pages() {
    for halves in [true, false] {
        for (heads, kv_heads, head_width) in [(4, 2, 64), (3, 3, 8), (6, 1, 128), (2, 2, 72)] {
            for paired_halves in [true, false] {
                let dimensions = Dimensions {
                    halves: paired_halves,
                    ..dimensions(heads, kv_heads, head_width)
                };
                rotates(dimensions, halves).await;
            }
        }
    }
}

async fn attends(dimensions: Dimensions, halves: bool, before: usize, tokens: usize, spread: f32) {
    let Dimensions {
        heads,
        kv_heads,
        head_width,
        ..
    } = dimensions;
    let (all, sharing) = (heads + 2 * kv_heads, heads / kv_heads);
    let mut random = fastrand::Rng::with_seed((before + tokens) as u64);
    let cache = Cache::new(&mut random, dimensions, halves, before + tokens);
    let mut prefill = Prefill::new(&gpu(halves), dimensions, 64, Dots::Floats);
    let mut queries = random_floats(&mut random, tokens * all * head_width);
    queries.iter_mut().for_each(|x| *x *= spread);
    let words: Vec<u32> = queries.iter().map(|x| x.to_bits()).collect();
    GPU.queue
        .write_buffer(&prefill.buffers.heads, 0, &bytes(&words));
    // What lies behind the last position is no number.
    let mut keys = vec![f32::NAN; cache.length()];
    let mut values = keys.clone();
    for position in 0..before + tokens {
        for kv_head in 0..kv_heads {
            let at = cache.place(kv_head, position);
            for cached in [&mut keys, &mut values] {
                let row = halved(random_floats(&mut random, head_width));
                cached[at..at + head_width].copy_from_slice(&row);
            }
        }
    }
    let shared = Shared {
        hidden: &floats(&[]),
        state: &cache.state(),
        rotation: &floats(&[]),
    };
    let step = prefill.attend(shared, &cache.upload(&keys), &cache.upload(&values));
    run(&mut prefill, vec![step], before, tokens);
    let found = read_floats(&prefill.buffers.attended).await;
    for (index, found) in found
        .chunks_exact(head_width)
        .enumerate()
        .take(tokens * heads)
    {
        let (token, head) = (index / heads, index % heads);
        let query = &queries[(token * all + head) * head_width..][..head_width];
        let places: Vec<usize> = (0..before + token + 1)
            .map(|position| cache.place(head / sharing, position))
            .collect();
        let score = |at: &usize| -> f64 {
            let terms = query.iter().zip(&keys[*at..]);
            terms
                .map(|(query, key)| f64::from(*query) * f64::from(*key))
                .sum()
        };
        let scores: Vec<f64> = places.iter().map(score).collect();
        let largest = scores.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let total: f64 = weights.iter().sum();
        for (column, found) in found.iter().enumerate() {
            let terms = weights.iter().zip(&places);
            let sum: f64 = terms
                .map(|(weight, at)| weight * f64::from(values[at + column]))
                .sum();
            let error = (f64::from(*found) - sum / total).abs();
            assert!(
                error < 1e-4,
                "{dimensions:?} {before} + {token}, head {head}: {found} is not {}",
                sum / total
            );
        }
    }
}

async fn attention_equals_a_plain_softmax() {
    for halves in [true, false] {
        attends(dimensions(14, 2, 64), halves, 70, 40, 1.0).await;
        attends(dimensions(12, 2, 128), halves, 0, 33, 1.0).await;
    }
    for (heads, kv_heads, head_width) in [(1, 1, 8), (9, 3, 64), (4, 1, 80), (6, 2, 72), (2, 2, 96)]
    {
        for (before, tokens) in [(0, 1), (15, 1), (31, 2), (0, 64), (17, 31)] {
            attends(
                dimensions(heads, kv_heads, head_width),
                true,
                before,
                tokens,
                1.0,
            )
            .await;
        }
    }
}

async fn scores_far_apart_and_close_together_are_both_softened() {
    for spread in [0.0, 0.01, 100.0] {
        attends(dimensions(4, 2, 64), true, 40, 20, spread).await;
    }
}
