//! Golden files: the numbers PyTorch gives for the same weights and inputs.

use crate::command;
use anyhow::Result;
use std::path::Path;
use std::process::{Command, ExitCode};

const SCRIPT: &str = "tests/golden/generate.py";

/// Runs the script that makes the golden files, with a Python that has PyTorch.
pub(crate) fn golden(root: &Path, check: bool) -> Result<ExitCode> {
    let python = command::python(root, None, &["torch", "numpy"])?;
    let mut script = Command::new(python);
    script.current_dir(root).arg(SCRIPT);
    if check {
        script.arg("--check");
    }
    command::become_it(script)
}
