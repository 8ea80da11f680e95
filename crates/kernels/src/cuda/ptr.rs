//! Addresses of a GPU's memory, and whose they are.

use std::ptr::NonNull;

/// An address of a GPU's memory, as a kernel's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Ptr(pub(super) u64);

impl Ptr {
    /// Where a span starts.
    pub(crate) fn of(start: NonNull<u8>) -> Self {
        Self(start.addr().get() as u64)
    }

    /// This many bytes further on.
    pub(crate) fn plus(self, bytes: usize) -> Self {
        Self(self.0 + bytes as u64)
    }

    /// No address: for an operand that is not there.
    pub(crate) const NULL: Self = Self(0);
}

/// Whose memory a buffer is: everybody's, or that of captured steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home(pub(super) usize);

impl Home {
    /// Everybody's; and that of a home that was closed.
    pub(crate) const SHARED: Self = Self(0);
}
