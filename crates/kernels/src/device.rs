//! Where buffers live and kernels run. The only opener of a driver.

use crate::cuda;
pub use crate::cuda::{Cuda, GpuInfo, Matmul};
pub use crate::error::DeviceError;
use std::fmt;

/// A place that holds buffers and runs kernels.
///
/// Adding a variant makes every `match` on the device in this crate stop
/// compiling until it has a kernel for it; no other crate matches on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// The host's processor, all of rayon's threads.
    #[default]
    Cpu,
    /// An NVIDIA GPU.
    Cuda(Cuda),
}

impl Device {
    /// Opens the device called `name`: `auto`, `cpu`, `cuda` or `cuda:N`. `auto` is
    /// [`Device::auto`].
    ///
    /// # Errors
    /// When `name` is not a device's name, or the device is not to be had.
    pub fn open(name: &str, matmul: Matmul) -> Result<Self, DeviceError> {
        match name {
            "cpu" => return Ok(Self::Cpu),
            "auto" => return Ok(Self::auto(matmul).0),
            _ => {}
        }
        let unknown = || DeviceError::Unknown(name.to_owned());
        let index = match name.strip_prefix("cuda").ok_or_else(unknown)? {
            "" => 0,
            number => {
                let number = number.strip_prefix(':').ok_or_else(unknown)?;
                number.parse().map_err(|_| unknown())?
            }
        };
        Self::cuda(index, matmul)
    }

    /// The fastest device there is, and where that is the CPU, why no GPU could be had.
    pub fn auto(matmul: Matmul) -> (Self, Option<DeviceError>) {
        match Self::cuda(0, matmul) {
            Ok(device) => (device, None),
            Err(why) => (Self::Cpu, Some(why)),
        }
    }

    fn cuda(index: usize, matmul: Matmul) -> Result<Self, DeviceError> {
        Cuda::open(index, matmul).map(Self::Cuda)
    }

    /// The same device with products computed so; `None` where it cannot.
    #[must_use]
    pub fn with_matmul(self, matmul: Matmul) -> Option<Self> {
        match self {
            Self::Cpu => Some(self),
            Self::Cuda(cuda) => Self::cuda(cuda.index(), matmul).ok(),
        }
    }

    /// Every GPU that can be used, in order, or why the first cannot.
    ///
    /// # Errors
    /// When there is none.
    pub fn gpus() -> Result<Vec<GpuInfo>, DeviceError> {
        let mut all = vec![cuda::open(0)?.info().clone()];
        all.extend((1..).map_while(|index| cuda::open(index).ok().map(|gpu| gpu.info().clone())));
        Ok(all)
    }

    /// What is known of it, where it is a GPU.
    pub fn gpu(self) -> Option<&'static GpuInfo> {
        match self {
            Self::Cpu => None,
            Self::Cuda(cuda) => Some(cuda.gpu().info()),
        }
    }

    /// The kernels that were launched on this GPU so far, sorted; none of a CPU.
    pub fn launched(self) -> Vec<&'static str> {
        match self {
            Self::Cpu => Vec::new(),
            Self::Cuda(cuda) => cuda.gpu().launched(),
        }
    }

    /// Waits until everything asked of the device is done.
    pub fn synchronize(self) {
        match self {
            Self::Cpu => {}
            Self::Cuda(cuda) => cuda.gpu().synchronize(),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(cuda) => {
                write!(f, "cuda:{}", cuda.index())?;
                match cuda.matmul() {
                    Matmul::Fp32 => Ok(()),
                    Matmul::Tf32 => f.write_str(" (tf32)"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let open = |name| Device::open(name, Matmul::Fp32);
        assert_eq!(open("cpu"), Ok(Device::Cpu));
        for name in ["tpu", "cuda:", "cuda:x", "cuda1", "cuda:-1", ""] {
            assert_eq!(open(name), Err(DeviceError::Unknown(name.to_owned())));
        }
    }

    #[test]
    fn auto_is_a_device_or_the_cpu_with_a_reason() {
        match Device::auto(Matmul::Fp32) {
            (Device::Cpu, why) => assert_eq!(
                Device::open("cuda:0", Matmul::Fp32).err(),
                why,
                "the same reason"
            ),
            (device, why) => {
                assert_eq!(Device::open("cuda", Matmul::Fp32), Ok(device));
                assert_eq!(why, None);
            }
        }
    }

    #[test]
    fn there_is_no_device_of_a_large_number() {
        Device::open("cuda:4000000000", Matmul::Fp32).expect_err("no such device");
    }
}
