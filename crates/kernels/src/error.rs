//! What can go wrong when a device is asked for.

/// Why a device cannot be had.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DeviceError {
    /// The name is not one of a device.
    #[error("unknown device `{0}`: use `auto`, `cpu` or `cuda:N`")]
    Unknown(String),
    /// There is no CUDA driver.
    #[error("{} (libcuda is not found): install one, or use the CPU", self.reason())]
    NoDriver,
    /// The driver cannot read our kernels.
    #[error("{}: install driver 525 or later, or use the CPU", self.reason())]
    OldDriver(String),
    /// There are fewer devices.
    #[error("there is no `cuda:{index}`: {}", self.reason())]
    NoDevice {
        /// The device asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The device is older than our kernels.
    #[error("{}; use another device, the CPU or products in fp32", self.reason())]
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
    #[error("{}; use the CPU", self.reason())]
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
