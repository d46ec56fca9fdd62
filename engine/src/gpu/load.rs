//! A model's weights, read tensor by tensor and written to the GPU's buffers as its shaders want them.

use std::io::{Read, Seek};

use super::decode::spread;
use super::device::{Gpu, GpuError};
use super::matrix::{Format, Planes, Scratch};
use crate::gguf::{Gguf, Tensor, invalid};
use crate::kernels::UnsupportedType;
use crate::model::Config;
use crate::{EngineError, LoadProgress};

/// Bytes of a file that are in memory at a time.
const PIECE_BYTES: usize = 4 << 20;

/// Bytes on their way to the GPU before it is told to take them.
const FLIGHT_BYTES: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct Weights {
    pub(super) embedding: Vec<Part>,
    /// `None` where the model uses its embedding for the output too.
    pub(super) output: Option<Vec<Part>>,
    /// Spread: only single tokens reach it.
    pub(super) output_norm: wgpu::Buffer,
    /// Divisors of the rotary frequencies, where the model has them (`rope_freqs.weight`).
    pub(super) rope_divisors: Option<Vec<f32>>,
    pub(super) layers: Vec<Layer>,
}

/// Some rows of a matrix that may be larger than a binding.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) buffer: wgpu::Buffer,
    pub(super) planes: Planes,
    pub(super) first_row: usize,
}

#[derive(Debug)]
pub(super) struct Layer {
    /// Query, key and value in one buffer.
    pub(super) attention: wgpu::Buffer,
    pub(super) query_key_value: [Planes; 3],
    /// The norm, then the biases of query, key and value, where there are any.
    pub(super) attention_parameters: wgpu::Buffer,
    /// Likewise, the norm spread.
    pub(super) token_attention_parameters: wgpu::Buffer,
    pub(super) has_bias: bool,
    pub(super) output: wgpu::Buffer,
    pub(super) output_planes: Planes,
    pub(super) feed_forward_norm: wgpu::Buffer,
    /// Likewise, spread.
    pub(super) token_feed_forward_norm: wgpu::Buffer,
    /// Gate and up in one buffer.
    pub(super) gate_up: wgpu::Buffer,
    pub(super) gate_up_planes: [Planes; 2],
    pub(super) down: wgpu::Buffer,
    pub(super) down_planes: Planes,
}

impl Weights {
    pub(super) fn output(&self) -> &[Part] {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    /// Bytes that one token's pass reads.
    pub(super) fn bytes_per_token(&self) -> u64 {
        let layers: u64 = self.layers.iter().map(Layer::bytes).sum();
        let output = self.output().iter().map(|part| part.planes.bytes());
        layers + output.sum::<u64>()
    }
}

impl Layer {
    fn bytes(&self) -> u64 {
        let planes = self.query_key_value.iter().chain(&self.gate_up_planes);
        planes
            .chain([&self.output_planes, &self.down_planes])
            .map(Planes::bytes)
            .sum()
    }
}

pub(super) struct Loader<'a, R> {
    gpu: &'a Gpu,
    gguf: &'a Gguf,
    reader: &'a mut R,
    progress: &'a mut dyn FnMut(LoadProgress),
    state: LoadProgress,
    piece: Vec<u8>,
    scratch: Scratch,
    flight: usize,
    most_bytes: u64,
}

impl<'a, R: Read + Seek> Loader<'a, R> {
    pub(super) fn new(
        gpu: &'a Gpu,
        gguf: &'a Gguf,
        reader: &'a mut R,
        progress: &'a mut dyn FnMut(LoadProgress),
    ) -> Result<Self, EngineError> {
        Ok(Self {
            gpu,
            state: LoadProgress {
                done_bytes: 0,
                total_bytes: gguf.tensor_bytes()?,
            },
            gguf,
            reader,
            progress,
            piece: Vec::new(),
            scratch: Scratch::default(),
            flight: 0,
            most_bytes: gpu.most_bytes(),
        })
    }

    pub(super) fn load(mut self, config: &Config) -> Result<Weights, EngineError> {
        let (width, heads) = (config.width, config.heads * config.head_width);
        let output = match self.gguf.find("output.weight")? {
            Some(_) => Some(self.parts("output.weight", config.vocabulary, width)?),
            None => None,
        };
        let rope_divisors = match self.gguf.find("rope_freqs.weight")? {
            Some(_) => Some(self.vector("rope_freqs.weight", config.head_width / 2)?),
            None => None,
        };
        let output_norm = self.vector("output_norm.weight", width)?;
        let embedding = self.parts("token_embd.weight", config.vocabulary, width)?;
        let layers = (0..config.layers)
            .map(|index| self.layer(index, config, heads))
            .collect::<Result<_, _>>()?;
        let output_norm = self.floats("output norm", &spread(&output_norm));
        self.flush();
        Ok(Weights {
            embedding,
            output,
            output_norm,
            rope_divisors,
            layers,
        })
    }

    fn layer(&mut self, index: usize, config: &Config, heads: usize) -> Result<Layer, EngineError> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (width, inner) = (config.width, config.feed_forward);
        let kv = config.kv_heads * config.head_width;
        let (attention, [query, key, value]) = self.matrices([
            (&name("attn_q.weight"), heads, width),
            (&name("attn_k.weight"), kv, width),
            (&name("attn_v.weight"), kv, width),
        ])?;
        let (output, [output_planes]) =
            self.matrices([(&name("attn_output.weight"), width, heads)])?;
        let (gate_up, gate_up_planes) = self.matrices([
            (&name("ffn_gate.weight"), inner, width),
            (&name("ffn_up.weight"), inner, width),
        ])?;
        let (down, [down_planes]) = self.matrices([(&name("ffn_down.weight"), width, inner)])?;
        let mut parameters = self.vector(&name("attn_norm.weight"), width)?;
        let mut has_bias = false;
        for (part, rows) in [
            ("attn_q.bias", heads),
            ("attn_k.bias", kv),
            ("attn_v.bias", kv),
        ] {
            let part = name(part);
            let bias = if self.gguf.find(&part)?.is_some() {
                has_bias = true;
                self.vector(&part, rows)?
            } else {
                vec![0.0; rows]
            };
            parameters.extend(bias);
        }
        let feed_forward_norm = self.vector(&name("ffn_norm.weight"), width)?;
        Ok(Layer {
            attention,
            query_key_value: [query, key, value],
            attention_parameters: self.floats("attention norm and biases", &parameters),
            token_attention_parameters: {
                let (norm, biases) = parameters.split_at(width);
                self.floats(
                    "attention norm and biases",
                    &[&spread(norm), biases].concat(),
                )
            },
            has_bias,
            output,
            output_planes,
            feed_forward_norm: self.floats("feed forward norm", &feed_forward_norm),
            token_feed_forward_norm: self.floats("feed forward norm", &spread(&feed_forward_norm)),
            gate_up,
            gate_up_planes,
            down,
            down_planes,
        })
    }

    /// Matrices in one buffer, one behind the other.
    fn matrices<const N: usize>(
        &mut self,
        shapes: [(&str, usize, usize); N],
    ) -> Result<(wgpu::Buffer, [Planes; N]), EngineError> {
        let mut start = 0;
        let mut tensors = Vec::with_capacity(N);
        let mut planes = Vec::with_capacity(N);
        for (name, rows, columns) in shapes {
            let (tensor, format) = self.tensor(name, rows, columns)?;
            let place = Planes::at(start, format, rows, columns);
            start = place.end;
            tensors.push(tensor);
            planes.push(place);
        }
        self.check_size("bytes in one buffer", start as u64)?;
        let buffer = self.gpu.storage(shapes[0].0, start as u64);
        for (tensor, planes) in tensors.iter().zip(&planes) {
            self.upload(tensor, planes, 0, &buffer)?;
        }
        let planes = planes.try_into().expect("one for each shape");
        Ok((buffer, planes))
    }

    /// A matrix in as many buffers as its size takes.
    fn parts(&mut self, name: &str, rows: usize, columns: usize) -> Result<Vec<Part>, EngineError> {
        let (tensor, format) = self.tensor(name, rows, columns)?;
        let mut count = 1;
        // Whole 64 rows, so that workgroups' rows divide every part's.
        let rows_of = |count: usize| rows.div_ceil(count).next_multiple_of(64).min(rows);
        while Planes::at(0, format, rows_of(count), columns).end as u64 > self.most_bytes {
            count += 1;
            if rows_of(count) == rows_of(count - 1) {
                let needed = Planes::at(0, format, 64.min(rows), columns).end;
                self.check_size("bytes in one buffer", needed as u64)?;
            }
        }
        let mut parts = Vec::new();
        let mut first_row = 0;
        while first_row < rows {
            let planes = Planes::at(0, format, rows_of(count).min(rows - first_row), columns);
            let buffer = self.gpu.storage(name, planes.end as u64);
            self.upload(&tensor, &planes, first_row, &buffer)?;
            parts.push(Part {
                buffer,
                planes,
                first_row,
            });
            first_row += planes.rows;
        }
        Ok(parts)
    }

    fn upload(
        &mut self,
        tensor: &Tensor,
        planes: &Planes,
        first_row: usize,
        buffer: &wgpu::Buffer,
    ) -> Result<(), EngineError> {
        let row_bytes = planes.format.source_row_bytes(planes.columns);
        let together = Planes::ROWS_TOGETHER;
        let rows = (PIECE_BYTES / row_bytes / together).max(1) * together;
        let mut first = 0;
        while first < planes.rows {
            let count = rows.min(planes.rows - first);
            self.piece.resize(count * row_bytes, 0);
            let from = (first_row + first) * row_bytes;
            tensor.read_into(self.reader, from as u64, &mut self.piece)?;
            let queue = &self.gpu.queue;
            planes.pack(
                first..first + count,
                &self.piece,
                &mut self.scratch,
                |at, bytes| queue.write_buffer(buffer, at as u64, bytes),
            );
            first += count;
            self.flight += self.piece.len();
            if self.flight >= FLIGHT_BYTES {
                self.flush();
            }
            self.advance((count * row_bytes) as u64);
        }
        Ok(())
    }

    /// Has what was written taken over, so that its memory here comes free.
    fn flush(&mut self) {
        self.gpu.queue.submit([]);
        self.flight = 0;
        // Where that fails, so does what comes next.
        let _ = self.gpu.wait();
    }

    fn tensor(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<(Tensor, Format), EngineError> {
        let tensor = self.gguf.shaped(name, rows, columns)?;
        let format = Format::of(tensor.dtype).ok_or_else(|| {
            let unsupported = UnsupportedType(format!("{:?}", tensor.dtype));
            invalid(format!("tensor `{name}`: {unsupported}"))
        })?;
        Ok((tensor, format))
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, EngineError> {
        let tensor = self.gguf.shaped(name, 1, length)?;
        let values = tensor.read_f32(self.reader)?;
        self.advance(tensor.bytes);
        Ok(values)
    }

    fn floats(&self, label: &str, values: &[f32]) -> wgpu::Buffer {
        self.gpu.floats(label, values)
    }

    fn check_size(&self, what: &'static str, needed: u64) -> Result<(), GpuError> {
        if needed > self.most_bytes {
            return Err(GpuError::TooSmall {
                what,
                needed,
                allowed: self.most_bytes,
            });
        }
        Ok(())
    }

    fn advance(&mut self, bytes: u64) {
        self.state.done_bytes += bytes;
        (self.progress)(self.state);
    }
}
