//! Where a command computes: `--device` and `--matmul`.

use super::usage::usage;
use anyhow::{Result, anyhow};
use detach_recipes::settings::MatmulMode;
use detach_tensor::{DType, Device, DeviceError, Kind};

/// A device that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    device: Device,
    /// Why `auto` took the CPU.
    why: Option<DeviceError>,
    matmul: MatmulMode,
}

impl Opened {
    /// The device called `name`, to compute products as `matmul` says.
    ///
    /// # Errors
    /// When it is not to be had.
    pub(super) fn open(name: &str, matmul: MatmulMode) -> Result<Self> {
        let (device, why) = match name {
            "auto" => Device::auto(matmul.into()),
            _ => match Device::open(name, matmul.into()) {
                Ok(device) => (device, None),
                Err(error @ DeviceError::Unknown(_)) => return Err(usage(error)),
                Err(error) => return Err(flagged(&error)),
            },
        };
        Ok(Self {
            device,
            why,
            matmul,
        })
    }

    /// Refuses what the device cannot do, where a person has just asked for it. What a run was
    /// begun with is another matter: it may go on on the CPU.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn does(self, asked: Option<MatmulMode>) -> Result<Self> {
        if asked != Some(MatmulMode::Tf32) || self.device.gpu().is_some() {
            return Ok(self);
        }
        Err(match &self.why {
            None => usage(anyhow!(
                "--matmul tf32 is for GPUs, and the CPU computes in fp32; leave it out, or use `--device cuda:0`"
            )),
            Some(why) => anyhow!(
                "--matmul tf32 needs a GPU, and {}; leave it out to train on the CPU",
                why.reason()
            ),
        })
    }

    /// Element type and device of what is computed here.
    pub(super) fn kind(&self) -> Kind {
        Kind {
            dtype: DType::F32,
            device: self.device,
        }
    }

    /// Whether `auto` took the CPU because there is no GPU.
    pub(super) fn is_fallback(&self) -> bool {
        self.why.is_some()
    }

    /// The device, what it is, and why it is not a GPU where one was hoped for.
    pub(super) fn describe(&self) -> String {
        if let Some(gpu) = self.device.gpu() {
            return format!("{} ({})", self.device, gpu.name);
        }
        let mut about = format!("{} threads", rayon::current_num_threads());
        if self.matmul == MatmulMode::Tf32 {
            about += ", fp32 instead of tf32";
        }
        if let Some(why) = &self.why {
            about += "; ";
            about += &why.reason();
        }
        format!("{} ({about})", self.device)
    }
}

/// The error with its cure as flags: below, nothing knows one.
fn flagged(error: &DeviceError) -> anyhow::Error {
    let text = error
        .to_string()
        .replace("the CPU", "`--device cpu`")
        .replace("products in fp32", "`--matmul fp32`");
    match error {
        DeviceError::NoDevice { .. } => anyhow!("{text}; `gan info` lists them"),
        _ => anyhow!("{text}"),
    }
}
