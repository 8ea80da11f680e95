//! What there is to judge a run by.

use crate::run::detail::details;
use crate::run::metrics::for_each_line;
use crate::run::{History, Run};
use anyhow::Result;
use detach_recipes::Detail;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What is on record of a run.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Its lines of metrics.
    pub history: History,
    /// Steps from close up, in their order.
    pub details: Vec<Detail>,
    /// Its last scores, where it has some.
    pub scores: Option<Scores>,
}

/// The scores of a run's samples beside those of real images: a line of `scores.jsonl`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Steps done.
    pub step: u64,
    /// Epochs done.
    pub epoch: f64,
    /// How many samples were judged.
    pub samples: usize,
    /// By name: `fid`, `precision`.
    pub scores: BTreeMap<String, f64>,
    /// What real images come to, by the same names.
    pub floor: BTreeMap<String, f64>,
    /// Samples of each class, as the classifier sees them.
    pub classes: Vec<u64>,
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
            scores: Scores::of(run)?,
        })
    }

    /// The last step on record.
    pub fn step(&self) -> u64 {
        let detail = self.details.last().map_or(0, |detail| detail.step);
        self.history.last().unwrap_or(0).max(detail)
    }
}

impl Scores {
    /// The last scores of `run`; `None` where it has none.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn of(run: &Run) -> Result<Option<Self>> {
        let mut last: Option<Self> = None;
        for_each_line(&run.scores(), |line| {
            if let Some(scores) = Self::read(line)
                && last.as_ref().is_none_or(|last| last.step <= scores.step)
            {
                last = Some(scores);
            }
        })?;
        Ok(last)
    }

    /// A line; `None` of one that tells no scores.
    pub(super) fn read(line: &str) -> Option<Self> {
        let line: Map<String, Value> = serde_json::from_str(line).ok()?;
        let numbers = |key: &str| -> Option<BTreeMap<String, f64>> {
            let all = line.get(key)?.as_object()?;
            let number = |(name, value): (&String, &Value)| Some((name.clone(), value.as_f64()?));
            Some(all.iter().filter_map(number).collect())
        };
        let classes = line.get("classes").and_then(Value::as_array);
        Some(Self {
            step: line.get("step")?.as_u64()?,
            epoch: line.get("epoch").and_then(Value::as_f64).unwrap_or(0.0),
            samples: line.get("samples").and_then(Value::as_u64).unwrap_or(0) as usize,
            scores: numbers("scores")?,
            floor: numbers("floor").unwrap_or_default(),
            classes: classes
                .into_iter()
                .flatten()
                .filter_map(Value::as_u64)
                .collect(),
        })
    }

    /// The score called `name`, and what real images come to.
    pub fn get(&self, name: &str) -> Option<[f64; 2]> {
        Some([*self.scores.get(name)?, *self.floor.get(name)?])
    }
}
