//! What a model's passes read and write besides weights, made once.

use super::decode::STATE_TABLE;
use super::device::{Gpu, GpuError};
use crate::model::{CHUNK, Config, PAGE};

/// Batches of tokens under way: while one is read back, the next is computed.
pub(super) const BATCHES: usize = 2;

/// How many tokens a batch has: enough to keep a GPU busy while what it computed is read.
pub(crate) const AHEAD: usize = 8;

/// How many tokens a batch has at most: more than this keep a person waiting for nothing.
pub(crate) const MOST_AHEAD: usize = 32;

/// Rows of logits that are read back at a time where all are wanted.
pub(super) const LOGIT_ROWS: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct Buffers {
    pub(super) state: wgpu::Buffer,
    pub(super) tokens: wgpu::Buffer,
    /// One token's.
    pub(super) hidden: wgpu::Buffer,
    /// A chunk's, in its order.
    pub(super) chunk: wgpu::Buffer,
    /// A chunk's row on its way to `hidden`, which is spread.
    pub(super) row: wgpu::Buffer,
    /// A page of one layer's keys or values on its way to another.
    pub(super) page: wgpu::Buffer,
    pub(super) logits: wgpu::Buffer,
    pub(super) keys: Vec<wgpu::Buffer>,
    pub(super) values: Vec<wgpu::Buffer>,
    pub(super) logit_rows: wgpu::Buffer,
}

impl Buffers {
    /// Bytes of the keys and values of so many tokens.
    pub(super) fn cache_bytes(gpu: &Gpu, config: &Config, tokens: usize) -> u64 {
        let layers = 2 * config.layers as u64;
        layers.saturating_mul(Self::layer_bytes(gpu, config, tokens))
    }

    /// Of one layer's keys, or of its values. What a file claims to be its dimensions may be anything.
    fn layer_bytes(gpu: &Gpu, config: &Config, tokens: usize) -> u64 {
        let element = if gpu.abilities.halves { 2 } else { 4 };
        let sizes = [
            tokens.next_multiple_of(PAGE),
            config.kv_heads,
            config.head_width,
            element,
        ];
        let product = |product: u64, size: usize| product.saturating_mul(size as u64);
        sizes.into_iter().fold(1, product)
    }

    /// Whether what grows with the context fits into buffers.
    pub(super) fn check(gpu: &Gpu, config: &Config, tokens: usize) -> Result<(), GpuError> {
        // A cosine and a sine for each pair of a head's dimensions.
        let rotation = (tokens as u64).saturating_mul(4 * config.head_width as u64);
        let needed = Self::layer_bytes(gpu, config, tokens).max(rotation);
        let allowed = gpu.most_bytes();
        if needed > allowed {
            let what = "bytes in one buffer";
            return Err(GpuError::TooSmall {
                what,
                needed,
                allowed,
            });
        }
        Ok(())
    }

    pub(super) fn new(gpu: &Gpu, config: &Config, context_length: usize, pages: usize) -> Self {
        let memory = Self::layer_bytes(gpu, config, pages * PAGE);
        let cache = |label: &str| -> Vec<_> {
            (0..config.layers)
                .map(|_| gpu.storage(label, memory))
                .collect()
        };
        let longest = context_length + MOST_AHEAD * BATCHES;
        Self {
            state: gpu.storage("state", 4 * (STATE_TABLE + pages) as u64),
            tokens: gpu.storage("tokens", 4 * longest as u64),
            hidden: gpu.storage("hidden", 4 * config.width as u64),
            chunk: gpu.storage("chunk", 4 * (config.width * CHUNK) as u64),
            row: gpu.storage("row", 4 * config.width as u64),
            page: gpu.storage("page", memory / pages as u64),
            logits: gpu.storage("logits", 4 * config.vocabulary as u64),
            keys: cache("keys"),
            values: cache("values"),
            logit_rows: gpu.readable("logits", 4 * (config.vocabulary * LOGIT_ROWS) as u64),
        }
    }
}
