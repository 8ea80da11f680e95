//! Where buffers live and kernels run. The only opener of a driver.

use crate::cuda::{self, Gpu};
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

/// An NVIDIA GPU that was opened: there is no other way to have one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cuda {
    index: u8,
    matmul: Matmul,
}

/// How products and convolutions are computed on a GPU. The CPU always computes in
/// [`Matmul::Fp32`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Matmul {
    /// 24 bits of every factor.
    #[default]
    Fp32,
    /// 11 bits of every factor, summed in 24, on tensor cores: several times as fast,
    /// at a relative error of about 3e-4. Takes compute capability 8.0 or later.
    Tf32,
}

/// Why a device cannot be had.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DeviceError {
    /// The name is not one of a device.
    #[error("unknown device `{0}`: use `auto`, `cpu` or `cuda:N`")]
    Unknown(String),
    /// There is no CUDA driver.
    #[error("{} (libcuda is not found): install one, or use `--device cpu`", self.reason())]
    NoDriver,
    /// The driver cannot read our kernels.
    #[error("{}: install driver 525 or later, or use `--device cpu`", self.reason())]
    OldDriver(String),
    /// There are fewer devices.
    #[error("there is no `cuda:{index}`: {}; `gan info` lists them", self.reason())]
    NoDevice {
        /// The device asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The device is older than our kernels.
    #[error("{}; use another device, `--device cpu` or `--matmul fp32`", self.reason())]
    OldDevice {
        /// Its number.
        index: usize,
        /// What it is called.
        name: String,
        /// Its compute capability, times ten.
        has: u32,
        /// The one that is needed, times ten.
        needs: u32,
    },
    /// The driver refused.
    #[error("{}; use `--device cpu`", self.reason())]
    Refused {
        /// The device asked for.
        index: usize,
        /// What it said.
        reason: String,
    },
}

impl DeviceError {
    /// What is wrong, without what to do about it.
    pub fn reason(&self) -> String {
        let version = |capability| format!("{}.{}", capability / 10, capability % 10);
        match self {
            Self::Unknown(name) => format!("unknown device `{name}`"),
            Self::NoDriver => "no NVIDIA driver is installed".to_owned(),
            Self::OldDriver(version) => {
                format!("the NVIDIA driver supports CUDA {version} and 12.0 is needed")
            }
            Self::NoDevice { count: 0, .. } => "the NVIDIA driver sees no GPU".to_owned(),
            Self::NoDevice { count: 1, .. } => "the NVIDIA driver sees one GPU".to_owned(),
            Self::NoDevice { count, .. } => format!("the NVIDIA driver sees {count} GPUs"),
            Self::OldDevice {
                index,
                name,
                has,
                needs,
            } => format!(
                "`cuda:{index}` ({name}) has compute capability {}, and {} is needed",
                version(has),
                version(needs)
            ),
            Self::Refused { index, reason } => {
                format!("the NVIDIA driver cannot use `cuda:{index}`: {reason}")
            }
        }
    }
}

/// What is known of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuInfo {
    /// What it is called.
    pub name: String,
    /// Compute capability, times ten: 90 is 9.0.
    pub capability: u32,
    /// Streaming multiprocessors.
    pub multiprocessors: u32,
    /// Bytes of memory.
    pub memory: usize,
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
        let gpu = cuda::open(index)?;
        if matmul == Matmul::Tf32 && gpu.info.capability < 80 {
            return Err(DeviceError::OldDevice {
                index,
                name: gpu.info.name.clone(),
                has: gpu.info.capability,
                needs: 80,
            });
        }
        let index = u8::try_from(index).unwrap_or_else(|_| unreachable!("opened: {index}"));
        Ok(Self::Cuda(Cuda { index, matmul }))
    }

    /// The same device with products computed so; `None` where it cannot.
    #[must_use]
    pub fn with_matmul(self, matmul: Matmul) -> Option<Self> {
        match self {
            Self::Cpu => Some(self),
            Self::Cuda(cuda) => Self::cuda(usize::from(cuda.index), matmul).ok(),
        }
    }

    /// Every GPU that can be used, in order, or why the first cannot.
    ///
    /// # Errors
    /// When there is none.
    pub fn gpus() -> Result<Vec<GpuInfo>, DeviceError> {
        let mut all = vec![cuda::open(0)?.info.clone()];
        all.extend((1..).map_while(|index| cuda::open(index).ok().map(|gpu| gpu.info.clone())));
        Ok(all)
    }

    /// What is known of it, where it is a GPU.
    pub fn gpu(self) -> Option<&'static GpuInfo> {
        match self {
            Self::Cpu => None,
            Self::Cuda(cuda) => Some(&cuda.gpu().info),
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

impl Cuda {
    /// How it computes products.
    pub fn matmul(self) -> Matmul {
        self.matmul
    }

    /// The driver's side of it.
    pub(crate) fn gpu(self) -> &'static Gpu {
        cuda::open(usize::from(self.index)).unwrap_or_else(|e| unreachable!("opened before: {e}"))
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(cuda) => {
                write!(f, "cuda:{}", cuda.index)?;
                match cuda.matmul {
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
