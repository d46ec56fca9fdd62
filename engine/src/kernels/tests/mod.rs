//! Every kernel against its portable twin, and packing against candle's own reading of the blocks.

mod layer;
mod weights;

use candle_core::quantized::{GgmlDType, k_quants};
use proptest::prelude::*;

use super::portable::Portable;
use super::sets::all;
use super::*;

pub(crate) const TYPES: [GgmlDType; 8] = [
    GgmlDType::Q4_0,
    GgmlDType::Q4_1,
    GgmlDType::Q5_0,
    GgmlDType::Q5_1,
    GgmlDType::Q8_0,
    GgmlDType::Q4K,
    GgmlDType::Q5K,
    GgmlDType::Q6K,
];

/// What a block's bytes are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Blocks {
    Random(u64),
    /// Quants and 6-bit scales all zero, or all ones.
    Filled(u8),
    Subnormal(u64),
}

/// GGUF bytes of `rows × columns` with sane f16 scales wherever the type keeps them.
pub(crate) fn source(dtype: GgmlDType, rows: usize, columns: usize, blocks: Blocks) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(match blocks {
        Blocks::Random(seed) | Blocks::Subnormal(seed) => seed,
        Blocks::Filled(byte) => byte.into(),
    });
    let count = rows * columns / dtype.block_size();
    let mut bytes = vec![0u8; count * dtype.type_size()];
    for block in bytes.chunks_exact_mut(dtype.type_size()) {
        match blocks {
            Blocks::Filled(byte) => block.fill(byte),
            Blocks::Random(_) | Blocks::Subnormal(_) => random.fill(block),
        }
        let halves: &[usize] = match dtype {
            GgmlDType::Q4_0 | GgmlDType::Q5_0 | GgmlDType::Q8_0 => &[0],
            GgmlDType::Q6K => &[208],
            _ => &[0, 2],
        };
        for &at in halves {
            let scale = match blocks {
                Blocks::Subnormal(_) => f32::from(half::f16::from_bits(random.u16(0..0x400))),
                _ => random.f32() * 0.1 - 0.05,
            };
            block[at..at + 2].copy_from_slice(&half::f16::from_f32(scale).to_le_bytes());
        }
    }
    bytes
}

pub(crate) fn pack(dtype: GgmlDType, rows: usize, columns: usize, source: &[u8]) -> PackedMatrix {
    let mut matrix = PackedMatrix::new(dtype, rows, columns).unwrap();
    let mut pool = Pool::new(2, spawn_thread);
    // In two pieces, as a file is read.
    let piece = matrix.source_row_bytes() * PackedMatrix::GROUP_ROWS;
    let (first, rest) = source.split_at(piece.min(source.len()));
    matrix.push_groups(&mut pool, first);
    matrix.push_groups(&mut pool, rest);
    matrix
}

pub(crate) fn reference_row(dtype: GgmlDType, bytes: &[u8], columns: usize) -> Vec<f32> {
    fn read<B: k_quants::GgmlType + Clone>(bytes: &[u8], columns: usize) -> Vec<f32> {
        let blocks = columns / B::BLCK_SIZE;
        // Copied into aligned blocks: a file's bytes may lie anywhere.
        let mut aligned = vec![B::zeros(); blocks];
        // SAFETY: both sides have `blocks` blocks of plain bytes.
        unsafe {
            std::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                aligned.as_mut_ptr().cast(),
                blocks * size_of::<B>(),
            );
        }
        let mut out = vec![0.0; columns];
        B::to_float(&aligned, &mut out);
        out
    }
    match dtype {
        GgmlDType::Q4_0 => read::<k_quants::BlockQ4_0>(bytes, columns),
        GgmlDType::Q4_1 => read::<k_quants::BlockQ4_1>(bytes, columns),
        GgmlDType::Q5_0 => read::<k_quants::BlockQ5_0>(bytes, columns),
        GgmlDType::Q5_1 => read::<k_quants::BlockQ5_1>(bytes, columns),
        GgmlDType::Q8_0 => read::<k_quants::BlockQ8_0>(bytes, columns),
        GgmlDType::Q4K => read::<k_quants::BlockQ4K>(bytes, columns),
        GgmlDType::Q5K => read::<k_quants::BlockQ5K>(bytes, columns),
        GgmlDType::Q6K => read::<k_quants::BlockQ6K>(bytes, columns),
        other => panic!("no reference for {other:?}"),
    }
}

fn blocks() -> impl Strategy<Value = Blocks> {
    prop_oneof![
        any::<u64>().prop_map(Blocks::Random),
        prop_oneof![Just(0u8), Just(255), Just(0x80), Just(0x7F)].prop_map(Blocks::Filled),
        any::<u64>().prop_map(Blocks::Subnormal),
    ]
}

fn quantised(kernels: &'static dyn Kernels, x: &[f32], columns: usize) -> Activations {
    let mut activations = Activations::default();
    workers(kernels).quantise(x, columns, &mut activations);
    activations
}

fn workers(kernels: &'static dyn Kernels) -> Workers {
    Workers::with_kernels(kernels, 2, spawn_thread)
}

/// Activations that include whole blocks of zeros and of extremes.
pub(crate) fn activations(seed: u64, rows: usize, columns: usize) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut x: Vec<f32> = (0..rows * columns)
        .map(|_| random.f32() * 2.0 - 1.0)
        .collect();
    for block in x.chunks_exact_mut(32) {
        match random.u8(0..8) {
            0 => block.fill(0.0),
            1 => block.fill(random.f32() * 100.0),
            2 => block.fill(-1.0),
            _ => {}
        }
    }
    x
}

fn product(kernels: &'static dyn Kernels, matrix: &PackedMatrix, x: &Activations) -> Vec<f32> {
    let mut out = vec![f32::NAN; x.rows * matrix.rows];
    workers(kernels).project(x, matrix, &mut out);
    out
}
