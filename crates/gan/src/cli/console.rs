//! What the program says: results on stdout, everything else on stderr.

use super::terminal::{self, above_the_status};
use anyhow::{Context, Result};
use std::io::{ErrorKind, Write};
use tracing_subscriber::EnvFilter;

/// Writes a result to stdout. A reader that has seen enough (`gan recipes | head -1`)
/// is no error, and no reason to stop a training run.
///
/// # Errors
/// When stdout cannot be written, such as to a full disk.
pub fn result(text: &str) -> Result<()> {
    let write = || {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    };
    match above_the_status(write) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}

/// Writes a line to stderr. Where nobody reads it, it is lost: `eprintln!` would panic.
pub fn note(line: &str) {
    let _ = above_the_status(|| writeln!(std::io::stderr(), "{line}"));
}

/// Starts the log on stderr, in colours where these are wanted there.
pub(super) fn start_log(filter: EnvFilter) {
    let log = tracing_subscriber::fmt()
        .with_writer(|| Log(Vec::new()))
        .with_env_filter(filter)
        .with_ansi(terminal::colours())
        .without_time();
    // A program that has a log of its own keeps it.
    let _ = log.try_init();
}

/// An entry of the log, written as a whole when it is dropped.
struct Log(Vec<u8>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = above_the_status(|| std::io::stderr().write_all(&self.0));
    }
}
