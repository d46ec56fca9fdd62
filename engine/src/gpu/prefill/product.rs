//! A prompt's matrix products: what they multiply, what becomes of it, and how they are cut into tiles.

use super::text::{Finish, TileRows};
use crate::gpu::matrix::{BLOCK, Planes};

/// Rows up to which a product has smaller tiles: there would be too few workgroups for a large GPU.
pub(super) const FEW_ROWS: usize = 2048;

/// Matrix products: what becomes of `weights · x[token]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product<'a> {
    pub(super) weights: &'a wgpu::Buffer,
    /// Of one width; with [`Finish::Gate`] of one height too, else their rows follow one another.
    pub(super) matrices: &'a [Planes],
    pub(super) x: &'a wgpu::Buffer,
    pub(super) out: &'a wgpu::Buffer,
    /// From a token's numbers in `out` to the next one's.
    pub(super) out_width: usize,
    pub(super) finish: Finish,
    /// With [`Finish::Bias`]: the numbers, and where the first row's lies.
    pub(super) bias: Option<(&'a wgpu::Buffer, usize)>,
}

impl Product<'_> {
    fn is_gated(&self) -> bool {
        self.finish == Finish::Gate
    }

    pub(super) fn tile_rows(&self) -> TileRows {
        let rows: usize = self.matrices.iter().map(|planes| planes.rows).sum();
        // Two matrices have no smaller tile together.
        if rows <= FEW_ROWS && !self.is_gated() {
            TileRows::Few
        } else {
            TileRows::Many
        }
    }

    /// The uniforms of all matrices, and how many tiles of rows there are.
    pub(super) fn matrices(&self) -> (Vec<u32>, usize) {
        let tile_rows = self.tile_rows() as usize / if self.is_gated() { 2 } else { 1 };
        let (mut words, mut row, mut tile) = (Vec::new(), 0, 0);
        for planes in self.matrices {
            let bias = self.bias.map_or(0, |(_, first)| first + row);
            let numbers = [
                planes.rows,
                planes.columns / BLOCK,
                planes.quants / 16,
                planes.high / 16,
                planes.scales / 16,
                planes.supers / 16,
                self.out_width,
                row,
                bias,
                tile,
                0,
                0,
            ];
            words.extend(numbers.map(|number| number as u32));
            if !self.is_gated() {
                row += planes.rows;
                tile += planes.rows.div_ceil(tile_rows);
            }
        }
        let last = self.matrices.last().map_or(0, |planes| planes.rows);
        (words, tile.max(last.div_ceil(tile_rows)))
    }
}
