//! Mistakes in a command line: exit code 2.

use crate::describe::describe;

/// A mistake in the command line that its parser cannot see: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(String);

/// The error that makes the program end with the exit code of a wrong command line.
pub(super) fn usage(error: impl Into<anyhow::Error>) -> anyhow::Error {
    Usage(describe(&error.into())).into()
}

/// The error with what to do about it on this command line.
pub(super) fn with_hint(error: impl Into<anyhow::Error>, hint: &str) -> anyhow::Error {
    let error = describe(&error.into());
    anyhow::anyhow!("{error}; {hint}")
}
