//! The transformer: one forward pass over a few tokens, for `qwen2` and `llama`, which differ in
//! biases and in how the rotary embedding pairs dimensions, and in nothing else.

mod cache;
mod config;
mod rope;
mod weights;

use std::io::{Read, Seek};
use std::ops::Range;

pub(crate) use cache::{Begun, PAGE, Prefixes};
pub(crate) use config::{Config, RopePairs};
pub(crate) use rope::Rope;

use crate::gguf::{Gguf, invalid};
use crate::kernels::{
    Activations, Attention, CacheRows, Heads, Projection, Workers, dequantise_row,
};
use crate::{EngineError, EngineOptions, LoadProgress};
use cache::{KvCache, Layout};
use rope::Angles;
use weights::{Layer, Linear, Weights};

/// Most tokens of one forward pass: a prompt is computed in chunks of this many.
pub(crate) const CHUNK: usize = 256;

/// Tokens whose logits are computed at a time where all are wanted.
const LOGIT_ROWS: usize = 8;

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) config: Config,
    weights: Weights,
    rope: Rope,
    workers: Workers,
    pub(crate) cache: KvCache,
    buffers: Buffers,
    /// Of a chunk in the making, those that are computed.
    layers_done: usize,
}

/// Rows of intermediate values, one a token; made once and reused.
#[derive(Debug, Default)]
struct Buffers {
    hidden: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    attended: Vec<f32>,
    projected: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    angles: Angles,
    activations: Activations,
}

impl Buffers {
    fn resize(&mut self, tokens: usize, config: &Config) {
        let heads = config.heads * config.head_width;
        let kv = config.kv_heads * config.head_width;
        self.hidden.resize(tokens * config.width, 0.0);
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
        let mut workers = Workers::new(options.threads, options.spawn);
        let weights = Weights::load(gguf, &config, reader, &mut workers.pool, progress)?;
        let context_length = options
            .context_length
            .unwrap_or(usize::MAX)
            .clamp(1, config.trained_context);
        let cache_tokens = options.cache_tokens.unwrap_or(context_length);
        let layout = Layout::of(&config);
        if !KvCache::fits(layout, context_length, cache_tokens) {
            return Err(invalid(format!(
                "there is no memory for a context of {context_length} tokens; choose a shorter one"
            )));
        }
        Ok(Self {
            rope: Rope::new(&config, weights.rope_divisors.as_deref()),
            cache: KvCache::new(layout, context_length, cache_tokens),
            buffers: Buffers::default(),
            layers_done: 0,
            weights,
            workers,
            config,
        })
    }

    pub(crate) fn kernels_name(&self) -> &'static str {
        self.workers.kernels_name()
    }

    pub(crate) fn threads(&self) -> usize {
        self.workers.threads()
    }

    /// As [`KvCache::begin`]. A chunk in the making is given up.
    pub(crate) fn begin(&mut self, prompt: &[u32], limit: usize) -> usize {
        self.layers_done = 0;
        self.cache.begin(prompt, limit)
    }

    /// Computes up to [`CHUNK`] tokens that follow what the cache holds. Ids are below the
    /// vocabulary's size, and the context has room for them.
    pub(crate) fn forward(&mut self, tokens: &[u32]) {
        self.forward_layers(tokens, usize::MAX, tokens.len());
    }

    /// As [`Self::forward`], but of the layers only the next `most`; returns how many are computed. Before all are,
    /// the cache holds none of the tokens, and what follows is the same call again or [`Self::begin`].
    ///
    /// Only the last `wanted` tokens may have their logits asked for: of the others, nobody reads what the last
    /// layer makes beside keys and values.
    pub(crate) fn forward_layers(&mut self, tokens: &[u32], most: usize, wanted: usize) -> usize {
        let first_position = self.cache.length();
        if self.layers_done == 0 {
            self.cache.reserve(tokens.len());
            self.buffers.resize(tokens.len(), &self.config);
            self.rope
                .angles(first_position, tokens.len(), &mut self.buffers.angles);
            self.embed(tokens);
        }
        let layers = self.weights.layers.len();
        let done = layers.min(self.layers_done.saturating_add(most));
        for layer in self.layers_done..done {
            let is_last = layer + 1 == layers;
            let read = if is_last { wanted } else { tokens.len() };
            self.attention(layer, first_position, tokens.len() - read);
            self.feed_forward(layer, tokens.len() - read);
        }
        if done == layers {
            self.cache.extend(tokens);
        }
        self.layers_done = done % layers;
        done
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
        let Buffers {
            hidden,
            activations,
            ..
        } = &mut self.buffers;
        self.workers.normalise(
            &hidden[first * width..(first + count) * width],
            &self.weights.output_norm,
            self.config.rms_epsilon,
            activations,
        );
        logits.resize(count * self.config.vocabulary, 0.0);
        let weights = self
            .weights
            .output
            .as_ref()
            .unwrap_or(&self.weights.embedding);
        self.workers.project(activations, weights, logits);
    }

    fn embed(&mut self, tokens: &[u32]) {
        let rows = self.buffers.hidden.chunks_exact_mut(self.config.width);
        for (row, &token) in rows.zip(tokens) {
            dequantise_row(&self.weights.embedding, token as usize, row);
        }
    }

    /// Keys and values of all tokens; queries look at them from token `first` on.
    fn attention(&mut self, layer_index: usize, first_position: usize, first: usize) {
        let Self {
            config,
            weights,
            rope,
            workers,
            cache,
            buffers,
            ..
        } = self;
        let layer = &weights.layers[layer_index];
        let head_width = config.head_width;
        workers.normalise(
            &buffers.hidden,
            &layer.attention_norm,
            config.rms_epsilon,
            &mut buffers.activations,
        );
        let Layer {
            query, key, value, ..
        } = layer;
        let (places, keys, values) = cache.layer(layer_index);
        let heads = Heads {
            query: projection(query, &mut buffers.query),
            key: projection(key, &mut buffers.key),
            value: projection(value, &mut buffers.value),
            head_width,
            rotation: rope.rotation(&buffers.angles),
            cache: CacheRows {
                keys,
                values,
                place: &|token| places.position(first_position + token),
            },
        };
        workers.project_heads(&buffers.activations, heads);
        let cache = &*cache;
        let query_width = config.heads * head_width;
        let query = &buffers.query[first * query_width..];
        if query.is_empty() {
            return;
        }
        let attended = &mut buffers.attended[first * query_width..];
        workers.attend(Attention {
            query,
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_width,
            first_length: first_position + first + 1,
            blocks: &|kv_head, block| {
                let keys = cache.keys(layer_index, kv_head, block);
                (keys, cache.values(layer_index, kv_head, block))
            },
            out: attended,
        });
        workers.quantise(attended, query_width, &mut buffers.activations);
        workers.project_onto(
            &buffers.activations,
            &layer.attention_output,
            &mut buffers.projected,
            &mut buffers.hidden[first * config.width..],
        );
    }

    /// Of tokens from `first` on.
    fn feed_forward(&mut self, layer_index: usize, first: usize) {
        let Self {
            config,
            weights,
            workers,
            buffers,
            ..
        } = self;
        let layer = &weights.layers[layer_index];
        let hidden = &mut buffers.hidden[first * config.width..];
        if hidden.is_empty() {
            return;
        }
        workers.normalise(
            hidden,
            &layer.feed_forward_norm,
            config.rms_epsilon,
            &mut buffers.activations,
        );
        workers.project_gated(
            &buffers.activations,
            [&layer.gate, &layer.up],
            &mut buffers.gate,
            &mut buffers.up,
        );
        let gate = &buffers.gate[..hidden.len() / config.width * config.feed_forward];
        workers.quantise(gate, config.feed_forward, &mut buffers.activations);
        workers.project_onto(
            &buffers.activations,
            &layer.down,
            &mut buffers.projected,
            hidden,
        );
    }
}

fn projection<'a>(linear: &'a Linear, out: &'a mut [f32]) -> Projection<'a> {
    Projection {
        weights: &linear.weights,
        bias: linear.bias.as_deref(),
        out,
    }
}
