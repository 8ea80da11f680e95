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

/// An error with its causes. A cause that the text before it has told already is left
/// out: messages of the libraries name theirs.
pub fn describe(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        let cause = cause.trim_end();
        if !text.contains(cause) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once() {
        let inner = std::io::Error::other("disk full");
        let write = crate::atomic::WriteError::new(std::path::Path::new("a.png"), inner);
        let text = describe(&anyhow::Error::new(write).context("cannot draw"));
        assert_eq!(text.matches("disk full").count(), 1, "{text}");
        assert!(
            text.starts_with("cannot draw: could not write a.png"),
            "{text}"
        );
    }
}
