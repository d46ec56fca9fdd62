//! What the kernels that are written once ask of an instruction set.

use super::format::Layout;

/// One instruction set's registers, [`Self::LANES`] lanes of 32 bits each, as far as panels of unpacked
/// weights need them. In products a lane is a row, and its four bytes are four neighbouring columns.
///
/// # Safety
/// Every function: the processor has the implementation's features, and what a pointer points to can be
/// read (or written) as far as the function's result (or argument) reaches. No alignment is asked for.
pub(super) trait Simd {
    const LANES: usize;
    type Bytes: Copy;
    /// Integer sums in the making.
    type Sums: Copy;
    type Floats: Copy;

    /// How often something goes round: `count`, hidden from compilers for browsers. Of a block's rounds in one piece
    /// they make one expression for each sum, which takes more registers than there are. Where others unroll,
    /// browsers get a loop, or pieces between branches that are always taken.
    #[inline(always)]
    fn rounds(count: usize) -> usize {
        count
    }

    /// Registers of rows that a panel has: 2, multiplied with four tokens together, or 4 with two.
    const PANEL_REGISTERS: usize = 2;

    unsafe fn load(at: *const u8) -> Self::Bytes;
    /// The same four activations in every lane.
    unsafe fn broadcast(four: *const i8) -> Self::Bytes;

    /// What [`Self::dot`] takes off the stored quants of a layout by itself.
    const CORRECTS_EIGHT_BITS: bool = false;
    /// `minus_sum · offset` in every lane.
    unsafe fn start<L: Layout>(minus_sum: *const i32) -> Self::Sums;
    /// Adds to each lane the four products of its bytes; at most as often as a block has steps of four columns, with
    /// [`Self::halfway`] between.
    unsafe fn dot<L: Layout>(sums: Self::Sums, weights: Self::Bytes, x: Self::Bytes) -> Self::Sums;
    /// Adds the products of two steps.
    #[inline(always)]
    unsafe fn dot_two<L: Layout>(
        sums: Self::Sums,
        weights: [Self::Bytes; 2],
        x: [Self::Bytes; 2],
    ) -> Self::Sums {
        // SAFETY: the trait's contract.
        unsafe {
            let sums = Self::dot::<L>(sums, weights[0], x[0]);
            Self::dot::<L>(sums, weights[1], x[1])
        }
    }

    /// To be called when half of a block's steps are summed up, in layouts whose halves have no scales of their own:
    /// narrow sums may not have room for the other half.
    #[inline(always)]
    unsafe fn halfway<L: Layout>(sums: Self::Sums) -> Self::Sums {
        sums
    }

    /// `minus_sum` is what the sums started with: the offset is added here where it wasn't there.
    unsafe fn total<L: Layout>(sums: Self::Sums, minus_sum: *const i32) -> Self::Floats;

    unsafe fn splat(x: f32) -> Self::Floats;
    unsafe fn splat_at(x: *const f32) -> Self::Floats;
    unsafe fn load_floats(at: *const f32) -> Self::Floats;
    unsafe fn store_floats(at: *mut f32, x: Self::Floats);
    unsafe fn multiply(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a · b + c`, fused where that is as fast.
    unsafe fn multiply_add(a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
}

/// Registers that also read what is packed: quants of some bits, f16.
///
/// # Safety
/// As for [`Simd`].
pub(super) trait Unpack: Simd {
    unsafe fn store(at: *mut u8, bytes: Self::Bytes);
    /// The same byte everywhere, for [`Self::and`].
    unsafe fn mask(byte: u8) -> Self::Bytes;
    unsafe fn and(a: Self::Bytes, b: Self::Bytes) -> Self::Bytes;
    unsafe fn or(a: Self::Bytes, b: Self::Bytes) -> Self::Bytes;
    /// In lanes of 16 bits or fewer: bits of a byte's neighbour may come in from above.
    unsafe fn shift_right<const BITS: i32>(bytes: Self::Bytes) -> Self::Bytes;
    /// Asks for a line of memory that will be read soon.
    #[inline(always)]
    unsafe fn prefetch(_: *const u8) {}

    /// Begins to read a page of memory that will be read from here on: what fetches ahead by itself never begins one.
    #[inline(always)]
    unsafe fn touch(at: *const u8) {
        // SAFETY: the trait's contract.
        unsafe { Self::prefetch(at) };
    }

    /// What [`Self::halves`] computes with; made outside of loops.
    type Halves: Copy;
    unsafe fn for_halves() -> Self::Halves;
    /// As many f16. Exact but for infinities, which no weight or activation is.
    unsafe fn halves(at: *const u16, with: Self::Halves) -> Self::Floats;
    unsafe fn unsigned_bytes(at: *const u8) -> Self::Floats;
    unsafe fn signed_bytes(at: *const u8) -> Self::Floats;
}

/// The offset that integer sums start with, as a power of two: shifting is cheaper than multiplying.
pub(super) const fn offset_shift<L: Layout, S: Simd>() -> Option<u32> {
    let offset = if L::BITS == 8 && S::CORRECTS_EIGHT_BITS {
        0
    } else {
        L::OFFSET
    };
    if offset == 0 {
        None
    } else {
        Some(offset.trailing_zeros())
    }
}

/// Whether the products of so many steps of two int8 activations and two weights of so many bits sum up in 16 bits.
#[allow(
    dead_code,
    reason = "some instruction sets sum up four products at once"
)]
pub(super) const fn fits_16_bits(steps: usize, bits: usize) -> bool {
    steps * 2 * 127 * ((1 << bits) - 1) < 1 << 15
}
