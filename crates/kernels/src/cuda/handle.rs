//! An opened GPU, as devices name it.

use super::info::Matmul;
use super::params::{Arg, Launch, Module};
use super::{Gpu, open};
use crate::error::DeviceError;

/// An NVIDIA GPU that was opened: there is no other way to have one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cuda {
    index: u8,
    matmul: Matmul,
    /// Where there is no driver, there is no value of this type, and nothing that would
    /// launch a kernel is compiled.
    #[cfg(target_family = "wasm")]
    #[allow(dead_code, reason = "it is there to keep the type without values")]
    never: std::convert::Infallible,
}

impl Cuda {
    /// Opens GPU `index` for products computed so.
    ///
    /// # Errors
    /// When there is none, or it cannot.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn open(index: usize, matmul: Matmul) -> Result<Self, DeviceError> {
        let gpu = open(index)?;
        if matmul == Matmul::Tf32 && gpu.info().capability < 80 {
            return Err(DeviceError::OldDevice {
                index,
                name: gpu.info().name.clone(),
                has: gpu.info().capability,
                needs: 80,
            });
        }
        Ok(Self {
            index: u8::try_from(index).unwrap_or_else(|_| unreachable!("opened: {index}")),
            matmul,
        })
    }

    /// There is none to open.
    #[cfg(target_family = "wasm")]
    pub(crate) fn open(_: usize, _: Matmul) -> Result<Self, DeviceError> {
        Err(DeviceError::NoDriver)
    }

    /// Which GPU it is.
    pub(crate) fn index(self) -> usize {
        usize::from(self.index)
    }

    /// How it computes products.
    pub fn matmul(self) -> Matmul {
        self.matmul
    }

    /// The driver's side of it.
    pub(crate) fn gpu(self) -> &'static Gpu {
        open(self.index()).unwrap_or_else(|e| unreachable!("opened before: {e}"))
    }
}

impl Module {
    /// Asks `cuda` to run the kernel `entry`, after everything it was asked before.
    ///
    /// # Panics
    /// When there is no such kernel, when the arguments have not the number and sizes of
    /// its parameters, or when the driver refuses.
    ///
    /// # Safety
    /// The kernel, given these arguments and this many threads, stays within the memory
    /// of the buffers that its pointers are of, writes only to what the caller may write,
    /// and ends.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn launch(
        &self,
        cuda: Cuda,
        entry: &'static str,
        launch: Launch,
        args: &[Arg<'_>],
    ) {
        // SAFETY: the caller's promise.
        unsafe { cuda.gpu().launch(self, entry, launch, args) }
    }
}
