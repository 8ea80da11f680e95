//! An output that several threads write at once.

use std::marker::PhantomData;

/// The output of a strided copy, shared by the threads that write it: the places
/// of a layout interleave, so no slice could be handed to each.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    start: *mut f32,
    len: usize,
    owner: PhantomData<&'a mut [f32]>,
}

// SAFETY: tasks write disjoint places: each handles its own elements of a layout
// that gives every element a place of its own.
#[allow(unsafe_code)]
unsafe impl Sync for Places<'_> {}
// SAFETY: as above; nothing in it is tied to a thread.
#[allow(unsafe_code)]
unsafe impl Send for Places<'_> {}

impl<'a> Places<'a> {
    pub(crate) fn of(out: &'a mut [f32]) -> Self {
        Self {
            start: out.as_mut_ptr(),
            len: out.len(),
            owner: PhantomData,
        }
    }

    /// `len` neighbouring places from `at`.
    ///
    /// # Safety
    /// No one else may read or write them while the slice lives.
    #[allow(unsafe_code, clippy::mut_from_ref)]
    #[inline(always)]
    pub(crate) unsafe fn run(&self, at: usize, len: usize) -> &'a mut [f32] {
        assert!(at <= self.len && len <= self.len - at);
        // SAFETY: inside the slice borrowed for 'a; the caller keeps others
        // away.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), len) }
    }
}
