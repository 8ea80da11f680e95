//! Starting other programs.

use anyhow::{Context, Result, anyhow};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

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
///
/// `cargo run` replaces itself by the program where it can, as we do: one
/// process is left, so that signals and exit codes need no passing on.
pub(crate) fn become_gan(root: &Path, task: &[&str], args: &[OsString]) -> Result<ExitCode> {
    let mut run = cargo();
    run.args(["run", "--release", "--package", "detach-gan"]);
    run.args(["--bin", "gan", "--manifest-path"]);
    run.arg(root.join("Cargo.toml")).arg("--");
    run.args(task).args(args);
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
