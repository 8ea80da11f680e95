//! Scores of a generator while it is trained: `scores.jsonl`, a line of JSON each.

use super::bench::Bench;
use super::gap::{GAP, NO_GAP};
use super::interval::Estimate;
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
    fn line(&self, at: At<'_>, quality: &Quality, gap: Option<Estimate>) -> String {
        let numbers = |of: &dyn Fn(usize) -> Option<f64>| -> Map<String, Value> {
            let all = MEASURES.iter().enumerate();
            all.filter_map(|(place, measure)| Some((measure.name.to_owned(), json!(of(place)?))))
                .collect()
        };
        let floor = &self.bench.floor.values;
        let with_gap = |mut numbers: Map<String, Value>, of_gap: Option<f64>| {
            numbers.extend(of_gap.map(|gap| (GAP.to_owned(), json!(gap))));
            numbers
        };
        let scores = numbers(&|place| Some(quality.values[place].value));
        let reach = numbers(&|place| quality.values[place].reach);
        let floors = numbers(&|place| Some(floor[place].value));
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
            "scores": with_gap(scores, gap.map(|gap| gap.value)),
            "reach": with_gap(reach, gap.and_then(|gap| gap.reach)),
            "floor": with_gap(floors, gap.map(|_| NO_GAP)),
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
        let trainer = at.trainer;
        let size = trainer.setup().data()?[0];
        let gap = self.bench.gap(trainer.recipe(), size, trainer.kind());
        let line = self.line(at, &quality, gap);
        if let Some(lines) = &mut self.lines
            && let Err(error) = lines.append(&line)
        {
            warn(&error);
        }
        let values = MEASURES.iter().zip(&quality.values);
        let values = values.map(|(measure, estimate)| (measure.name, estimate.value));
        Ok(values.chain(gap.map(|gap| (GAP, gap.value))).collect())
    }
}

fn warn(error: &anyhow::Error) {
    tracing::warn!(
        "training goes on without a record of its scores: {}",
        describe(error)
    );
}
