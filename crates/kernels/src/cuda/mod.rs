//! The driver's side of a GPU: its context, its one stream, its memory, and how kernels
//! are launched. What a family computes there is in the family's own `cuda.rs`.
//!
//! **One stream.** Everything asked of a device is done in the order it was asked for, so
//! a buffer that is dropped can be handed on at once: its next owner's kernels run after
//! the last ones of its old owner. Only reading back waits.
//!
//! The driver is looked for at run time, once ([`open`]); nothing here is reached where
//! there is none.

mod driver;
mod graph;
mod memory;
mod module;
mod strides;

pub(crate) use driver::{Gpu, open};
pub(crate) use graph::{Graph, Slot};
pub(crate) use memory::{Home, Ptr};
pub(crate) use module::{Arg, Launch, Module, Param, args};
pub(crate) use strides::{Divisor, EACH, Strides, assert_f32, count, start};

/// Threads of a block, where a kernel has no reason for another number.
pub(crate) const BLOCK: u32 = 256;

/// Blocks of [`BLOCK`] threads for `items` in a loop of stride "all threads": enough to fill
/// the largest device a few times over, so that none of them starts for one item.
pub(crate) fn blocks(items: usize) -> u32 {
    const MOST: usize = 132 * 8 * 4;
    items.div_ceil(BLOCK as usize).clamp(1, MOST) as u32
}
