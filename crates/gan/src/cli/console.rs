//! What the program says: results on stdout, everything else on stderr.

use anyhow::{Context, Result};
use std::io::{ErrorKind, Write};

/// Writes a result to stdout. A reader that has seen enough (`gan recipes | head -1`)
/// is no error, and no reason to stop a training run.
///
/// # Errors
/// When stdout cannot be written, such as to a full disk.
pub fn result(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}

/// Writes a line to stderr. Where nobody reads it, it is lost: `eprintln!` would panic.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
