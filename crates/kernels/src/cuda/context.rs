//! The driver, and what it knows of a GPU that is in use: its context and its one stream.

use super::info::GpuInfo;
use super::ptr::Ptr;
use crate::error::DeviceError;
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys;
use std::cell::Cell;
use std::sync::OnceLock;

/// The oldest driver that reads our kernels (PTX ISA 8.0), as it numbers itself.
const OLDEST_DRIVER: i32 = 12_000;
/// The oldest device they are compiled for: compute capability 7.5.
const OLDEST_DEVICE: u32 = 75;
/// A GPU in use. It is never closed: the process's end does that.
pub(super) struct Context {
    pub(super) info: GpuInfo,
    pub(super) stream: sys::CUstream,
    context: sys::CUcontext,
}

// SAFETY: context and stream are handles, which the driver lets any thread use.
#[allow(unsafe_code)]
unsafe impl Send for Context {}
// SAFETY: as above; nothing of it changes.
#[allow(unsafe_code)]
unsafe impl Sync for Context {}

thread_local! {
    /// The device whose context this thread has.
    static CURRENT: Cell<usize> = const { Cell::new(0) };
}

/// How many GPUs the driver has.
pub(super) fn device_count() -> Result<usize, DeviceError> {
    static COUNT: OnceLock<Result<usize, DeviceError>> = OnceLock::new();
    COUNT.get_or_init(probe).clone()
}

/// Asks whether there is a driver before any of its functions is called: cudarc panics
/// where there is none.
#[allow(unsafe_code)]
fn probe() -> Result<usize, DeviceError> {
    // SAFETY: loads a library of the system, or finds none.
    if !unsafe { sys::is_culib_present() } {
        return Err(DeviceError::NoDriver);
    }
    let refused = |error: DriverError| DeviceError::Refused {
        index: 0,
        reason: reason(error),
    };
    let mut version = 0;
    // SAFETY: the function needs no context and writes one number.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }
        .result()
        .map_err(refused)?;
    if version < OLDEST_DRIVER {
        let version = format!("{}.{}", version / 1000, version % 1000 / 10);
        return Err(DeviceError::OldDriver(version));
    }
    match result::init() {
        Err(DriverError(sys::CUresult::CUDA_ERROR_NO_DEVICE)) => return Ok(0),
        other => other.map_err(refused)?,
    }
    let count = result::device::get_count().map_err(refused)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// What the driver calls an error.
fn reason(error: DriverError) -> String {
    let text = |text: Result<&std::ffi::CStr, DriverError>| {
        text.map_or_else(|e| format!("{:?}", e.0), |t| t.to_string_lossy().into())
    };
    format!(
        "{} ({})",
        text(error.error_string()),
        text(error.error_name())
    )
}

impl Context {
    #[allow(unsafe_code)]
    pub(super) fn open(index: usize) -> Result<Self, DeviceError> {
        use sys::CUdevice_attribute as Attribute;
        let refused = |error| DeviceError::Refused {
            index,
            reason: reason(error),
        };
        let device = result::device::get(index as i32).map_err(refused)?;
        let name = result::device::get_name(device).map_err(refused)?;
        let number = |attribute| {
            // SAFETY: the device is one that the driver has just given.
            let value = unsafe { result::device::get_attribute(device, attribute) };
            value.map(|value| value as u32).map_err(refused)
        };
        let capability = 10 * number(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?
            + number(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
        if capability < OLDEST_DEVICE {
            return Err(DeviceError::OldDevice {
                index,
                name,
                has: capability,
                needs: OLDEST_DEVICE,
            });
        }
        // SAFETY: the device is one that the driver has just given.
        let memory = unsafe { result::device::total_mem(device) }.map_err(refused)?;
        // SAFETY: as above; the context is kept to the end of the process.
        let context = unsafe { result::primary_ctx::retain(device) }.map_err(refused)?;
        // SAFETY: the context is the one that was just given.
        unsafe { result::ctx::set_current(context) }.map_err(refused)?;
        CURRENT.set(context.addr());
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking);
        Ok(Self {
            info: GpuInfo {
                name,
                capability,
                multiprocessors: number(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
                memory,
            },
            stream: stream.map_err(refused)?,
            context,
        })
    }

    /// Makes the driver's calls of this thread calls to this device.
    #[allow(unsafe_code)]
    pub(super) fn enter(&self) {
        if CURRENT.get() == self.context.addr() {
            return;
        }
        // SAFETY: the context is kept to the end of the process.
        self.must("choosing the device", unsafe {
            result::ctx::set_current(self.context)
        });
        CURRENT.set(self.context.addr());
    }

    /// Waits until everything asked of it is done.
    ///
    /// # Panics
    /// When something of that failed.
    #[allow(unsafe_code)]
    pub(super) fn synchronize(&self) {
        self.enter();
        // SAFETY: the stream lives as long as the process.
        self.must("waiting", unsafe {
            result::stream::synchronize(self.stream)
        });
    }

    /// Copies `values` to the device. They may change when this returns.
    #[allow(unsafe_code)]
    pub(super) fn upload<T: bytemuck::Pod>(&self, to: Ptr, values: &[T]) {
        self.enter();
        // SAFETY: `to` is a span of at least this many bytes, which the caller owns, and
        // from memory that is not pinned the driver has copied before it returns.
        self.must("copying to the device", unsafe {
            result::memcpy_htod_async(to.0, values, self.stream)
        });
    }

    /// Copies from the device, after everything asked of it so far.
    #[allow(unsafe_code)]
    pub(super) fn download<T: bytemuck::Pod>(&self, from: Ptr, values: &mut [T]) {
        self.enter();
        // SAFETY: `from` is a span of at least this many bytes, and `values` is not read
        // before the copy is waited for.
        self.must("copying from the device", unsafe {
            result::memcpy_dtoh_async(values, from.0, self.stream)
        });
        self.synchronize();
    }

    /// Writes the same 32 bits into `len` words.
    #[allow(unsafe_code)]
    pub(super) fn fill(&self, to: Ptr, bits: u32, len: usize) {
        if len == 0 {
            return;
        }
        self.enter();
        // SAFETY: `to` is a span of at least this many words, which the caller owns.
        let status = unsafe { sys::cuMemsetD32Async(to.0, bits, len, self.stream) };
        self.must("filling memory", status.result());
    }

    /// Unwraps what the driver said.
    ///
    /// # Panics
    /// With the device, what was being done and the driver's reason. Kernels run later
    /// than they are launched, so a fault may show at a later call: then
    /// `CUDA_LAUNCH_BLOCKING=1` or compute-sanitizer finds the kernel.
    pub(super) fn must<T>(&self, doing: &str, result: Result<T, DriverError>) -> T {
        result.unwrap_or_else(|error| self.failed(doing, error))
    }

    #[cold]
    fn failed(&self, doing: &str, error: DriverError) -> ! {
        let hint = match error.0 {
            sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                "; use a smaller --batch-size, or another device"
            }
            sys::CUresult::CUDA_ERROR_ILLEGAL_ADDRESS | sys::CUresult::CUDA_ERROR_LAUNCH_FAILED => {
                "; a kernel before this failed: CUDA_LAUNCH_BLOCKING=1 shows which"
            }
            _ => "",
        };
        panic!("{}: {doing}: {}{hint}", self.info.name, reason(error));
    }
}
