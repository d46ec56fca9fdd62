//! A prompt's pass: a chunk of tokens through all layers, with tiles of tokens where one token's pass has
//! rows. All pipelines, bind groups and buffers are made with the model.

mod formats;
mod product;
mod step;
#[cfg(test)]
pub(super) mod tests;
mod text;

use std::collections::HashMap;

use super::decode::{self, Dimensions};
use super::device::Gpu;
use super::load::{Layer, Part};
use super::matrix::{BLOCK, Format};
use crate::model::CHUNK;
use product::Product;
use step::{Grid, Step};
pub(super) use text::Dots;
use text::{Finish, TileRows};

/// What the workgroup memory of attention has room for.
pub(super) const MOST_HEAD_WIDTH: usize = 128;

/// Layers that are timed.
const SOME_LAYERS: usize = 4;

/// What the passes of a prompt and of a token have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared<'a> {
    /// `token → dimension` of a chunk: what goes in and comes out.
    pub(super) hidden: &'a wgpu::Buffer,
    /// The page table is in it.
    pub(super) state: &'a wgpu::Buffer,
    /// `position → pair → cosine, sine`.
    pub(super) rotation: &'a wgpu::Buffer,
}

#[derive(Debug)]
pub(super) struct Prefill {
    gpu: Gpu,
    dimensions: Dimensions,
    dots: Dots,
    pipelines: Pipelines,
    buffers: Buffers,
    embed: Vec<Step>,
    layers: Vec<Vec<Step>>,
    /// So many of a layer's steps are done when its keys and values are.
    steps_to_cache: usize,
}

#[derive(Debug)]
struct Pipelines {
    normalise: wgpu::ComputePipeline,
    rotate: wgpu::ComputePipeline,
    attend: wgpu::ComputePipeline,
    project: HashMap<(Vec<Format>, Finish, TileRows), wgpu::ComputePipeline>,
    /// By how many blocks a token has.
    quantise: HashMap<usize, wgpu::ComputePipeline>,
}

/// Rows of intermediate values, one a token.
#[derive(Clone, Debug)]
struct Buffers {
    /// How many tokens, and the position of the first.
    chunk: wgpu::Buffer,
    normalised: wgpu::Buffer,
    /// Query heads, key heads, value heads.
    heads: wgpu::Buffer,
    attended: wgpu::Buffer,
    gate: wgpu::Buffer,
    /// With [`Dots::Bytes`], of what is multiplied next.
    quants: wgpu::Buffer,
    scales: wgpu::Buffer,
}

impl Prefill {
    /// For layers whose feed forward is at most this wide.
    pub(super) fn new(gpu: &Gpu, dimensions: Dimensions, feed_forward: usize, dots: Dots) -> Self {
        let Dimensions {
            width,
            heads,
            kv_heads,
            head_width,
            ..
        } = dimensions;
        let rows = |label, width: usize| gpu.storage(label, (4 * CHUNK * width) as u64);
        let halves = gpu.abilities.halves;
        let most_blocks = match dots {
            Dots::Floats => 0,
            Dots::Bytes => width.max(heads * head_width).max(feed_forward) / BLOCK,
        };
        Self {
            dots,
            pipelines: Pipelines {
                normalise: gpu.pipeline("normalise", &text::normalise(&dimensions)),
                rotate: gpu.pipeline("rotate", &text::rotate(&dimensions, halves)),
                attend: gpu.pipeline("attend", &text::attend(&dimensions, halves)),
                project: HashMap::new(),
                quantise: HashMap::new(),
            },
            buffers: Buffers {
                chunk: uniform(gpu, "chunk", &[0, 0]),
                normalised: rows("normalised", width),
                heads: rows("heads", (heads + 2 * kv_heads) * head_width),
                attended: rows("attended", heads * head_width),
                gate: rows("gate", feed_forward),
                quants: rows("quants", most_blocks * BLOCK / 4),
                scales: rows("scales", most_blocks * 2),
            },
            gpu: gpu.clone(),
            dimensions,
            embed: Vec::new(),
            layers: Vec::new(),
            steps_to_cache: 0,
        }
    }

    /// Adds the embedding, from whose rows `tokens` chooses.
    pub(super) fn embed(&mut self, shared: Shared<'_>, tokens: &wgpu::Buffer, parts: &[Part]) {
        let embed = |part: &Part| {
            let text = decode::embed(part.planes, part.first_row, false);
            let pipeline = self.gpu.pipeline("embed", &text);
            let buffers = [&part.buffer, tokens, shared.state, shared.hidden];
            Step::new(&self.gpu, &pipeline, &buffers, Grid::Tokens)
        };
        self.embed = parts.iter().map(embed).collect();
    }

    /// Adds the next layer, with its cache.
    pub(super) fn push_layer(
        &mut self,
        shared: Shared<'_>,
        layer: &Layer,
        keys: &wgpu::Buffer,
        values: &wgpu::Buffer,
    ) {
        let Buffers {
            normalised,
            heads,
            attended,
            gate,
            ..
        } = self.buffers.clone();
        let hidden = shared.hidden;
        let mut steps = vec![self.normalise(hidden, &layer.attention_parameters, &normalised)];
        steps.extend(
            self.project(&Product {
                weights: &layer.attention,
                matrices: &layer.query_key_value,
                x: &normalised,
                out: &heads,
                out_width: self.all_heads(),
                finish: if layer.has_bias {
                    Finish::Bias
                } else {
                    Finish::Store
                },
                // Behind the norm, in the order of the rows.
                bias: layer
                    .has_bias
                    .then_some((&layer.attention_parameters, self.dimensions.width)),
            }),
        );
        steps.push(self.rotate(shared, keys, values));
        self.steps_to_cache = steps.len();
        steps.push(self.attend(shared, keys, values));
        for (weights, matrices, x, out, finish) in [
            (
                &layer.output,
                &[layer.output_planes][..],
                &attended,
                hidden,
                Finish::Add,
            ),
            (
                &layer.gate_up,
                &layer.gate_up_planes,
                &normalised,
                &gate,
                Finish::Gate,
            ),
            (
                &layer.down,
                &[layer.down_planes],
                &gate,
                hidden,
                Finish::Add,
            ),
        ] {
            if finish == Finish::Gate {
                steps.push(self.normalise(hidden, &layer.feed_forward_norm, &normalised));
            }
            steps.extend(self.project(&Product {
                weights,
                matrices,
                x,
                out,
                out_width: matrices[0].rows,
                finish,
                bias: None,
            }));
        }
        self.layers.push(steps);
    }

    fn normalise(&self, x: &wgpu::Buffer, weight: &wgpu::Buffer, out: &wgpu::Buffer) -> Step {
        let pipeline = &self.pipelines.normalise;
        Step::new(&self.gpu, pipeline, &[x, weight, out], Grid::Tokens)
    }

    fn rotate(&self, shared: Shared<'_>, keys: &wgpu::Buffer, values: &wgpu::Buffer) -> Step {
        let Buffers { chunk, heads, .. } = &self.buffers;
        let Shared {
            state, rotation, ..
        } = shared;
        let buffers = [chunk, heads, rotation, state, keys, values];
        let each = Grid::Threads(self.all_heads() / 4);
        Step::new(&self.gpu, &self.pipelines.rotate, &buffers, each)
    }

    fn attend(&self, shared: Shared<'_>, keys: &wgpu::Buffer, values: &wgpu::Buffer) -> Step {
        let Buffers {
            chunk,
            heads,
            attended,
            ..
        } = &self.buffers;
        let buffers = [chunk, heads, shared.state, keys, values, attended];
        let Dimensions {
            heads, kv_heads, ..
        } = self.dimensions;
        let sharing = heads / kv_heads;
        let each = Grid::Queries { sharing, kv_heads };
        Step::new(&self.gpu, &self.pipelines.attend, &buffers, each)
    }

    /// Numbers that a token's queries, keys and values have together.
    fn all_heads(&self) -> usize {
        (self.dimensions.heads + 2 * self.dimensions.kv_heads) * self.dimensions.head_width
    }

    /// The product, behind the rounding of its activations where they are rounded.
    fn project(&mut self, product: &Product<'_>) -> Vec<Step> {
        let (finish, rows) = (product.finish, product.tile_rows());
        let formats: Vec<Format> = (product.matrices.iter())
            .map(|planes| planes.format)
            .collect();
        let text = text::project(&formats, finish, rows, self.dots);
        let pipeline = (self.pipelines.project)
            .entry((formats, finish, rows))
            .or_insert_with(|| self.gpu.pipeline("project", &text))
            .clone();
        let (words, tiles) = product.matrices();
        let matrices = uniform(&self.gpu, "matrices", &words);
        let Buffers {
            chunk,
            quants,
            scales,
            ..
        } = self.buffers.clone();
        let mut steps = Vec::new();
        let mut buffers = vec![&chunk, &matrices, product.weights];
        match self.dots {
            Dots::Floats => buffers.extend([product.x, product.out]),
            Dots::Bytes => {
                steps.push(self.quantise(product.x, product.matrices[0].columns / BLOCK));
                buffers.extend([&quants, product.out, &scales]);
            }
        }
        buffers.extend(product.bias.map(|(bias, _)| bias));
        steps.push(Step::new(
            &self.gpu,
            &pipeline,
            &buffers,
            Grid::Tiles(tiles),
        ));
        steps
    }

    fn quantise(&mut self, x: &wgpu::Buffer, blocks: usize) -> Step {
        let pipeline = (self.pipelines.quantise)
            .entry(blocks)
            .or_insert_with(|| self.gpu.pipeline("quantise", &text::quantise(blocks)));
        let Buffers {
            chunk,
            quants,
            scales,
            ..
        } = &self.buffers;
        let each = Grid::Threads(blocks);
        Step::new(&self.gpu, pipeline, &[chunk, x, quants, scales], each)
    }

    /// Says what the next passes compute.
    pub(super) fn begin(&self, first_position: usize, tokens: usize) {
        let words = [tokens as u32, first_position as u32];
        let queue = &self.gpu.queue;
        queue.write_buffer(&self.buffers.chunk, 0, &bytes(&words));
    }

    /// Some layers, as many as are computed within moments.
    pub(super) fn encode_some(&self, pass: &mut wgpu::ComputePass<'_>, tokens: usize) {
        for step in self.layers.iter().take(SOME_LAYERS).flatten() {
            step.encode(pass, tokens);
        }
    }

    /// Computes as many tokens, from this position on, that the state has last: up to their hidden states where those are
    /// `wanted`, else up to the last layer's keys and values.
    pub(super) fn submit(&self, first_position: usize, tokens: usize, wanted: bool) {
        self.begin(first_position, tokens);
        // One submission a layer: systems take a device away that is busy with one for seconds.
        self.submit_steps(&self.embed, tokens);
        for (index, steps) in self.layers.iter().enumerate() {
            let is_last = index + 1 == self.layers.len();
            let end = if is_last && !wanted {
                self.steps_to_cache
            } else {
                steps.len()
            };
            self.submit_steps(&steps[..end], tokens);
        }
    }

    fn submit_steps(&self, steps: &[Step], tokens: usize) {
        let mut encoder = self.gpu.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for step in steps {
                step.encode(&mut pass, tokens);
            }
        }
        self.gpu.queue.submit([encoder.finish()]);
    }
}

fn uniform(gpu: &Gpu, label: &str, words: &[u32]) -> wgpu::Buffer {
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: (4 * words.len() as u64).next_multiple_of(16),
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue.write_buffer(&buffer, 0, &bytes(words));
    buffer
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
