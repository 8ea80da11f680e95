//! Which step is told: one of a recipe from its beginning, or one of a run from its nearest checkpoint.

use crate::lesson::sets::Sets;
use crate::run::{Config, Run};
use anyhow::{Context, Result};
use detach_nn::Checkpoint;
use detach_recipes::{Setup, Trainer};
use detach_tensor::Kind;
use std::path::{Path, PathBuf};

/// Steps that are made before one that is timed: the first ones find neither memory nor plans made.
const WARM: usize = 2;

/// A step that a run has not made, nor is about to make.
#[derive(Debug, thiserror::Error)]
#[error("{run} has {done} steps done: step {step} is none of them, nor the next")]
pub struct NoSuchStep {
    run: String,
    done: u64,
    step: u64,
}

/// A recipe or a run, and where its images are.
#[derive(Debug)]
pub struct Source {
    /// What it is called.
    pub name: String,
    /// The recipe with its settings.
    pub setup: Setup,
    run: Option<(Run, Config)>,
    images: Option<PathBuf>,
}

impl Source {
    /// A recipe before its first step, on the images at a place, or on digits that are drawn.
    pub fn of_recipe(setup: Setup, images: Option<&Path>) -> Self {
        Self {
            name: setup.recipe().name().to_owned(),
            setup,
            run: None,
            images: images.map(Path::to_owned),
        }
    }

    /// A run, on its own images, read from another place where somebody says so.
    ///
    /// # Errors
    /// When its record cannot be read.
    pub fn of_run(run: Run, images: Option<&Path>) -> Result<Self> {
        let config = run.config()?;
        Ok(Self {
            name: run.dir().display().to_string(),
            setup: config.setup()?,
            run: Some((run, config)),
            images: images.map(Path::to_owned),
        })
    }

    /// The recipe before step `step` (from 1): of a run, `None` is the one after its newest checkpoint. Steps between a
    /// checkpoint and that one are made again.
    ///
    /// # Errors
    /// [`NoSuchStep`], or when its images or a checkpoint cannot be had.
    pub fn before(&self, step: Option<u64>, kind: Kind) -> Result<Trainer> {
        let mut trainer = self.fresh(kind)?;
        if let Some((run, _)) = &self.run {
            let mut saved = run.saved();
            let newest = saved.last().map_or(0, |(done, _)| *done);
            let step = step.unwrap_or(newest + 1);
            if step > newest + 1 {
                return Err(NoSuchStep {
                    run: self.name.clone(),
                    done: newest,
                    step,
                }
                .into());
            }
            saved.retain(|(done, _)| *done < step);
            if let Some((_, path)) = saved.last() {
                let cannot_use = || format!("cannot use the checkpoint {}", path.display());
                let checkpoint = Checkpoint::load(path).with_context(cannot_use)?;
                trainer.restore(checkpoint).with_context(cannot_use)?;
            }
        }
        let before = step.map_or(trainer.steps_done(), |step| step.saturating_sub(1));
        while trainer.steps_done() < before {
            trainer.step();
        }
        Ok(trainer)
    }

    /// Makes steps of a twin of `trainer`, so that the next one takes as long as any other.
    ///
    /// # Errors
    /// When its images cannot be had.
    pub fn warm(&self, trainer: &Trainer) -> Result<()> {
        let mut twin = self.fresh(trainer.kind())?;
        twin.restore(trainer.checkpoint())?;
        for _ in 0..WARM {
            twin.step();
        }
        Ok(())
    }

    fn fresh(&self, kind: Kind) -> Result<Trainer> {
        let config = self.run.as_ref().map(|(_, config)| config);
        let sets = Sets::chosen(self.images.as_deref(), config, &self.setup)?;
        Trainer::new(self.setup.clone(), sets.batches(&self.setup, kind)?, kind)
    }
}
