//! A quantised matrix as shaders read it: planes of quants, of their high bits and of scales, each in the
//! order of rows and of blocks of 32 columns, so that neighbouring threads load neighbouring 16 bytes.
//! No value changes, only its place.
//!
//! ```text
//! quants  4, 5, 6 bits: 16 bytes a block; byte 4w + b: column 4w + b low, column 16 + 4w + b high
//!         8 bits: 32 bytes a block, a column each, signed
//! high    5 bits: 4 bytes a block, bit c is bit 4 of column c
//!         6 bits: 8 bytes a block, the first 4 for columns 0..16: byte b, bits 2w..2w + 2 are bits 4..6
//!         of column 4w + b
//! scales  Q4_0, Q5_0, Q8_0: f16; Q4_1, Q5_1: f16 scale, f16 minimum, added
//!         Q4_K, Q5_K: byte scale, byte minimum; Q6_K: signed byte for each 16 columns
//! supers  K quants: f16 factor of the scales, f16 factor of the minimums (Q6_K: 0), for 256 columns
//! ```
//!
//! A weight is `scale · (quant − offset) − minimum`. Source of the GGUF layouts: ggml's `ggml-common.h`
//! and `ggml-quants.c`.

use std::ops::Range;

use candle_core::quantized::GgmlDType;

/// Columns of a block.
pub(super) const BLOCK: usize = 32;
/// Blocks under one factor.
const SUPER_BLOCKS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Format {
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

impl Format {
    pub(super) fn of(dtype: GgmlDType) -> Option<Self> {
        Some(match dtype {
            GgmlDType::Q4_0 => Self::Q4_0,
            GgmlDType::Q4_1 => Self::Q4_1,
            GgmlDType::Q5_0 => Self::Q5_0,
            GgmlDType::Q5_1 => Self::Q5_1,
            GgmlDType::Q8_0 => Self::Q8_0,
            GgmlDType::Q4K => Self::Q4K,
            GgmlDType::Q5K => Self::Q5K,
            GgmlDType::Q6K => Self::Q6K,
            _ => return None,
        })
    }

    pub(super) fn bits(self) -> u32 {
        match self {
            Self::Q4_0 | Self::Q4_1 | Self::Q4K => 4,
            Self::Q5_0 | Self::Q5_1 | Self::Q5K => 5,
            Self::Q6K => 6,
            Self::Q8_0 => 8,
        }
    }

    /// Taken off a quant as it is stored; Q8_0's signed quants count from −128 here.
    pub(super) fn offset(self) -> u32 {
        match self {
            Self::Q4_0 => 8,
            Self::Q5_0 => 16,
            Self::Q6K => 32,
            Self::Q8_0 => 128,
            Self::Q4_1 | Self::Q5_1 | Self::Q4K | Self::Q5K => 0,
        }
    }

    pub(super) fn is_super(self) -> bool {
        matches!(self, Self::Q4K | Self::Q5K | Self::Q6K)
    }

    fn quant_bytes(self) -> usize {
        if self == Self::Q8_0 { 32 } else { 16 }
    }

    fn high_bytes(self) -> usize {
        match self.bits() {
            5 => 4,
            6 => 8,
            _ => 0,
        }
    }

    fn scale_bytes(self) -> usize {
        match self {
            Self::Q4_1 | Self::Q5_1 => 4,
            _ => 2,
        }
    }

    /// Bytes and columns of one of the file's blocks.
    fn source(self) -> (usize, usize) {
        let columns = if self.is_super() { 256 } else { 32 };
        let scales = match self {
            Self::Q4_0 | Self::Q5_0 | Self::Q8_0 => 2,
            Self::Q4_1 | Self::Q5_1 => 4,
            Self::Q4K | Self::Q5K => 16,
            Self::Q6K => 18,
        };
        (columns * self.bits() as usize / 8 + scales, columns)
    }

    pub(super) fn source_row_bytes(self, columns: usize) -> usize {
        let (bytes, of_columns) = self.source();
        columns / of_columns * bytes
    }
}

/// Where a matrix' planes lie in a buffer: bytes, each a multiple of 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Planes {
    pub(super) format: Format,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) quants: usize,
    pub(super) high: usize,
    pub(super) scales: usize,
    pub(super) supers: usize,
    pub(super) end: usize,
}

impl Planes {
    /// One after another from `start` on, which is a multiple of 16.
    pub(super) fn at(start: usize, format: Format, rows: usize, columns: usize) -> Self {
        let blocks = rows * columns / BLOCK;
        let after = |at: usize, bytes: usize| at + bytes.next_multiple_of(16);
        let quants = start;
        let high = after(quants, blocks * format.quant_bytes());
        let scales = after(high, blocks * format.high_bytes());
        let supers = after(scales, blocks * format.scale_bytes());
        let factors = if format.is_super() {
            blocks / SUPER_BLOCKS * 4
        } else {
            0
        };
        Self {
            format,
            rows,
            columns,
            quants,
            high,
            scales,
            supers,
            end: after(supers, factors),
        }
    }

    fn blocks(&self) -> usize {
        self.columns / BLOCK
    }

    /// Bytes that a product with one row of activations reads.
    pub(super) fn bytes(&self) -> u64 {
        (self.end - self.quants) as u64
    }

    /// Rows that are packed together, so that every piece of every plane begins and ends on 4 bytes.
    pub(super) const ROWS_TOGETHER: usize = 2;

    /// Packs rows from their bytes in the file and gives each plane's piece to `write`, with the place
    /// where it begins.
    pub(super) fn pack(
        &self,
        rows: Range<usize>,
        source: &[u8],
        scratch: &mut Scratch,
        mut write: impl FnMut(usize, &[u8]),
    ) {
        let format = self.format;
        let blocks = rows.len() * self.blocks();
        scratch.clear(format, blocks);
        let (source_bytes, source_columns) = format.source();
        let together = source_columns / BLOCK;
        for (index, block) in source.chunks_exact(source_bytes).enumerate() {
            match format {
                Format::Q4K | Format::Q5K => byte_minimum(format, block, index, scratch),
                Format::Q6K => byte_pair(block, index, scratch),
                _ => simple(format, block, index * together, scratch),
            }
        }
        let first = rows.start * self.blocks();
        // An odd last row may leave half a word.
        for piece in [
            &mut scratch.quants,
            &mut scratch.high,
            &mut scratch.scales,
            &mut scratch.supers,
        ] {
            let whole = piece.len().next_multiple_of(4);
            piece.resize(whole, 0);
        }
        write(self.quants + first * format.quant_bytes(), &scratch.quants);
        if format.high_bytes() > 0 {
            write(self.high + first * format.high_bytes(), &scratch.high);
        }
        write(self.scales + first * format.scale_bytes(), &scratch.scales);
        if format.is_super() {
            write(self.supers + first / SUPER_BLOCKS * 4, &scratch.supers);
        }
    }
}

/// Planes of the rows that are being packed; kept, so that their memory is.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    quants: Vec<u8>,
    high: Vec<u8>,
    scales: Vec<u8>,
    supers: Vec<u8>,
}

impl Scratch {
    fn clear(&mut self, format: Format, blocks: usize) {
        let sizes = [
            (&mut self.quants, blocks * format.quant_bytes()),
            (&mut self.high, blocks * format.high_bytes()),
            (&mut self.scales, blocks * format.scale_bytes()),
            (&mut self.supers, blocks.div_ceil(SUPER_BLOCKS) * 4),
        ];
        for (plane, bytes) in sizes {
            plane.clear();
            plane.resize(bytes, 0);
        }
    }

    /// The 16 bytes of a block's low quants.
    fn low(&mut self, block: usize) -> &mut [u8] {
        &mut self.quants[16 * block..16 * (block + 1)]
    }
}

/// Q4_0, Q4_1, Q5_0, Q5_1, Q8_0: the file's order is ours.
fn simple(format: Format, source: &[u8], block: usize, scratch: &mut Scratch) {
    let scale_bytes = format.scale_bytes();
    let (scales, rest) = source.split_at(scale_bytes);
    scratch.scales[scale_bytes * block..][..scale_bytes].copy_from_slice(scales);
    let (high, quants) = rest.split_at(format.high_bytes());
    scratch.high[high.len() * block..][..high.len()].copy_from_slice(high);
    scratch.quants[quants.len() * block..][..quants.len()].copy_from_slice(quants);
}

/// Q4_K, Q5_K: factors, 12 bytes of 6-bit scales and minimums, for Q5 the fifth bits (bit b of byte c is
/// column 32·b + c), then halves of bytes in runs of 64.
fn byte_minimum(format: Format, source: &[u8], index: usize, scratch: &mut Scratch) {
    scratch.supers[4 * index..][..4].copy_from_slice(&source[..4]);
    let six_bits = &source[4..16];
    let (high, low) = source[16..].split_at(if format == Format::Q5K { 32 } else { 0 });
    for part in 0..SUPER_BLOCKS {
        let block = SUPER_BLOCKS * index + part;
        let (scale, minimum) = if part < 4 {
            (six_bits[part] & 63, six_bits[part + 4] & 63)
        } else {
            (
                six_bits[part + 4] & 15 | six_bits[part - 4] >> 6 << 4,
                six_bits[part + 4] >> 4 | six_bits[part] >> 6 << 4,
            )
        };
        scratch.scales[2 * block] = scale;
        scratch.scales[2 * block + 1] = minimum;
        let run = &low[32 * (part / 2)..][..32];
        let shift = 4 * (part % 2);
        for (at, byte) in scratch.low(block).iter_mut().enumerate() {
            *byte = run[at] >> shift & 15 | (run[at + 16] >> shift & 15) << 4;
        }
        if format == Format::Q5K {
            let bits = (high.iter().enumerate()).fold(0u32, |bits, (column, byte)| {
                bits | u32::from(byte >> part & 1) << column
            });
            scratch.high[4 * block..][..4].copy_from_slice(&bits.to_le_bytes());
        }
    }
}

/// Q6_K: low halves of bytes (128), two high bits a column (64), 16 signed scales, f16 factor.
fn byte_pair(source: &[u8], index: usize, scratch: &mut Scratch) {
    scratch.supers[4 * index..][..2].copy_from_slice(&source[208..210]);
    for part in 0..SUPER_BLOCKS {
        let block = SUPER_BLOCKS * index + part;
        // 128 columns at a time: parts 0 and 1 of them are the low halves of bytes 0..32 and 32..64,
        // parts 2 and 3 the high halves of the same.
        let (half, quarter) = (part / 4, part % 4);
        let run = &source[64 * half + 32 * (quarter % 2)..][..32];
        let shift = 4 * (quarter / 2);
        for (at, byte) in scratch.low(block).iter_mut().enumerate() {
            *byte = run[at] >> shift & 15 | (run[at + 16] >> shift & 15) << 4;
        }
        let two_bits = &source[128 + 32 * half..][..32];
        for (column, bits) in two_bits.iter().enumerate() {
            let (word, step, byte) = (column / 16, column % 16 / 4, column % 4);
            scratch.high[8 * block + 4 * word + byte] |= (bits >> (2 * quarter) & 3) << (2 * step);
        }
        scratch.scales[2 * block..][..2].copy_from_slice(&source[192 + 2 * part..][..2]);
    }
}
