//! Inference on a GPU: the same passes as on the CPU, in WGSL, through Vulkan, Metal, DX12 or a browser's
//! WebGPU.

mod decode;
mod device;
mod load;
mod matrix;
mod model;
mod sampling;
mod tuning;
mod weights;

pub use device::{Gpu, GpuError};
pub use model::GpuFacts;
pub(crate) use model::{GpuModel, MOST_AHEAD};
