//! Opening a GPU.

use super::memory::Memory;
use super::module::Functions;
use crate::device::{DeviceError, GpuInfo};
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys;
use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// The oldest driver that reads our kernels (PTX ISA 8.0), as it numbers itself.
const OLDEST_DRIVER: i32 = 12_000;
/// The oldest device they are compiled for: compute capability 7.5.
const OLDEST_DEVICE: u32 = 75;
/// Devices that can be opened.
const MOST: usize = 16;

/// A GPU in use. It is never closed: the process's end does that.
pub(crate) struct Gpu {
    pub(crate) info: GpuInfo,
    pub(super) stream: sys::CUstream,
    context: sys::CUcontext,
    memory: Mutex<Memory>,
    functions: Mutex<Functions>,
}

// SAFETY: context and stream are handles, which the driver lets any thread use.
#[allow(unsafe_code)]
unsafe impl Send for Gpu {}
// SAFETY: as above; what changes is behind locks.
#[allow(unsafe_code)]
unsafe impl Sync for Gpu {}

thread_local! {
    /// The device whose context this thread has.
    static CURRENT: Cell<usize> = const { Cell::new(0) };
}

/// The GPU of this number, opened at the first call.
pub(crate) fn open(index: usize) -> Result<&'static Gpu, DeviceError> {
    static GPUS: [OnceLock<Result<Gpu, DeviceError>>; MOST] = [const { OnceLock::new() }; MOST];
    let count = device_count()?;
    let none = DeviceError::NoDevice { index, count };
    let gpu = GPUS.get(index).filter(|_| index < count).ok_or(none)?;
    gpu.get_or_init(|| Gpu::open(index))
        .as_ref()
        .map_err(Clone::clone)
}

/// The GPUs that were opened so far.
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
pub(super) fn reason(error: DriverError) -> String {
    let text = |text: Result<&std::ffi::CStr, DriverError>| {
        text.map_or_else(|e| format!("{:?}", e.0), |t| t.to_string_lossy().into())
    };
    format!(
        "{} ({})",
        text(error.error_string()),
        text(error.error_name())
    )
}

impl Gpu {
    #[allow(unsafe_code)]
    fn open(index: usize) -> Result<Self, DeviceError> {
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
            memory: Mutex::default(),
            functions: Mutex::default(),
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

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        // A panic inside leaves at worst a span that nobody gets again.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn functions(&self) -> MutexGuard<'_, Functions> {
        self.functions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything asked of it is done.
    ///
    /// # Panics
    /// When something of that failed.
    #[allow(unsafe_code)]
    pub(crate) fn synchronize(&self) {
        self.enter();
        // SAFETY: the stream lives as long as the process.
        self.must("waiting", unsafe {
            result::stream::synchronize(self.stream)
        });
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
