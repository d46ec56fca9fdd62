//! One large product with random weights: what a GPU is measured with before a model is loaded.

use super::decode::{self, Dimensions};
use super::device::{Gpu, GpuError};
use super::dispatch::Dispatch;
use super::matrix::{Format, Planes, Scratch};
use super::tuning::{Kind, Shapes};

#[derive(Debug)]
pub(crate) struct RandomProduct {
    gpu: Gpu,
    dispatch: Dispatch,
    out: wgpu::Buffer,
    read: wgpu::Buffer,
}

impl RandomProduct {
    /// `source`: Q4_0's bytes.
    pub(crate) async fn new(
        gpu: &Gpu,
        source: &[u8],
        rows: usize,
        columns: usize,
    ) -> Result<Self, GpuError> {
        gpu.attempt(|| {
            let planes = Planes::at(0, Format::Q4_0, rows, columns);
            let weights = gpu.storage("random weights", planes.end as u64);
            planes.pack(0..rows, source, &mut Scratch::default(), |at, bytes| {
                gpu.queue.write_buffer(&weights, at as u64, bytes);
            });
            let dimensions = Dimensions {
                width: columns,
                heads: 1,
                kv_heads: 1,
                head_width: columns,
                epsilon: 1e-6,
                halves: true,
            };
            let shape = Shapes::usual(columns, columns).of(Kind::Logits);
            let shader = decode::logits(gpu.abilities, &dimensions, planes, 0, shape);
            let row = gpu.floats("a row", &vec![0.5; columns]);
            let norm = gpu.floats("norm", &vec![1.0; columns]);
            let out = gpu.storage("products", 4 * rows as u64);
            let pipeline = gpu.pipeline("product", &shader.text);
            Self {
                dispatch: Dispatch::new(
                    gpu,
                    "product",
                    pipeline,
                    shader.grid,
                    &[&weights, &row, &norm, &out],
                ),
                read: gpu.readable("products", 16),
                out,
                gpu: gpu.clone(),
            }
        })
        .await
    }

    /// Computes it so many times, and waits for the end.
    pub(crate) async fn run(&self, times: u32) -> Result<(), GpuError> {
        let mut encoder = self.gpu.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for _ in 0..times {
                self.dispatch.encode(&mut pass, 1);
            }
        }
        encoder.copy_buffer_to_buffer(&self.out, 0, &self.read, 0, 16);
        self.gpu.queue.submit([encoder.finish()]);
        self.gpu.read(&self.read, 16).finish(|_| ()).await
    }
}
