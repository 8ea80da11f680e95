//! What is changed in a step, and what cannot be.

use crate::lesson::subject::{LOOPS, PILES, as_lab};
use anyhow::{Result, anyhow, bail, ensure};
use detach_nn::{Name, Optim, Slot};
use detach_recipes::Setup;
use detach_tensor::Kind;
use serde::Serialize;
use std::collections::BTreeMap;

/// Assignments `key=value` that make another step of a run's.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Switches of `lab`.
    pub switches: Vec<String>,
    /// Settings of the run's recipe, or switches of `lab`.
    pub settings: Vec<String>,
}

impl Asked {
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.switches.is_empty() && self.settings.is_empty()
    }
}

/// A setting that was changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The setting.
    pub key: String,
    /// What the run has; `None` where its default was not said.
    pub was: Option<String>,
    /// What the step is made with.
    pub is: Option<String>,
}

/// A run's step, and what it is made into.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The step as it was: of the run's recipe, or of `lab`, whose switches are moved.
    pub plain: Setup,
    /// The step with the edit.
    pub setup: Setup,
    /// What differs between them.
    pub changes: Vec<Change>,
}

/// Settings that a step cannot have others of, and why.
const SET_FOR_GOOD: [(&str, &str); 7] = [
    // First, as it brings others with it.
    (
        "loop",
        "it names another system, whose networks are not the run's",
    ),
    (
        "batch-size",
        "where in the data a step begins is counted in batches of the run's size",
    ),
    (
        "sampling",
        "where in the data a step begins is counted in the run's batches",
    ),
    (
        "init",
        "it decides the first weights, and a step begins with what has become of them",
    ),
    (
        "matmul",
        "how products are rounded is chosen where the device is opened",
    ),
    ("epochs", "no number of a step depends on it"),
    ("pictures", "no number of a step depends on it"),
];

impl Edited {
    /// A step of a run of `setup` as it is asked for. Where the run's recipe has all that is to be changed, the step is that
    /// recipe's; else it is the same loop in `lab`.
    ///
    /// # Errors
    /// When there is no such setting, it cannot have the value, or no step can have another one than its run.
    pub fn of(setup: &Setup, asked: &Asked) -> Result<Self> {
        let own = with(setup, &asked.settings);
        let (plain, edited) = match own {
            Ok(own) if asked.switches.is_empty() => (setup.clone(), own),
            // A value that the recipe refuses is wrong in any loop.
            Err(error) if asked.settings.iter().all(|one| is_known(setup, one)) => {
                return Err(error);
            }
            own => {
                let lab =
                    as_lab(setup).map_err(|error| match (asked.switches.is_empty(), own) {
                        (true, Err(unknown)) => unknown,
                        _ => no_switches(setup, error),
                    })?;
                let all = [&asked.switches[..], &asked.settings].concat();
                let edited = with(&lab, &all)?;
                (lab, edited)
            }
        };
        let edited = Self::of_both(&plain, edited)?;
        for (key, why) in SET_FOR_GOOD {
            if edited.changes.iter().any(|change| head(&change.key) == key) {
                bail!("`{key}` cannot be another one in a step: {why}");
            }
        }
        Ok(edited)
    }

    /// Two steps of one recipe.
    ///
    /// # Errors
    /// When a setting is no TOML.
    pub(super) fn of_both(plain: &Setup, setup: Setup) -> Result<Self> {
        Ok(Self {
            changes: changes(plain, &setup)?,
            plain: plain.clone(),
            setup,
        })
    }

    /// That the step with the edit can begin with the run's weights and state.
    ///
    /// # Errors
    /// When they would be others.
    pub fn ensure_same_state(&self, kind: Kind) -> Result<()> {
        let [run, step] = [&self.plain, &self.setup].map(|setup| shapes(setup, kind));
        let (run, step) = (run?, step?);
        let told = |shape: Option<&Vec<usize>>| match shape {
            Some(shape) => format!("is {shape:?}"),
            None => "is not there".to_owned(),
        };
        let keys: Vec<&str> = self.changes.iter().map(|change| &*change.key).collect();
        for name in run.keys().chain(step.keys()) {
            let (was, is) = (run.get(name), step.get(name));
            ensure!(
                was == is,
                "{} cannot be changed from one step to the next: the run's `{name}` {}, and in the other step it {}; train another \
                 run with it",
                keys.join(", "),
                told(was),
                told(is)
            );
        }
        Ok(())
    }
}

/// `setup` with these assignments.
fn with(setup: &Setup, assignments: &[String]) -> Result<Setup> {
    let mut edited = setup.clone();
    for assignment in assignments {
        edited.set(assignment)?;
    }
    Ok(edited)
}

/// The first part of a dotted key.
fn head(key: &str) -> &str {
    key.split('.').next().unwrap_or(key)
}

/// Whether the recipe of `setup` has the setting of an assignment, whatever the value.
fn is_known(setup: &Setup, assignment: &str) -> bool {
    let key = assignment.split('=').next().unwrap_or(assignment).trim();
    let keys = setup.keys();
    Optim::KEYS.contains(&key) || keys.iter().any(|known| head(known) == head(key))
}

/// That a run's step has no switches, and which have.
fn no_switches(setup: &Setup, error: anyhow::Error) -> anyhow::Error {
    let name = setup.recipe().name();
    match LOOPS.contains(&name) {
        true => error,
        false => anyhow!(
            "the step of `{name}` has no switches for detach, freezing and order; those of {} have, as `lab` writes them",
            LOOPS.join(", ")
        ),
    }
}

/// Settings that two setups of one recipe have different values of.
fn changes(plain: &Setup, edited: &Setup) -> Result<Vec<Change>> {
    let table = |setup: &Setup| -> Result<BTreeMap<String, String>> {
        let lines = setup.lines()?.into_iter();
        let split = |line: String| {
            let (key, value) = line.split_once(" = ")?;
            Some((key.to_owned(), value.to_owned()))
        };
        Ok(lines.filter_map(split).collect())
    };
    let (was, is) = (table(plain)?, table(edited)?);
    let mut keys: Vec<&String> = was.keys().chain(is.keys()).collect();
    keys.sort();
    keys.dedup();
    let change = |key: &String| {
        let (was, is) = (was.get(key).cloned(), is.get(key).cloned());
        let key = key.clone();
        (was != is).then_some(Change { key, was, is })
    };
    Ok(keys.into_iter().filter_map(change).collect())
}

/// The shapes of all that a recipe keeps from step to step, by name; gradients that are collected can begin at any step.
fn shapes(setup: &Setup, kind: Kind) -> Result<BTreeMap<String, Vec<usize>>> {
    let mut shapes = BTreeMap::new();
    setup.build(kind)?.visit(Name::ROOT, &mut |name, slot| {
        let name = name.to_string();
        let shape = match slot {
            Slot::Param(values) | Slot::Buffer(values) => values.get().shape().to_vec(),
            Slot::Count(_) => Vec::new(),
        };
        if !name.starts_with(PILES) {
            shapes.insert(name.replacen(".net.", ".", 1), shape);
        }
    });
    Ok(shapes)
}
