//! Where buffers live and kernels run. The only opener of a driver.

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
}

/// Why a device cannot be had.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DeviceError {
    /// The name is not one of a device.
    #[error("unknown device `{0}`: use `auto`, `cpu` or `cuda:N`")]
    Unknown(String),
    /// The name is that of a CUDA device, for which this build has no kernels.
    #[error(
        "device `{0}` cannot be used: this build has kernels for the CPU only; use `--device cpu` or `--device auto`"
    )]
    NoCuda(String),
}

impl Device {
    /// Opens the device called `name`: `auto`, `cpu` or `cuda:N`.
    ///
    /// `auto` takes the fastest device there is.
    ///
    /// # Errors
    /// When `name` is not a device's name, or the device is not to be had.
    pub fn open(name: &str) -> Result<Self, DeviceError> {
        match name {
            "auto" | "cpu" => Ok(Self::Cpu),
            _ if name == "cuda" || name.starts_with("cuda:") => {
                Err(DeviceError::NoCuda(name.to_owned()))
            }
            _ => Err(DeviceError::Unknown(name.to_owned())),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(Device::open("auto"), Ok(Device::Cpu));
        assert!(matches!(
            Device::open("cuda:0"),
            Err(DeviceError::NoCuda(_))
        ));
        assert!(matches!(Device::open("tpu"), Err(DeviceError::Unknown(_))));
    }
}
