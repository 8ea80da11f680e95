//! Buffers and the pool they are recycled through.
//!
//! A training step makes and drops the same few hundred buffers every time, so
//! a dropped buffer's memory is kept and handed on: after the first step no step asks
//! the system for memory. A GPU has a pool of its own (`cuda/memory.rs`).

pub use crate::arena::PoolStats;
use crate::arena::{Arena, Span, host_chunk, round_up};
use crate::cuda::{Home, Ptr};
use crate::device::{Cuda, Device};
use crate::layout::Layout;
use crate::parallel::in_task;
use crate::real::{DType, Real};
use std::convert::Infallible;
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
    /// Of a GPU's memory.
    home: Home,
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
/// What is asked of the system at once for large ones. WebAssembly's memory is there as
/// soon as it is asked for.
const LARGE_CHUNK: usize = match cfg!(target_family = "wasm") {
    true => 8 << 20,
    false => 64 << 20,
};

static POOL: Mutex<Pool> = Mutex::new(Pool {
    small: Arena::new(ALIGN, 1 << 20),
    large: Arena::new(4096, LARGE_CHUNK),
    stats: PoolStats {
        system_allocations: 0,
        system_bytes: 0,
        bytes_in_use: 0,
        peak_bytes_in_use: 0,
    },
});

/// A snapshot of the counters of a device's pool. In the steady state of a training loop
/// `system_allocations` stands still.
pub fn pool_stats(device: Device) -> PoolStats {
    match device {
        Device::Cpu => pool().stats,
        Device::Cuda(cuda) => cuda.gpu().pool_stats(),
    }
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

    /// `None` where the system has no room for it.
    fn take(&mut self, bytes: usize) -> Option<Span> {
        // Rounded first, so that the span's length says which arena it is of.
        let bytes = round_up(bytes, ALIGN);
        let arena = self.arena(bytes);
        let grain = arena.grain();
        let (span, fresh) = arena.take(bytes, |bytes| host_chunk(bytes, grain))?;
        self.stats.took(span.bytes, fresh);
        Some(span)
    }

    fn give(&mut self, span: Span) {
        self.stats.gave(span.bytes);
        self.arena(span.bytes).give(span);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let span = Span {
            start: self.span.start,
            bytes: self.span.bytes,
        };
        match self.device {
            Device::Cpu => pool().give(span),
            Device::Cuda(cuda) => cuda.gpu().give(span, self.home),
        }
    }
}

impl Buffer {
    /// A buffer whose contents the caller will overwrite: they are whatever the
    /// memory's last owner left.
    ///
    /// # Panics
    /// When the device has no memory for `len` elements.
    #[track_caller]
    pub fn scratch(device: Device, dtype: DType, len: usize) -> Self {
        match Self::try_scratch(device, dtype, len) {
            Some(buffer) => buffer,
            None => panic!("buffer of {len} {dtype}: there is no memory for it; use smaller sizes"),
        }
    }

    /// [`Buffer::scratch`], and `None` where the host has no memory for it.
    ///
    /// # Panics
    /// When a GPU has not.
    pub fn try_scratch(device: Device, dtype: DType, len: usize) -> Option<Self> {
        // Room to round up in.
        let most = isize::MAX as usize / 2;
        let bytes = len.checked_mul(dtype.size()).filter(|all| *all < most)?;
        let (span, home) = match device {
            Device::Cpu => {
                debug_assert!(!in_task(), "tasks that run at once take memory");
                (pool().take(bytes)?, Home::SHARED)
            }
            Device::Cuda(cuda) => cuda.gpu().take(bytes),
        };
        Some(Self {
            span,
            len,
            dtype,
            device,
            home,
        })
    }

    /// A buffer filled with `value`.
    ///
    /// # Panics
    /// As [`Buffer::scratch`].
    #[track_caller]
    pub fn full(device: Device, dtype: DType, len: usize, value: f64) -> Self {
        let mut out = Self::scratch(device, dtype, len);
        out.fill(value);
        out
    }

    /// Makes every element `value`.
    pub fn fill(&mut self, value: f64) {
        let len = self.len;
        match (self.device, self.dtype) {
            (Device::Cpu, dtype) => {
                crate::dispatch!(dtype, T => self.as_mut_slice::<T>().fill(T::of(value)));
            }
            (Device::Cuda(cuda), DType::F32) => {
                cuda.gpu().fill(self.ptr(), (value as f32).to_bits(), len);
            }
            (Device::Cuda(_), DType::F64) => self.write(&vec![value; len]),
        }
    }

    /// A buffer that holds a copy of `values`.
    pub fn from_slice<T: Real>(device: Device, values: &[T]) -> Self {
        let mut out = Self::scratch(device, T::DTYPE, values.len());
        out.write(values);
        out
    }

    /// Copies `values` in, from the first element on. On a GPU this is one more thing
    /// asked of it: kernels asked for before still see what was there.
    ///
    /// # Panics
    /// When there are more of them, or they are of another type.
    #[track_caller]
    pub fn write<T: Real>(&mut self, values: &[T]) {
        self.write_at(0, values);
    }

    /// [`Buffer::write`] from element `first` on.
    ///
    /// # Panics
    /// When they end beyond the buffer, or are of another type.
    #[track_caller]
    pub fn write_at<T: Real>(&mut self, first: usize, values: &[T]) {
        assert_eq!(self.dtype, T::DTYPE, "buffer written as the wrong type");
        let end = first.checked_add(values.len());
        assert!(
            end.is_some_and(|end| end <= self.len),
            "more values than the buffer has"
        );
        match self.device {
            Device::Cpu => self.as_mut_slice()[first..][..values.len()].copy_from_slice(values),
            Device::Cuda(cuda) => {
                let to = self.ptr().plus(first * size_of::<T>());
                crate::cuda::put(cuda, to, values);
            }
        }
    }

    /// A copy of the contents, read back from the device and converted to `T`.
    pub fn to_vec<T: Real>(&self) -> Vec<T> {
        crate::dispatch!(self.dtype, S => match self.device {
            Device::Cpu => converted(self.as_slice::<S>()),
            Device::Cuda(cuda) => converted(&self.downloaded::<S>(cuda)),
        })
    }

    fn downloaded<T: Real>(&self, cuda: Cuda) -> Vec<T> {
        let mut values = vec![T::ZERO; self.len];
        cuda.gpu().download(self.ptr(), &mut values);
        values
    }

    /// A copy on another device, or on the same one.
    #[must_use]
    pub fn to_device(&self, device: Device) -> Self {
        crate::dispatch!(self.dtype, T => match self.device {
            Device::Cpu => Self::from_slice::<T>(device, self.as_slice()),
            Device::Cuda(cuda) => Self::from_slice::<T>(device, &self.downloaded(cuda)),
        })
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
        let mut out = Self::scratch(Device::Cpu, dtype, len);
        let bytes = crate::dispatch!(dtype, T => {
            bytemuck::cast_slice_mut::<T, u8>(out.as_mut_slice::<T>())
        });
        read(bytes)?;
        if cfg!(target_endian = "big") {
            let values = bytes.chunks_exact_mut(dtype.size());
            values.for_each(<[u8]>::reverse);
        }
        Ok(match device {
            Device::Cpu => out,
            Device::Cuda(_) => out.to_device(device),
        })
    }

    /// Bytes, four to a word whose bits they are (the first one lowest), the last word filled up with
    /// zeros. As numbers the words mean nothing; kernels that read bytes take them.
    pub fn from_bytes(device: Device, bytes: &[u8]) -> Self {
        let fill = |words: &mut [u8]| -> Result<(), Infallible> {
            let (these, rest) = words.split_at_mut(bytes.len());
            these.copy_from_slice(bytes);
            rest.fill(0);
            Ok(())
        };
        let words = bytes.len().div_ceil(4);
        let Ok(out) = Self::read_le(device, DType::F32, words, fill);
        out
    }

    /// Whether no element is an infinity or a NaN.
    pub fn is_finite(&self) -> bool {
        if self.device != Device::Cpu {
            return self.to_device(Device::Cpu).is_finite();
        }
        crate::dispatch!(self.dtype, T => {
            // What is finite times zero is zero. Without a branch, the compiler takes a register's worth at once.
            self.as_slice::<T>().iter().fold(true, |all, &x| all & (x * T::of(0.0) == T::of(0.0)))
        })
    }

    /// Passes the contents to `write` as little-endian bytes.
    pub fn write_le<R>(&self, write: impl FnOnce(&[u8]) -> R) -> R {
        if self.device != Device::Cpu {
            return self.to_device(Device::Cpu).write_le(write);
        }
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

    /// The first element's address, as a kernel's parameter.
    pub(crate) fn ptr(&self) -> Ptr {
        Ptr::of(self.span.start)
    }

    /// The contents of a buffer in host memory.
    ///
    /// # Panics
    /// When `T` is not the buffer's type, or the buffer is a GPU's.
    #[track_caller]
    #[allow(unsafe_code)]
    pub(crate) fn as_slice<T: Real>(&self) -> &[T] {
        assert_eq!(self.dtype, T::DTYPE, "buffer read as the wrong type");
        assert_eq!(self.device, Device::Cpu, "buffer read by the host");
        // SAFETY: the span holds at least `len` elements of this type, aligned
        // to 64 bytes and initialised (zeroed when fresh); any bit pattern is a
        // valid float, and the borrow of self keeps the memory.
        unsafe { std::slice::from_raw_parts(self.span.start.as_ptr().cast::<T>(), self.len) }
    }

    /// The contents of a buffer in host memory, for writing.
    ///
    /// # Panics
    /// When `T` is not the buffer's type, or the buffer is a GPU's.
    #[track_caller]
    #[allow(unsafe_code)]
    pub(crate) fn as_mut_slice<T: Real>(&mut self) -> &mut [T] {
        assert_eq!(self.dtype, T::DTYPE, "buffer written as the wrong type");
        assert_eq!(self.device, Device::Cpu, "buffer written by the host");
        // SAFETY: as in `as_slice`; the exclusive borrow makes this the only access.
        unsafe { std::slice::from_raw_parts_mut(self.span.start.as_ptr().cast::<T>(), self.len) }
    }
}

fn converted<S: Real, T: Real>(values: &[S]) -> Vec<T> {
    values.iter().map(|x| T::of(x.f64())).collect()
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
            let span = pool.take(bytes).expect("there is memory");
            assert!(span.bytes >= bytes.max(1) && span.bytes <= bytes + 4096);
            assert!(span.start.addr().get().is_multiple_of(ALIGN));
            pool.give(span);
            let before = pool.stats;
            let again = pool.take(bytes).expect("there is memory");
            assert_eq!(pool.stats.system_allocations, before.system_allocations);
            pool.give(again);
            assert_eq!(pool.stats.bytes_in_use, 0, "{bytes}");
        }
    }

    #[test]
    fn more_than_there_is_is_no_buffer() {
        for len in [usize::MAX, isize::MAX as usize, 1 << 59] {
            assert!(Buffer::try_scratch(Device::Cpu, DType::F64, len).is_none());
        }
        assert!(Buffer::try_scratch(Device::Cpu, DType::F64, 3).is_some());
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
    fn values_are_written_where_they_belong() {
        let mut buffer = Buffer::full(Device::Cpu, DType::F32, 5, 0.0);
        buffer.write_at(2, &[1.0_f32, 2.0]);
        buffer.write(&[3.0_f32]);
        assert_eq!(buffer.to_vec::<f32>(), [3.0, 0.0, 1.0, 2.0, 0.0]);
        buffer.write_at(5, &[0.0_f32; 0]);
    }

    #[test]
    #[should_panic(expected = "more values than the buffer has")]
    fn nothing_is_written_beyond_the_end() {
        Buffer::full(Device::Cpu, DType::F32, 5, 0.0).write_at(4, &[1.0_f32, 2.0]);
    }

    #[test]
    #[should_panic(expected = "wrong type")]
    fn types_are_checked() {
        Buffer::full(Device::Cpu, DType::F64, 1, 0.0).as_slice::<f32>();
    }
}
