//! A recipe, its data and its position: what steps, and what a checkpoint is of.

use crate::data::Source;
use crate::recipes::{Info, Recipe, Report, Step};
use crate::settings::{InitScheme, Settings};
use anyhow::{Context, Result, bail};
use detach_nn::{Checkpoint, Initialiser, Scheme};
use detach_tensor::{Count, Kind, Random, Steps, Stream};
use std::path::Path;

/// Builds a recipe with its initial weights.
pub fn build(info: &Info, settings: &Settings, kind: Kind) -> Box<dyn Recipe> {
    let scheme = match settings.init {
        InitScheme::Pytorch => Scheme::PyTorch,
        InitScheme::Keras => Scheme::Keras,
    };
    let random = Random::new(settings.seed, Stream::Init);
    (info.build)(settings, &Initialiser::new(scheme, random, kind))
}

/// A recipe in training.
pub struct Trainer {
    /// Which recipe.
    pub info: &'static Info,
    /// Its settings.
    pub settings: Settings,
    recipe: Box<dyn Recipe>,
    source: Source,
    kind: Kind,
    /// Steps done. What a step draws holds it, so that a replayed step draws its own.
    step: Count,
    steps: Steps<usize, Report>,
}

impl Trainer {
    /// A recipe before its first step.
    pub fn new(info: &'static Info, settings: Settings, source: Source, kind: Kind) -> Self {
        Self {
            recipe: build(info, &settings, kind),
            info,
            settings,
            source: source.of_kind(kind),
            kind,
            step: Count::default(),
            steps: Steps::new(kind.device),
        }
    }

    /// Steps done so far.
    pub fn steps_done(&self) -> u64 {
        self.step.get()
    }

    /// Element type and device of everything in it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.source.steps_per_epoch()
    }

    /// The recipe.
    pub fn recipe(&self) -> &dyn Recipe {
        &*self.recipe
    }

    /// The recipe, for who sets weights or watches updates.
    pub fn recipe_mut(&mut self) -> &mut dyn Recipe {
        &mut *self.recipe
    }

    /// One training step. What it draws depends on nothing but the seed and its number.
    ///
    /// The report is still on the device. There it may be the same tensors every time, with
    /// the numbers of the last step in them.
    pub fn step(&mut self) -> Report {
        let Self {
            recipe,
            source,
            step,
            kind,
            ..
        } = self;
        let batch = source.prepare(step);
        let random = |stream| Random::new(self.settings.seed, stream).at(step.clone());
        let (noise, dropout) = (random(Stream::Noise), random(Stream::Dropout));
        let report = self.steps.run(batch, || {
            recipe.train_step(&mut Step {
                real: &mut || source.batch(),
                noise: &mut |shape| noise.normal(shape, *kind),
                dropout: &dropout,
            })
        });
        step.add(1);
        report
    }

    /// Weights, buffers, optimisers and position.
    pub fn checkpoint(&self) -> Checkpoint {
        let mut checkpoint = Checkpoint::new();
        checkpoint.add("", self.recipe.pair());
        let mut describe =
            |key: &str, value: String| checkpoint.metadata.insert(key.to_owned(), value);
        describe("recipe", self.info.name.to_owned());
        describe("step", self.step.get().to_string());
        checkpoint
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// When the file cannot be used, or is of another recipe. Nothing is changed then.
    pub fn restore(&mut self, path: &Path) -> Result<()> {
        let checkpoint = Checkpoint::load(path)?;
        let step = restore(&*self.recipe, self.info, &checkpoint)
            .with_context(|| format!("cannot use the checkpoint {}", path.display()))?;
        self.step.set(step);
        Ok(())
    }
}

/// Fills a recipe's networks and optimisers; returns the number of steps done.
///
/// # Errors
/// When the checkpoint is not of this recipe.
pub fn restore(recipe: &dyn Recipe, info: &Info, checkpoint: &Checkpoint) -> Result<u64> {
    check_recipe(info, checkpoint)?;
    let step = checkpoint.metadata.get("step").and_then(|s| s.parse().ok());
    let step = step.context("it does not say at which step it was written")?;
    checkpoint.restore("", recipe.pair())?;
    Ok(step)
}

/// Refuses a checkpoint of another recipe.
///
/// # Errors
/// When it is one, or does not say.
pub fn check_recipe(info: &Info, checkpoint: &Checkpoint) -> Result<()> {
    match checkpoint.metadata.get("recipe") {
        Some(name) if name == info.name => Ok(()),
        Some(other) => bail!("it is of the recipe `{other}`, not `{}`", info.name),
        None => bail!("it was not written by `gan train`: it does not name its recipe"),
    }
}
