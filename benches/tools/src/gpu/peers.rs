//! PyTorch on the same device: `benches/peers/pytorch.py --device cuda`.

use super::Ceilings;
use anyhow::{Error, Result};
use detach_benches::pytorch;
use std::path::Path;

/// A running PyTorch. It ends with this.
#[derive(Debug)]
pub struct PyTorch(pytorch::PyTorch);

impl PyTorch {
    /// Starts the script in the folder `scripts`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(python: &Path, scripts: &Path) -> Result<Self> {
        let started = pytorch::PyTorch::start(python, scripts, "cuda");
        Ok(Self(started.map_err(Error::msg)?))
    }

    /// What it says of itself.
    pub fn info(&self) -> &str {
        self.0.info()
    }

    /// The median of `runs` runs in milliseconds, or the value that a case has instead.
    ///
    /// # Errors
    /// When it has no such case, or ended.
    pub fn ask(&mut self, runs: usize, case: &str) -> Result<f64> {
        self.0.ask(runs as u64, case).map_err(Error::msg)
    }

    /// What it reaches itself.
    pub(super) fn ceilings(&mut self) -> Ceilings {
        let mut ask = |case| match self.ask(1, case) {
            Ok(value) => Some(value),
            Err(error) => {
                eprintln!("          PyTorch, {case}: {error:#}");
                None
            }
        };
        Ceilings {
            fp32: ask("peak fp32"),
            tf32: ask("peak tf32"),
            copy: ask("copy"),
        }
    }
}
