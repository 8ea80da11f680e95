//! What a lesson looks at: a published loop before its first step, or a run where it stands.

use crate::generator::newest;
use crate::run::Run;
use crate::run::data::recorded;
use anyhow::{Context, Result, anyhow};
use detach_data::{Find, Split, Wanted, synthetic};
use detach_nn::Checkpoint;
use detach_recipes::checkpoint::{before_the_first_step, step as step_of};
use detach_recipes::{Batches, DataKind, Preset, Setup, Trainer, find, meant};
use detach_tensor::Kind;
use std::path::{Path, PathBuf};

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

/// Batches that are drawn for one step of a loop.
const DRAWN: usize = 8;

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
        let trained = run.config()?.setup()?;
        let order = trained
            .options()
            .get("order")
            .and_then(|order| order.as_str());
        let name = match (trained.recipe().name(), order) {
            ("lab", _) => None,
            ("mlp", Some("g-first")) => Some("mlp-g-first"),
            (name, _) => Some(name),
        };
        let setup = match name {
            None => trained.clone(),
            Some(name) => as_trained(lab_of(name)?, &trained)?,
        };
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
        let sets = setup
            .data()?
            .into_iter()
            .map(|data| self.batches(data, setup, kind));
        let mut trainer = Trainer::new(setup.clone(), sets.collect::<Result<_>>()?, kind)?;
        if let Some(run) = &self.run {
            let mut checkpoint = Checkpoint::load(newest(run)?)?;
            let untrained = setup.build(kind)?;
            let own = before_the_first_step(&*untrained, setup)?;
            let step = checkpoint.metadata.get("step").cloned();
            checkpoint.metadata.clone_from(&own.metadata);
            checkpoint
                .metadata
                .extend(step.map(|step| ("step".to_owned(), step)));
            checkpoint.complete(&own);
            trainer.restore(checkpoint)?;
        }
        Ok(trainer)
    }

    fn batches(&self, data: DataKind, setup: &Setup, kind: Kind) -> Result<Batches> {
        let DataKind::Images(size) = data else {
            return Ok(Batches::gaussian(&setup.settings, kind));
        };
        let wanted = Wanted::new(size.channels, size.side);
        let dataset = match (&self.data, &self.run) {
            (Some(path), _) => {
                let find = Find::new(Some(path.clone()), wanted);
                find.find(Split::Train, &mut |_| {})?.dataset
            }
            (None, Some(run)) => {
                let config = run.config()?;
                let found = recorded(&config, wanted);
                let gone = || format!("the data of the run is not there any more: {}", config.data);
                found.with_context(gone)?.dataset
            }
            (None, None) => {
                let count = setup.settings.batch_size.saturating_mul(DRAWN);
                Box::new(synthetic(setup.settings.seed, Split::Train, count))
            }
        };
        Batches::images(dataset, size, &setup.settings, kind)
    }
}

/// `lab` with every setting that `trained` has, too.
fn as_trained(mut lab: Setup, trained: &Setup) -> Result<Setup> {
    lab.settings = trained.settings.clone();
    let own = lab.options().clone();
    let mut options = own.clone();
    for (key, value) in trained.options() {
        if own.contains_key(key) && key != "order" {
            options.insert(key.clone(), value.clone());
        }
    }
    Setup::of(lab.recipe(), lab.preset, lab.settings, options)
}
