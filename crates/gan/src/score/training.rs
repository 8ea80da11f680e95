//! Scores of a generator while it is trained: `scores.jsonl`, a line of JSON each.

use super::bench::Bench;
use super::quality::{MEASURES, Quality};
use crate::describe::describe;
use crate::generator::Draws;
use crate::run::Run;
use crate::run::metrics::LineWriter;
use anyhow::Result;
use detach_recipes::{At, Scorer};
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// The version of a line.
const VERSION: u32 = 1;

/// Scores a generator in training as `gan score` scores it afterwards, and writes all of it to `scores.jsonl`. What cannot
/// be written costs a warning.
pub struct TrainingScorer {
    bench: Rc<Bench>,
    count: usize,
    lines: Option<LineWriter>,
}

impl TrainingScorer {
    /// Scores of `count` samples each; the file describes the run's first `step` steps from now on.
    pub fn new(run: &Run, step: u64, bench: Rc<Bench>, count: usize) -> Self {
        let lines = LineWriter::open(run.scores(), step);
        Self {
            bench,
            count,
            lines: lines.map_err(|error| warn(&error)).ok(),
        }
    }

    /// All of `quality` as a line.
    fn line(&self, at: At<'_>, quality: &Quality) -> String {
        let numbers = |of: &dyn Fn(usize) -> Option<f64>| -> Map<String, Value> {
            let all = MEASURES.iter().enumerate();
            all.filter_map(|(place, measure)| Some((measure.name.to_owned(), json!(of(place)?))))
                .collect()
        };
        let floor = &self.bench.floor.values;
        let counts = quality.classes.iter().map(|class| {
            let share = class.share.value * quality.samples as f64;
            share.round() as u64
        });
        json!({
            "version": VERSION,
            "step": at.step(),
            "epoch": at.trainer.epoch(),
            "samples": quality.samples,
            "classifier": format!("{:08x}", self.bench.classifier.hash()),
            "scores": numbers(&|place| Some(quality.values[place].value)),
            "reach": numbers(&|place| quality.values[place].reach),
            "floor": numbers(&|place| Some(floor[place].value)),
            "classes": counts.collect::<Vec<u64>>(),
        })
        .to_string()
    }
}

impl Scorer for TrainingScorer {
    fn score(&mut self, at: At<'_>) -> Result<Vec<(&'static str, f64)>> {
        let mode = at.trainer.setup().settings.pictures.mode;
        let draws = Draws::of(at.trainer);
        let samples = self
            .bench
            .drawn(draws, (0, self.count, mode), &mut |_| ())?;
        let quality = self.bench.quality(&samples);
        let line = self.line(at, &quality);
        if let Some(lines) = &mut self.lines
            && let Err(error) = lines.append(&line)
        {
            warn(&error);
        }
        let values = MEASURES.iter().zip(&quality.values);
        Ok(values
            .map(|(measure, estimate)| (measure.name, estimate.value))
            .collect())
    }
}

fn warn(error: &anyhow::Error) {
    tracing::warn!(
        "training goes on without a record of its scores: {}",
        describe(error)
    );
}
