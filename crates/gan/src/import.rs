//! Weights that other programs saved, as the networks of a recipe.

use anyhow::{Result, bail, ensure};
use detach_nn::{Checkpoint, CheckpointError, Name, Slot, State};
use detach_recipes::Recipe;
use std::collections::BTreeSet;
use std::path::Path;

/// What was filled by a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// The networks that have weights of a file.
    pub given: Vec<&'static str>,
    /// Those that have their first weights still.
    pub fresh: Vec<&'static str>,
}

/// Fills the networks of `recipe` from a safetensors file: each under its name, `generator.0.weight`, or the generator alone
/// without it, `0.weight`. What averages a network has begins there, too. `others` are files of one network each, by name.
///
/// # Errors
/// When a file cannot be read, or its tensors are not those of the networks, naming them.
pub fn fill(recipe: &dyn Recipe, path: &Path, others: &[(&str, &Path)]) -> Result<Filled> {
    let weights = read(path)?;
    let known: Vec<&'static str> = recipe
        .networks()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let network_of = |tensor: &str| {
        let (first, _) = tensor.split_once('.')?;
        known.iter().copied().find(|name| *name == first)
    };
    let inside: BTreeSet<&str> = weights.names().filter_map(network_of).collect();
    let mut given = inside.clone();
    if inside.is_empty() {
        put(recipe, "generator", (&weights, ""))?;
        given.insert("generator");
    } else if let Some(stray) = weights.names().find(|tensor| network_of(tensor).is_none()) {
        bail!(
            "{weights} has `{stray}`, which is of no network: leave it out, or let its name begin with {}.",
            known.join(". or ")
        );
    }
    for name in known.iter().filter(|name| inside.contains(*name)) {
        put(recipe, name, (&weights, name))?;
    }
    for (name, path) in others {
        ensure!(
            !given.contains(name),
            "both files have weights of the {name}; give them once"
        );
        put(recipe, name, (&read(path)?, ""))?;
        given.insert(name);
    }
    let (given, fresh) = known.into_iter().partition(|name| given.contains(name));
    Ok(Filled { given, fresh })
}

fn read(path: &Path) -> Result<Checkpoint> {
    let weights = Checkpoint::load(path)?;
    ensure!(
        !weights.metadata.contains_key("recipe"),
        "{weights} is one of a run, with optimisers and all: go on with that run, or give its generator.safetensors"
    );
    ensure!(
        weights.names().next().is_some(),
        "{weights} has no tensors; save a state dict with safetensors.torch.save_file"
    );
    if let Some(name) = weights.not_finite().next() {
        bail!(
            "`{name}` of {weights} holds numbers that are not finite: its training had diverged; import earlier weights"
        );
    }
    Ok(weights)
}

/// Gives the network called `name`, and its average, the tensors below `prefix`.
fn put(
    recipe: &dyn Recipe,
    name: &str,
    (weights, prefix): (&Checkpoint, &str),
) -> Result<(), CheckpointError> {
    for part in ["net", "ema"] {
        let part = Part {
            whole: recipe,
            prefix: format!("{name}.{part}."),
        };
        if !part.is_empty() {
            weights.restore(prefix, &part)?;
        }
    }
    Ok(())
}

/// The pieces of a state whose names begin with `prefix`, without it.
struct Part<'s> {
    whole: &'s dyn State,
    prefix: String,
}

impl Part<'_> {
    fn is_empty(&self) -> bool {
        let mut count = 0;
        self.visit(Name::ROOT, &mut |_, _| count += 1);
        count == 0
    }
}

impl State for Part<'_> {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.whole.visit(Name::ROOT, &mut |name, slot| {
            let name = name.to_string();
            if let Some(rest) = name.strip_prefix(&self.prefix) {
                f(path.dot(rest), slot);
            }
        });
    }
}
