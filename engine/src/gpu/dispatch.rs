//! A shader with what it reads and writes, ready to be run again and again.

use super::decode::Shader;
use super::device::Gpu;

#[derive(Debug)]
pub(super) struct Dispatch {
    label: &'static str,
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    grid: [u32; 3],
    /// As many groups in the second direction as there are splits.
    split: bool,
}

impl Dispatch {
    pub(super) fn new(
        gpu: &Gpu,
        label: &'static str,
        pipeline: wgpu::ComputePipeline,
        grid: [u32; 3],
        buffers: &[&wgpu::Buffer],
    ) -> Self {
        Self {
            label,
            group: gpu.bind(&pipeline, buffers),
            pipeline,
            grid,
            split: false,
        }
    }

    pub(super) fn label(&self) -> &'static str {
        self.label
    }

    pub(super) fn split(self) -> Self {
        Self {
            split: true,
            ..self
        }
    }

    pub(super) fn encode(&self, pass: &mut wgpu::ComputePass<'_>, splits: u32) {
        let [x, y, z] = self.grid;
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(x, if self.split { splits } else { y }, z);
    }
}

/// Pipelines by their text: layers of one kind share them.
#[derive(Debug, Default)]
pub(super) struct Pipelines(std::collections::HashMap<String, wgpu::ComputePipeline>);

impl Pipelines {
    pub(super) fn dispatch(
        &mut self,
        gpu: &Gpu,
        label: &'static str,
        shader: &Shader,
        buffers: &[&wgpu::Buffer],
    ) -> Dispatch {
        let pipeline = match self.0.get(&shader.text) {
            Some(pipeline) => pipeline.clone(),
            None => {
                let pipeline = gpu.pipeline(label, &shader.text);
                self.0.insert(shader.text.clone(), pipeline.clone());
                pipeline
            }
        };
        Dispatch::new(gpu, label, pipeline, shader.grid, buffers)
    }
}
