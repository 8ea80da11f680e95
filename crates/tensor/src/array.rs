//! The untracked n-d array.

use crate::shape::{assert_possible, assert_shape_len};
use crate::stale::{Late, RunningRule, Writing, Written};
use detach_kernels::{Buffer, DType, Device, Layout, Real, View, copy, dispatch};
use std::cell::{Cell, Ref, RefCell, RefMut};
use std::fmt;
use std::rc::Rc;

/// Element type and device of an array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// Element type.
    pub dtype: DType,
    /// The device whose memory it is in.
    pub device: Device,
}

impl From<DType> for Kind {
    fn from(dtype: DType) -> Self {
        Self {
            dtype,
            device: Device::default(),
        }
    }
}

/// An n-d array of `f32` or `f64` (rank ≤ 6). Cloning and re-striding share the
/// memory.
///
/// Shapes are `[N, C, H, W]`; images are stored channels-last under them, which
/// only strides know.
#[derive(Clone)]
pub struct Array {
    memory: Rc<Memory>,
    layout: Layout,
    /// The memory's version when this handle was made: reading through the
    /// handle after a later write in place is an error.
    version: u64,
}

/// Elements, and how often they have been written.
pub(crate) struct Memory {
    buffer: RefCell<Buffer>,
    kind: Kind,
    version: Cell<u64>,
    written: RefCell<Written>,
}

impl Array {
    /// Wraps what a kernel has written.
    pub fn from_buffer(buffer: Buffer, layout: Layout) -> Self {
        let kind = Kind {
            dtype: buffer.dtype(),
            device: buffer.device(),
        };
        Self {
            memory: Rc::new(Memory {
                buffer: RefCell::new(buffer),
                kind,
                version: Cell::new(0),
                written: RefCell::default(),
            }),
            layout,
            version: 0,
        }
    }

    /// An array of `values` in row-major order of `shape`, on the CPU.
    ///
    /// # Panics
    /// When there are more or fewer values than the shape has elements.
    #[track_caller]
    pub fn from_slice<T: Real>(values: &[T], shape: &[usize]) -> Self {
        assert_shape_len(values.len(), shape);
        Self::from_buffer(
            Buffer::from_slice(Device::Cpu, values),
            Layout::contiguous(shape),
        )
    }

    /// An array of `values` in row-major order of `shape`, rounded to `kind`'s type and on its device.
    ///
    /// # Panics
    /// When there are more or fewer values than the shape has elements.
    #[track_caller]
    pub fn from_f64(values: &[f64], shape: &[usize], kind: impl Into<Kind>) -> Self {
        let Kind { dtype, device } = kind.into();
        let array = match dtype {
            DType::F32 => {
                let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
                Self::from_slice(&values, shape)
            }
            DType::F64 => Self::from_slice(values, shape),
        };
        array.to_device(device)
    }

    /// An array of which `read` provides the bytes: little-endian, in row-major order
    /// of `shape`.
    ///
    /// # Errors
    /// Those of `read`.
    #[track_caller]
    pub fn read_le<E>(
        shape: &[usize],
        kind: impl Into<Kind>,
        read: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let Kind { dtype, device } = kind.into();
        assert_possible("read_le", shape);
        let layout = Layout::contiguous(shape);
        let buffer = Buffer::read_le(device, dtype, layout.len(), read)?;
        Ok(Self::from_buffer(buffer, layout))
    }

    /// Whether no element is an infinity or a NaN.
    pub fn is_finite(&self) -> bool {
        self.contiguous().read().is_finite()
    }

    /// Passes the elements in row-major order to `write`, as little-endian bytes.
    #[track_caller]
    pub fn write_le<R>(&self, write: impl FnOnce(&[u8]) -> R) -> R {
        self.contiguous().read().write_le(write)
    }

    /// An array whose elements all are `value`.
    ///
    /// # Panics
    /// When there is no memory for it.
    #[track_caller]
    pub fn full(value: f64, shape: &[usize], kind: impl Into<Kind>) -> Self {
        let kind = kind.into();
        assert_possible("full", shape);
        let layout = Layout::contiguous(shape);
        let mut out = result("full", &layout, kind);
        out.fill(value);
        Self::from_buffer(out, layout)
    }

    /// An array of zeros.
    #[track_caller]
    pub fn zeros(shape: &[usize], kind: impl Into<Kind>) -> Self {
        Self::full(0.0, shape, kind)
    }

    /// Sizes of the dimensions.
    pub fn shape(&self) -> &[usize] {
        self.layout.shape()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.layout.is_empty()
    }

    /// Shape and strides.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Element type and device.
    pub fn kind(&self) -> Kind {
        self.memory.kind
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.memory.kind.dtype
    }

    /// The buffer, for kernels that take a [`View`] or a dense run.
    ///
    /// # Panics
    /// When the memory was written in place after this handle was made.
    #[track_caller]
    pub fn read(&self) -> Ref<'_, Buffer> {
        if self.version != self.memory.version.get() {
            self.panic_stale();
        }
        self.memory.buffer.borrow()
    }

    /// Who wrote in place after this handle was made, if somebody did: then it cannot be read.
    pub(crate) fn overwritten_by(&self) -> Option<String> {
        (self.version != self.memory.version.get()).then(|| self.memory.written.borrow().told())
    }

    #[track_caller]
    #[cold]
    fn panic_stale(&self) -> ! {
        let late = Late {
            shape: self.shape(),
            rule: RunningRule::of_thread(),
            writes: self.memory.version.get() - self.version,
        };
        panic!("{}", late.message(&self.memory.written.borrow()))
    }

    /// Writes in place: `write` gets the buffer, `by` names the writer in the error that any older handle gives when
    /// it is read afterwards. This handle stays fresh.
    ///
    /// # Panics
    /// When this handle is itself stale.
    #[track_caller]
    pub fn write(&mut self, by: &str, write: impl FnOnce(&mut Buffer)) {
        write(&mut self.writer(&Writing::new(by)));
    }

    /// [`Array::write`] for callers that write several arrays at once.
    #[track_caller]
    pub(crate) fn writer(&mut self, write: &Writing<'_>) -> RefMut<'_, Buffer> {
        if self.version != self.memory.version.get() {
            self.panic_stale();
        }
        self.version += 1;
        self.memory.version.set(self.version);
        self.memory.written.borrow_mut().remember(write);
        self.memory.buffer.borrow_mut()
    }

    /// The same memory seen through another layout.
    pub(crate) fn with_layout(&self, layout: Layout) -> Self {
        Self {
            layout,
            ..self.clone()
        }
    }

    /// The memory, which handles share.
    pub(crate) fn memory(&self) -> &Rc<Memory> {
        &self.memory
    }

    /// True when both are the same memory.
    pub fn shares_memory(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.memory, &other.memory)
    }

    /// Bytes of the memory behind this array.
    pub fn memory_bytes(&self) -> usize {
        self.memory.buffer.borrow().len() * self.dtype().size()
    }

    /// Elements in row-major (NCHW) order, converted to `T`.
    #[track_caller]
    pub fn to_vec<T: Real>(&self) -> Vec<T> {
        let array = self.contiguous();
        let buffer = array.read();
        buffer.to_vec()
    }

    /// The only element.
    ///
    /// # Panics
    /// When there is not exactly one.
    #[track_caller]
    pub fn item(&self) -> f64 {
        assert_eq!(self.len(), 1, "item() of an array {:?}", self.shape());
        self.to_vec::<f64>()[0]
    }

    /// This array if its memory already lies as `layout` says, else a copy that does.
    #[must_use]
    #[track_caller]
    pub fn laid_out(&self, layout: Layout) -> Self {
        if self.layout == layout && self.memory_len_is(layout.len()) {
            return self.clone();
        }
        let input = self.read();
        let mut out = result("a copy", &layout, self.kind());
        copy::copy(
            View {
                buffer: &input,
                layout: self.layout,
            },
            &mut out,
            &layout,
        );
        Self::from_buffer(out, layout)
    }

    fn memory_len_is(&self, len: usize) -> bool {
        self.memory.buffer.borrow().len() == len
    }

    /// This array in row-major memory (a copy unless it is so already).
    #[must_use]
    #[track_caller]
    pub fn contiguous(&self) -> Self {
        self.laid_out(Layout::contiguous(self.shape()))
    }

    /// This array in channels-last memory, under the same shape (a copy unless it is so already).
    #[must_use]
    #[track_caller]
    pub fn channels_last(&self) -> Self {
        self.laid_out(Layout::channels_last(self.shape()))
    }

    /// This array in memory without gaps, the order of dimensions as it is (a copy only of sliced or
    /// broadcast views).
    #[must_use]
    #[track_caller]
    pub fn dense(&self) -> Self {
        self.laid_out(self.layout.dense_like())
    }

    /// The same elements in another element type.
    #[must_use]
    #[track_caller]
    pub fn to_dtype(&self, dtype: DType) -> Self {
        if self.dtype() == dtype {
            return self.clone();
        }
        let dense = self.dense();
        let buffer = dense.read();
        let out = dispatch!(dtype, T => {
            Buffer::from_slice::<T>(self.kind().device, &buffer.to_vec::<T>())
        });
        Self::from_buffer(out, dense.layout)
    }

    /// The same elements on another device, stored in the same order.
    #[must_use]
    #[track_caller]
    pub fn to_device(&self, device: Device) -> Self {
        if self.kind().device == device {
            return self.clone();
        }
        let dense = self.dense();
        let out = dense.read().to_device(device);
        Self::from_buffer(out, dense.layout)
    }

    /// The same elements in another element type and on another device.
    #[must_use]
    #[track_caller]
    pub fn to_kind(&self, kind: impl Into<Kind>) -> Self {
        let kind = kind.into();
        self.to_dtype(kind.dtype).to_device(kind.device)
    }

    /// The buffer and layout as kernels take them; `buffer` comes from [`Array::read`].
    pub fn view<'a>(&self, buffer: &'a Buffer) -> View<'a> {
        View {
            buffer,
            layout: self.layout,
        }
    }
}

/// Memory for a result of `op`.
///
/// # Panics
/// When there is not enough.
#[track_caller]
pub(crate) fn result(op: &str, layout: &Layout, kind: Kind) -> Buffer {
    // No closure, which would be the place of the panic.
    match Buffer::try_scratch(kind.device, kind.dtype, layout.len()) {
        Some(buffer) => buffer,
        None => panic!(
            "{op}: there is no memory for a result of shape {:?} in {}; use a smaller batch or \
             smaller sizes",
            layout.shape(),
            kind.dtype
        ),
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        write!(f, "{} {:?} ", self.dtype(), self.layout)?;
        if self.len() <= SHOWN {
            write!(f, "{:?}", self.to_vec::<f64>())
        } else {
            f.write_str("[…]")
        }
    }
}

#[cfg(test)]
mod tests;
