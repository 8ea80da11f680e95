//! The recipes in a browser: the same code, built for wasm32, trains to the same bits.
//!
//! The module imports nothing and exports plain functions of numbers. `cargo xtask web` builds it; a test runs it in node
//! and compares [`weights_after`] with what the portable path of this machine gives.

#[cfg(target_family = "wasm")]
mod exports;

use detach_data::{Split, synthetic};
use detach_nn::{Name, Slot, State};
use detach_recipes::{Batches, DataKind, Preset, RECIPES, RecipeInfo, Trainer};
use detach_tensor::{DType, Kind};

/// Synthetic digits that are trained on, and images a batch.
const DIGITS: usize = 32;
const BATCH: usize = 4;

/// A recipe as published on a few synthetic digits, before its first step.
///
/// # Panics
/// When a recipe of the registry cannot be.
fn trainer(recipe: &'static RecipeInfo) -> Trainer {
    let kind = Kind::from(DType::F32);
    let mut setup = recipe.setup(Preset::AsPublished);
    setup.settings.batch_size = BATCH;
    setup.settings.seed = 42;
    let sets = setup.data().expect("options that can be").into_iter();
    let sets = sets.map(|data| match data {
        DataKind::Gaussian => Batches::gaussian(&setup.settings, kind),
        DataKind::Images(size) => {
            let digits = Box::new(synthetic(0, Split::Train, DIGITS));
            Batches::images(digits, size, &setup.settings, kind).expect("a batch of digits")
        }
    });
    let sets = sets.collect();
    Trainer::new(setup.clone(), sets, kind).expect("a recipe that can be")
}

/// FNV-1a over every name and every bit of a state's values, in its order.
fn hash(state: &dyn State) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    };
    state.visit(Name::ROOT, &mut |name, slot| {
        add(name.to_string().as_bytes());
        match slot {
            Slot::Param(x) | Slot::Buffer(x) => {
                for value in x.get().to_vec::<f32>() {
                    add(&value.to_bits().to_le_bytes());
                }
            }
            Slot::Count(count) => add(&count.get().to_le_bytes()),
        }
    });
    hash
}

/// A hash of every weight, buffer and moment of a recipe after `steps` steps at seed 42 in batches of 4; `recipe` is its
/// place in the registry.
///
/// # Panics
/// When there is no such recipe.
pub fn weights_after(recipe: usize, steps: u32) -> u64 {
    let mut trainer = trainer(RECIPES[recipe]);
    for _ in 0..steps {
        trainer.step();
    }
    let networks = trainer.recipe().networks();
    networks.iter().fold(0, |sum: u64, (_, network)| {
        sum.rotate_left(1) ^ hash(*network)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_sees_every_step() {
        let gauss = RECIPES
            .iter()
            .position(|r| r.name() == "gauss1d")
            .expect("is there");
        let hashes = [0, 1, 2].map(|steps| weights_after(gauss, steps));
        assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2]);
        assert_eq!(weights_after(gauss, 2), hashes[2]);
    }
}
