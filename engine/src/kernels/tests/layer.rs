//! What surrounds the products in a layer.

use super::*;

/// Keys or values of some positions in the cache's blocks.
struct Cached {
    width: usize,
    keys: Vec<u16>,
    values: Vec<u16>,
}

impl Cached {
    fn random(random: &mut fastrand::Rng, width: usize, positions: usize) -> Self {
        let length = positions.div_ceil(POSITIONS) * POSITIONS * width;
        // What lies behind the last position is somebody's old numbers.
        let mut halves = || -> Vec<u16> {
            let mut halves = vec![0; length];
            let floats: Vec<f32> = (0..length).map(|_| random.f32() * 2.0 - 1.0).collect();
            Portable.to_half(&floats, &mut halves);
            halves
        };
        Self {
            width,
            keys: halves(),
            values: halves(),
        }
    }

    fn block(&self, block: usize) -> (&[u16], &[u16]) {
        let length = POSITIONS * self.width;
        let range = block * length..(block + 1) * length;
        (&self.keys[range.clone()], &self.values[range])
    }

    fn key(&self, position: usize, column: usize) -> f64 {
        let (keys, _) = self.block(position / POSITIONS);
        let run = position % POSITIONS / INTERLEAVED * INTERLEAVED * self.width;
        half::f16::from_bits(keys[run + column * INTERLEAVED + position % INTERLEAVED]).to_f64()
    }

    fn value(&self, position: usize, column: usize) -> f64 {
        let (_, values) = self.block(position / POSITIONS);
        let run = column / INTERLEAVED * POSITIONS + position % POSITIONS;
        half::f16::from_bits(values[run * INTERLEAVED + column % INTERLEAVED]).to_f64()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn attention_equals_a_plain_softmax(
        seed in any::<u64>(),
        eights in 1usize..17,
        kv_heads in 1usize..3,
        heads_per_kv in 1usize..8,
        tokens in 1usize..40,
        before in 0usize..70,
        spread in 0.1f32..30.0,
    ) {
        let (width, heads) = (8 * eights, kv_heads * heads_per_kv);
        let mut random = fastrand::Rng::with_seed(seed);
        let query: Vec<f32> =
            (0..tokens * heads * width).map(|_| (random.f32() * 2.0 - 1.0) * spread).collect();
        let cached: Vec<Cached> =
            (0..kv_heads).map(|_| Cached::random(&mut random, width, before + tokens)).collect();
        let mut sets = all();
        sets.push(&Portable);
        for kernels in sets {
            let mut out = vec![f32::NAN; query.len()];
            workers(kernels).attend(Attention {
                query: &query,
                heads,
                kv_heads,
                head_width: width,
                first_length: before + 1,
                blocks: &|kv_head, block| cached[kv_head].block(block),
                out: &mut out,
            });
            for (index, found) in out.chunks_exact(width).enumerate() {
                let (token, head) = (index / heads, index % heads);
                let row = &query[index * width..][..width];
                let cached = &cached[head / heads_per_kv];
                let scores: Vec<f64> = (0..before + token + 1)
                    .map(|position| {
                        let terms = row.iter().enumerate();
                        terms.map(|(at, q)| f64::from(*q) * cached.key(position, at)).sum()
                    })
                    .collect();
                let largest = scores.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
                let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
                let total: f64 = weights.iter().sum();
                for column in [0, width / 2, width - 1] {
                    let terms = weights.iter().enumerate();
                    let sum: f64 = terms.map(|(at, weight)| weight * cached.value(at, column)).sum();
                    let (found, expected) = (f64::from(found[column]), sum / total);
                    prop_assert!(
                        (found - expected).abs() < 5e-4,
                        "{}: {} is not {}", kernels.name(), found, expected
                    );
                }
            }
        }
    }

    #[test]
    fn vector_operations_equal_the_portable_ones(seed in any::<u64>(), blocks in 1usize..40) {
        let x = activations(seed, 1, 32 * blocks);
        let y = activations(seed ^ 1, 1, 32 * blocks);
        for kernels in all() {
            let run = |kernels: &'static dyn Kernels| {
                let (mut normed, mut gate) = (Activations::default(), x.clone());
                workers(kernels).normalise(&x, &y, 1e-6, &mut normed);
                kernels.silu_multiply(&mut gate, &y);
                let mut halves = vec![0; x.len()];
                kernels.to_half(&x, &mut halves);
                (normed, gate, halves)
            };
            let (found, expected) = (run(kernels), run(&Portable));
            prop_assert_eq!(found.2, expected.2);
            for (found, expected) in found.1.iter().zip(&expected.1) {
                prop_assert!((found - expected).abs() <= expected.abs() * 1e-5 + 1e-6);
            }
            for (found, expected) in found.0.blocks.iter().zip(&expected.0.blocks) {
                prop_assert!((found.scale - expected.scale).abs() <= expected.scale * 1e-5);
            }
            // A sum in another order may round a number at the edge to the other side.
            for (found, expected) in found.0.quants.iter().zip(&expected.0.quants) {
                prop_assert!(found.abs_diff(*expected) <= 1);
            }
        }
    }

    #[test]
    fn a_sum_grows_by_the_product_and_a_gate_is_a_silu(
        seed in any::<u64>(),
        rows in 1usize..80,
        tokens in 1usize..4,
    ) {
        let columns = 256;
        let matrix = |seed| {
            let blocks = Blocks::Random(seed);
            pack(GgmlDType::Q5_0, rows, columns, &source(GgmlDType::Q5_0, rows, columns, blocks))
        };
        let (first, second) = (matrix(seed), matrix(seed ^ 1));
        let x = quantised(&Portable, &activations(seed, tokens, columns), columns);
        let start: Vec<f32> = (0..rows * tokens).map(|at| at as f32).collect();
        for kernels in all() {
            let products = [&first, &second].map(|matrix| product(kernels, matrix, &x));
            let (mut sum, mut unused) = (start.clone(), vec![0.0; start.len()]);
            workers(kernels).project_onto(&x, &first, &mut unused, &mut sum);
            let (mut gate, mut up) = (unused.clone(), unused);
            workers(kernels).project_gated(&x, [&first, &second], &mut gate, &mut up);
            for at in 0..start.len() {
                let (a, b) = (products[0][at], products[1][at]);
                prop_assert_eq!(sum[at], start[at] + a);
                let expected = a / (1.0 + (-a).exp()) * b;
                prop_assert!((gate[at] - expected).abs() <= expected.abs() * 1e-4 + 1e-5);
            }
        }
    }

    #[test]
    fn heads_are_rotated_and_their_keys_and_values_cached(
        seed in any::<u64>(),
        neighbours in any::<bool>(),
        tokens in 1usize..6,
        first_position in 0usize..40,
    ) {
        let (columns, width, heads, kv_heads) = (256, 16, 4, 2);
        let matrix = |seed, heads: usize| {
            let source = source(GgmlDType::Q8_0, heads * width, columns, Blocks::Random(seed));
            pack(GgmlDType::Q8_0, heads * width, columns, &source)
        };
        let weights = [matrix(seed, heads), matrix(seed ^ 1, kv_heads), matrix(seed ^ 2, kv_heads)];
        let x = quantised(&Portable, &activations(seed, tokens, columns), columns);
        let bias: Vec<f32> = (0..heads * width).map(|at| at as f32 / 10.0).collect();
        let angles: Vec<f32> = (0..tokens * width / 2).map(|at| at as f32).collect();
        let cosines: Vec<f32> = angles.iter().map(|angle| angle.cos()).collect();
        let sines: Vec<f32> = angles.iter().map(|angle| angle.sin()).collect();
        for kernels in all() {
            let mut outs = weights.each_ref().map(|weights| vec![0.0; tokens * weights.rows]);
            let [query, key, value] = &mut outs;
            let empty = || vec![vec![0; 3 * POSITIONS * width]; kv_heads];
            let (mut keys, mut values) = (empty(), empty());
            let projection = |index: usize, out| Projection {
                weights: &weights[index],
                bias: (index < 2).then(|| &bias[..weights[index].rows]),
                out,
            };
            workers(kernels).project_heads(&x, Heads {
                query: projection(0, query),
                key: projection(1, key),
                value: projection(2, value),
                head_width: width,
                rotation: Rotation { cosines: &cosines, sines: &sines, neighbours },
                cache: CacheRows {
                    keys: &mut keys,
                    values: &mut values,
                    place: &|token| {
                        let position = first_position + token;
                        let block = position / POSITIONS * POSITIONS * width;
                        let place = position % POSITIONS;
                        (
                            block + place / INTERLEAVED * INTERLEAVED * width + place % INTERLEAVED,
                            block + place * INTERLEAVED,
                        )
                    },
                },
            });
            let heads_cached = keys.into_iter().zip(values);
            let cached: Vec<Cached> = heads_cached.map(|(keys, values)| Cached { width, keys, values }).collect();
            let plain = weights.each_ref().map(|weights| product(kernels, weights, &x));
            for token in 0..tokens {
                for (part, heads) in [heads, kv_heads, kv_heads].into_iter().enumerate() {
                    for at in 0..heads * width {
                        let (head, column) = (at / width, at % width);
                        let biased = |column: usize| {
                            let at = head * width + column;
                            let bias = if part < 2 { bias[at] } else { 0.0 };
                            f64::from(plain[part][token * heads * width + at] + bias)
                        };
                        let (pair, other, sign) = match (neighbours, column) {
                            (true, column) => (column / 2, column ^ 1, if column % 2 == 0 { -1.0 } else { 1.0 }),
                            (false, column) if column < width / 2 => (column, column + width / 2, -1.0),
                            (false, column) => (column - width / 2, column - width / 2, 1.0),
                        };
                        let angle = f64::from(angles[token * width / 2 + pair]);
                        let rotated = biased(column) * angle.cos() + sign * biased(other) * angle.sin();
                        let (found, expected) = match part {
                            0 => (f64::from(outs[0][token * heads * width + at]), rotated / 4.0),
                            1 => (cached[head].key(first_position + token, column), rotated),
                            _ => (cached[head].value(first_position + token, column), biased(column)),
                        };
                        prop_assert!(
                            (found - expected).abs() <= expected.abs() * 2e-3 + 2e-2,
                            "{} part {} at {}: {} is not {}", kernels.name(), part, at, found, expected
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place(x in -87.0f32..88.0) {
        let expected = f64::from(x).exp();
        prop_assert!((f64::from(vector::exp(x)) - expected).abs() <= expected * 2.4e-7);
    }

    #[test]
    fn exp2_is_within_three_units_in_the_last_place(x in -126.0f32..127.0) {
        let expected = f64::from(x).exp2();
        prop_assert!((f64::from(vector::exp2(x)) - expected).abs() <= expected * 3.6e-7);
    }
}
