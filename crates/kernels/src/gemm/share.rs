//! Handing out the blocks of one product to the threads of the pool.

use crate::parallel::{Order, Shares, task};
use crate::{Buffer, DType, Device};
use rayon::prelude::*;

/// Calls `f(i, scratch)` for `i` in `0..count`, each once, with `len` elements of
/// scratch memory that nobody else uses meanwhile.
///
/// `f` must not start parallel work.
pub(super) fn share(count: usize, len: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    let threads = rayon::current_num_threads().min(count);
    let len = len.max(1).next_multiple_of(LINE);
    // As much for every thread, used or not: what is taken from the pool must not
    // depend on which threads happened to be there.
    let mut scratch = Buffer::scratch(Device::Cpu, DType::F32, threads.max(1) * len);
    let scratch = scratch.as_mut_slice();
    if threads <= 1 {
        return (0..count).for_each(|i| task(|| f(i, scratch)));
    }
    let shares = Shares::new(count, Order::Forwards);
    let slices = scratch.par_chunks_exact_mut(len).with_max_len(1);
    slices.for_each(|scratch| {
        shares.take_each(|i| task(|| f(i, scratch)));
    });
}

/// Elements in a cache line.
const LINE: usize = 16;
