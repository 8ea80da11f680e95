//! What a lesson looks at: a published loop before its first step, or a run where it stands.

use super::sets::Sets;
use crate::generator::newest;
use crate::run::Run;
use anyhow::{Result, anyhow, bail};
use detach_nn::Checkpoint;
use detach_recipes::checkpoint::{before_the_first_step, step as step_of};
use detach_recipes::{Preset, Setup, Trainer, find, meant};
use detach_tensor::Kind;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A loop of `lab`, and where it stands.
#[derive(Debug)]
pub struct Subject {
    /// The loop's name, or the run's.
    pub name: String,
    /// The loop, with no switch moved.
    pub setup: Setup,
    /// Steps done.
    pub step: u64,
    /// The run.
    run: Option<Run>,
    /// Where its images are; drawn where nobody says.
    data: Option<PathBuf>,
}

/// The loops that `lab` has.
pub const LOOPS: [&str; 8] = [
    "dcgan-light",
    "dcgan",
    "dcgan64",
    "mlp",
    "mlp-g-first",
    "mlp-relu",
    "keras-mlp",
    "gauss1d",
];

/// `lab` as the published loop of this name.
///
/// # Errors
/// When there is none.
pub fn lab_of(name: &str) -> Result<Setup> {
    let mut setup = find("lab")?.setup(Preset::AsPublished);
    setup.choose("loop", name).map_err(|_| {
        let hint = meant(name, LOOPS.into_iter());
        anyhow!(
            "`{name}` is no run, and no loop of one G and one D{hint}; there are: {}",
            LOOPS.join(", ")
        )
    })?;
    Ok(setup)
}

impl Subject {
    /// A loop before its first step.
    pub fn of_loop(setup: &Setup, data: Option<PathBuf>) -> Self {
        let name = setup.options().get("loop").and_then(|name| name.as_str());
        Self {
            name: name.unwrap_or_default().to_owned(),
            setup: setup.clone(),
            step: 0,
            run: None,
            data,
        }
    }

    /// The next step of a run.
    ///
    /// # Errors
    /// When it is of a recipe that `lab` has no loop of, or cannot be read.
    pub fn of_run(run: Run, data: Option<&Path>) -> Result<Self> {
        let setup = as_lab(&run.config()?.setup()?)?;
        let step = step_of(&Checkpoint::load(newest(&run)?)?)?;
        Ok(Self {
            name: run.dir().display().to_string(),
            setup,
            step,
            run: Some(run),
            data: data.map(Path::to_owned),
        })
    }

    /// `setup`, the loop or a variant of it, with the weights and at the step of this.
    ///
    /// # Errors
    /// When the data or a checkpoint cannot be had.
    pub fn trainer(&self, setup: &Setup, kind: Kind) -> Result<Trainer> {
        let config = self.run.as_ref().map(Run::config).transpose()?;
        let sets = Sets::chosen(self.data.as_deref(), config.as_ref(), setup)?;
        let mut trainer = Trainer::new(setup.clone(), sets.batches(setup, kind)?, kind)?;
        if let Some(run) = &self.run {
            let checkpoint = Checkpoint::load(newest(run)?)?;
            trainer.restore(as_of(checkpoint, setup, kind)?)?;
        }
        Ok(trainer)
    }
}

/// What gradients that are collected are called in a checkpoint.
pub(super) const PILES: &str = "grad-of-";

/// A checkpoint as one of `setup`, which has the same weights and the same optimisers' state: the step stays, and the position
/// in the data. Gradients that `setup` collects begin at 0, and those that it does not collect are forgotten.
///
/// # Errors
/// When the options cannot be.
pub(super) fn as_of(mut checkpoint: Checkpoint, setup: &Setup, kind: Kind) -> Result<Checkpoint> {
    let untrained = setup.build(kind)?;
    let own = before_the_first_step(&*untrained, setup)?;
    let step = checkpoint.metadata.get("step").cloned();
    checkpoint.metadata.clone_from(&own.metadata);
    let step = step.map(|step| ("step".to_owned(), step));
    checkpoint.metadata.extend(step);
    let is_pile = |name: &str| name.starts_with(PILES).then(|| name.to_owned());
    checkpoint.rename(|name| match is_pile(name) {
        Some(pile) => own.names().any(|name| name == pile).then_some(pile),
        None => Some(name.to_owned()),
    });
    let mut zeros = own.clone();
    zeros.rename(is_pile);
    checkpoint.complete(&zeros);
    Ok(checkpoint)
}

/// The loop of `lab` that a run's step is, with every setting that the run has.
///
/// # Errors
/// When there is none, or it lacks a setting that the run has changed.
pub(super) fn as_lab(trained: &Setup) -> Result<Setup> {
    let order = trained.options().get("order").and_then(Value::as_str);
    match (trained.recipe().name(), order) {
        ("lab", _) => Ok(trained.clone()),
        ("mlp", Some("g-first")) => as_trained(lab_of("mlp-g-first")?, trained),
        (name, _) => as_trained(lab_of(name)?, trained),
    }
}

/// `lab` with every setting that `trained` has, too.
fn as_trained(mut lab: Setup, trained: &Setup) -> Result<Setup> {
    lab.settings = trained.settings.clone();
    let mut options = lab.options().clone();
    let published = trained.recipe().setup(Preset::AsPublished);
    for (key, value) in trained.options() {
        let is_published = published.options().get(key) == Some(value);
        if !put(&mut options, key, value) && !is_published {
            bail!(
                "`{}` of `lab` has no setting `{key}`, which is {value} in this run; it is as published there",
                trained.recipe().name()
            );
        }
    }
    Setup::of(lab.recipe(), lab.preset, lab.settings, options)
}

/// Gives a loop of `lab` a setting of its recipe; whether there is one that means the same.
fn put(options: &mut Table, key: &str, value: &Value) -> bool {
    let (keys, value): (&[&str], Value) = match key {
        // The loop that was chosen has its order.
        "order" => return true,
        "widths" => (&["g-widths", "d-widths"], value.clone()),
        "detach" => (&["detach-d"], value.clone()),
        "d-stats-in-g-step" => {
            let are_moved = value.as_bool().unwrap_or(true);
            let statistics = if are_moved { "moved" } else { "kept" };
            (&["statistics-of-d"], statistics.into())
        }
        _ => (&[key], value.clone()),
    };
    let all = keys.iter().all(|key| options.contains_key(*key));
    if all {
        options.extend(keys.iter().map(|key| ((*key).to_owned(), value.clone())));
    }
    all
}
