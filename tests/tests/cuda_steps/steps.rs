//! Whole training steps in this process.

use crate::{cuda, relative_error};
use detach_gan::data::Source;
use detach_gan::recipes::{ImageSize, RECIPES, find};
use detach_gan::settings::{Sampling, Settings};
use detach_gan::trainer::Trainer;
use detach_mnist::{Dataset, Split};
use detach_nn::Adam;
use detach_tensor::{DType, Kind, Tensor, pool_stats};
use detach_tests::emulated::{self, Variant};
use detach_tests::training;
use std::cell::RefCell;
use std::rc::Rc;

fn trainer(recipe: &str, digits: usize, batch_size: usize, kind: Kind) -> Trainer {
    training::trainer(find(recipe).expect("a recipe"), digits, batch_size, kind)
}

/// The gradients of each update, one after the other.
type Updates = Rc<RefCell<Vec<Vec<f64>>>>;

/// The gradients of the first step's updates, and its losses, in a step that moves nothing:
/// Adam's first would take ±lr by sign, also where a gradient is nothing but rounding, and
/// the second update would see other weights.
fn first_step(recipe: &str, batch_size: usize, kind: Kind) -> (Vec<Vec<f64>>, [f64; 2]) {
    let mut trainer = trainer(recipe, 16, batch_size, kind);
    let updates = Updates::default();
    let pair = trainer.recipe_mut().pair_mut();
    for adam in [&mut pair.d_adam, &mut pair.g_adam] {
        adam.config.lr = 0.0;
        watch(adam, &updates);
    }
    let report = trainer.step();
    let losses = [report.d_loss.item(), report.g_loss.item()];
    (updates.take(), losses)
}

fn watch(adam: &mut Adam, updates: &Updates) {
    let updates = Rc::clone(updates);
    adam.watch(Box::new(move |gradients| {
        let all = gradients.iter().flat_map(Tensor::to_vec::<f64>).collect();
        updates.borrow_mut().push(all);
    }));
}

fn check_first_step(recipe: &str, batch_size: usize) {
    emulated::run(Variant::Plain, &[], || {
        let (there, losses) = first_step(recipe, batch_size, cuda());
        let (here, expected) = first_step(recipe, batch_size, DType::F32.into());
        assert_eq!(there.len(), here.len());
        let error = relative_error(&losses, &expected);
        assert!(error < 1e-5, "{recipe}: losses {losses:?} {expected:?}");
        for (update, (there, here)) in there.iter().zip(&here).enumerate() {
            let error = relative_error(there, here);
            println!("{recipe}, update {update}: {error:e}");
            assert!(error < 1e-5, "{recipe}, update {update}: {error:e}");
        }
    });
}

macro_rules! first_steps {
    ($($test:ident: $recipe:literal at $batch:literal,)*) => {$(
        #[test]
        fn $test() {
            check_first_step($recipe, $batch);
        }
    )*};
}

first_steps! {
    gradients_of_mlp: "mlp" at 2,
    gradients_of_mlp_relu: "mlp-relu" at 4,
    gradients_of_keras_mlp: "keras-mlp" at 2,
    gradients_of_gauss1d: "gauss1d" at 8,
    gradients_of_dcgan: "dcgan" at 2,
    gradients_of_dcgan_light: "dcgan-light" at 2,
    gradients_of_dcgan64: "dcgan64" at 2,
}

/// Batches are the CPU's to the bit, whichever way they are drawn.
#[test]
fn batches_are_the_same_images() {
    emulated::run(Variant::Plain, &[], || {
        for (sampling, side, channels) in [
            (Sampling::Shuffled { drop_last: false }, 28, 1),
            (Sampling::WithReplacement, 28, 1),
            (Sampling::Shuffled { drop_last: true }, 64, 3),
        ] {
            let settings = Settings {
                batch_size: 16,
                sampling,
                ..Settings::default()
            };
            let size = ImageSize { channels, side };
            let source = |kind| {
                let dataset = Dataset::synthetic(1, Split::Train, 40);
                let source = Source::images(dataset, size, &settings).expect("40 images");
                source.of_kind(kind)
            };
            let (mut there, mut here) = (source(cuda()), source(DType::F32.into()));
            for step in [0, 2, 1, 4, 5] {
                let step = step.into();
                assert_eq!(there.prepare(&step), here.prepare(&step));
                let (there, here) = (there.batch(), here.batch());
                assert_eq!(there.kind(), cuda());
                assert_eq!(there.shape(), here.shape());
                assert!(
                    there.to_vec::<f32>() == here.to_vec::<f32>(),
                    "{size:?}, {step:?}"
                );
            }
        }
    });
}

/// From its fourth step on, a run asks the driver for no memory; losses are read all along,
/// and every second step has a batch of another size.
#[test]
fn steps_come_to_rest() {
    emulated::run(Variant::Plain, &[], || {
        for info in RECIPES.iter().filter(|info| info.name.contains("mlp")) {
            // Two batches an epoch where the short one is used, and one where it is not.
            let mut trainer = trainer(info.name, 7, 4, cuda());
            let mut after = Vec::new();
            for _ in 0..12 {
                let report = trainer.step();
                assert!(report.d_loss.item().is_finite() && report.g_loss.item().is_finite());
                after.push(pool_stats(cuda().device).system_allocations);
            }
            // Each size of batch is captured in its third step.
            assert_eq!(after[5], after[11], "{}: {after:?}", info.name);
        }
    });
}
