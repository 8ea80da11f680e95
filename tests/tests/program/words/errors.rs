//! Errors know the networks of a recipe by name.

use detach_nn::parameters;
use detach_recipes::{Preset, find};
use detach_tensor::{DType, Tensor, grad};
use detach_tests::golden;
use detach_tests::replay::{Replay, published};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// G's loss of `recipe`'s step, kept until the step is over, and then asked about: what is said names the network, its
/// parameter, and the line of the recipe that moved it.
fn told_after_the_step(recipe: &str) -> String {
    let setup = published(recipe, &[]);
    let mut replay = Replay::new(&setup, &golden::recipe(recipe), DType::F64);
    let (_, g) = replay.recipe.networks()[0];
    let leaves: Vec<Tensor> = parameters(g).iter().map(|(_, param)| param.get()).collect();
    let mut losses = Vec::new();
    replay.step_shown(&mut |loss: &Tensor| losses.push(loss.clone()));
    let wrt: Vec<&Tensor> = leaves.iter().collect();
    let late = catch_unwind(AssertUnwindSafe(|| grad(&losses[1], &wrt, false).len()));
    let said = late.expect_err("weights were written");
    *said.downcast::<String>().expect("a message")
}

#[test]
fn a_recipes_networks_are_named() {
    let said = told_after_the_step("mlp");
    for part in ["`Optimiser::step`", "weight` of `g`", "recipes/mlp.rs:"] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
}

/// Where a recipe has both a penalty and BatchNorm among its settings, the two are refused together, with the cure.
#[test]
fn a_penalty_with_batch_norm_is_refused_by_its_keys() {
    for (recipe, change) in [("wgan-gp", "batch-norm=true"), ("lsgan", "penalty.kind=r1")] {
        let mut setup = find(recipe).expect("a recipe").setup(Preset::AsPublished);
        let error = setup.set(change).expect_err("refused");
        let said = format!("{error:#}");
        for part in [
            "whole batch",
            "batch-norm = false",
            "penalty.kind = none",
            "LayerNorm",
        ] {
            assert!(said.contains(part), "no `{part}` in: {said}");
        }
    }
}
