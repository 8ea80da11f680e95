//! A GPU: its memory, and the kernels that it is asked to run.

use super::context::{Context, device_count};
use super::functions::{Functions, MOST_PARAMS};
use super::info::GpuInfo;
use super::memory::Memory;
use super::params::{Arg, Launch, Module};
use super::ptr::{Home, Ptr};
use crate::arena::{PoolStats, Span};
use crate::error::DeviceError;
use cudarc::driver::result;
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Devices that can be opened.
const MOST: usize = 16;

/// A GPU in use, of which there is one for each number.
pub(crate) struct Gpu {
    pub(super) context: Context,
    memory: Mutex<Memory>,
    functions: Mutex<Functions>,
}

/// The GPU of this number, opened at the first call.
pub(crate) fn open(index: usize) -> Result<&'static Gpu, DeviceError> {
    static GPUS: [OnceLock<Result<Gpu, DeviceError>>; MOST] = [const { OnceLock::new() }; MOST];
    let count = device_count()?;
    let none = DeviceError::NoDevice { index, count };
    let gpu = GPUS.get(index).filter(|_| index < count).ok_or(none)?;
    let opened = gpu.get_or_init(|| {
        Ok(Gpu {
            context: Context::open(index)?,
            memory: Mutex::default(),
            functions: Mutex::default(),
        })
    });
    opened.as_ref().map_err(Clone::clone)
}

impl Gpu {
    /// What is known of it.
    pub(crate) fn info(&self) -> &GpuInfo {
        &self.context.info
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // A panic inside leaves at worst a span that nobody gets again.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory for `bytes`, and whose it is.
    pub(crate) fn take(&self, bytes: usize) -> (Span, Home) {
        self.memory().take(&self.context, bytes)
    }

    /// Takes memory back.
    pub(crate) fn give(&self, span: Span, home: Home) {
        self.context.enter();
        self.memory().give(span, home);
    }

    /// What was done with its memory so far.
    pub(crate) fn pool_stats(&self) -> PoolStats {
        self.memory().stats()
    }

    /// A new home for what captured steps compute.
    pub(crate) fn open_home(&self) -> Home {
        self.memory().open()
    }

    /// Whatever a home has becomes everybody's, now or when it is dropped.
    pub(crate) fn close_home(&self, home: Home) {
        self.context.enter();
        self.memory().close(home);
    }

    /// Runs `f` with buffers taken from `home`.
    pub(crate) fn at_home<R>(&self, home: Home, f: impl FnOnce() -> R) -> R {
        struct Back<'a>(&'a Gpu, Home);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.memory().move_to(self.1);
            }
        }
        let before = self.memory().move_to(home);
        let _back = Back(self, before);
        f()
    }

    /// Says whether kernels are being captured for later.
    pub(super) fn set_capturing(&self, capturing: bool) {
        self.memory().set_capturing(capturing);
    }

    /// Copies `values` to the device. They may change when this returns.
    pub(crate) fn upload<T: bytemuck::Pod>(&self, to: Ptr, values: &[T]) {
        self.context.upload(to, values);
    }

    /// Copies from the device, after everything asked of it so far.
    pub(crate) fn download<T: bytemuck::Pod>(&self, from: Ptr, values: &mut [T]) {
        self.context.download(from, values);
    }

    /// Writes the same 32 bits into `len` words.
    pub(crate) fn fill(&self, to: Ptr, bits: u32, len: usize) {
        self.context.fill(to, bits, len);
    }

    /// Waits until everything asked of it is done.
    ///
    /// # Panics
    /// When something of that failed.
    pub(crate) fn synchronize(&self) {
        self.context.synchronize();
    }

    /// The kernels that were launched so far, sorted.
    pub(crate) fn launched(&self) -> Vec<&'static str> {
        let functions = self.functions.lock();
        functions.unwrap_or_else(PoisonError::into_inner).names()
    }

    /// Asks for the kernel `entry` of a family; see [`Module::launch`].
    ///
    /// # Panics
    /// As there.
    ///
    /// # Safety
    /// As there.
    #[allow(unsafe_code)]
    pub(super) unsafe fn launch(
        &self,
        of: &Module,
        entry: &'static str,
        launch: Launch,
        args: &[Arg<'_>],
    ) {
        self.context.enter();
        let mut functions = self
            .functions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let function = functions.get(&self.context, of, entry, launch.shared);
        let sizes = args.iter().map(|arg| arg.bytes);
        assert!(
            sizes.eq(function.params.iter().copied()),
            "{entry}: called with arguments of {:?} bytes, its parameters have {:?}",
            args.iter().map(|arg| arg.bytes).collect::<Vec<_>>(),
            function.params
        );
        let mut params = [std::ptr::null_mut::<c_void>(); MOST_PARAMS];
        for (param, arg) in params.iter_mut().zip(args) {
            *param = arg.at.cast_mut();
        }
        let [x, y, z] = launch.grid;
        // SAFETY: the function is loaded in this context, the parameters are as many and as
        // large as its own, and the driver only reads them; the rest is the caller's word.
        let launched = unsafe {
            result::launch_kernel(
                function.handle,
                (x, y, z),
                (launch.block, 1, 1),
                launch.shared,
                self.context.stream,
                &mut params[..args.len()],
            )
        };
        self.context.must(entry, launched);
    }
}
