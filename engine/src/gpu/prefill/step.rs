//! One dispatch of a prompt's pass, and how many workgroups it has for a chunk's tokens.

use super::text::{QUERIES, THREADS, TILE_TOKENS};
use crate::gpu::device::Gpu;

/// A shader with what it reads and writes.
#[derive(Debug)]
pub(super) struct Step {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    grid: Grid,
}

impl Step {
    pub(super) fn new(
        gpu: &Gpu,
        pipeline: &wgpu::ComputePipeline,
        buffers: &[&wgpu::Buffer],
        grid: Grid,
    ) -> Self {
        Self {
            group: gpu.bind(pipeline, buffers),
            pipeline: pipeline.clone(),
            grid,
        }
    }

    pub(super) fn encode(&self, pass: &mut wgpu::ComputePass<'_>, tokens: usize) {
        let [x, y] = self.grid.workgroups(tokens);
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(x as u32, y as u32, 1);
    }
}

/// What a step has workgroups for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grid {
    Tokens,
    /// Tiles of tokens × this many tiles of rows.
    Tiles(usize),
    /// This many threads a token.
    Threads(usize),
    /// This many queries a token, for each of the key heads.
    Queries {
        sharing: usize,
        kv_heads: usize,
    },
}

impl Grid {
    fn workgroups(self, tokens: usize) -> [usize; 2] {
        match self {
            Self::Tokens => [tokens, 1],
            Self::Tiles(rows) => [tokens.div_ceil(TILE_TOKENS), rows],
            Self::Threads(each) => [(tokens * each).div_ceil(THREADS), 1],
            Self::Queries { sharing, kv_heads } => [kv_heads, (tokens * sharing).div_ceil(QUERIES)],
        }
    }
}
