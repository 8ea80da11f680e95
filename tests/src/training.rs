//! A trainer on synthetic digits.

use detach_data::{Split, synthetic};
use detach_recipes::{Batches, DataKind, Preset, RecipeInfo, Setup, Trainer};
use detach_tensor::Kind;

/// A recipe as published but for its batch size, on `digits` synthetic digits, before its
/// first step.
///
/// # Panics
/// When there is not one batch of digits.
pub fn trainer(
    recipe: &'static RecipeInfo,
    digits: usize,
    batch_size: usize,
    kind: impl Into<Kind>,
) -> Trainer {
    let mut setup = recipe.setup(Preset::AsPublished);
    setup.settings.batch_size = batch_size;
    of_setup(&setup, digits, kind)
}

/// The settings that make a recipe's networks narrow, of those that it has: for tests of what does not depend on widths.
pub fn narrow(recipe: &'static RecipeInfo) -> Vec<&'static str> {
    const CHANGES: [&str; 6] = [
        "width=8",
        "hidden=32",
        "filters=4",
        "widths=[16]",
        "g-widths=[16]",
        "d-widths=[16]",
    ];
    let keys = recipe.setup(Preset::AsPublished).keys();
    let has = |change: &&str| keys.iter().any(|key| change.split('=').next() == Some(key));
    CHANGES.into_iter().filter(has).collect()
}

/// A recipe of any settings on `digits` synthetic digits, before its first step.
///
/// # Panics
/// When there is not one batch of digits, or a setting cannot be.
pub fn of_setup(setup: &Setup, digits: usize, kind: impl Into<Kind>) -> Trainer {
    let kind = kind.into();
    let set = |data: DataKind| match data {
        DataKind::Gaussian => Batches::gaussian(&setup.settings, kind),
        DataKind::Images(size) => {
            let dataset = Box::new(synthetic(0, Split::Train, digits));
            Batches::images(dataset, size, &setup.settings, kind).expect("a batch of images")
        }
    };
    let sets = setup.data().expect("options that can be");
    let sets = sets.into_iter().map(set).collect();
    Trainer::new(setup.clone(), sets, kind).expect("a recipe that can be")
}
