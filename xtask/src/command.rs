//! Starting other programs.

use anyhow::{Context, Result, anyhow, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The folder that holds the workspace.
pub(crate) fn root() -> Result<PathBuf> {
    // Cargo sets the variable for `cargo run`; a binary that was started by
    // hand knows where it was built.
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    match here.parent() {
        Some(root) if root.join("Cargo.toml").is_file() => Ok(root.to_owned()),
        _ => Err(anyhow!(
            "no workspace around {}; run `cargo xtask` inside of the repository",
            here.display()
        )),
    }
}

/// The cargo that started us.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Builds `gan` in release mode and runs it with `task` and `args`, in the
/// folder the user is in.
pub(crate) fn become_gan(root: &Path, task: &[&str], args: &[OsString]) -> Result<ExitCode> {
    let task = task.iter().map(OsString::from);
    let args: Vec<OsString> = task.chain(args.iter().cloned()).collect();
    become_program(root, "release", ["detach-gan", "gan"], &args)
}

/// Builds a program, given as its package and its name, in a profile and runs it with `args`, in the folder the user is in.
///
/// `cargo run` replaces itself by the program where it can, as we do: one
/// process is left, so that signals and exit codes need no passing on.
pub(crate) fn become_program(
    root: &Path,
    profile: &str,
    [package, program]: [&str; 2],
    args: &[OsString],
) -> Result<ExitCode> {
    let mut run = cargo();
    run.args(["run", "--profile", profile, "--package", package]);
    run.args(["--bin", program, "--manifest-path"]);
    run.arg(root.join("Cargo.toml")).arg("--").args(args);
    become_it(run)
}

/// Goes on as this command. It returns only when that cannot be.
#[cfg(unix)]
pub(crate) fn become_it(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(error).with_context(|| could_not(&command))
}

/// Runs this command and answers with its exit code.
#[cfg(not(unix))]
pub(crate) fn become_it(mut command: Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| could_not(&command))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// The words for a program that does not start.
pub(crate) fn could_not(command: &Command) -> String {
    format!(
        "could not start `{}`; is it installed and on PATH?",
        command.get_program().to_string_lossy()
    )
}

/// A Python that can import `modules`: the one that is `named`, here or by the variable
/// PYTHON, or else the first of those that are likely.
///
/// # Errors
/// When there is none, with what to install.
pub(crate) fn python(root: &Path, named: Option<PathBuf>, modules: &[&str]) -> Result<PathBuf> {
    const INSTALL: &str =
        "python3 -m venv .venv && .venv/bin/pip install torch==2.11.0 numpy safetensors";
    let named = named.or_else(|| std::env::var_os("PYTHON").map(PathBuf::from));
    let candidates = pythons(root, named);
    if let Some(python) = candidates.iter().find(|python| imports(python, modules)) {
        return Ok(python.clone());
    }
    let tried: Vec<String> = candidates
        .iter()
        .map(|python| format!("`{}`", python.display()))
        .collect();
    bail!(
        "{} cannot import {}; install them: {INSTALL}",
        tried.join(", "),
        modules.join(" and ")
    );
}

/// The Pythons to ask, in order. One that the user names is the only one.
fn pythons(root: &Path, named: Option<PathBuf>) -> Vec<PathBuf> {
    let venv = match cfg!(windows) {
        true => ".venv/Scripts/python.exe",
        false => ".venv/bin/python",
    };
    match named {
        Some(python) => vec![python],
        None => vec![root.join(venv), "python3".into(), "python".into()],
    }
}

fn imports(python: &Path, modules: &[&str]) -> bool {
    Command::new(python)
        .args(["-c", &format!("import {}", modules.join(", "))])
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
        assert_eq!(pythons(root, Some("mine".into())), [PathBuf::from("mine")]);
        let found = pythons(root, None);
        assert!(found[0].starts_with("house/.venv"), "{found:?}");
        assert_eq!(found[1..], [PathBuf::from("python3"), "python".into()]);
    }

    #[test]
    fn a_python_that_is_not_there_imports_nothing() {
        let named = Some(PathBuf::from("no-such-python"));
        let error = python(Path::new("house"), named, &["torch"]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("`no-such-python` cannot import torch"),
            "{text}"
        );
    }
}
