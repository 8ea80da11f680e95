//! What there is to judge a run by.

use crate::run::detail::details;
use crate::run::scores::scores;
use crate::run::{History, Run, Scored};
use anyhow::Result;
use detach_recipes::Detail;

/// What is on record of a run.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Its lines of metrics.
    pub history: History,
    /// Steps from close up, in their order.
    pub details: Vec<Detail>,
    /// Its scores, in the order of their steps.
    pub scores: Vec<Scored>,
}

impl Record {
    /// The record of `run`.
    ///
    /// # Errors
    /// When a file of it is there and cannot be read.
    pub fn of(run: &Run) -> Result<Self> {
        Ok(Self {
            history: History::of(run)?,
            details: details(run)?,
            scores: scores(run)?,
        })
    }

    /// The last step on record.
    pub fn step(&self) -> u64 {
        let detail = self.details.last().map_or(0, |detail| detail.step);
        self.history.last().unwrap_or(0).max(detail)
    }
}
