//! The dispatches of a token's pass: which shader of `decode` reads and writes which buffer.

use super::buffers::Buffers;
use super::decode::{self, Dimensions, MOST_SPLITS, Shader, Shape};
use super::device::Gpu;
use super::dispatch::{Dispatch, Pipelines};
use super::load::{Layer, Part, Weights};
use super::prefill::{Dots, Prefill, Shared};
use super::tuning::{Kind, Shapes};
use crate::model::{Config, RopePairs};

/// Makes the dispatches of a token's pass.
pub(super) struct Passes<'a> {
    gpu: &'a Gpu,
    dimensions: Dimensions,
    pipelines: Pipelines,
    buffers: &'a Buffers,
    model: &'a Weights,
    query: wgpu::Buffer,
    /// Of each head and split of the attention.
    sums: wgpu::Buffer,
    weights: wgpu::Buffer,
    gated: wgpu::Buffer,
    rotation: wgpu::Buffer,
}

impl<'a> Passes<'a> {
    pub(super) fn new(
        gpu: &'a Gpu,
        config: &Config,
        buffers: &'a Buffers,
        model: &'a Weights,
        rotation: wgpu::Buffer,
    ) -> Self {
        let splits = (config.heads * MOST_SPLITS) as u64;
        let head_width = config.head_width as u64;
        Self {
            gpu,
            dimensions: dimensions(config),
            pipelines: Pipelines::default(),
            buffers,
            model,
            query: gpu.storage("query", 4 * config.heads as u64 * head_width),
            sums: gpu.storage("attention's sums", 4 * splits * head_width),
            weights: gpu.storage("attention's weights", 8 * splits),
            gated: gpu.storage("gated", 4 * config.feed_forward as u64),
            rotation,
        }
    }

    /// Everything up to the logits.
    pub(super) fn token(&mut self, shapes: &Shapes) -> Vec<Dispatch> {
        let mut dispatches = self.embed();
        for (index, layer) in self.model.layers.iter().enumerate() {
            dispatches.extend([
                self.query_key_value(index, layer, shapes.of(Kind::QueryKeyValue)),
                self.attention(index),
                self.output(layer, shapes.of(Kind::Output)),
                self.gate_up(layer, shapes.of(Kind::GateUp)),
                self.down(layer, shapes.of(Kind::Down)),
            ]);
        }
        dispatches
    }

    /// A chunk's pass.
    pub(super) fn prefill(&self, feed_forward: usize, dots: Dots) -> Prefill {
        let (model, buffers) = (self.model, self.buffers);
        let shared = Shared {
            hidden: &buffers.chunk,
            state: &buffers.state,
            rotation: &self.rotation,
        };
        let mut prefill = Prefill::new(self.gpu, self.dimensions, feed_forward, dots);
        prefill.embed(shared, &buffers.tokens, &model.embedding);
        let caches = buffers.keys.iter().zip(&buffers.values);
        for (layer, (keys, values)) in model.layers.iter().zip(caches) {
            prefill.push_layer(shared, layer, keys, values);
        }
        prefill
    }

    /// One kind of product, of all layers.
    pub(super) fn products(&mut self, kind: Kind, shape: Shape) -> Vec<Dispatch> {
        if kind == Kind::Logits {
            return self.logits(shape);
        }
        let layers = self.model.layers.iter().enumerate();
        layers
            .map(|(index, layer)| match kind {
                Kind::QueryKeyValue => self.query_key_value(index, layer, shape),
                Kind::Output => self.output(layer, shape),
                Kind::GateUp => self.gate_up(layer, shape),
                Kind::Down | Kind::Logits => self.down(layer, shape),
            })
            .collect()
    }

    fn dispatch(
        &mut self,
        label: &'static str,
        shader: &Shader,
        buffers: &[&wgpu::Buffer],
    ) -> Dispatch {
        self.pipelines.dispatch(self.gpu, label, shader, buffers)
    }

    fn embed(&mut self) -> Vec<Dispatch> {
        let (model, buffers) = (self.model, self.buffers);
        let dispatch = |part: &Part| {
            let shader = Shader {
                text: decode::embed(part.planes, part.first_row, true),
                grid: [1, 1, 1],
            };
            let bound = [
                &part.buffer,
                &buffers.tokens,
                &buffers.state,
                &buffers.hidden,
            ];
            self.dispatch("embed", &shader, &bound)
        };
        model.embedding.iter().map(dispatch).collect()
    }

    /// Makes a row of a chunk one token's.
    pub(super) fn spread_row(&mut self) -> Dispatch {
        let shader = decode::spread_row(self.dimensions.width);
        let buffers = self.buffers;
        self.dispatch("spread", &shader, &[&buffers.row, &buffers.hidden])
    }

    fn query_key_value(&mut self, index: usize, layer: &Layer, shape: Shape) -> Dispatch {
        let shader = decode::query_key_value(
            self.gpu.abilities,
            &self.dimensions,
            layer.query_key_value,
            layer.has_bias,
            shape,
        );
        let (query, rotation) = (self.query.clone(), self.rotation.clone());
        let buffers = self.buffers;
        let bound = [
            &layer.attention,
            &buffers.hidden,
            &layer.token_attention_parameters,
            &query,
            &buffers.keys[index],
            &buffers.values[index],
            &buffers.state,
            &rotation,
        ];
        self.dispatch("query, key, value", &shader, &bound)
    }

    fn attention(&mut self, index: usize) -> Dispatch {
        let shader = decode::attention(self.gpu.abilities, &self.dimensions);
        let buffers = self.buffers;
        let own = [&self.query, &self.sums, &self.weights].map(Clone::clone);
        let [query, sums, weights] = &own;
        let (keys, values) = (&buffers.keys[index], &buffers.values[index]);
        let bound = [query, keys, values, &buffers.state, sums, weights];
        self.dispatch("attention", &shader, &bound).split()
    }

    fn output(&mut self, layer: &Layer, shape: Shape) -> Dispatch {
        let planes = layer.output_planes;
        let shader = decode::output(self.gpu.abilities, &self.dimensions, planes, shape);
        let buffers = self.buffers;
        let (sums, weights) = (self.sums.clone(), self.weights.clone());
        let bound = [
            &layer.output,
            &sums,
            &weights,
            &buffers.hidden,
            &buffers.state,
        ];
        self.dispatch("output", &shader, &bound)
    }

    fn gate_up(&mut self, layer: &Layer, shape: Shape) -> Dispatch {
        let planes = layer.gate_up_planes;
        let shader = decode::gate_up(self.gpu.abilities, &self.dimensions, planes, shape);
        let gated = self.gated.clone();
        let norm = &layer.token_feed_forward_norm;
        let bound = [&layer.gate_up, &self.buffers.hidden, norm, &gated];
        self.dispatch("gate, up", &shader, &bound)
    }

    fn down(&mut self, layer: &Layer, shape: Shape) -> Dispatch {
        let shader = decode::down(self.gpu.abilities, layer.down_planes, shape);
        let gated = self.gated.clone();
        let bound = [&layer.down, &gated, &self.buffers.hidden];
        self.dispatch("down", &shader, &bound)
    }

    fn logits(&mut self, shape: Shape) -> Vec<Dispatch> {
        let (model, buffers) = (self.model, self.buffers);
        let dispatch = |part: &Part| {
            let (abilities, dimensions) = (self.gpu.abilities, self.dimensions);
            let shader = decode::logits(abilities, &dimensions, part.planes, part.first_row, shape);
            let norm = &model.output_norm;
            let bound = [&part.buffer, &buffers.hidden, norm, &buffers.logits];
            self.dispatch("logits", &shader, &bound)
        };
        model.output().iter().map(dispatch).collect()
    }
}

fn dimensions(config: &Config) -> Dimensions {
    Dimensions {
        width: config.width,
        heads: config.heads,
        kv_heads: config.kv_heads,
        head_width: config.head_width,
        epsilon: config.rms_epsilon,
        halves: config.rope_pairs == RopePairs::Halves,
    }
}
