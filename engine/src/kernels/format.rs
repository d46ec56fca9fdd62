//! The packed layouts, one for each GGUF quantisation: eight rows are interleaved so that each
//! 32-bit lane of a vector register belongs to one row, and no sum across lanes is ever needed.
//!
//! A *group* is eight rows. Along the columns it is a sequence of *records*: a header, then
//! [`Layout::BLOCKS`] *blocks* of 32 columns each. A block is
//!
//! ```text
//! low bits    4-bit: 128 bytes. Byte 32·(s mod 4) + 4·row + i holds column 4·s + i of the row in
//!             its low half for s < 4, in its high half for s ≥ 4 (s is the *step*, 0..8).
//!             8-bit: 256 bytes, byte 32·s + 4·row + i.
//! high bits   1 bit (Q5): 32 bytes; bit s of byte 4·row + i.
//!             2 bits (Q6): 64 bytes; bits 2·(s mod 4).. of byte 32·(s div 4) + 4·row + i.
//! scales      f16 × 8, or one byte × 8 (times the header's f16 × 8), twice for Q6_K's halves
//! minimums    likewise, where the format has them
//! ```
//!
//! Stored quants are unsigned; a weight is `scale · (quant − OFFSET) − minimum`.

/// Rows in a group.
pub(super) const ROWS: usize = 8;
/// Columns in a block.
pub(super) const COLUMNS: usize = 32;
/// Steps of four columns in a block.
pub(super) const STEPS: usize = 8;

/// How a layout keeps the scales of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scales {
    /// f16 a block.
    Half,
    /// f16 a block, and an f16 minimum that is *added* (Q4_1, Q5_1).
    HalfMinimum,
    /// Unsigned byte a block times f16 a record, and minimums likewise, subtracted (Q4_K, Q5_K).
    ByteMinimum,
    /// Signed byte each 16 columns times f16 a record (Q6_K).
    BytePair,
}

pub(super) trait Layout: Send + Sync {
    /// Bits of a stored quant: 4, 5, 6 or 8.
    const BITS: usize;
    const OFFSET: i32;
    const SCALES: Scales;

    const BLOCKS: usize = match Self::SCALES {
        Scales::Half | Scales::HalfMinimum => 1,
        Scales::ByteMinimum | Scales::BytePair => 8,
    };
    const HEADER_BYTES: usize = match Self::SCALES {
        Scales::Half | Scales::HalfMinimum => 0,
        Scales::ByteMinimum => 4 * ROWS,
        Scales::BytePair => 2 * ROWS,
    };
    const QUANT_BYTES: usize = ROWS * COLUMNS * Self::BITS / 8;
    const SCALE_BYTES: usize = match Self::SCALES {
        Scales::Half | Scales::ByteMinimum | Scales::BytePair => 2 * ROWS,
        Scales::HalfMinimum => 4 * ROWS,
    };
    const BLOCK_BYTES: usize = Self::QUANT_BYTES + Self::SCALE_BYTES;
    const RECORD_BYTES: usize = Self::HEADER_BYTES + Self::BLOCKS * Self::BLOCK_BYTES;
}

macro_rules! layouts {
    ($($name:ident: $bits:literal bits, offset $offset:literal, $scales:ident;)*) => {$(
        #[derive(Debug)]
        pub(super) struct $name;
        impl Layout for $name {
            const BITS: usize = $bits;
            const OFFSET: i32 = $offset;
            const SCALES: Scales = Scales::$scales;
        }
    )*};
}

layouts! {
    Q4_0: 4 bits, offset 8, Half;
    Q4_1: 4 bits, offset 0, HalfMinimum;
    Q5_0: 5 bits, offset 16, Half;
    Q5_1: 5 bits, offset 0, HalfMinimum;
    Q8_0: 8 bits, offset 128, Half;
    Q4K: 4 bits, offset 0, ByteMinimum;
    Q5K: 5 bits, offset 0, ByteMinimum;
    Q6K: 6 bits, offset 32, BytePair;
}

/// Which layout a matrix has, as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Calls a generic expression with the layout that a [`Format`] names.
macro_rules! with_layout {
    ($format:expr, $layout:ident => $body:expr) => {
        match $format {
            Format::Q4_0 => {
                type $layout = crate::kernels::format::Q4_0;
                $body
            }
            Format::Q4_1 => {
                type $layout = crate::kernels::format::Q4_1;
                $body
            }
            Format::Q5_0 => {
                type $layout = crate::kernels::format::Q5_0;
                $body
            }
            Format::Q5_1 => {
                type $layout = crate::kernels::format::Q5_1;
                $body
            }
            Format::Q8_0 => {
                type $layout = crate::kernels::format::Q8_0;
                $body
            }
            Format::Q4K => {
                type $layout = crate::kernels::format::Q4K;
                $body
            }
            Format::Q5K => {
                type $layout = crate::kernels::format::Q5K;
                $body
            }
            Format::Q6K => {
                type $layout = crate::kernels::format::Q6K;
                $body
            }
        }
    };
}
pub(super) use with_layout;
