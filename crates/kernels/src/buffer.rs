//! Buffers and the pool they are recycled through.
//!
//! A training step makes and drops the same few hundred buffers every time, so
//! a dropped buffer's memory is kept and handed to the next buffer of its size
//! class: after the first step no step asks the system for memory.

use crate::{DType, Device, Layout, Real};
use std::alloc::{Layout as MemoryLayout, alloc_zeroed, handle_alloc_error};
use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::Mutex;

/// Cache-line and AVX-512 register size, in bytes.
const ALIGN: usize = 64;

/// A flat run of `f32` or `f64` on one device.
///
/// Contents are always initialised memory: fresh memory is zero, recycled
/// memory holds what its last owner left.
#[derive(Debug)]
pub struct Buffer {
    block: Block,
    len: usize,
    dtype: DType,
    device: Device,
}

/// A buffer read through a layout: what kernels take as input.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Where the elements are.
    pub buffer: &'a Buffer,
    /// Which of them, in which order.
    pub layout: Layout,
}

/// Memory as the pool sees it: `bytes` is a size class.
#[derive(Debug)]
struct Block {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: a block is exclusively owned memory; nothing in it is tied to a thread.
#[allow(unsafe_code)]
unsafe impl Send for Block {}
// SAFETY: shared access to a block only ever reads it.
#[allow(unsafe_code)]
unsafe impl Sync for Block {}

#[derive(Default)]
struct Pool {
    free: HashMap<usize, Vec<Block>>,
    stats: PoolStats,
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);

/// What the pool has done so far; see [`pool_stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Blocks asked of the system since the start of the process.
    pub system_allocations: u64,
    /// Bytes of those blocks. The pool never gives memory back, so this is
    /// also its footprint.
    pub system_bytes: u64,
    /// Bytes of blocks that a buffer holds now.
    pub bytes_in_use: u64,
    /// The most that `bytes_in_use` has been.
    pub peak_bytes_in_use: u64,
}

/// A snapshot of the pool's counters. In the steady state of a training loop
/// `system_allocations` stands still.
pub fn pool_stats() -> PoolStats {
    with_pool(|pool| pool.stats)
}

fn with_pool<R>(f: impl FnOnce(&mut Pool) -> R) -> R {
    let mut pool = POOL
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    f(pool.get_or_insert_default())
}

/// Rounds up to the next of four sizes per power of two, so that at most a
/// fifth of a block is waste and near-equal sizes share blocks.
fn size_class(bytes: usize) -> usize {
    let bytes = bytes.max(ALIGN);
    let step = (bytes.next_power_of_two() / 8).max(ALIGN);
    bytes.div_ceil(step) * step
}

impl Block {
    #[allow(unsafe_code)]
    fn take(bytes: usize) -> Self {
        let bytes = size_class(bytes);
        let recycled = with_pool(|pool| {
            let block = pool.free.get_mut(&bytes).and_then(Vec::pop);
            if block.is_none() {
                pool.stats.system_allocations += 1;
                pool.stats.system_bytes += bytes as u64;
            }
            pool.stats.bytes_in_use += bytes as u64;
            pool.stats.peak_bytes_in_use =
                pool.stats.peak_bytes_in_use.max(pool.stats.bytes_in_use);
            block
        });
        recycled.unwrap_or_else(|| {
            let layout = MemoryLayout::from_size_align(bytes, ALIGN)
                .unwrap_or_else(|_| panic!("buffer of {bytes} bytes: larger than memory can be"));
            // SAFETY: the layout's size is at least ALIGN, hence not zero.
            let start = unsafe { alloc_zeroed(layout) };
            let start = NonNull::new(start).unwrap_or_else(|| handle_alloc_error(layout));
            Self { start, bytes }
        })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let block = Block {
            start: self.block.start,
            bytes: self.block.bytes,
        };
        with_pool(|pool| {
            pool.stats.bytes_in_use -= block.bytes as u64;
            pool.free.entry(block.bytes).or_default().push(block);
        });
    }
}

impl Buffer {
    /// A buffer whose contents the caller will overwrite: they are whatever the
    /// memory's last owner left.
    ///
    /// # Panics
    /// When `len` elements do not fit an address space.
    pub fn scratch(device: Device, dtype: DType, len: usize) -> Self {
        let bytes = len
            .checked_mul(dtype.size())
            .unwrap_or_else(|| panic!("buffer of {len} {dtype}: larger than memory can be"));
        Self {
            block: Block::take(bytes),
            len,
            dtype,
            device,
        }
    }

    /// A buffer filled with `value`.
    pub fn full(device: Device, dtype: DType, len: usize, value: f64) -> Self {
        let mut out = Self::scratch(device, dtype, len);
        crate::dispatch!(dtype, T => out.as_mut_slice::<T>().fill(T::of(value)));
        out
    }

    /// A buffer that holds a copy of `values`.
    pub fn from_slice<T: Real>(device: Device, values: &[T]) -> Self {
        let mut out = Self::scratch(device, T::DTYPE, values.len());
        out.as_mut_slice().copy_from_slice(values);
        out
    }

    /// A copy of the contents, read back from the device and converted to `T`.
    pub fn to_vec<T: Real>(&self) -> Vec<T> {
        crate::dispatch!(self.dtype, S => self
            .as_slice::<S>()
            .iter()
            .map(|x| T::of(x.f64()))
            .collect())
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where the memory is.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The contents of a buffer in host memory.
    ///
    /// # Panics
    /// When `T` is not the buffer's type.
    #[track_caller]
    #[allow(unsafe_code)]
    pub(crate) fn as_slice<T: Real>(&self) -> &[T] {
        assert_eq!(self.dtype, T::DTYPE, "buffer read as the wrong type");
        // SAFETY: the block holds at least `len` elements of this type, aligned
        // to 64 bytes and initialised (zeroed when fresh); any bit pattern is a
        // valid float, and the borrow of self keeps the memory.
        unsafe { std::slice::from_raw_parts(self.block.start.as_ptr().cast::<T>(), self.len) }
    }

    /// The contents of a buffer in host memory, for writing.
    ///
    /// # Panics
    /// When `T` is not the buffer's type.
    #[track_caller]
    #[allow(unsafe_code)]
    pub(crate) fn as_mut_slice<T: Real>(&mut self) -> &mut [T] {
        assert_eq!(self.dtype, T::DTYPE, "buffer written as the wrong type");
        // SAFETY: as in `as_slice`; the exclusive borrow makes this the only access.
        unsafe { std::slice::from_raw_parts_mut(self.block.start.as_ptr().cast::<T>(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_waste_little() {
        for bytes in [1, 64, 65, 1000, 4097, 1 << 20, (1 << 20) + 1, 12_845_056] {
            let class = size_class(bytes);
            assert!(class >= bytes && class.is_multiple_of(ALIGN));
            assert!(class <= bytes.max(512) * 5 / 4, "{bytes} -> {class}");
            assert_eq!(size_class(class), class);
        }
    }

    #[test]
    fn memory_is_recycled() {
        // A size no other test uses, so that tests running beside this one do
        // not take the block.
        let n = 777_777;
        drop(Buffer::full(Device::Cpu, DType::F32, n, 3.0));
        let again = Buffer::scratch(Device::Cpu, DType::F32, n);
        assert_eq!(again.to_vec::<f32>()[n - 1], 3.0);
    }

    #[test]
    #[should_panic(expected = "wrong type")]
    fn types_are_checked() {
        Buffer::full(Device::Cpu, DType::F64, 1, 0.0).as_slice::<f32>();
    }
}
