//! Golden files: the numbers PyTorch gives for the same weights and inputs.

use crate::command;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

const SCRIPT: &str = "tests/golden/generate.py";
const NEEDS: &str = "import torch, numpy";
const INSTALL: &str =
    "python3 -m venv .venv && .venv/bin/pip install torch==2.11.0 numpy safetensors";

/// Runs the script that makes the golden files, with a Python that has PyTorch.
pub(crate) fn golden(root: &Path, check: bool) -> Result<ExitCode> {
    let named = std::env::var_os("PYTHON").map(PathBuf::from);
    let candidates = candidates(root, named);
    let Some(python) = candidates.iter().find(|python| has_torch(python)) else {
        let tried: Vec<String> = candidates
            .iter()
            .map(|python| format!("`{}`", python.display()))
            .collect();
        bail!(
            "{} cannot import torch and numpy; install them: {INSTALL}",
            tried.join(", ")
        );
    };
    let mut script = Command::new(python);
    script.current_dir(root).arg(SCRIPT);
    if check {
        script.arg("--check");
    }
    command::become_it(script)
}

/// The Pythons to ask, in order. One that the user names is the only one.
fn candidates(root: &Path, named: Option<PathBuf>) -> Vec<PathBuf> {
    let venv = match cfg!(windows) {
        true => ".venv/Scripts/python.exe",
        false => ".venv/bin/python",
    };
    match named {
        Some(python) => vec![python],
        None => vec![root.join(venv), "python3".into(), "python".into()],
    }
}

fn has_torch(python: &Path) -> bool {
    Command::new(python)
        .args(["-c", NEEDS])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_python_is_the_only_one_asked() {
        let root = Path::new("house");
        assert_eq!(
            candidates(root, Some("mine".into())),
            [PathBuf::from("mine")]
        );
        let found = candidates(root, None);
        assert!(found[0].starts_with("house/.venv"), "{found:?}");
        assert_eq!(found[1..], [PathBuf::from("python3"), "python".into()]);
    }

    #[test]
    fn a_python_that_is_not_there_has_no_torch() {
        assert!(!has_torch(Path::new("no-such-python")));
    }
}
