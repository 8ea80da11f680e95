//! A recipe with its settings: what is shown, changed by key, checked, and built.

use crate::nearest::meant;
use crate::options::Options;
use crate::recipe::{About, Recipe, System};
use crate::sampler::Sampler;
use crate::samples::DataKind;
use crate::settings::{Preset, Settings};
use crate::table;
use anyhow::{Context, Result, anyhow};
use detach_nn::{Initialiser, Optim, State};
use detach_tensor::{Kind, Random, Stream};
use toml::Table;

/// A recipe of the registry: a [`System`] whose type is forgotten.
#[derive(Debug)]
pub struct RecipeInfo {
    /// What it says of itself.
    pub about: &'static About,
    preset: fn(Preset) -> Result<(Settings, Table)>,
    settled: fn(&Table) -> Result<Table>,
    data: fn(&Table) -> Result<Vec<DataKind>>,
    batches_a_step: fn(&Table) -> Result<u64>,
    classes: fn(&Table) -> Result<Option<usize>>,
    leads: fn(&str) -> bool,
    published_with: fn(&str, &mut Settings, &mut Table) -> Result<()>,
    generator: fn(&Table, &Initialiser) -> Result<Box<dyn Generates>>,
    build: fn(&Table, &Initialiser) -> Result<Box<dyn Recipe>>,
}

/// A sampler whose weights can be restored.
pub trait Generates: Sampler + State {}

impl<T: Sampler + State> Generates for T {}

/// The typed options in `table`.
fn options<S: System>(table: &Table) -> Result<S::Options> {
    let options: S::Options = table
        .clone()
        .try_into()
        .with_context(|| format!("the options of `{}`", S::ABOUT.name))?;
    let options = options.settled();
    options.check().map_err(|what| anyhow!("{what}"))?;
    Ok(options)
}

fn as_table<T: Options>(options: &T) -> Result<Table> {
    Table::try_from(options).context("options as TOML")
}

impl RecipeInfo {
    /// The entry of a system.
    pub const fn of<S: System>() -> Self {
        Self {
            about: &S::ABOUT,
            preset: |preset| {
                let (settings, options) = S::preset(preset);
                Ok((settings, as_table(&options)?))
            },
            settled: |table| as_table(&options::<S>(table)?),
            data: |table| Ok(S::data(&options::<S>(table)?)),
            batches_a_step: |table| Ok(S::batches_a_step(&options::<S>(table)?)),
            classes: |table| Ok(S::classes(&options::<S>(table)?)),
            leads: S::leads,
            published_with: |key, settings, table| {
                let mut options = options::<S>(table)?;
                S::published_with(key, settings, &mut options);
                *table = as_table(&options)?;
                Ok(())
            },
            generator: |table, init| Ok(Box::new(S::generator(&options::<S>(table)?, init))),
            build: |table, init| Ok(Box::new(S::build(&options::<S>(table)?, init))),
        }
    }

    /// The name on the command line.
    pub fn name(&self) -> &'static str {
        self.about.name
    }

    /// The recipe as a preset has it.
    ///
    /// # Panics
    /// When a preset of the registry cannot be, which a test would have seen.
    pub fn setup(&'static self, preset: Preset) -> Setup {
        let (settings, options) =
            (self.preset)(preset).unwrap_or_else(|e| panic!("`{}`: {e:#}", self.name()));
        Setup {
            recipe: self,
            preset,
            settings,
            options,
        }
    }
}

/// A recipe with all its settings.
#[derive(Clone, Debug)]
pub struct Setup {
    recipe: &'static RecipeInfo,
    /// The preset that the settings started from.
    pub preset: Preset,
    /// What every recipe has.
    pub settings: Settings,
    options: Table,
}

impl PartialEq for Setup {
    fn eq(&self, other: &Self) -> bool {
        self.recipe.name() == other.recipe.name()
            && self.preset == other.preset
            && self.settings == other.settings
            && self.options == other.options
    }
}

impl Setup {
    /// A recipe with settings and options that were read from somewhere; options that are not
    /// there are the preset's.
    ///
    /// # Errors
    /// When one cannot be, or there is no such option.
    pub fn of(
        recipe: &'static RecipeInfo,
        preset: Preset,
        settings: Settings,
        options: Table,
    ) -> Result<Self> {
        let mut setup = recipe.setup(preset);
        setup.settings = settings;
        merge(&mut setup.options, options);
        setup.settings.check()?;
        setup.options = (recipe.settled)(&setup.options)?;
        Ok(setup)
    }

    /// The recipe.
    pub fn recipe(&self) -> &'static RecipeInfo {
        self.recipe
    }

    /// What it has of its own, by key.
    pub fn options(&self) -> &Table {
        &self.options
    }

    /// Changes one setting: `lr=1e-3`, `pictures.every-steps=100`. A key is looked for in the recipe's
    /// own table first; a key of an optimiser's table by itself, such as `lr`, is that of all optimisers.
    ///
    /// # Errors
    /// When there is no such setting in this recipe, or the value is not of its kind or cannot
    /// be; nothing is changed then.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let change = || -> Result<Self> {
            let (key, value) = table::split(assignment)?;
            let mut changed = self.clone();
            let settings = Table::try_from(&self.settings).context("settings as TOML")?;
            let optims = self.optims_with(key);
            if table::has(&self.options, key) {
                changed.options = table::replace(changed.options, key, value)?;
            } else if table::has(&settings, key) {
                changed.settings = table::replaced(&self.settings, key, value)?;
            } else if !optims.is_empty() {
                for optim in optims {
                    let key = format!("{optim}.{key}");
                    changed.options = table::replace(changed.options, &key, value.clone())?;
                }
            } else {
                return Err(self.no_setting(key));
            }
            changed.check()?;
            if (self.recipe.leads)(key) {
                (self.recipe.published_with)(key, &mut changed.settings, &mut changed.options)?;
            }
            Ok(changed)
        };
        *self = change().with_context(|| assignment.to_owned())?;
        Ok(())
    }

    /// Makes a choice by name, and changes with it what it was published with besides.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn choose(&mut self, key: &str, value: &str) -> Result<()> {
        self.set(&format!("{key}={value}"))?;
        (self.recipe.published_with)(key, &mut self.settings, &mut self.options)?;
        self.check()
    }

    /// The tables of optimisers that have `key`.
    fn optims_with(&self, key: &str) -> Vec<&str> {
        let optims = self.options.iter().filter(|(_, value)| {
            let table = value.as_table();
            Optim::KEYS.contains(&key) && table.is_some_and(table::is_optim)
        });
        optims.map(|(name, _)| name.as_str()).collect()
    }

    fn no_setting(&self, key: &str) -> anyhow::Error {
        let head = key.split('.').next().unwrap_or(key);
        let known = self.keys();
        let hint = meant(key, known.iter().map(String::as_str));
        anyhow!("no setting `{head}`{hint}; there are: {}", known.join(", "))
    }

    /// Every key that [`set`](Self::set) takes.
    pub fn keys(&self) -> Vec<String> {
        let settings = Table::try_from(&self.settings).unwrap_or_default();
        let mut keys = table::keys(&self.options);
        keys.extend(table::keys(&settings));
        let short = ["lr", "beta1", "beta2", "eps", "kind", "schedule"];
        let short = short
            .into_iter()
            .filter(|key| !self.optims_with(key).is_empty());
        keys.extend(short.map(str::to_owned));
        keys
    }

    /// Every setting as a line `a.b = value`, the recipe's own first.
    ///
    /// # Errors
    /// When a setting is no TOML.
    pub fn lines(&self) -> Result<Vec<String>> {
        let mut lines = table::lines(&self.options);
        let settings = Table::try_from(&self.settings).context("settings as TOML")?;
        lines.extend(table::lines(&settings));
        Ok(lines)
    }

    /// Refuses values no run can have.
    ///
    /// # Errors
    /// When a value is out of its range, naming it.
    pub fn check(&self) -> Result<()> {
        self.settings.check()?;
        (self.recipe.settled)(&self.options).map(drop)
    }

    /// What it is trained on, one entry a data set.
    ///
    /// # Errors
    /// When the options cannot be.
    pub fn data(&self) -> Result<Vec<DataKind>> {
        (self.recipe.data)(&self.options)
    }

    /// How many classes its data has, where it learns them.
    ///
    /// # Errors
    /// When the options cannot be.
    pub fn classes(&self) -> Result<Option<usize>> {
        (self.recipe.classes)(&self.options)
    }

    /// How many batches of the first data set a step takes.
    pub fn batches_a_step(&self) -> u64 {
        (self.recipe.batches_a_step)(&self.options)
            .unwrap_or(1)
            .max(1)
    }

    /// Networks, optimisers and state, with the initial weights of the seed.
    ///
    /// # Errors
    /// When the options cannot be.
    pub fn build(&self, kind: Kind) -> Result<Box<dyn Recipe>> {
        let random = Random::new(self.settings.seed, Stream::Init);
        let init = Initialiser::new(self.settings.init.into(), random, kind);
        let mut recipe = (self.recipe.build)(&self.options, &init)?;
        for (name, optimiser) in recipe.optimisers() {
            optimiser.name_network(name);
        }
        Ok(recipe)
    }

    /// The generator alone, to be filled from a file.
    ///
    /// # Errors
    /// When the options cannot be.
    pub fn generator(&self, kind: Kind) -> Result<Box<dyn Generates>> {
        (self.recipe.generator)(&self.options, &Initialiser::zeros(kind))
    }
}

/// Overwrites `table` with what `with` has, inside tables entry by entry.
fn merge(table: &mut Table, with: Table) {
    for (key, value) in with {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}
