//! A loop as it is published, and with its `detach` gone, elsewhere, or made needless.

use anyhow::{Result, bail};
use detach_recipes::{Setup, Turn};
use serde::Serialize;

/// A loop of `lab` with some switches moved.
#[derive(Clone, Debug)]
pub struct Variant {
    /// What was done to it, in words.
    pub name: &'static str,
    /// The switches that were moved.
    pub switches: Vec<&'static str>,
    /// The loop.
    pub setup: Setup,
}

/// What PyTorch does with the same loop, each loss's `backward()` called in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PyTorch {
    /// It runs.
    Runs,
    /// "Trying to backward through the graph a second time": the first pass has freed what the second needs.
    SecondTime,
    /// "modified by an inplace operation": an update has overwritten what a later pass needs.
    Overwritten,
}

impl PyTorch {
    /// What it says, in its own words where it stops.
    pub fn words(self) -> &'static str {
        match self {
            Self::Runs => "runs, and says nothing",
            Self::SecondTime => "RuntimeError: Trying to backward through the graph a second time",
            Self::Overwritten => "RuntimeError: … has been modified by an inplace operation",
        }
    }
}

/// What is done to `detach`, and with which switches.
const VARIANTS: [(&str, &[&str]); 7] = [
    ("as published", &[]),
    ("detach removed", &["detach-d=false"]),
    (
        "detach on the reals instead",
        &["detach-d=false", "detach-real=true"],
    ),
    ("detach on G's side, too", &["detach-g=true"]),
    (
        "removed, the fakes computed again for G",
        &["detach-d=false", "g-fakes=recomputed"],
    ),
    (
        "gradients zeroed at the top alone",
        &["zero-grad=once-a-step"],
    ),
    (
        "zeroed at the top, none detached, D not frozen",
        &["zero-grad=once-a-step", "detach-d=false", "freeze-d=false"],
    ),
];

/// The loop in which every backward pass adds to the gradients of all that it reaches, and they are zeroed at the top of a
/// step alone: as one writes it in PyTorch without thinking of it.
pub(super) const ADDING_UP: [&str; 2] = ["zero-grad=once-a-step", "freeze-d=false"];

/// Every variant of a setup of `lab`, as it is first; those that cannot be are left out.
///
/// # Errors
/// When it is of another recipe.
pub fn of_setup(published: &Setup) -> Result<Vec<Variant>> {
    if published.recipe().name() != "lab" {
        bail!("`{}` has no switches", published.recipe().name());
    }
    let variant = |(name, switches): (&'static str, &[&'static str])| {
        let mut setup = published.clone();
        let set = switches.iter().try_for_each(|switch| setup.set(switch));
        set.ok().map(|()| Variant {
            name,
            switches: switches.to_vec(),
            setup,
        })
    };
    Ok(VARIANTS.into_iter().filter_map(variant).collect())
}

/// The setting `key`, where it is a word.
pub(super) fn text<'s>(setup: &'s Setup, key: &str) -> &'s str {
    let value = setup.options().get(key);
    value.and_then(|value| value.as_str()).unwrap_or_default()
}

/// Whether the setting `key` is on.
pub(super) fn is(setup: &Setup, key: &str) -> bool {
    let value = setup.options().get(key);
    value.and_then(toml::Value::as_bool).unwrap_or_default()
}

/// The updates of a step of `lab`, in order.
pub(super) fn turns(setup: &Setup) -> Vec<Turn> {
    let times = setup.options().get("d-steps");
    let times = times.and_then(toml::Value::as_integer).unwrap_or(1);
    let each = match text(setup, "d-turn") {
        "apart" => 2,
        _ => 1,
    };
    let of_d = std::iter::repeat_n(Turn::D, each * usize::try_from(times).unwrap_or(1));
    match text(setup, "order") {
        "g-first" => [Turn::G].into_iter().chain(of_d).collect(),
        _ => of_d.chain([Turn::G]).collect(),
    }
}

impl Variant {
    /// The updates of a step, in order.
    pub fn turns(&self) -> Vec<Turn> {
        turns(&self.setup)
    }

    /// What PyTorch makes of it: a graph that two backward passes go through is freed by the first.
    pub fn pytorch(&self) -> PyTorch {
        match !is(&self.setup, "detach-d") && text(&self.setup, "g-fakes") == "same" {
            true => PyTorch::SecondTime,
            false => PyTorch::Runs,
        }
    }

    /// The same with `retain_graph=True`, which is often tried next: the graph is whole then, and with G first its weights are
    /// not what they were.
    pub fn retained(&self) -> PyTorch {
        match (self.pytorch(), text(&self.setup, "order")) {
            (PyTorch::SecondTime, "g-first") => PyTorch::Overwritten,
            _ => PyTorch::Runs,
        }
    }
}
