//! Is it good, has it collapsed, is D dead, what to do: from what is on record of a run to one plain sentence.
//!
//! Pure functions of the record: its metrics, its [details](detach_recipes::detail), its scores where it has some.

mod record;
mod rules;
mod scores;
mod seen;
mod verdict;
mod watcher;

use crate::run::Run;
use anyhow::Result;
pub use record::Record;
pub use rules::of;
pub use verdict::{Check, Kind, Verdict};
pub use watcher::Watcher;

/// What is to be said of `run`.
///
/// # Errors
/// When a file of it is there and cannot be read.
pub fn of_run(run: &Run) -> Result<Verdict> {
    Ok(of(&Record::of(run)?))
}

#[cfg(test)]
mod tests;
