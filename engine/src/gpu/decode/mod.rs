//! One token's pass: five fused dispatches a layer. Each is a product of a few rows with one row of activations,
//! with what comes before and after it done in the same shader; a workgroup takes some rows, its threads
//! some blocks of columns each, and their sums come together at the end.
//!
//! Activations are *spread*: `quarter of a block → block → 4 columns`, eight quarters. A thread takes a whole block,
//! and what neighbouring threads load at a time then lies side by side; in the order of columns each load
//! would touch a cache line for every thread.

mod attention;
mod embedding;
mod product;
mod query_key_value;
mod spread;
mod stages;
#[cfg(test)]
pub(super) mod tests;

pub(super) use attention::{ATTENTION_TILE, attention};
pub(super) use embedding::embed;
pub(super) use query_key_value::query_key_value;
pub(super) use spread::{spread, spread_row};
pub(super) use stages::{down, gate_up, logits, output};

/// Parts that a long context's attention is split into at most.
pub(super) const MOST_SPLITS: usize = 16;

/// Where the page table begins in the state, in words.
pub(super) const STATE_TABLE: usize = 8;

/// Most workgroups in one direction of a dispatch.
const MOST_GROUPS: u32 = 32_768;

/// How a product is cut up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) threads: u32,
    /// Rows of a workgroup, of each matrix.
    pub(super) rows: usize,
}

impl Shape {
    /// With as many rows as divide `rows`.
    fn fitting(self, rows: usize) -> Self {
        let mut wanted = self.rows.max(1);
        while !rows.is_multiple_of(wanted) {
            wanted /= 2;
        }
        Self {
            rows: wanted,
            ..self
        }
    }
}

/// A shader and how many workgroups it wants.
pub(super) struct Shader {
    pub(super) text: String,
    pub(super) grid: [u32; 3],
}

/// A model's dimensions, as far as shaders know them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dimensions {
    pub(super) width: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_width: usize,
    pub(super) epsilon: f32,
    /// Dimension i with i + half, not 2i with 2i + 1.
    pub(super) halves: bool,
}

fn grid(groups: usize) -> [u32; 3] {
    let groups = groups as u32;
    [
        groups.min(MOST_GROUPS),
        groups.div_ceil(MOST_GROUPS).max(1),
        1,
    ]
}
