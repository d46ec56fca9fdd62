//! A model's weights, read tensor by tensor into their packed form.

use std::io::{Read, Seek};

use crate::gguf::{Gguf, invalid};
use crate::kernels::{PackedMatrix, Pool};
use crate::{EngineError, LoadProgress};

use super::config::Config;

/// Bytes of a file that are in memory unpacked at a time.
const PIECE_BYTES: usize = 4 << 20;

#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) embedding: PackedMatrix,
    /// `None` where the model uses its embedding for the output too.
    pub(crate) output: Option<PackedMatrix>,
    pub(crate) output_norm: Vec<f32>,
    /// Divisors of the rotary frequencies, where the model has them (`rope_freqs.weight`).
    pub(crate) rope_divisors: Option<Vec<f32>>,
    pub(crate) layers: Vec<Layer>,
}

#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) attention_norm: Vec<f32>,
    pub(crate) query: Linear,
    pub(crate) key: Linear,
    pub(crate) value: Linear,
    pub(crate) attention_output: PackedMatrix,
    pub(crate) feed_forward_norm: Vec<f32>,
    pub(crate) gate: PackedMatrix,
    pub(crate) up: PackedMatrix,
    pub(crate) down: PackedMatrix,
}

#[derive(Debug)]
pub(crate) struct Linear {
    pub(crate) weights: PackedMatrix,
    pub(crate) bias: Option<Vec<f32>>,
}

struct Loader<'a, R> {
    gguf: &'a Gguf,
    reader: &'a mut R,
    pool: &'a mut Pool,
    progress: &'a mut dyn FnMut(LoadProgress),
    state: LoadProgress,
    piece: Vec<u8>,
}

impl Weights {
    pub(crate) fn load<R: Read + Seek>(
        gguf: &Gguf,
        config: &Config,
        reader: &mut R,
        pool: &mut Pool,
        progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Self, EngineError> {
        let state = LoadProgress {
            done_bytes: 0,
            total_bytes: gguf.tensor_bytes()?,
        };
        let mut loader = Loader {
            gguf,
            reader,
            pool,
            progress,
            state,
            piece: Vec::new(),
        };
        let (width, heads) = (config.width, config.heads * config.head_width);
        let output = if gguf.find("output.weight")?.is_some() {
            Some(loader.matrix("output.weight", config.vocabulary, width)?)
        } else {
            None
        };
        let rope_divisors = match gguf.find("rope_freqs.weight")? {
            Some(_) => Some(loader.vector("rope_freqs.weight", config.head_width / 2)?),
            None => None,
        };
        Ok(Self {
            embedding: loader.matrix("token_embd.weight", config.vocabulary, width)?,
            output,
            output_norm: loader.vector("output_norm.weight", width)?,
            rope_divisors,
            layers: (0..config.layers)
                .map(|index| loader.layer(index, config, heads))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl<R: Read + Seek> Loader<'_, R> {
    fn layer(&mut self, index: usize, config: &Config, heads: usize) -> Result<Layer, EngineError> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (width, inner) = (config.width, config.feed_forward);
        let kv = config.kv_heads * config.head_width;
        Ok(Layer {
            attention_norm: self.vector(&name("attn_norm.weight"), width)?,
            query: self.linear(&name("attn_q"), heads, width)?,
            key: self.linear(&name("attn_k"), kv, width)?,
            value: self.linear(&name("attn_v"), kv, width)?,
            attention_output: self.matrix(&name("attn_output.weight"), width, heads)?,
            feed_forward_norm: self.vector(&name("ffn_norm.weight"), width)?,
            gate: self.matrix(&name("ffn_gate.weight"), inner, width)?,
            up: self.matrix(&name("ffn_up.weight"), inner, width)?,
            down: self.matrix(&name("ffn_down.weight"), width, inner)?,
        })
    }

    fn linear(&mut self, name: &str, rows: usize, columns: usize) -> Result<Linear, EngineError> {
        let bias = format!("{name}.bias");
        Ok(Linear {
            weights: self.matrix(&format!("{name}.weight"), rows, columns)?,
            bias: match self.gguf.find(&bias)? {
                Some(_) => Some(self.vector(&bias, rows)?),
                None => None,
            },
        })
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, EngineError> {
        let tensor = self.gguf.shaped(name, 1, length)?;
        let values = tensor.read_f32(self.reader)?;
        self.advance(tensor.bytes);
        Ok(values)
    }

    fn matrix(
        &mut self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<PackedMatrix, EngineError> {
        let tensor = self.gguf.shaped(name, rows, columns)?;
        let mut packed = PackedMatrix::new(tensor.dtype, rows, columns)
            .map_err(|error| invalid(format!("tensor `{name}`: {error}")))?;
        // Whole groups of rows, as many as fit a piece.
        let group_bytes = packed.source_row_bytes() * PackedMatrix::GROUP_ROWS;
        let piece_bytes = (PIECE_BYTES / group_bytes).max(1) * group_bytes;
        let mut from = 0;
        while from < tensor.bytes {
            let bytes = piece_bytes.min((tensor.bytes - from) as usize);
            self.piece.resize(bytes, 0);
            tensor.read_into(self.reader, from, &mut self.piece)?;
            packed.push_groups(self.pool, &self.piece);
            from += bytes as u64;
            self.advance(bytes as u64);
        }
        Ok(packed)
    }

    fn advance(&mut self, bytes: u64) {
        self.state.done_bytes += bytes;
        (self.progress)(self.state);
    }
}
