//! Whole training steps, as `gan train` runs them: the same trainer, on synthetic
//! digits, without the log and the pictures around it.

use anyhow::{Result, ensure};
use detach_data::{Split, synthetic};
use detach_recipes::{Batches, DataKind, Preset, Trainer, find};
use detach_tensor::{DType, Device, Kind};

/// Enough for whole batches of 16 to 1024, and drawn in well under a second.
const IMAGES: usize = 4096;

/// A recipe as published, in batches of `batch`, before its first step on `device`.
///
/// # Errors
/// When there is no such recipe, or such batches cannot be made of the data.
pub fn trainer(recipe: &str, batch: usize, device: Device) -> Result<Trainer> {
    ensure!(batch > 0, "a batch of nothing");
    let mut setup = find(recipe)?.setup(Preset::AsPublished);
    setup.settings.batch_size = batch;
    let kind = Kind {
        dtype: DType::F32,
        device,
    };
    let mut sets = Vec::new();
    for data in setup.data()? {
        sets.push(match data {
            DataKind::Gaussian => Batches::gaussian(&setup.settings, kind),
            DataKind::Images(size) => {
                let digits = Box::new(synthetic(0, Split::Train, IMAGES));
                Batches::images(digits, size, &setup.settings, kind)?
            }
        });
    }
    Trainer::new(setup, sets, kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_the_recipes_own() {
        let mut trainer = trainer("gauss1d", 8, Device::Cpu).expect("a recipe");
        trainer.step();
        assert_eq!(
            (trainer.steps_done(), trainer.setup().settings.batch_size),
            (1, 8)
        );
    }

    #[test]
    fn what_cannot_be_built_is_an_error() {
        assert!(trainer("no such recipe", 64, Device::Cpu).is_err());
        assert!(trainer("mlp", 0, Device::Cpu).is_err());
        assert!(trainer("mlp", IMAGES + 1, Device::Cpu).is_err());
    }
}
