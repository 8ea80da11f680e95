//! A run, brought to where it was after any of its steps.

use crate::lesson::sets::Sets;
use crate::lesson::subject::as_of;
use crate::run::{Config, History, Run};
use anyhow::{Context, Result, ensure};
use detach_nn::Checkpoint;
use detach_recipes::checkpoint::other_arithmetic;
use detach_recipes::{Setup, Trainer};
use detach_tensor::Kind;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A run whose steps are made again.
pub struct Source {
    /// The run.
    pub run: Run,
    /// Its recipe and settings.
    pub setup: Setup,
    pub(super) config: Config,
    pub(super) kind: Kind,
    sets: Sets,
    history: History,
}

/// How a run was brought to a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rebuilt {
    /// The step of the checkpoint that it was begun from; 0 where that was the first weights.
    pub from: u64,
    /// Steps that were made again from there, as the run had made them.
    pub steps: u64,
    /// What the run's record says of these steps.
    pub record: Record,
    /// What the run had computed with, and what is computed with here, where these differ in last digits.
    pub arithmetic: Option<[String; 2]>,
}

/// What `metrics.jsonl` says of steps that were made again.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Record {
    /// Lines that tell of one of them.
    pub lines: usize,
    /// The first number of a line that came out as another.
    pub differs: Option<Off>,
}

/// A number that is not what it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Off {
    /// The step.
    pub step: u64,
    /// What it is of.
    pub name: String,
    /// What the run had.
    pub was: f64,
    /// What came out now.
    pub is: f64,
}

/// Counts steps for whoever waits: steps done, and steps in all.
pub(super) struct Steps<'a> {
    done: u64,
    total: u64,
    told: &'a mut dyn FnMut(u64, u64),
}

impl<'a> Steps<'a> {
    pub(super) fn new(total: u64, told: &'a mut dyn FnMut(u64, u64)) -> Self {
        told(0, total);
        Self {
            done: 0,
            total,
            told,
        }
    }

    pub(super) fn did_one(&mut self) {
        self.done += 1;
        (self.told)(self.done, self.total);
    }
}

impl Source {
    /// A run, its images where its record says or at `data`.
    ///
    /// # Errors
    /// When one of its files cannot be read, or its images are not there
    /// ([`NoImages`](crate::lesson::NoImages)).
    pub fn open(run: Run, data: Option<&Path>, kind: Kind) -> Result<Self> {
        let config = run.config()?;
        let setup = config.setup()?;
        Ok(Self {
            sets: Sets::of_run(&config, &setup, data)?,
            history: History::of(&run)?,
            run,
            setup,
            config,
            kind,
        })
    }

    /// A recipe before its first step, on the run's images.
    pub(super) fn fresh(&self, setup: &Setup) -> Result<Trainer> {
        let batches = self.sets.batches(setup, self.kind)?;
        Trainer::new(setup.clone(), batches, self.kind)
    }

    /// Steps that the run has, or is to have.
    pub(super) fn total(&self) -> Result<u64> {
        let per_epoch = self.fresh(&self.setup)?.steps_per_epoch();
        let whole = self.setup.settings.epochs.saturating_mul(per_epoch);
        Ok(self.config.max_steps.map_or(whole, |max| max.min(whole)))
    }

    /// The checkpoint nearest before or at the end of `step`, and the step that it is of.
    pub(super) fn nearest(&self, step: u64) -> Option<(u64, PathBuf)> {
        let mut saved = self.run.saved().into_iter().rev();
        saved.find(|(of, _)| *of <= step)
    }

    /// A checkpoint of the run in the file at `path`, which is called one of `step`.
    pub(super) fn load(&self, step: u64, path: &Path) -> Result<Checkpoint> {
        let checkpoint = Checkpoint::load(path)?;
        let says = detach_recipes::checkpoint::step(&checkpoint)?;
        ensure!(
            says == step,
            "the checkpoint {} is of step {says}, which its name does not say",
            path.display()
        );
        Ok(checkpoint)
    }

    /// The run after `step` steps, from the checkpoint nearest before or its first weights.
    ///
    /// # Errors
    /// When that checkpoint cannot be used.
    pub(super) fn at(&self, step: u64, steps: &mut Steps<'_>) -> Result<(Trainer, Rebuilt)> {
        let mut trainer = self.fresh(&self.setup)?;
        let mut arithmetic = None;
        if let Some((of, path)) = self.nearest(step) {
            let checkpoint = self.load(of, &path)?;
            arithmetic = other_arithmetic(&checkpoint, self.kind)
                .map(|(before, now)| [before.to_owned(), now.to_owned()]);
            let cannot_use = || format!("cannot use the checkpoint {}", path.display());
            trainer.restore(checkpoint).with_context(cannot_use)?;
        }
        let from = trainer.steps_done();
        let mut record = Record::default();
        while trainer.steps_done() < step {
            let report = trainer.step();
            self.check(&mut record, trainer.steps_done(), || report.read());
            steps.did_one();
        }
        let steps = step - from;
        Ok((
            trainer,
            Rebuilt {
                from,
                steps,
                record,
                arithmetic,
            },
        ))
    }

    /// What `from` is, to go on as `setup` has it, which keeps the same state.
    pub(super) fn fork(&self, from: &Trainer, setup: &Setup) -> Result<Trainer> {
        let mut trainer = self.fresh(setup)?;
        trainer.restore(as_of(from.checkpoint(), setup, self.kind)?)?;
        Ok(trainer)
    }

    /// Holds what a step told against the run's record of it.
    pub(super) fn check(
        &self,
        record: &mut Record,
        step: u64,
        read: impl FnOnce() -> Vec<(&'static str, f64)>,
    ) {
        let Some(line) = self.history.line(step) else {
            return;
        };
        record.lines += 1;
        if record.differs.is_some() {
            return;
        }
        let off = |(name, is): (&str, f64)| {
            let was = *line.get(name)?;
            (was != is).then(|| Off {
                step,
                name: name.to_owned(),
                was,
                is,
            })
        };
        record.differs = read().into_iter().find_map(off);
    }

    /// That the run has a step of this number.
    ///
    /// # Errors
    /// When it has none, and is to have none.
    pub(super) fn ensure_has(&self, step: u64) -> Result<()> {
        let total = self.total()?;
        ensure!(
            (1..=total).contains(&step),
            "there is no step {step} in this run: its steps are 1 to {total}"
        );
        Ok(())
    }
}
