//! Scores of a generator while it is trained: `scores.jsonl`, a line of JSON each.

use super::bench::Bench;
use super::interval::Estimate;
use super::quality::Quality;
use crate::describe::describe;
use crate::generator::Draws;
use crate::run::Run;
use crate::run::metrics::LineWriter;
use crate::run::scores::{Named, Scored};
use anyhow::{Context, Result};
use detach_recipes::{At, Scorer};
use std::rc::Rc;

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
    fn line(&self, at: At<'_>, quality: &Quality) -> Scored {
        let named = |quality: &Quality, of: fn(Estimate) -> Option<f64>| -> Named {
            let all = quality.numbers();
            all.map(|(name, estimate)| (name.to_owned(), of(estimate)))
                .collect()
        };
        let value = |estimate: Estimate| Some(estimate.value);
        Scored {
            version: Scored::VERSION,
            step: at.step(),
            epoch: at.trainer.epoch(),
            samples: quality.samples as u64,
            classifier: format!("{:08x}", self.bench.classifier.hash()),
            scores: named(quality, value),
            reach: named(quality, |estimate| estimate.reach),
            floor: named(&self.bench.floor, value),
            classes: quality.counts(),
        }
    }

    fn write(&mut self, line: &Scored) -> Result<()> {
        let Some(lines) = &mut self.lines else {
            return Ok(());
        };
        lines.append(&serde_json::to_string(line).context("scores as JSON")?)
    }
}

impl Scorer for TrainingScorer {
    fn score(&mut self, at: At<'_>) -> Result<Vec<(&'static str, f64)>> {
        let trainer = at.trainer;
        let mode = trainer.setup().settings.pictures.mode;
        let draws = Draws::of(trainer);
        let of_seed = (0, self.count, mode);
        let samples = self.bench.drawn(draws, of_seed, &mut |_| ())?;
        let size = trainer.setup().data()?[0];
        let of = (size, trainer.kind());
        let quality = self.bench.quality_of(&samples, trainer.recipe(), of);
        let line = self.line(at, &quality);
        if let Err(error) = self.write(&line) {
            warn(&error);
        }
        let numbers = quality.numbers();
        Ok(numbers
            .map(|(name, estimate)| (name, estimate.value))
            .collect())
    }
}

fn warn(error: &anyhow::Error) {
    tracing::warn!(
        "training goes on without a record of its scores: {}",
        describe(error)
    );
}
