//! How a GPU chooses the next token as [`Sampler`](crate::sampler::Sampler) does, and writes it where its
//! next step reads it. Two dispatches: workgroups find the likeliest tokens of a slice each, then one
//! finds the likeliest of those and draws.

#[cfg(test)]
pub(super) mod tests;

use super::device::Gpu;
use crate::Sampling;

/// Most candidates that are kept.
const MOST_CANDIDATES: usize = 64;

/// Most steps that settings are prepared for at a time.
pub(super) const MOST_STEPS: usize = 64;

/// Entries that a workgroup looks at: 16 with each of 256 threads.
const SLICE: usize = 4096;

/// Bytes of a logit's place and its token.
const ENTRY_BYTES: usize = 8;

/// `Settings` of the shaders.
const SETTINGS_BYTES: usize = 32 + 4 * MOST_STEPS;

/// Far enough below the largest logit to keep whatever has a probability. Shaders have no infinity.
const WITHOUT_MIN_P: f32 = -1e30;

/// So cold that any difference decides, and yet no subnormal that a GPU takes for zero.
const COLDEST: f32 = 1e-30;

#[derive(Debug)]
pub(super) struct GpuSampler {
    vocabulary: usize,
    slices: usize,
    state: wgpu::Buffer,
    settings: wgpu::Buffer,
    stages: [Stage; 2],
}

#[derive(Debug)]
struct Stage {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    workgroups: u32,
}

impl GpuSampler {
    /// Of one step.
    pub(super) const DISPATCHES: usize = 2;

    /// `logits`: at least `vocabulary` of f32, which the penalty changes. `tokens`: u32, prompt and answer.
    /// `state`: u32, first how many `tokens` there are, then the step's number in its batch; both are one
    /// more after a step.
    pub(super) fn new(
        gpu: &Gpu,
        vocabulary: usize,
        logits: &wgpu::Buffer,
        state: &wgpu::Buffer,
        tokens: &wgpu::Buffer,
    ) -> Self {
        let slices = vocabulary.div_ceil(SLICE);
        let settings = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("sampling settings"),
            size: SETTINGS_BYTES as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let entries = (slices * MOST_CANDIDATES * ENTRY_BYTES) as u64;
        let likeliest = gpu.storage("likeliest of slices", entries);
        let stage = |label, wgsl: &str, buffers: &[&wgpu::Buffer], workgroups: usize| {
            let text = [include_str!("sampling/likeliest.wgsl"), wgsl].concat();
            let pipeline = gpu.pipeline(label, &text);
            let buffers = [&[&settings, &likeliest], buffers].concat();
            Stage {
                bindings: gpu.bind(&pipeline, &buffers),
                pipeline,
                workgroups: workgroups as u32,
            }
        };
        let stages = [
            stage(
                "likeliest of slices",
                include_str!("sampling/slice.wgsl"),
                &[logits, state, tokens],
                slices,
            ),
            stage(
                "choose",
                include_str!("sampling/choose.wgsl"),
                &[state, tokens],
                1,
            ),
        ];
        Self {
            vocabulary,
            slices,
            state: state.clone(),
            settings,
            stages,
        }
    }

    /// Whether it chooses by such settings.
    pub(super) fn can(&self, settings: &Sampling) -> bool {
        let kept = kept(settings);
        // The second dispatch looks at what all slices keep as the first one at a slice.
        (1..=MOST_CANDIDATES).contains(&kept) && self.slices * kept <= SLICE
    }

    /// Begins a batch of up to [`MOST_STEPS`] steps. `uniforms`: a number for each, at least 0 and below 1;
    /// none are needed where settings are greedy.
    pub(super) fn prepare(&self, queue: &wgpu::Queue, settings: &Sampling, uniforms: &[f32]) {
        let least = match settings.min_p {
            min_p if min_p > 0.0 => min_p.ln(),
            _ => WITHOUT_MIN_P,
        };
        let counts = [self.vocabulary, self.slices, kept(settings)];
        let numbers = [
            settings.repeat_penalty,
            settings.temperature.max(COLDEST),
            // As the CPU does with what is no number: it keeps all.
            if settings.top_p < 1.0 {
                settings.top_p
            } else {
                1.0
            },
            least,
            0.0,
        ];
        let counts = counts.map(|count| count as u32);
        let numbers = numbers
            .iter()
            .chain(uniforms)
            .map(|number| number.to_bits());
        let bytes: Vec<u8> = (counts.into_iter().chain(numbers))
            .flat_map(u32::to_le_bytes)
            .collect();
        queue.write_buffer(&self.settings, 0, &bytes);
        queue.write_buffer(&self.state, 4, &[0; 4]);
    }

    /// The dispatches of one step.
    pub(super) fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        for stage in &self.stages {
            pass.set_pipeline(&stage.pipeline);
            pass.set_bind_group(0, &stage.bindings, &[]);
            pass.dispatch_workgroups(stage.workgroups, 1, 1);
        }
    }
}

/// How many candidates there are to draw from, 0 for all of the vocabulary.
fn kept(settings: &Sampling) -> usize {
    if settings.is_greedy() {
        1
    } else {
        settings.top_k
    }
}
