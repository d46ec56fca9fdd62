//! Inference on a GPU: the same passes as on the CPU, in WGSL, through Vulkan, Metal, DX12 or a browser's
//! WebGPU.

#[cfg(test)]
#[macro_use]
mod testing;

mod buffers;
mod copy;
mod decode;
mod device;
mod dispatch;
mod load;
mod matrix;
mod model;
mod passes;
mod prefill;
mod product;
mod sampling;
mod tuning;
mod weights;

pub(crate) use buffers::{AHEAD, MOST_AHEAD};
pub(crate) use copy::LargeCopy;
pub use device::{Gpu, GpuError, Tuning};
pub use model::GpuFacts;
pub(crate) use model::GpuModel;
pub(crate) use product::RandomProduct;
