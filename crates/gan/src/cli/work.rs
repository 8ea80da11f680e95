//! Work of many pieces that writes a file: how far it is, and an end when a signal comes.

use super::progress::{Pace, far, left};
use super::signals::Signals;
use super::terminal::{Piece, Status};
use anyhow::Result;
use std::io;
use std::path::Path;
use std::time::Instant;

/// Work that a signal ended: exit code 128 and the signal's number.
#[derive(Debug, thiserror::Error)]
#[error("stopped; {0} was not written")]
pub struct Interrupted(String, u8);

impl Interrupted {
    /// The exit code.
    pub fn code(&self) -> u8 {
        128 + self.1
    }
}

/// Work of so many pieces. On a terminal it shows how far it is.
pub(super) struct Work<'a> {
    /// What comes of it.
    file: &'a Path,
    signals: &'a Signals,
    status: Option<Status>,
    pace: Pace,
    begun: Instant,
    done: u64,
    total: u64,
}

impl<'a> Work<'a> {
    /// Work of `total` pieces on `file`. A signal ends it, and no half of the file is left.
    pub(super) fn on(signals: &'a Signals, file: &'a Path, total: u64) -> Self {
        Self {
            file,
            signals,
            status: Status::new(total),
            pace: Pace::default(),
            begun: Instant::now(),
            done: 0,
            total,
        }
    }

    /// So many pieces more are done.
    ///
    /// # Errors
    /// When a signal has come.
    pub(super) fn did(&mut self, pieces: u64) -> io::Result<()> {
        if self.signals.first().is_some() {
            return Err(io::Error::other("stopped by a signal"));
        }
        self.done += pieces;
        self.pace.did(pieces, self.begun.elapsed());
        if let Some(status) = &mut self.status {
            let (done, total, seconds) = (self.done, self.total, self.pace.seconds());
            status.show(done, || {
                vec![
                    far(done, total),
                    Piece::new(1, self.file.display().to_string()),
                    Piece::new(2, left(seconds, total.saturating_sub(done))),
                ]
            });
        }
        Ok(())
    }

    /// What came of it: the signal, where one ended it.
    ///
    /// # Errors
    /// As said.
    pub(super) fn end<T>(self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match self.signals.first() {
            Some(number) => Interrupted(self.file.display().to_string(), number).into(),
            None => error,
        })
    }
}
