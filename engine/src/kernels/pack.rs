//! From GGUF's blocks, one row after another, to the interleaved layouts of `format`: no value
//! changes, only its place. Source of the GGUF layouts: ggml's `ggml-common.h` and `ggml-quants.c`.

use candle_core::quantized::GgmlDType;
use half::f16;

use super::format::{BYTE_STRIDE, COLUMNS, Format, Layout, ROWS, STEPS, Scales, with_layout};
use super::shared_slice::SharedSlice;
use super::threads::Pool;

#[derive(Debug, thiserror::Error)]
#[error(
    "weights of type {0} are not supported; Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K and Q6_K are: \
     choose a file such as Q4_K_M"
)]
pub(crate) struct UnsupportedType(pub(crate) String);

/// A quantised matrix, `rows × columns`, in the layout of its format.
pub(crate) struct PackedMatrix {
    pub(super) format: Format,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(super) data: Vec<u8>,
    /// Groups packed so far.
    packed_groups: usize,
}

impl std::fmt::Debug for PackedMatrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "PackedMatrix({:?} {} × {})",
            self.format, self.rows, self.columns
        )
    }
}

fn format_of(dtype: GgmlDType) -> Result<Format, UnsupportedType> {
    Ok(match dtype {
        GgmlDType::Q4_0 => Format::Q4_0,
        GgmlDType::Q4_1 => Format::Q4_1,
        GgmlDType::Q5_0 => Format::Q5_0,
        GgmlDType::Q5_1 => Format::Q5_1,
        GgmlDType::Q8_0 => Format::Q8_0,
        GgmlDType::Q4K => Format::Q4K,
        GgmlDType::Q5K => Format::Q5K,
        GgmlDType::Q6K => Format::Q6K,
        other => return Err(UnsupportedType(format!("{other:?}"))),
    })
}

impl PackedMatrix {
    pub(crate) const GROUP_ROWS: usize = ROWS;

    /// An empty matrix to be filled with [`Self::push_groups`]. `columns` is a multiple of the
    /// type's block size.
    pub(crate) fn new(
        dtype: GgmlDType,
        rows: usize,
        columns: usize,
    ) -> Result<Self, UnsupportedType> {
        let format = format_of(dtype)?;
        let bytes = with_layout!(format, L => group_bytes::<L>(columns)) * rows.div_ceil(ROWS);
        // Zeroed, so that the rows that fill up the last group have a scale of 0.
        Ok(Self {
            format,
            rows,
            columns,
            data: vec![0; bytes],
            packed_groups: 0,
        })
    }

    /// Bytes of one row in the GGUF file.
    pub(crate) fn source_row_bytes(&self) -> usize {
        with_layout!(self.format, L => L::source_bytes()) * (self.columns / self.record_columns())
    }

    fn record_columns(&self) -> usize {
        with_layout!(self.format, L => L::BLOCKS) * COLUMNS
    }

    /// Packs the next rows, whole groups of them (but for the last group, which may be short):
    /// `source` holds their GGUF bytes, row after row.
    pub(crate) fn push_groups(&mut self, pool: &mut Pool, source: &[u8]) {
        let row_bytes = self.source_row_bytes();
        let columns = self.columns;
        let groups = source.len().div_ceil(row_bytes * ROWS);
        let first = self.packed_groups;
        with_layout!(self.format, L => {
            let group_bytes = group_bytes::<L>(columns);
            let target = &mut self.data[first * group_bytes..(first + groups) * group_bytes];
            let target = SharedSlice::new(target);
            pool.for_each(groups, 1, &|_, range| {
                for group in range {
                    let rows = &source[group * ROWS * row_bytes..];
                    let rows = &rows[..rows.len().min(ROWS * row_bytes)];
                    // SAFETY: each group is visited by one thread only.
                    let packed = unsafe {
                        target.slice_mut(group * group_bytes..(group + 1) * group_bytes)
                    };
                    for (row, bytes) in rows.chunks_exact(row_bytes).enumerate() {
                        pack_row::<L>(bytes, row, packed);
                    }
                }
            });
        });
        self.packed_groups += groups;
    }

    pub(super) fn groups(&self) -> usize {
        self.rows.div_ceil(ROWS)
    }

    /// The rows of some groups.
    pub(super) fn rows_of(&self, groups: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        groups.start * ROWS..(groups.end * ROWS).min(self.rows)
    }

    pub(super) fn group(&self, group: usize) -> &[u8] {
        let bytes = self.data.len() / self.groups();
        &self.data[group * bytes..(group + 1) * bytes]
    }
}

pub(super) fn group_bytes<L: Layout>(columns: usize) -> usize {
    columns / (L::BLOCKS * COLUMNS) * L::RECORD_BYTES
}

/// One row as f32: for the token embeddings, of which a prompt needs a few rows only.
pub(crate) fn dequantise_row(matrix: &PackedMatrix, row: usize, out: &mut [f32]) {
    let group = matrix.group(row / ROWS);
    with_layout!(matrix.format, L => {
        let records = group.chunks_exact(L::RECORD_BYTES);
        for (record, out) in records.zip(out.chunks_exact_mut(L::BLOCKS * COLUMNS)) {
            for (block, out) in out.chunks_exact_mut(COLUMNS).enumerate() {
                let block = unpack::<L>(record, block, row % ROWS);
                for (column, out) in out.iter_mut().enumerate() {
                    *out = block.weight(L::OFFSET, column);
                }
            }
        }
    });
}

/// A block of one row, out of its layout: the slow and obvious form.
pub(super) struct Unpacked {
    pub(super) quants: [u8; COLUMNS],
    /// Of the block's first and second 16 columns.
    pub(super) scales: [f32; 2],
    pub(super) minimum: f32,
}

impl Unpacked {
    fn weight(&self, offset: i32, column: usize) -> f32 {
        let quant = i32::from(self.quants[column]) - offset;
        self.scales[column / 16] * quant as f32 - self.minimum
    }
}

fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

fn float_at(bytes: &[u8], at: usize) -> f32 {
    f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(super) fn unpack<L: Layout>(record: &[u8], block: usize, row: usize) -> Unpacked {
    let bytes = &record[L::HEADER_BYTES + block * L::BLOCK_BYTES..][..L::BLOCK_BYTES];
    let mut quants = [0; COLUMNS];
    for (column, quant) in quants.iter_mut().enumerate() {
        let (step, lane) = (column / 4, 4 * row + column % 4);
        *quant = quant_at::<L>(|byte| bytes[BYTE_STRIDE * byte + lane], step);
    }
    let at = L::QUANT_BYTES;
    let (scales, minimum) = match L::SCALES {
        Scales::Half => ([half_at(bytes, at + 2 * row); 2], 0.0),
        Scales::HalfMinimum => (
            [half_at(bytes, at + 2 * row); 2],
            -half_at(bytes, at + 2 * ROWS + 2 * row),
        ),
        Scales::ByteMinimum => {
            let scale = float_at(record, 4 * row) * f32::from(bytes[at + row]);
            let minimum = float_at(record, 4 * ROWS + 4 * row) * f32::from(bytes[at + ROWS + row]);
            ([scale; 2], minimum)
        }
        Scales::BytePair => {
            let scale = |half: usize| {
                float_at(record, 4 * row) * f32::from(bytes[at + half * ROWS + row] as i8)
            };
            ([scale(0), scale(1)], 0.0)
        }
    };
    Unpacked {
        quants,
        scales,
        minimum,
    }
}

/// The quant of a step, from the bytes of its lane.
fn quant_at<L: Layout>(byte: impl Fn(usize) -> u8, step: usize) -> u8 {
    let first = step / L::ROUND_STEPS * L::ROUND_BYTES / BYTE_STRIDE;
    match (L::BITS, step % L::ROUND_STEPS) {
        (4, half) => byte(first) >> (4 * half) & 15,
        (5, step @ 0..5) => byte(step) & 31,
        (5, step @ (5 | 6)) => {
            let first = 2 * (step - 5);
            byte(first) >> 5 | (byte(first + 1) >> 5 & 3) << 3
        }
        (5, _) => byte(4) >> 5 | byte(1) >> 7 << 3 | byte(3) >> 7 << 4,
        (6, step @ 0..3) => byte(first + step) & 63,
        (6, _) => byte(first) >> 6 | byte(first + 1) >> 6 << 2 | byte(first + 2) >> 6 << 4,
        _ => byte(first),
    }
}

/// The bytes of a lane, from the quants of its steps.
fn lane_bytes<L: Layout>(quants: [u8; STEPS]) -> [u8; STEPS] {
    match L::BITS {
        4 => {
            let byte = |round: usize| quants[2 * round] | quants[2 * round + 1] << 4;
            [byte(0), byte(1), byte(2), byte(3), 0, 0, 0, 0]
        }
        5 => {
            let mut bytes = quants;
            for first in [0, 2] {
                let quant = quants[5 + first / 2];
                bytes[first] |= quant << 5;
                bytes[first + 1] |= quant >> 3 << 5;
            }
            let quant = quants[7];
            bytes[4] |= quant << 5;
            bytes[1] |= (quant >> 3 & 1) << 7;
            bytes[3] |= quant >> 4 << 7;
            bytes
        }
        6 => {
            let byte = |round: usize, index: usize| {
                quants[4 * round + index] | quants[4 * round + 3] >> (2 * index) << 6
            };
            [
                byte(0, 0),
                byte(0, 1),
                byte(0, 2),
                byte(1, 0),
                byte(1, 1),
                byte(1, 2),
                0,
                0,
            ]
        }
        _ => quants,
    }
}

/// How a layout's GGUF counterpart lies in the file.
trait Source: Layout {
    /// Bytes that one record's columns take in one row of the file.
    fn source_bytes() -> usize {
        let columns = Self::BLOCKS * COLUMNS;
        let quants = columns * Self::BITS / 8;
        quants
            + match Self::SCALES {
                Scales::Half => 2,
                Scales::HalfMinimum => 4,
                Scales::ByteMinimum => 4 + 12,
                Scales::BytePair => 2 + 16,
            }
    }
}
impl<L: Layout> Source for L {}

fn pack_row<L: Layout>(source: &[u8], row: usize, group: &mut [u8]) {
    let sources = source.chunks_exact(L::source_bytes());
    for (source, record) in sources.zip(group.chunks_exact_mut(L::RECORD_BYTES)) {
        match L::SCALES {
            Scales::Half | Scales::HalfMinimum => pack_simple::<L>(source, row, record),
            Scales::ByteMinimum => pack_byte_minimum::<L>(source, row, record),
            Scales::BytePair => pack_byte_pair::<L>(source, row, record),
        }
    }
}

/// Q4_0, Q4_1, Q5_0, Q5_1: scale, minimum, then for Q5 one bit a column, then halves of bytes, the
/// low halves being columns 0..16. Q8_0: scale, then signed bytes.
fn pack_simple<L: Layout>(source: &[u8], row: usize, record: &mut [u8]) {
    let scale_bytes = if L::SCALES == Scales::HalfMinimum {
        4
    } else {
        2
    };
    let (scales, rest) = source.split_at(scale_bytes);
    let mut quants = [0; COLUMNS];
    if L::BITS == 8 {
        for (quant, &byte) in quants.iter_mut().zip(rest) {
            *quant = byte ^ 0x80;
        }
    } else {
        let (high, low) = rest.split_at(if L::BITS == 5 { 4 } else { 0 });
        for (column, &byte) in low.iter().enumerate() {
            quants[column] = byte & 15;
            quants[column + 16] = byte >> 4;
        }
        for (byte, bits) in high.iter().enumerate() {
            for bit in 0..8 {
                quants[8 * byte + bit] |= (bits >> bit & 1) << 4;
            }
        }
    }
    place::<L>(&quants, row, record);
    for (index, bytes) in scales.chunks_exact(2).enumerate() {
        let at = L::QUANT_BYTES + index * 2 * ROWS + 2 * row;
        record[at..at + 2].copy_from_slice(bytes);
    }
}

/// Q4_K, Q5_K: scale and minimum of 256 columns, 12 bytes of 6-bit scales and minimums for each 32,
/// for Q5 the fifth bits (bit b of byte l is column 32·b + l), then halves of bytes in runs of 64.
fn pack_byte_minimum<L: Layout>(source: &[u8], row: usize, record: &mut [u8]) {
    for (index, at) in [4 * row, 4 * ROWS + 4 * row].into_iter().enumerate() {
        record[at..at + 4].copy_from_slice(&half_at(source, 2 * index).to_le_bytes());
    }
    let six_bits = &source[4..16];
    let (high, low) = source[16..].split_at(if L::BITS == 5 { 32 } else { 0 });
    for block in 0..L::BLOCKS {
        let (scale, minimum) = if block < 4 {
            (six_bits[block] & 63, six_bits[block + 4] & 63)
        } else {
            (
                six_bits[block + 4] & 15 | six_bits[block - 4] >> 6 << 4,
                six_bits[block + 4] >> 4 | six_bits[block] >> 6 << 4,
            )
        };
        let mut quants = [0; COLUMNS];
        for (column, quant) in quants.iter_mut().enumerate() {
            *quant = low[32 * (block / 2) + column] >> (4 * (block % 2)) & 15;
            if L::BITS == 5 {
                *quant |= (high[column] >> block & 1) << 4;
            }
        }
        let bytes = &mut record[L::HEADER_BYTES + block * L::BLOCK_BYTES..][..L::BLOCK_BYTES];
        place::<L>(&quants, row, bytes);
        bytes[L::QUANT_BYTES + row] = scale;
        bytes[L::QUANT_BYTES + ROWS + row] = minimum;
    }
}

/// Q6_K: low halves of bytes (128), two high bits a column (64), 16 signed scales, f16 scale.
fn pack_byte_pair<L: Layout>(source: &[u8], row: usize, record: &mut [u8]) {
    record[4 * row..4 * row + 4].copy_from_slice(&half_at(source, 208).to_le_bytes());
    for block in 0..L::BLOCKS {
        // 128 columns at a time: blocks 0 and 1 of them are the low halves of bytes 0..32 and
        // 32..64, blocks 2 and 3 the high halves of the same.
        let (half, quarter) = (block / 4, block % 4);
        let low = &source[64 * half + 32 * (quarter % 2)..][..32];
        let high = &source[128 + 32 * half..][..32];
        let mut quants = [0; COLUMNS];
        for (column, quant) in quants.iter_mut().enumerate() {
            *quant =
                low[column] >> (4 * (quarter / 2)) & 15 | (high[column] >> (2 * quarter) & 3) << 4;
        }
        let bytes = &mut record[L::HEADER_BYTES + block * L::BLOCK_BYTES..][..L::BLOCK_BYTES];
        place::<L>(&quants, row, bytes);
        bytes[L::QUANT_BYTES + row] = source[192 + 2 * block];
        bytes[L::QUANT_BYTES + ROWS + row] = source[192 + 2 * block + 1];
    }
}

/// Puts one row's quants into its lanes of a block.
#[inline]
fn place<L: Layout>(quants: &[u8; COLUMNS], row: usize, block: &mut [u8]) {
    for index in 0..4 {
        let bytes = lane_bytes::<L>(std::array::from_fn(|step| quants[4 * step + index]));
        for (byte, bits) in bytes.into_iter().enumerate().take(L::BITS) {
            block[BYTE_STRIDE * byte + 4 * row + index] = bits;
        }
    }
}
