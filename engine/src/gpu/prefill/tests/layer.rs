//! A layer, chunk after chunk, as the processor computes it.

use super::attention::angles;
use super::products::upload;
use super::*;
use crate::gpu::decode::STATE_TABLE;
use crate::kernels::tests::{Blocks, pack, source};
use crate::kernels::{
    Activations, Attention, CacheRows, Heads, POSITIONS, PackedMatrix, Projection, Rotation,
    Workers, key_at, spawn_thread, value_at,
};

use candle_core::quantized::GgmlDType;

gpu_tests! {
    a_layer_computes_what_the_processor_computes,
}

const WIDTH: usize = 256;
const FEED_FORWARD: usize = 512;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const HEAD_WIDTH: usize = 64;
const KV: usize = KV_HEADS * HEAD_WIDTH;
const CHUNKS: [usize; 3] = [70, 1, 39];
const BLOCKS: usize = 4;
/// Tests in a browser have no others.
const WORKERS: usize = if cfg!(target_arch = "wasm32") { 1 } else { 2 };

/// Each matrix' type, rows, columns and bytes: query, key, value, output, gate, up, down.
type Matrix = (GgmlDType, usize, usize, Vec<u8>);

fn matrices() -> [Matrix; 7] {
    let shapes = [
        (GgmlDType::Q4K, WIDTH, WIDTH),
        (GgmlDType::Q5_0, KV, WIDTH),
        (GgmlDType::Q6K, KV, WIDTH),
        (GgmlDType::Q4_1, WIDTH, WIDTH),
        (GgmlDType::Q8_0, FEED_FORWARD, WIDTH),
        (GgmlDType::Q5K, FEED_FORWARD, WIDTH),
        (GgmlDType::Q6K, WIDTH, FEED_FORWARD),
    ];
    let mut seed = 30;
    shapes.map(|(dtype, rows, columns)| {
        seed += 1;
        let source = source(dtype, rows, columns, Blocks::Random(seed));
        (dtype, rows, columns, source)
    })
}

/// A norm and the biases behind it, and the feed forward's norm.
struct Vectors {
    attention: Vec<f32>,
    feed_forward: Vec<f32>,
}

/// The layer on the processor.
struct Twin {
    workers: Workers,
    weights: [PackedMatrix; 7],
    vectors: Vectors,
    angles: Vec<f32>,
    /// `kv head → block`.
    keys: Vec<Vec<u16>>,
    values: Vec<Vec<u16>>,
}

impl Twin {
    fn compute(&mut self, first: usize, hidden: &mut [f32]) {
        let tokens = hidden.len() / WIDTH;
        let [query, key, value, output, gate, up, down] = &self.weights;
        let mut normed = Activations::default();
        let norm = &self.vectors.attention[..WIDTH];
        self.workers.normalise(hidden, norm, 1e-6, &mut normed);
        let (mut queries, mut attended) = (vec![0.0; tokens * WIDTH], vec![0.0; tokens * WIDTH]);
        let (mut for_keys, mut for_values) = (vec![0.0; tokens * KV], vec![0.0; tokens * KV]);
        let biases = &self.vectors.attention[WIDTH..];
        let (query_bias, biases) = biases.split_at(WIDTH);
        let (key_bias, value_bias) = biases.split_at(KV);
        let turns = &self.angles[first * HEAD_WIDTH..][..tokens * HEAD_WIDTH];
        let cosines: Vec<f32> = turns.iter().step_by(2).copied().collect();
        let sines: Vec<f32> = turns.iter().skip(1).step_by(2).copied().collect();
        let length = POSITIONS * HEAD_WIDTH;
        self.workers.project_heads(
            &normed,
            Heads {
                query: projection(query, query_bias, &mut queries),
                key: projection(key, key_bias, &mut for_keys),
                value: projection(value, value_bias, &mut for_values),
                head_width: HEAD_WIDTH,
                rotation: Rotation {
                    cosines: &cosines,
                    sines: &sines,
                    neighbours: false,
                },
                cache: CacheRows {
                    keys: &mut self.keys,
                    values: &mut self.values,
                    place: &|token| {
                        let position = first + token;
                        let block = position / POSITIONS * length;
                        (
                            block + key_at(position, HEAD_WIDTH),
                            block + value_at(position, 0),
                        )
                    },
                },
            },
        );
        let (keys, values) = (&self.keys, &self.values);
        self.workers.attend(Attention {
            query: &queries,
            heads: HEADS,
            kv_heads: KV_HEADS,
            head_width: HEAD_WIDTH,
            first_length: first + 1,
            blocks: &|kv_head, block| {
                let at = block * length..(block + 1) * length;
                (&keys[kv_head][at.clone()], &values[kv_head][at])
            },
            out: &mut attended,
        });
        self.workers.quantise(&attended, WIDTH, &mut normed);
        let mut product = vec![0.0; tokens * WIDTH];
        (self.workers).project_onto(&normed, output, &mut product, hidden);
        let norm = &self.vectors.feed_forward;
        self.workers.normalise(hidden, norm, 1e-6, &mut normed);
        let mut gated = vec![0.0; tokens * FEED_FORWARD];
        let mut upward = gated.clone();
        (self.workers).project_gated(&normed, [gate, up], &mut gated, &mut upward);
        self.workers.quantise(&gated, FEED_FORWARD, &mut normed);
        self.workers
            .project_onto(&normed, down, &mut product, hidden);
    }
}

fn projection<'a>(
    weights: &'a PackedMatrix,
    bias: &'a [f32],
    out: &'a mut [f32],
) -> Projection<'a> {
    Projection {
        weights,
        bias: Some(bias),
        out,
    }
}

fn upload_layer(matrices: &[Matrix; 7], vectors: &Vectors) -> Layer {
    let as_they_are = |index: usize| {
        let (dtype, rows, columns, source) = &matrices[index];
        (*dtype, *rows, *columns, source.as_slice())
    };
    let (attention, query_key_value) = upload(&[0, 1, 2].map(as_they_are));
    let (output, output_planes) = upload(&[as_they_are(3)]);
    let (gate_up, gate_up_planes) = upload(&[4, 5].map(as_they_are));
    let (down, down_planes) = upload(&[as_they_are(6)]);
    Layer {
        attention,
        query_key_value: query_key_value.try_into().unwrap(),
        attention_parameters: floats(&vectors.attention),
        token_attention_parameters: floats(&vectors.attention),
        has_bias: true,
        output,
        output_planes: output_planes[0],
        feed_forward_norm: floats(&vectors.feed_forward),
        token_feed_forward_norm: floats(&vectors.feed_forward),
        gate_up,
        gate_up_planes: gate_up_planes.try_into().unwrap(),
        down,
        down_planes: down_planes[0],
    }
}

async fn a_layer_computes_what_the_processor_computes() {
    for dots in all_dots() {
        computes(dots).await;
    }
}

async fn computes(dots: Dots) {
    let matrices = matrices();
    let mut random = fastrand::Rng::with_seed(40);
    let mut attention = random_floats(&mut random, WIDTH + WIDTH + 2 * KV);
    // With scores far apart, the processor's eight bits would choose another position.
    attention[..WIDTH].iter_mut().for_each(|x| *x *= 0.01);
    let vectors = Vectors {
        attention,
        feed_forward: random_floats(&mut random, WIDTH),
    };
    let positions = BLOCKS * POSITIONS;
    let angles = angles(positions, HEAD_WIDTH / 2);
    let dimensions = dimensions(HEADS, KV_HEADS, HEAD_WIDTH);
    let mut prefill = Prefill::new(&GPU, dimensions, FEED_FORWARD, dots);
    let hidden = GPU.storage("hidden", (4 * CHUNK * WIDTH) as u64);
    let cache = || GPU.storage("cache", (4 * positions * KV) as u64);
    let mut state = vec![0; STATE_TABLE];
    state.extend([2, 0, 3, 1]);
    let shared = Shared {
        hidden: &hidden,
        state: &storage(&state),
        rotation: &floats(&angles),
    };
    let layer = upload_layer(&matrices, &vectors);
    prefill.push_layer(shared, &layer, &cache(), &cache());
    let mut twin = Twin {
        workers: Workers::new(WORKERS, spawn_thread),
        weights: matrices.map(|(dtype, rows, columns, source)| pack(dtype, rows, columns, &source)),
        vectors,
        angles,
        keys: vec![vec![0; positions * HEAD_WIDTH]; KV_HEADS],
        values: vec![vec![0; positions * HEAD_WIDTH]; KV_HEADS],
    };
    let mut first = 0;
    for tokens in CHUNKS {
        let mut expected = random_floats(&mut random, tokens * WIDTH);
        let words: Vec<u32> = expected.iter().map(|x| x.to_bits()).collect();
        GPU.queue.write_buffer(&hidden, 0, &bytes(&words));
        // Without the hidden states they stay what they were, and nothing is missing afterwards.
        prefill.submit(first, tokens, false);
        assert_eq!(read_floats(&hidden).await[..expected.len()], expected);
        prefill.submit(first, tokens, true);
        twin.compute(first, &mut expected);
        let found = read_floats(&hidden).await;
        let squares = |values: &mut dyn Iterator<Item = f32>| -> f64 {
            values.map(|value| f64::from(value * value)).sum()
        };
        let error = squares(&mut expected.iter().zip(&found).map(|(a, b)| a - b));
        let size = squares(&mut expected.iter().copied());
        // The processor rounds activations to eight bits. Where both do, its norms still sum up otherwise.
        let most = if dots == Dots::Bytes { 0.02 } else { 0.04 };
        assert!(
            (error / size).sqrt() < most,
            "{first}: off by {}",
            (error / size).sqrt()
        );
        first += tokens;
    }
}
