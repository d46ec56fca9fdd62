//! The KV cache: keys and values of every position so far, in f16, made once at full length.

use crate::kernels::Kernels;

use super::config::Config;

#[derive(Debug)]
pub(crate) struct KvCache {
    /// `layer → kv head → position → head_width`, so that a head's attention reads one run.
    keys: Vec<u16>,
    values: Vec<u16>,
    context_length: usize,
    kv_heads: usize,
    head_width: usize,
    /// The tokens whose keys and values it holds, by position.
    tokens: Vec<u32>,
}

impl KvCache {
    pub(crate) fn new(config: &Config, context_length: usize) -> Self {
        let length = config.layers * config.kv_heads * context_length * config.head_width;
        // Zeroed memory comes from the system unmapped: what no prompt reaches costs nothing.
        Self {
            keys: vec![0; length],
            values: vec![0; length],
            context_length,
            kv_heads: config.kv_heads,
            head_width: config.head_width,
            tokens: Vec::with_capacity(context_length),
        }
    }

    pub(crate) fn context_length(&self) -> usize {
        self.context_length
    }

    pub(crate) fn length(&self) -> usize {
        self.tokens.len()
    }

    /// Keeps what it shares with the beginning of `prompt`, at most `limit` tokens, forgets the
    /// rest, and returns how much was kept.
    pub(crate) fn keep_common_prefix(&mut self, prompt: &[u32], limit: usize) -> usize {
        let common = self
            .tokens
            .iter()
            .zip(prompt)
            .take_while(|(held, new)| held == new)
            .count();
        self.tokens.truncate(common.min(limit));
        self.tokens.len()
    }

    /// Marks the tokens whose keys and values were just written.
    pub(crate) fn extend(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
    }

    /// Writes the keys and values of new positions of one layer: rows of `kv_heads × head_width`.
    pub(crate) fn write(
        &mut self,
        kernels: &dyn Kernels,
        layer: usize,
        first_position: usize,
        keys: &[f32],
        values: &[f32],
    ) {
        let row = self.kv_heads * self.head_width;
        for (index, (keys, values)) in keys
            .chunks_exact(row)
            .zip(values.chunks_exact(row))
            .enumerate()
        {
            for head in 0..self.kv_heads {
                let from = head * self.head_width..(head + 1) * self.head_width;
                let at = self.at(layer, head, first_position + index);
                kernels.to_half(
                    &keys[from.clone()],
                    &mut self.keys[at..at + self.head_width],
                );
                kernels.to_half(&values[from], &mut self.values[at..at + self.head_width]);
            }
        }
    }

    /// One head's keys and values of positions `0..length`.
    pub(crate) fn read(&self, layer: usize, kv_head: usize, length: usize) -> (&[u16], &[u16]) {
        let run = self.at(layer, kv_head, 0)..self.at(layer, kv_head, length);
        (&self.keys[run.clone()], &self.values[run])
    }

    fn at(&self, layer: usize, kv_head: usize, position: usize) -> usize {
        ((layer * self.kv_heads + kv_head) * self.context_length + position) * self.head_width
    }
}
