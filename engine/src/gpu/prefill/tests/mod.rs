//! Every shader of a prompt's pass against a plain twin in f64, and a layer of them against the processor's.

pub(in crate::gpu) mod attention;
pub(in crate::gpu) mod layer;
pub(in crate::gpu) mod products;

use super::*;
use crate::gpu::testing::GPU;

fn dimensions(heads: usize, kv_heads: usize, head_width: usize) -> Dimensions {
    Dimensions {
        width: 256,
        heads,
        kv_heads,
        head_width,
        epsilon: 1e-6,
        halves: true,
    }
}

/// The GPU as if it had numbers of 16 bits, or had none.
fn gpu(halves: bool) -> Gpu {
    let mut gpu = GPU.clone();
    gpu.abilities.halves = halves;
    gpu
}

/// How products may be summed up here.
fn all_dots() -> impl Iterator<Item = Dots> {
    let bytes = GPU.abilities.byte_dots.then_some(Dots::Bytes);
    [Dots::Floats].into_iter().chain(bytes)
}

fn storage(words: &[u32]) -> wgpu::Buffer {
    let buffer = GPU.storage("test", 4 * words.len() as u64);
    GPU.queue.write_buffer(&buffer, 0, &bytes(words));
    buffer
}

fn floats(values: &[f32]) -> wgpu::Buffer {
    storage(
        &values
            .iter()
            .map(|value| value.to_bits())
            .collect::<Vec<_>>(),
    )
}

/// What lies in a buffer once all before it is done.
async fn read(buffer: &wgpu::Buffer) -> Vec<u32> {
    let size = buffer.size();
    let to = GPU.readable("test", size);
    let mut encoder = GPU.encoder();
    encoder.copy_buffer_to_buffer(buffer, 0, &to, 0, size);
    GPU.queue.submit([encoder.finish()]);
    let reading = GPU.read(&to, size).finish(|bytes| {
        let (words, _) = bytes.as_chunks::<4>();
        words.iter().map(|word| u32::from_le_bytes(*word)).collect()
    });
    reading.await.unwrap()
}

async fn read_floats(buffer: &wgpu::Buffer) -> Vec<f32> {
    read(buffer).await.into_iter().map(f32::from_bits).collect()
}

/// Runs these steps alone.
fn run(prefill: &mut Prefill, steps: Vec<Step>, first_position: usize, tokens: usize) {
    prefill.layers = vec![steps];
    prefill.submit(first_position, tokens, true);
}

fn random_floats(random: &mut fastrand::Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.f32() * 2.0 - 1.0).collect()
}
