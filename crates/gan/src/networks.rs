//! A run's networks: all of them, found and filled with the newest weights, to be handed on to other programs.

use crate::generator::newest;
use crate::run::Run;
use anyhow::{Context, Result};
use detach_nn::{Checkpoint, Model, Network, model_of};
use detach_recipes::checkpoint::restore;
use detach_recipes::{Input, Recipe, Setup};
use detach_tensor::{Array, Kind, Tensor};
use std::path::Path;

/// A run and its networks.
pub struct TrainedNetworks {
    /// The run.
    pub run: Run,
    /// Its recipe and settings.
    pub setup: Setup,
    /// The step that the weights are of.
    pub step: u64,
    /// Whether the generator is the average of those of all steps.
    pub is_average: bool,
    recipe: Box<dyn Recipe>,
}

impl TrainedNetworks {
    /// The run at `path` with the newest weights, on the CPU.
    ///
    /// # Errors
    /// When the run or its newest checkpoint cannot be used.
    pub fn open(path: &Path) -> Result<Self> {
        let run = Run::open(path)?;
        let setup = run.config()?.setup()?;
        let newest = newest(&run)?;
        let recipe = setup.build(Kind::default())?;
        let fill = || -> Result<(u64, bool)> {
            let checkpoint = Checkpoint::load(&newest)?;
            let is_average = has_average(&checkpoint);
            let cannot_use = || format!("cannot use the checkpoint {}", newest.display());
            let step = restore(&*recipe, &setup, checkpoint).with_context(cannot_use)?;
            Ok((step, is_average))
        };
        let (step, is_average) = fill().map_err(|error| run.without_newest(&error))?;
        Ok(Self {
            run,
            setup,
            step,
            is_average,
            recipe,
        })
    }

    /// The networks by name, the generator first: its average where one is kept.
    pub fn all(&self) -> Vec<(&'static str, &dyn Network)> {
        self.recipe.networks()
    }

    /// The recipe, filled.
    pub fn recipe(&self) -> &dyn Recipe {
        &*self.recipe
    }

    /// What the generator makes samples from.
    pub fn input(&self) -> Input {
        self.recipe.sampler().input()
    }

    /// The layers of a network one by one, each with the shape of what it gives for two samples.
    ///
    /// # Errors
    /// When the options cannot be.
    pub fn row(&self, name: &str, network: &dyn Network) -> Result<Vec<(String, Vec<usize>)>> {
        let shape = match name {
            "generator" => self.input().shape(2),
            _ => self.setup.data()?[0].shape(2),
        };
        Ok(network.outline(&Tensor::constant(Array::zeros(&shape, Kind::default()))))
    }

    /// The network called `name` as a [`model`].
    ///
    /// # Errors
    /// When a layer of it has no description in ONNX's operators.
    pub fn model(&self, name: &str, network: &dyn Network) -> Result<Model> {
        model(&self.setup, self.input(), (name, network))
    }
}

fn has_average(checkpoint: &Checkpoint) -> bool {
    let mut names = checkpoint.names();
    names.any(|name| name.starts_with("generator.ema."))
}

/// A network of a recipe as a model: the generator from `z`, or from images `x`, to `samples`; others from `x` to `answers`.
/// What is told classes has them as an input `y`.
///
/// # Errors
/// When a layer of it has no description in ONNX's operators.
pub fn model(setup: &Setup, input: Input, (name, network): (&str, &dyn Network)) -> Result<Model> {
    let (input, shape, output) = match (name, input) {
        ("generator", Input::Images { .. }) => ("x", input.shape(1), "samples"),
        ("generator", _) => ("z", input.shape(1), "samples"),
        _ => ("x", setup.data()?[0].shape(1), "answers"),
    };
    let model = model_of(network, (input, &shape[1..]), output);
    model.with_context(|| format!("cannot export the {name} of `{}`", setup.recipe().name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_nn::Mode;
    use detach_recipes::{Preset, RECIPES, Wanted};

    /// The models' shapes are those that networks give.
    fn check(setup: &Setup) {
        let recipe = setup.build(Kind::default()).expect("a recipe");
        let sampler = recipe.sampler();
        for (name, network) in recipe.networks() {
            let model = model(setup, sampler.input(), (name, network)).expect("a model");
            let shape = [&[2], &model.inputs[0].shape[..]].concat();
            let x = Tensor::constant(Array::zeros(&shape, Kind::default()));
            let given = match name {
                "generator" => sampler
                    .sample(&x, &Wanted::default(), Mode::eval())
                    .shape()
                    .to_vec(),
                _ => {
                    let outline = network.outline(&x);
                    outline.last().expect("a layer").1.clone()
                }
            };
            if model.outputs.len() == 1 {
                let ours = [&[2], &model.outputs[0].shape[..]].concat();
                assert_eq!(ours, given, "{name} of {}", setup.recipe().name());
            }
            let mut names: Vec<&str> = model.nodes.iter().map(|node| &*node.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(
                names.len(),
                model.nodes.len(),
                "each node has a name of its own"
            );
        }
    }

    #[test]
    fn every_network_of_every_recipe_is_a_model() {
        for recipe in RECIPES {
            for preset in Preset::ALL {
                let mut setup = recipe.setup(preset);
                check(&setup);
                for change in ["size=64", "channels=3", "condition=planes"] {
                    if setup.set(change).is_ok() {
                        check(&setup);
                    }
                }
            }
        }
    }
}
