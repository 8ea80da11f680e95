//! What a run is and how far it is, in a few words.

use crate::diagnosis::{self, Record, Verdict};
use crate::run::{Config, Lock, Run, Scored};
use crate::show::text::grouped;
use anyhow::Result;
use serde_json::{Value, json};

/// A run, as far as its files tell without its networks.
pub(super) struct Summary {
    pub(super) run: Run,
    pub(super) config: Config,
    /// Steps that are saved.
    pub(super) steps: u64,
    /// Steps in all; `None` before it has said how many an epoch has.
    pub(super) total: Option<u64>,
    /// Epochs of the last line of metrics.
    pub(super) epoch: Option<f64>,
    /// Who trains it.
    pub(super) trained_by: Option<String>,
    pub(super) verdict: Verdict,
    pub(super) record: Record,
}

impl Summary {
    /// The summary of `run`.
    ///
    /// # Errors
    /// When a file of it cannot be read.
    pub(super) fn of(run: Run) -> Result<Self> {
        let (config, record) = (run.config()?, Record::of(&run)?);
        let last = record.history.series("epoch").last().copied();
        let whole = last.filter(|(_, epoch)| *epoch > 0.0).map(|(step, epoch)| {
            let per_epoch = step as f64 / epoch;
            (per_epoch * config.settings.epochs as f64).round() as u64
        });
        Ok(Self {
            steps: run.newest_step().unwrap_or(0),
            total: config.max_steps.or(whole),
            epoch: last.map(|(_, epoch)| epoch),
            trained_by: Lock::holder(run.dir()),
            verdict: diagnosis::of(&record),
            record,
            config,
            run,
        })
    }

    /// Its last scores, where it has some.
    pub(super) fn scores(&self) -> Option<&Scored> {
        self.record.scores.last()
    }

    /// Recipe and preset, and the seed where it is not the usual one.
    pub(super) fn title(&self) -> String {
        let mut title = self.config.recipe.clone();
        if !self.config.preset.is_published() {
            title += &format!(" {}", self.config.preset);
        }
        match self.config.settings.seed {
            0 => title,
            seed => format!("{title}, seed {seed}"),
        }
    }

    /// Steps done, of how many.
    pub(super) fn far(&self) -> String {
        let number = |n: u64| grouped(usize::try_from(n).unwrap_or(usize::MAX));
        match self.total {
            Some(total) if total != self.steps => {
                format!("{} of {}", number(self.steps), number(total))
            }
            _ => number(self.steps),
        }
    }

    /// Whether it is being trained, and else what it is like.
    pub(super) fn state(&self) -> String {
        let words = self.verdict.kind.words();
        match &self.trained_by {
            Some(_) if self.verdict.kind.is_failure() => format!("training: {words}"),
            Some(_) => "training".to_owned(),
            None => words.to_owned(),
        }
    }

    /// All of it for programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "path": crate::paths::Lossless(self.run.dir()),
            "recipe": self.config.recipe,
            "preset": self.config.preset.name(),
            "seed": self.config.settings.seed,
            "data": self.config.data,
            "steps": self.steps,
            "total": self.total,
            "epoch": self.epoch,
            "trained_by": self.trained_by,
            "verdict": self.verdict,
            "scores": self.scores().map(|scores| json!({
                "step": scores.step,
                "samples": scores.samples,
                "scores": scores.scores,
                "floor": scores.floor,
            })),
        })
    }
}
