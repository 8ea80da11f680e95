//! Buffers and the pool they are recycled through.
//!
//! A training step makes and drops the same few hundred buffers every time, so
//! a dropped buffer's memory is kept and handed on: after the first step no step asks
//! the system for memory.

use crate::arena::{Arena, Span, round_up};
use crate::{DType, Device, Layout, Real};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Cache-line and AVX-512 register size, in bytes.
const ALIGN: usize = 64;

/// A flat run of `f32` or `f64` on one device.
///
/// Contents are always initialised memory: fresh memory is zero, recycled
/// memory holds what its last owner left.
#[derive(Debug)]
pub struct Buffer {
    span: Span,
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

/// The two sorts of memory that buffers are cut from, and what was done with them.
struct Pool {
    /// Numbers and vectors: kept apart, so that one that lives long does not stand in
    /// the middle of memory that an image batch needs next.
    small: Arena,
    large: Arena,
    stats: PoolStats,
}

/// Buffers of fewer bytes are small.
const LARGE: usize = 64 * 1024;

static POOL: Mutex<Pool> = Mutex::new(Pool {
    small: Arena::new(ALIGN, 1 << 20),
    large: Arena::new(4096, 1 << 26),
    stats: PoolStats {
        system_allocations: 0,
        system_bytes: 0,
        bytes_in_use: 0,
        peak_bytes_in_use: 0,
    },
});

/// What the pool has done so far; see [`pool_stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// How often memory was handed out that no buffer had had before.
    pub system_allocations: u64,
    /// Bytes of that memory. The pool never gives memory back, so this is also its
    /// footprint.
    pub system_bytes: u64,
    /// Bytes that buffers hold now.
    pub bytes_in_use: u64,
    /// The most that `bytes_in_use` has been.
    pub peak_bytes_in_use: u64,
}

/// A snapshot of the pool's counters. In the steady state of a training loop
/// `system_allocations` stands still.
pub fn pool_stats() -> PoolStats {
    pool().stats
}

fn pool() -> MutexGuard<'static, Pool> {
    // A panic inside leaves at worst a span that nobody gets again.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    fn arena(&mut self, bytes: usize) -> &mut Arena {
        match bytes < LARGE {
            true => &mut self.small,
            false => &mut self.large,
        }
    }

    fn take(&mut self, bytes: usize) -> Span {
        // Rounded first, so that the span's length says which arena it is of.
        let bytes = round_up(bytes, ALIGN);
        let (span, fresh) = self.arena(bytes).take(bytes);
        let stats = &mut self.stats;
        stats.system_allocations += u64::from(fresh > 0);
        stats.system_bytes += fresh as u64;
        stats.bytes_in_use += span.bytes as u64;
        stats.peak_bytes_in_use = stats.peak_bytes_in_use.max(stats.bytes_in_use);
        span
    }

    fn give(&mut self, span: Span) {
        self.stats.bytes_in_use -= span.bytes as u64;
        self.arena(span.bytes).give(span);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let span = Span {
            start: self.span.start,
            bytes: self.span.bytes,
        };
        pool().give(span);
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
            span: pool().take(bytes),
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

    /// A buffer of which `read` provides the bytes, little-endian as files have them.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read_le<E>(
        device: Device,
        dtype: DType,
        len: usize,
        read: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut out = Self::scratch(device, dtype, len);
        let bytes = crate::dispatch!(dtype, T => {
            bytemuck::cast_slice_mut::<T, u8>(out.as_mut_slice::<T>())
        });
        read(bytes)?;
        if cfg!(target_endian = "big") {
            let values = bytes.chunks_exact_mut(dtype.size());
            values.for_each(<[u8]>::reverse);
        }
        Ok(out)
    }

    /// Passes the contents to `write` as little-endian bytes.
    pub fn write_le<R>(&self, write: impl FnOnce(&[u8]) -> R) -> R {
        let bytes = crate::dispatch!(self.dtype, T => {
            bytemuck::cast_slice::<T, u8>(self.as_slice::<T>())
        });
        if cfg!(target_endian = "little") {
            return write(bytes);
        }
        let mut bytes = bytes.to_vec();
        let values = bytes.chunks_exact_mut(self.dtype.size());
        values.for_each(<[u8]>::reverse);
        write(&bytes)
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
        // SAFETY: the span holds at least `len` elements of this type, aligned
        // to 64 bytes and initialised (zeroed when fresh); any bit pattern is a
        // valid float, and the borrow of self keeps the memory.
        unsafe { std::slice::from_raw_parts(self.span.start.as_ptr().cast::<T>(), self.len) }
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
        unsafe { std::slice::from_raw_parts_mut(self.span.start.as_ptr().cast::<T>(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_goes_back_to_where_it_came_from() {
        let mut pool = Pool {
            small: Arena::new(ALIGN, 1 << 20),
            large: Arena::new(4096, 1 << 26),
            stats: PoolStats::default(),
        };
        for bytes in [
            0,
            1,
            64,
            65,
            LARGE - ALIGN,
            LARGE - 1,
            LARGE,
            LARGE + 1,
            12_845_056,
        ] {
            let span = pool.take(bytes);
            assert!(span.bytes >= bytes.max(1) && span.bytes <= bytes + 4096);
            assert!(span.start.addr().get().is_multiple_of(ALIGN));
            pool.give(span);
            let before = pool.stats;
            let again = pool.take(bytes);
            assert_eq!(pool.stats.system_allocations, before.system_allocations);
            pool.give(again);
            assert_eq!(pool.stats.bytes_in_use, 0, "{bytes}");
        }
    }

    #[test]
    fn bytes_are_little_endian() {
        let bytes = [1.5_f64.to_le_bytes(), (-3e300_f64).to_le_bytes()].concat();
        let read = |to: &mut [u8]| -> Result<(), ()> {
            to.copy_from_slice(&bytes);
            Ok(())
        };
        let buffer = Buffer::read_le(Device::Cpu, DType::F64, 2, read).expect("no error");
        assert_eq!(buffer.to_vec::<f64>(), [1.5, -3e300]);
        assert_eq!(buffer.write_le(<[u8]>::to_vec), bytes);
        let narrow = Buffer::from_slice(Device::Cpu, &[1.5_f32]);
        assert_eq!(narrow.write_le(<[u8]>::to_vec), 1.5_f32.to_le_bytes());
        Buffer::read_le(Device::Cpu, DType::F32, 2, |_| Err("no more")).expect_err("passed on");
    }

    #[test]
    #[should_panic(expected = "wrong type")]
    fn types_are_checked() {
        Buffer::full(Device::Cpu, DType::F64, 1, 0.0).as_slice::<f32>();
    }
}
