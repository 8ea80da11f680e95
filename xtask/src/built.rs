//! Programs that cargo builds as parts of the whole workspace.
//!
//! With `--package`, cargo gives dependencies the features that the chosen packages ask for, and builds what differs from
//! the workspace's again, from the kernels up. So what is run alone is built with all, and found by what cargo says of it.

use crate::command;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program that was built.
#[derive(Debug, PartialEq)]
pub(crate) struct Built {
    /// The folder of its package.
    pub(crate) folder: PathBuf,
    /// What it is called.
    pub(crate) name: String,
    /// The program.
    pub(crate) path: PathBuf,
}

impl Built {
    /// The program, in its package's folder, as cargo would run it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }
}

/// What `cargo` with `words` builds; errors and warnings are shown.
///
/// # Errors
/// When it cannot be built.
pub(crate) fn build(root: &Path, words: &[&str]) -> Result<Vec<Built>> {
    let mut cargo = command::cargo();
    cargo
        .current_dir(root)
        .args(words)
        .args([
            "--quiet",
            "--workspace",
            "--message-format=json-render-diagnostics",
        ])
        .stderr(Stdio::inherit());
    let output = cargo.output().with_context(|| command::could_not(&cargo))?;
    if !output.status.success() {
        bail!("cargo {} ended with {}", words.join(" "), output.status);
    }
    let said = String::from_utf8(output.stdout).context("what cargo says is text")?;
    Ok(said.lines().filter_map(built).collect())
}

/// The program that a line of cargo's is about.
fn built(line: &str) -> Option<Built> {
    let line: Value = serde_json::from_str(line).ok()?;
    let path = line.get("executable")?.as_str()?;
    let manifest = Path::new(line.get("manifest_path")?.as_str()?);
    Some(Built {
        folder: manifest.parent()?.to_owned(),
        name: line.get("target")?.get("name")?.as_str()?.to_owned(),
        path: path.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_libraries() {
        let line = r#"{"reason":"compiler-artifact","manifest_path":"/w/tests/Cargo.toml","target":{"name":"parity"},"executable":"/w/target/debug/deps/parity-1"}"#;
        let program = built(line).expect("a program");
        let paths = [program.folder, program.path];
        assert_eq!(
            paths,
            ["/w/tests", "/w/target/debug/deps/parity-1"].map(PathBuf::from)
        );
        assert_eq!(program.name, "parity");
        let library = line.replace("\"/w/target/debug/deps/parity-1\"", "null");
        assert_eq!(built(&library), None);
        assert_eq!(built("no JSON"), None);
    }
}
