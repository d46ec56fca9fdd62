//! The transformer: one forward pass over a few tokens, for `qwen2` and `llama`, which differ in
//! biases and in how the rotary embedding pairs dimensions, and in nothing else.

mod cache;
mod config;
mod rope;
mod weights;

use std::io::{Read, Seek};
use std::ops::Range;

pub(crate) use config::Config;

use crate::gguf::Gguf;
use crate::kernels::{self, Activations, Kernels, Pool, Projection, dequantise_row, project};
use crate::{EngineError, EngineOptions, LoadProgress};
use cache::{BLOCK, KEY_RUN, KvCache, Layout, write_position};
use rope::Rope;
use weights::{Layer, Weights};

/// Most tokens of one forward pass: a prompt is computed in chunks of this many, and a cancelled
/// prompt ends between two of them.
pub(crate) const CHUNK: usize = 256;

/// Tokens whose logits are computed at a time where all are wanted.
const LOGIT_ROWS: usize = 8;

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) config: Config,
    weights: Weights,
    rope: Rope,
    pool: Pool,
    kernels: &'static dyn Kernels,
    pub(crate) cache: KvCache,
    buffers: Buffers,
}

/// Rows of intermediate values, one a token; made once and reused.
#[derive(Debug, Default)]
struct Buffers {
    hidden: Vec<f32>,
    normed: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    half: Vec<u16>,
    attended: Vec<f32>,
    projected: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    activations: Activations,
}

impl Buffers {
    fn resize(&mut self, tokens: usize, config: &Config) {
        let heads = config.heads * config.head_width;
        let kv = config.kv_heads * config.head_width;
        self.hidden.resize(tokens * config.width, 0.0);
        self.normed.resize(tokens * config.width, 0.0);
        self.query.resize(tokens * heads, 0.0);
        self.key.resize(tokens * kv, 0.0);
        self.value.resize(tokens * kv, 0.0);
        self.attended.resize(tokens * heads, 0.0);
        self.projected.resize(tokens * config.width, 0.0);
        self.gate.resize(tokens * config.feed_forward, 0.0);
        self.up.resize(tokens * config.feed_forward, 0.0);
    }
}

impl Model {
    pub(crate) fn load<R: Read + Seek>(
        gguf: &Gguf,
        reader: &mut R,
        options: &EngineOptions,
        progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Self, EngineError> {
        let config = Config::read(gguf)?;
        let mut pool = Pool::new(options.threads, options.spawn);
        let weights = Weights::load(gguf, &config, reader, &mut pool, progress)?;
        let context_length = options
            .context_length
            .unwrap_or(usize::MAX)
            .clamp(1, config.trained_context);
        Ok(Self {
            rope: Rope::new(&config, weights.rope_divisors.as_deref()),
            cache: KvCache::new(
                Layout::of(&config),
                context_length,
                options.cache_tokens.unwrap_or(context_length),
            ),
            kernels: kernels::detect(),
            buffers: Buffers::default(),
            weights,
            pool,
            config,
        })
    }

    pub(crate) fn kernels_name(&self) -> &'static str {
        self.kernels.name()
    }

    pub(crate) fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Computes up to [`CHUNK`] tokens that follow what the cache holds. Ids are below the
    /// vocabulary's size, and the context has room for them.
    pub(crate) fn forward(&mut self, tokens: &[u32]) {
        let first_position = self.cache.length();
        self.cache.reserve(tokens.len());
        self.buffers.resize(tokens.len(), &self.config);
        self.embed(tokens);
        for layer in 0..self.weights.layers.len() {
            self.attention(layer, first_position);
            self.feed_forward(layer);
        }
        self.cache.extend(tokens);
    }

    /// Logits of the last token of the last [`Self::forward`].
    pub(crate) fn last_logits(&mut self, logits: &mut Vec<f32>) {
        let last = self.buffers.hidden.len() / self.config.width - 1;
        self.logits(last, 1, logits);
    }

    /// Calls `visit` with the logits of each of `tokens` of the last [`Self::forward`], in order,
    /// counting from 0.
    pub(crate) fn each_logits(
        &mut self,
        tokens: Range<usize>,
        mut visit: impl FnMut(usize, &[f32]),
    ) {
        let mut logits = Vec::new();
        let mut visited = 0;
        for first in tokens.clone().step_by(LOGIT_ROWS) {
            self.logits(first, LOGIT_ROWS.min(tokens.end - first), &mut logits);
            for logits in logits.chunks_exact(self.config.vocabulary) {
                visit(visited, logits);
                visited += 1;
            }
        }
    }

    /// One product with the largest matrix; returns its multiply-adds.
    pub(crate) fn exercise(&mut self) -> u64 {
        self.buffers.resize(1, &self.config);
        let mut logits = Vec::new();
        self.logits(0, 1, &mut logits);
        (self.config.vocabulary * self.config.width) as u64
    }

    fn logits(&mut self, first: usize, count: usize, logits: &mut Vec<f32>) {
        let width = self.config.width;
        let buffers = &mut self.buffers;
        normalise(
            self.kernels,
            &buffers.hidden[first * width..(first + count) * width],
            &self.weights.output_norm,
            self.config.rms_epsilon,
            &mut buffers.normed,
            &mut buffers.activations,
        );
        logits.resize(count * self.config.vocabulary, 0.0);
        let weights = self
            .weights
            .output
            .as_ref()
            .unwrap_or(&self.weights.embedding);
        project(
            &mut self.pool,
            self.kernels,
            &buffers.activations,
            [Projection {
                weights,
                bias: None,
                out: logits,
            }],
        );
    }

    fn embed(&mut self, tokens: &[u32]) {
        let rows = self.buffers.hidden.chunks_exact_mut(self.config.width);
        for (row, &token) in rows.zip(tokens) {
            dequantise_row(&self.weights.embedding, token as usize, row);
        }
    }

    fn attention(&mut self, layer_index: usize, first_position: usize) {
        let Self {
            config,
            weights,
            rope,
            pool,
            kernels,
            cache,
            buffers,
            ..
        } = self;
        let layer = &weights.layers[layer_index];
        let (heads, head_width) = (config.heads, config.head_width);
        normalise(
            *kernels,
            &buffers.hidden,
            &layer.attention_norm,
            config.rms_epsilon,
            &mut buffers.normed,
            &mut buffers.activations,
        );
        let Layer {
            query, key, value, ..
        } = layer;
        project(
            pool,
            *kernels,
            &buffers.activations,
            [
                (query, &mut buffers.query),
                (key, &mut buffers.key),
                (value, &mut buffers.value),
            ]
            .map(|(linear, out)| Projection {
                weights: &linear.weights,
                bias: linear.bias.as_deref(),
                out,
            }),
        );
        let scale = 1.0 / (head_width as f32).sqrt();
        let query_rows = buffers.query.chunks_exact_mut(heads * head_width);
        let key_rows = buffers.key.chunks_exact_mut(config.kv_heads * head_width);
        for (index, (query, key)) in query_rows.zip(key_rows).enumerate() {
            let angles = rope.angles(first_position + index);
            rope.rotate(&angles, query);
            rope.rotate(&angles, key);
            query.iter_mut().for_each(|x| *x *= scale);
        }
        let kv_heads = config.kv_heads;
        let (places, keys, values) = cache.parts();
        buffers.half.resize(2 * head_width, 0);
        let (key_half, value_half) = buffers.half.split_at_mut(head_width);
        let rows = buffers.key.chunks_exact(head_width);
        for (index, (key, value)) in rows.zip(buffers.value.chunks_exact(head_width)).enumerate() {
            let (position, kv_head) = (first_position + index / kv_heads, index % kv_heads);
            let block = places.block(layer_index, kv_head, position / BLOCK);
            kernels.to_half(key, key_half);
            kernels.to_half(value, value_half);
            write_position(
                &mut keys[block.clone()],
                &mut values[block],
                position,
                key_half,
                value_half,
            );
        }

        let query = &buffers.query;
        let (keys, values): (Vec<_>, Vec<_>) = (0..kv_heads)
            .map(|kv_head| rows_of(cache, layer_index, kv_head, head_width))
            .unzip();
        let heads_per_kv = heads / config.kv_heads;
        // The heads of one token that share keys and values stay on one thread.
        pool.for_each_item(
            &mut buffers.attended,
            head_width,
            heads_per_kv,
            &|index, out| {
                let (token, head) = (index / heads, index % heads);
                let length = first_position + token + 1;
                kernels.attend(
                    &query[index * head_width..][..head_width],
                    &keys[head / heads_per_kv][..length * head_width],
                    &values[head / heads_per_kv][..length * head_width],
                    out,
                );
            },
        );

        quantise(
            *kernels,
            &buffers.attended,
            heads * head_width,
            &mut buffers.activations,
        );
        let weights = &layer.attention_output;
        let out = Projection {
            weights,
            bias: None,
            out: &mut buffers.projected,
        };
        project(pool, *kernels, &buffers.activations, [out]);
        add(&mut buffers.hidden, &buffers.projected);
    }

    fn feed_forward(&mut self, layer_index: usize) {
        let Self {
            config,
            weights,
            pool,
            kernels,
            buffers,
            ..
        } = self;
        let layer = &weights.layers[layer_index];
        normalise(
            *kernels,
            &buffers.hidden,
            &layer.feed_forward_norm,
            config.rms_epsilon,
            &mut buffers.normed,
            &mut buffers.activations,
        );
        project(
            pool,
            *kernels,
            &buffers.activations,
            [
                (&layer.gate, &mut buffers.gate),
                (&layer.up, &mut buffers.up),
            ]
            .map(|(weights, out)| Projection {
                weights,
                bias: None,
                out,
            }),
        );
        kernels.silu_multiply(&mut buffers.gate, &buffers.up);
        quantise(
            *kernels,
            &buffers.gate,
            config.feed_forward,
            &mut buffers.activations,
        );
        let down = Projection {
            weights: &layer.down,
            bias: None,
            out: &mut buffers.projected,
        };
        project(pool, *kernels, &buffers.activations, [down]);
        add(&mut buffers.hidden, &buffers.projected);
    }
}

/// One head's keys and values, one position after another.
fn rows_of(
    cache: &KvCache,
    layer: usize,
    kv_head: usize,
    head_width: usize,
) -> (Vec<u16>, Vec<u16>) {
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for index in 0..cache.blocks() {
        for run in cache
            .keys(layer, kv_head, index)
            .chunks_exact(KEY_RUN * head_width)
        {
            for position in 0..KEY_RUN {
                keys.extend(run.iter().skip(position).step_by(KEY_RUN));
            }
        }
        values.extend_from_slice(cache.values(layer, kv_head, index));
    }
    (keys, values)
}

/// RMS norm of each row, then int8.
fn normalise(
    kernels: &dyn Kernels,
    x: &[f32],
    weight: &[f32],
    epsilon: f32,
    normed: &mut [f32],
    out: &mut Activations,
) {
    let width = weight.len();
    for (x, normed) in x.chunks_exact(width).zip(normed.chunks_exact_mut(width)) {
        kernels.rms_norm(x, weight, epsilon, normed);
    }
    quantise(kernels, &normed[..x.len()], width, out);
}

fn quantise(kernels: &dyn Kernels, x: &[f32], width: usize, out: &mut Activations) {
    out.resize(x.len() / width, width);
    for (index, x) in x.chunks_exact(width).enumerate() {
        kernels.quantise(x, out.row_mut(index));
    }
}

fn add(sum: &mut [f32], x: &[f32]) {
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum += x;
    }
}
