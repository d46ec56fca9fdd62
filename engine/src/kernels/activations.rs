//! Rows of activations rounded to int8, the weights' partner in integer products.

use super::format::COLUMNS;

/// `rows × columns` activations in blocks of 32 columns: `x ≈ scale · quant`, with
/// |quant| ≤ 127. The sums of a block's quants let a weight's constant offset be taken out of the
/// product at once instead of weight by weight.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) quants: Vec<i8>,
    pub(super) scales: Vec<f32>,
    /// Two a block: over its first and its second 16 columns.
    pub(super) sums: Vec<[i32; 2]>,
}

/// Where one row goes.
#[derive(Debug)]
pub(crate) struct RowMut<'a> {
    pub(super) quants: &'a mut [i8],
    pub(super) scales: &'a mut [f32],
    pub(super) sums: &'a mut [[i32; 2]],
}

impl Activations {
    /// Makes room for `rows × columns`; the old content is lost. `columns` is a multiple of 32.
    pub(crate) fn resize(&mut self, rows: usize, columns: usize) {
        debug_assert!(columns.is_multiple_of(COLUMNS));
        (self.rows, self.columns) = (rows, columns);
        self.quants.resize(rows * columns, 0);
        self.scales.resize(rows * columns / COLUMNS, 0.0);
        self.sums.resize(rows * columns / COLUMNS, [0; 2]);
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> RowMut<'_> {
        let blocks = self.columns / COLUMNS;
        RowMut {
            quants: &mut self.quants[row * self.columns..][..self.columns],
            scales: &mut self.scales[row * blocks..][..blocks],
            sums: &mut self.sums[row * blocks..][..blocks],
        }
    }
}
