//! Rows of activations rounded to int8, the weights' partner in integer products.

use super::format::COLUMNS;

/// `rows × columns` activations in blocks of 32 columns: `x ≈ scale · quant`, with |quant| ≤ 127.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) quants: Vec<i8>,
    pub(super) blocks: Vec<Block>,
}

/// What is known of a block beside its quants. The sums let a weight's constant offset be taken out of the
/// product at once instead of weight by weight; they are kept negative, ready to be added.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Block {
    pub(super) scale: f32,
    /// −scale · sum of the quants.
    pub(super) minus_scaled_sum: f32,
    /// −sum of the quants.
    pub(super) minus_sum: i32,
    /// Likewise, over the first and the second 16 columns.
    pub(super) minus_sums: [i32; 2],
}

impl Block {
    pub(super) fn new(scale: f32, sums: [i32; 2]) -> Self {
        let sum = sums[0] + sums[1];
        Self {
            scale,
            minus_scaled_sum: -scale * sum as f32,
            minus_sum: -sum,
            minus_sums: sums.map(|sum| -sum),
        }
    }
}

/// Where some neighbouring blocks of a row go.
#[derive(Debug)]
pub(crate) struct BlocksMut<'a> {
    pub(super) quants: &'a mut [i8],
    pub(super) blocks: &'a mut [Block],
}

impl Activations {
    /// Makes room for `rows × columns`; the old content is lost. `columns` is a multiple of 32.
    pub(crate) fn resize(&mut self, rows: usize, columns: usize) {
        debug_assert!(columns.is_multiple_of(COLUMNS));
        (self.rows, self.columns) = (rows, columns);
        self.quants.resize(rows * columns, 0);
        self.blocks
            .resize(rows * columns / COLUMNS, Block::default());
    }
}
