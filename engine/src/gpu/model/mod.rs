//! A model whose weights and cache lie on a GPU, and its passes: a prompt's chunk, a token, and tokens ahead.

mod ahead;
mod build;

use std::ops::Range;

use super::buffers::{AHEAD, Buffers, LOGIT_ROWS};
use super::decode::{ATTENTION_TILE, MOST_SPLITS, STATE_TABLE};
use super::device::{Gpu, GpuError};
use super::dispatch::Dispatch;
use super::prefill::Prefill;
use super::sampling::GpuSampler;
use super::tuning::{Choices, Timer};
use crate::EngineError;
use crate::model::{Begun, Config, PAGE, Prefixes};
use crate::sampler::Sampler;
use ahead::Ahead;

/// Fewer tokens than these are computed one by one: a tile of them costs as much as a full one.
const FEWEST_TILED: usize = 4;

/// What one token costs on a GPU, for those who measure.
#[derive(Clone, Debug)]
pub struct GpuFacts {
    /// Of weights, as packed.
    pub bytes_per_token: u64,
    /// Its choice included. Nothing is made for a token.
    pub dispatches_per_token: usize,
    /// As long as nobody sets another number.
    pub tokens_per_readback: usize,
    /// Threads and rows of each kind of product.
    pub shapes: String,
}

#[derive(Debug)]
pub(crate) struct GpuModel {
    pub(crate) config: Config,
    gpu: Gpu,
    context_length: usize,
    prefixes: Prefixes,
    buffers: Buffers,
    /// One token's pass up to its logits.
    token: Vec<Dispatch>,
    prefill: Prefill,
    /// The logits of the hidden state, which are the last of `token`.
    logits: Vec<Dispatch>,
    sampler: GpuSampler,
    ahead: Ahead,
    /// Makes a chunk's row one token's.
    spread: Dispatch,
    /// Tokens of the last forward pass.
    rows: usize,
    /// Whether the chunk has them one by one, spread.
    one_by_one: bool,
    bytes_per_token: u64,
    choices: Choices,
}

impl GpuModel {
    pub(crate) fn check(&self) -> Result<(), GpuError> {
        self.gpu.check()
    }

    pub(crate) fn adapter(&self) -> &str {
        self.gpu.adapter()
    }

    pub(crate) fn context_length(&self) -> usize {
        self.context_length
    }

    pub(crate) fn facts(&self) -> GpuFacts {
        GpuFacts {
            bytes_per_token: self.bytes_per_token,
            dispatches_per_token: self.token.len() + self.logits.len() + GpuSampler::DISPATCHES,
            tokens_per_readback: AHEAD,
            shapes: self.choices.to_string(),
        }
    }

    /// How long the GPU takes for each kind of work of one token at a position, where it can tell.
    pub(crate) async fn profile(&self, position: usize) -> Result<Vec<(String, f64)>, EngineError> {
        if !self.gpu.abilities.timestamps {
            return Ok(Vec::new());
        }
        let timer = Timer::new(&self.gpu);
        let splits = self.write_state(position + 1, 1, 1);
        let all: Vec<&Dispatch> = self.token.iter().chain(&self.logits).collect();
        let mut labels: Vec<&str> = all.iter().map(|dispatch| dispatch.label()).collect();
        labels.dedup();
        labels.sort_unstable();
        labels.dedup();
        let mut times = Vec::new();
        for label in labels {
            let some = all.iter().filter(|dispatch| dispatch.label() == label);
            let some: Vec<&Dispatch> = some.copied().collect();
            let run = |pass: &mut wgpu::ComputePass<'_>| {
                for dispatch in &some {
                    dispatch.encode(pass, splits);
                }
            };
            times.push((label.to_owned(), timer.time(run).await?));
        }
        let choose = |pass: &mut wgpu::ComputePass<'_>| self.sampler.encode(pass);
        times.push(("choose".into(), timer.time(choose).await?));
        let token = |pass: &mut wgpu::ComputePass<'_>| {
            for dispatch in &all {
                dispatch.encode(pass, splits);
            }
        };
        times.push(("token and logits".into(), timer.time(token).await?));
        Ok(times)
    }

    pub(crate) fn length(&self) -> usize {
        self.prefixes.current.tokens.len()
    }

    /// As the CPU's cache does: goes on from the kept prefix that shares the longest beginning.
    pub(crate) fn begin(&mut self, prompt: &[u32], limit: usize) -> usize {
        self.ahead.forget();
        let Begun { length, copy } = self.prefixes.begin(prompt, limit);
        if let Some((from, to)) = copy {
            let mut encoder = self.gpu.encoder();
            for memory in self.buffers.keys.iter().chain(&self.buffers.values) {
                let bytes = memory.size() / self.prefixes.holders.len() as u64;
                // From a buffer to itself nothing is copied.
                let page = &self.buffers.page;
                let (from, to) = (from as u64 * bytes, to as u64 * bytes);
                encoder.copy_buffer_to_buffer(memory, from, page, 0, bytes);
                encoder.copy_buffer_to_buffer(page, 0, memory, to, bytes);
            }
            self.gpu.queue.submit([encoder.finish()]);
        }
        length
    }

    /// Computes tokens that follow what the cache holds; there is room for them. Only where they are `wanted` may their
    /// logits be asked for.
    pub(crate) async fn forward(
        &mut self,
        tokens: &[u32],
        wanted: bool,
    ) -> Result<(), EngineError> {
        let first = self.length();
        self.prefixes.reserve(tokens.len());
        self.write_tokens(first, tokens);
        self.one_by_one = tokens.len() < FEWEST_TILED;
        if self.one_by_one {
            self.submit_one_by_one(first, tokens.len());
        } else {
            self.write_state(first + tokens.len(), tokens.len(), 1);
            self.prefill.submit(first, tokens.len(), wanted);
        }
        self.prefixes.extend(tokens);
        self.rows = tokens.len();
        self.gpu.idle().await?;
        Ok(())
    }

    fn submit_one_by_one(&self, first: usize, tokens: usize) {
        for index in 0..tokens {
            let length = first + index + 1;
            let splits = self.write_state(length, 1, 1);
            let mut encoder = self.gpu.encoder();
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                for dispatch in &self.token {
                    dispatch.encode(&mut pass, splits);
                }
            }
            let row = self.row_bytes();
            encoder.copy_buffer_to_buffer(
                &self.buffers.hidden,
                0,
                &self.buffers.chunk,
                index as u64 * row,
                row,
            );
            self.gpu.queue.submit([encoder.finish()]);
        }
    }

    /// Logits of the last token of the last [`Self::forward`].
    pub(crate) async fn last_logits(&mut self, logits: &mut Vec<f32>) -> Result<(), EngineError> {
        self.submit_logits(self.rows - 1..self.rows);
        self.read_logits(logits).await
    }

    /// Calls `visit` with the logits of each of `tokens` of the last [`Self::forward`], in order.
    pub(crate) async fn each_logits(
        &mut self,
        tokens: Range<usize>,
        mut visit: impl FnMut(usize, &[f32]),
    ) -> Result<(), EngineError> {
        let mut visited = 0;
        for first in tokens.clone().step_by(LOGIT_ROWS) {
            let count = LOGIT_ROWS.min(tokens.end - first);
            self.submit_logits(first..first + count);
            let bytes = count as u64 * self.logits_bytes();
            let reading = self.gpu.read(&self.buffers.logit_rows, bytes);
            let mut logits = Vec::new();
            reading.finish(|bytes| floats(bytes, &mut logits)).await?;
            for logits in logits.chunks_exact(self.config.vocabulary) {
                visit(visited, logits);
                visited += 1;
            }
        }
        Ok(())
    }

    /// Whether the GPU itself can choose by a sampler's settings.
    pub(crate) fn chooses(&self, sampler: &Sampler) -> bool {
        self.sampler.can(sampler.settings())
    }

    /// One product with the output's matrix; returns its multiply-adds.
    pub(crate) async fn exercise(&mut self) -> Result<u64, EngineError> {
        const TIMES: u64 = 16;
        let mut encoder = self.gpu.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for _ in 0..TIMES {
                for dispatch in &self.logits {
                    dispatch.encode(&mut pass, 1);
                }
            }
        }
        encoder.copy_buffer_to_buffer(&self.buffers.logits, 0, &self.buffers.logit_rows, 0, 16);
        self.gpu.queue.submit([encoder.finish()]);
        let reading = self.gpu.read(&self.buffers.logit_rows, 16);
        reading.finish(|_| ()).await?;
        Ok(TIMES * (self.config.vocabulary * self.config.width) as u64)
    }

    fn submit_logits(&self, rows: Range<usize>) {
        let mut encoder = self.gpu.encoder();
        let (row, logits) = (self.row_bytes(), self.logits_bytes());
        for (index, from) in rows.enumerate() {
            let to = if self.one_by_one {
                &self.buffers.hidden
            } else {
                &self.buffers.row
            };
            let chunk = &self.buffers.chunk;
            encoder.copy_buffer_to_buffer(chunk, from as u64 * row, to, 0, row);
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                if !self.one_by_one {
                    self.spread.encode(&mut pass, 1);
                }
                for dispatch in &self.logits {
                    dispatch.encode(&mut pass, 1);
                }
            }
            encoder.copy_buffer_to_buffer(
                &self.buffers.logits,
                0,
                &self.buffers.logit_rows,
                index as u64 * logits,
                logits,
            );
        }
        self.gpu.queue.submit([encoder.finish()]);
    }

    async fn read_logits(&self, logits: &mut Vec<f32>) -> Result<(), EngineError> {
        let reading = self.gpu.read(&self.buffers.logit_rows, self.logits_bytes());
        reading.finish(|bytes| floats(bytes, logits)).await?;
        Ok(())
    }

    fn encode_token(&self, encoder: &mut wgpu::CommandEncoder, splits: u32) {
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for dispatch in self.token.iter().chain(&self.logits) {
                dispatch.encode(&mut pass, splits);
            }
        }
        let bytes = self.logits_bytes();
        encoder.copy_buffer_to_buffer(&self.buffers.logits, 0, &self.buffers.logit_rows, 0, bytes);
    }

    /// What the shaders of the next submission see: `length` tokens, of which the last `rows` are new, and
    /// `steps` more to come. Returns how many parts the attention is split into.
    fn write_state(&self, length: usize, rows: usize, steps: usize) -> u32 {
        let pages = (length + steps - 1).div_ceil(PAGE);
        let splits = (pages * PAGE)
            .div_ceil(ATTENTION_TILE)
            .clamp(1, MOST_SPLITS) as u32;
        let mut state = vec![length as u32, 0, splits, rows as u32];
        state.resize(STATE_TABLE, 0);
        state.extend(
            self.prefixes
                .current
                .blocks
                .iter()
                .map(|&block| block as u32),
        );
        let bytes: Vec<u8> = state.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.gpu.queue.write_buffer(&self.buffers.state, 0, &bytes);
        splits
    }

    fn write_tokens(&self, first: usize, tokens: &[u32]) {
        let bytes: Vec<u8> = tokens.iter().flat_map(|id| id.to_le_bytes()).collect();
        let at = 4 * first as u64;
        self.gpu
            .queue
            .write_buffer(&self.buffers.tokens, at, &bytes);
    }

    fn row_bytes(&self) -> u64 {
        4 * self.config.width as u64
    }

    fn logits_bytes(&self) -> u64 {
        4 * self.config.vocabulary as u64
    }
}

fn floats(bytes: &[u8], into: &mut Vec<f32>) {
    into.clear();
    let values = bytes.as_chunks::<4>().0.iter();
    into.extend(values.map(|bytes| f32::from_le_bytes(*bytes)));
}
