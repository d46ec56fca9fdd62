//! A large copy within a GPU's memory: what its bandwidth is measured with.

use super::device::{Gpu, GpuError};

#[derive(Debug)]
pub(crate) struct LargeCopy {
    gpu: Gpu,
    from: wgpu::Buffer,
    to: wgpu::Buffer,
    read: wgpu::Buffer,
}

impl LargeCopy {
    /// Of so many bytes, or as many as the GPU allows in a buffer.
    pub(crate) async fn new(gpu: &Gpu, bytes: u64) -> Result<Self, GpuError> {
        let bytes = bytes.min(gpu.device.limits().max_buffer_size) / 16 * 16;
        gpu.attempt(|| Self {
            from: gpu.storage("copied from", bytes),
            to: gpu.storage("copied to", bytes),
            read: gpu.readable("copied", 16),
            gpu: gpu.clone(),
        })
        .await
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.from.size()
    }

    /// Copies so many times, to and fro, and waits for the end.
    pub(crate) async fn run(&self, times: u32) -> Result<(), GpuError> {
        let mut encoder = self.gpu.encoder();
        let (mut from, mut to) = (&self.from, &self.to);
        for _ in 0..times {
            encoder.copy_buffer_to_buffer(from, 0, to, 0, self.bytes());
            (from, to) = (to, from);
        }
        encoder.copy_buffer_to_buffer(from, 0, &self.read, 0, 16);
        self.gpu.queue.submit([encoder.finish()]);
        self.gpu.read(&self.read, 16).finish(|_| ()).await
    }
}
