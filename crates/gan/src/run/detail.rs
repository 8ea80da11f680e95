//! `detail.jsonl`: what single steps were like from close up, a line of JSON each.

use super::folder::Run;
use super::metrics::{LineWriter, for_each_line};
use anyhow::{Context, Result};
use detach_recipes::{At, Detail, Flow, Observer};
use std::collections::BTreeMap;

/// The details of `run`, in the order of their steps; none where it has written none. A line of a newer version, or of
/// a person, tells nothing.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn details(run: &Run) -> Result<Vec<Detail>> {
    let mut all = BTreeMap::new();
    for_each_line(&run.detail(), |line| {
        if let Ok(detail) = serde_json::from_str::<Detail>(line)
            && detail.version <= Detail::VERSION
        {
            all.insert(detail.step, detail);
        }
    })?;
    Ok(all.into_values().collect())
}

/// Appends to `detail.jsonl`.
#[derive(Debug)]
pub struct DetailWriter(LineWriter);

impl DetailWriter {
    /// Opens the run's file, which from now on describes its first `step` steps.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    pub fn open(run: &Run, step: u64) -> Result<Self> {
        LineWriter::open(run.detail(), step).map(Self)
    }

    /// A whole line or nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, detail: &Detail) -> Result<()> {
        let line = serde_json::to_string(detail).context("a detail as JSON")?;
        self.0.append(&line)
    }
}

/// Notes that training ended because a number is not finite any more. A run that goes on from before it drops the line.
///
/// # Errors
/// When it cannot be written.
pub fn diverged(run: &Run, (step, epoch): (u64, f64), why: &str) -> Result<()> {
    DetailWriter::open(run, step)?.append(&Detail {
        version: Detail::VERSION,
        step,
        epoch,
        networks: Vec::new(),
        answers: None,
        samples: None,
        reals: None,
        diverged: Some(why.to_owned()),
    })
}

impl Observer for DetailWriter {
    fn wants_details(&self) -> bool {
        true
    }

    fn detail(&mut self, _: At<'_>, detail: &Detail) -> Result<Flow> {
        self.append(detail)?;
        Ok(Flow::Continue)
    }
}
