//! Tokens that are computed and chosen before anybody asks for them.

use std::collections::VecDeque;

use super::super::buffers::{BATCHES, MOST_AHEAD};
use super::super::device::{GpuError, Reading};
use super::GpuModel;
use crate::EngineError;
use crate::sampler::Sampler;

/// Tokens that were chosen before anybody asked for them.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    known: VecDeque<u32>,
    batches: VecDeque<Batch>,
    /// Buffers that nothing is read from now.
    free: Vec<wgpu::Buffer>,
}

#[derive(Debug)]
struct Batch {
    reading: Reading,
    buffer: wgpu::Buffer,
    tokens: usize,
}

impl GpuModel {
    /// The token that follows `sequence`, of which all but the last token were computed. Up to `most` tokens
    /// will be wanted one after another; a batch has `batch` of them.
    pub(crate) async fn next_token(
        &mut self,
        sequence: &[u32],
        most: usize,
        batch: usize,
        sampler: &mut Sampler,
    ) -> Result<u32, EngineError> {
        if self.ahead.known.is_empty() {
            if self.ahead.batches.is_empty() {
                self.write_tokens(0, sequence);
            }
            loop {
                let under_way = self.ahead.under_way();
                let count = batch.clamp(1, MOST_AHEAD).min(most - under_way);
                if count == 0 || self.ahead.batches.len() == BATCHES {
                    break;
                }
                self.submit_batch(sequence.len() + under_way, count, sampler);
            }
            let batch = self.ahead.batches.pop_front().expect("one was submitted");
            let bytes = batch.reading.finish(<[u8]>::to_vec).await?;
            let ids = bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|id| u32::from_le_bytes(*id));
            self.ahead.known.extend(ids.take(batch.tokens));
            self.ahead.free.push(batch.buffer);
        }
        let token = self.ahead.known.pop_front().expect("a batch has tokens");
        sampler.skip(1);
        self.prefixes.extend(&sequence[self.length()..]);
        if token as usize >= self.config.vocabulary {
            return Err(GpuError::Driver(format!("it chose {token}, which is no token")).into());
        }
        Ok(token)
    }

    fn submit_batch(&mut self, length: usize, count: usize, sampler: &Sampler) {
        let computed = self.length();
        self.prefixes.reserve(length + count - 1 - computed);
        let splits = self.write_state(length, 1, count);
        let first = self.ahead.under_way();
        let uniforms = sampler.uniforms(first..first + count);
        self.sampler
            .prepare(&self.gpu.queue, sampler.settings(), &uniforms);
        let buffer = self
            .ahead
            .free
            .pop()
            .unwrap_or_else(|| self.gpu.readable("tokens", 4 * MOST_AHEAD as u64));
        let mut encoder = self.gpu.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for _ in 0..count {
                for dispatch in self.token.iter().chain(&self.logits) {
                    dispatch.encode(&mut pass, splits);
                }
                self.sampler.encode(&mut pass);
            }
        }
        let bytes = 4 * count as u64;
        encoder.copy_buffer_to_buffer(&self.buffers.tokens, 4 * length as u64, &buffer, 0, bytes);
        let submission = self.gpu.queue.submit([encoder.finish()]);
        self.ahead.batches.push_back(Batch {
            reading: self.gpu.read(&buffer, bytes).after(submission),
            buffer,
            tokens: count,
        });
    }
}

impl Ahead {
    /// Tokens that are known or will be.
    fn under_way(&self) -> usize {
        let batches = self.batches.iter().map(|batch| batch.tokens);
        self.known.len() + batches.sum::<usize>()
    }

    /// Nobody wants what is under way; what is computed by then lies behind what the cache is said to hold.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.batches.clear();
    }
}
