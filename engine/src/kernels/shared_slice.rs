//! Results that the threads of a pool write, each its own places.

use std::marker::PhantomData;
use std::ops::Range;

/// A mutable slice that several threads write to, each in places of its own.
#[derive(Debug)]
pub(crate) struct SharedSlice<'a, T> {
    pointer: *mut T,
    length: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: access is only through unsafe methods whose callers promise not to overlap.
unsafe impl<T: Send> Sync for SharedSlice<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for SharedSlice<'_, T> {}

impl<'a, T> SharedSlice<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self {
            pointer: slice.as_mut_ptr(),
            length: slice.len(),
            lifetime: PhantomData,
        }
    }

    /// # Safety
    /// No other live reference covers any of `range`.
    #[allow(
        clippy::mut_from_ref,
        reason = "that is what this type is for; see its contract"
    )]
    pub(crate) unsafe fn slice_mut(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.length);
        // SAFETY: in bounds by the assertion, not aliased by the caller's promise.
        unsafe {
            std::slice::from_raw_parts_mut(self.pointer.add(range.start), range.end - range.start)
        }
    }
}
