//! The packed layouts, one for each GGUF quantisation: eight rows are interleaved so that each
//! 32-bit lane of a vector register belongs to one row, and no sum across lanes is ever needed.
//!
//! A *group* is eight rows. Along the columns it is a sequence of *records*: a header, then
//! [`Layout::BLOCKS`] *blocks* of 32 columns each. A block is
//!
//! ```text
//! quants      `round → byte → row → 4`: a byte for each row and four columns. A *step* is four neighbouring
//!             columns (there are 8); a round holds some neighbouring steps in some bytes:
//!             8 bits: a step in a byte.
//!             4 bits: two steps in a byte, the first in its low half.
//!             6 bits: four steps in three bytes; the fourth has their highest bits, lowest bits first.
//!             5 bits: eight steps in five bytes, five of them in the low bits. What is above holds the others:
//!                     step 5 has byte 0's bits 5..8 and byte 1's 5..7, step 6 likewise of bytes 2 and 3,
//!                     step 7 byte 4's 5..8, byte 1's bit 7 and byte 3's bit 7, lowest bits first.
//! scales      f16 × 8, or one byte × 8 (times the header's f32 × 8), twice for Q6_K's halves
//! minimums    likewise, where the format has them
//! ```
//!
//! A header's numbers are f16 in the file, and f32 here: many are subnormal there, which is slow to convert
//! without an instruction for it.
//!
//! Odd bits lie so that every quant comes out by few shifts and masks of whole registers.
//!
//! Stored quants are unsigned; a weight is `scale · (quant − OFFSET) − minimum`.

/// Rows in a group.
pub(super) const ROWS: usize = 8;
/// Columns in a block.
pub(super) const COLUMNS: usize = 32;
/// Steps of four columns in a block.
pub(super) const STEPS: usize = 8;

/// From one byte of a lane to its next.
pub(super) const BYTE_STRIDE: usize = 4 * ROWS;

/// How a layout keeps the scales of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scales {
    /// f16 a block.
    Half,
    /// f16 a block, and an f16 minimum that is *added* (Q4_1, Q5_1).
    HalfMinimum,
    /// Unsigned byte a block times f32 a record, and minimums likewise, subtracted (Q4_K, Q5_K).
    ByteMinimum,
    /// Signed byte each 16 columns times f32 a record (Q6_K).
    BytePair,
}

pub(super) trait Layout: Send + Sync {
    /// Bits of a stored quant: 4, 5, 6 or 8.
    const BITS: usize;
    const OFFSET: i32;
    const SCALES: Scales;

    /// Whether the two halves of a block have scales of their own.
    const HALVED: bool = matches!(Self::SCALES, Scales::BytePair);
    const HAS_MINIMUMS: bool = matches!(Self::SCALES, Scales::HalfMinimum | Scales::ByteMinimum);
    const BLOCKS: usize = match Self::SCALES {
        Scales::Half | Scales::HalfMinimum => 1,
        Scales::ByteMinimum | Scales::BytePair => 8,
    };
    const HEADER_BYTES: usize = match Self::SCALES {
        Scales::Half | Scales::HalfMinimum => 0,
        Scales::ByteMinimum => 8 * ROWS,
        Scales::BytePair => 4 * ROWS,
    };
    const QUANT_BYTES: usize = ROWS * COLUMNS * Self::BITS / 8;
    /// Steps of a round.
    const ROUND_STEPS: usize = match Self::BITS {
        4 => 2,
        5 => 8,
        6 => 4,
        _ => 1,
    };
    const ROUNDS: usize = STEPS / Self::ROUND_STEPS;
    const ROUND_BYTES: usize = Self::QUANT_BYTES / Self::ROUNDS;
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
