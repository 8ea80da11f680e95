//! The steady state: after its first steps, training takes no more memory.

use detach_gan::data::Source;
use detach_gan::recipes::{DataKind, RECIPES};
use detach_gan::settings::Preset;
use detach_gan::trainer::Trainer;
use detach_mnist::{Dataset, Split};
use detach_tensor::{DType, pool_stats};

/// One test for all recipes: the pool is one for the process.
#[test]
fn the_pool_asks_the_system_for_nothing_after_step_two() {
    for info in RECIPES {
        let mut settings = (info.settings)(Preset::AsPublished);
        settings.batch_size = 8;
        let source = match info.data {
            DataKind::Gaussian => Source::gaussian(&settings),
            DataKind::Images => {
                let dataset = Dataset::synthetic(0, Split::Train, 64);
                Source::images(dataset, &settings).expect("64 images")
            }
        };
        let mut trainer = Trainer::new(info, settings, source, DType::F32.into());
        trainer.step();
        trainer.step();
        let after_two = pool_stats().system_allocations;
        for step in 3..=8 {
            trainer.step();
            let now = pool_stats().system_allocations;
            assert_eq!(now, after_two, "{}: step {step} took memory", info.name);
        }
    }
}
