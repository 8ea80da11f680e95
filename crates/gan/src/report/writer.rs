//! `report.html`, written: at the end of a run, and now and then while it trains.

use super::Commands;
use super::compare::{Comparison, comparison};
use super::gather::{Depth, RunData};
use super::page::page;
use crate::run::Run;
use anyhow::Result;
use detach_recipes::{At, Flow, Observer};
use detach_tensor::Tensor;
use std::path::Path;
use std::time::{Duration, Instant};

/// Writes the page of `run` to `path`: whole, or not at all.
///
/// # Errors
/// When a file of the run cannot be read, or the page cannot be written.
pub fn write(run: &Run, depth: Depth, commands: &Commands, path: &Path) -> Result<()> {
    let text = page(&RunData::of(run, depth)?, commands)?;
    detach_files::write(path, |file| file.write_all(text.as_bytes()))?;
    Ok(())
}

/// Writes the page of several runs to `path`: whole, or not at all.
///
/// # Errors
/// When the page cannot be written.
pub fn write_comparison(runs: &Comparison, path: &Path) -> Result<()> {
    let text = comparison(runs, &path.display().to_string())?;
    detach_files::write(path, |file| file.write_all(text.as_bytes()))?;
    Ok(())
}

/// Renews a run's page when a picture is due, by the clock: nothing depends on it, and it costs a small part of the time.
pub struct Reports<'a> {
    run: &'a Run,
    commands: Commands,
    /// Not before so much time of the session.
    next: Duration,
}

impl<'a> Reports<'a> {
    /// From one page to the next.
    const EVERY: Duration = Duration::from_secs(20);
    /// From one page to the next, in what a page takes.
    const SHARE: u32 = 50;

    /// Keeps the page of `run`, with these commands.
    pub fn new(run: &'a Run, commands: Commands) -> Self {
        Self {
            run,
            commands,
            next: Duration::ZERO,
        }
    }
}

impl Observer for Reports<'_> {
    fn picture(&mut self, at: At<'_>, _: &Tensor) -> Result<Flow> {
        if at.elapsed >= self.next {
            let begun = Instant::now();
            write(self.run, Depth::Record, &self.commands, &self.run.report())?;
            self.next = at.elapsed + Self::EVERY.max(begun.elapsed() * Self::SHARE);
        }
        Ok(Flow::Continue)
    }
}
