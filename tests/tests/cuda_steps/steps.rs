//! Whole training steps in this process.

use crate::{cuda, relative_error};
use detach_data::{Dataset, Split, Stacked, synthetic};
use detach_nn::{Optimiser, count};
use detach_recipes::settings::Sampling;
use detach_recipes::{Batches, DataKind, ImageSize, Preset, RECIPES, RecipeInfo, Settings, Setup};
use detach_tensor::{DType, Kind, Tensor, pool_stats};
use detach_tests::emulated::{self, Variant};
use detach_tests::training;
use std::cell::RefCell;
use std::rc::Rc;

/// The gradients of each update, one after the other.
type Updates = Rc<RefCell<Vec<Vec<f64>>>>;

/// The gradients of the first step's updates, and its losses, in a step that moves nothing:
/// Adam's first would take ±lr by sign, also where a gradient is nothing but rounding, and
/// the second update would see other weights.
fn first_step(setup: &Setup, kind: Kind) -> (Vec<Vec<f64>>, [f64; 2]) {
    let mut trainer = training::of_setup(setup, 16, kind);
    let updates = Updates::default();
    for (_, optimiser) in trainer.recipe_mut().optimisers() {
        optimiser.lr().set(0.0);
        watch(optimiser, &updates);
    }
    let report = trainer.step();
    let losses = ["d_loss", "g_loss"].map(|name| report.get(name).expect(name));
    (updates.take(), losses)
}

fn watch(optimiser: &mut Optimiser, updates: &Updates) {
    let updates = Rc::clone(updates);
    optimiser.watch(Box::new(move |gradients| {
        let all = gradients.iter().flat_map(Tensor::to_vec::<f64>).collect();
        updates.borrow_mut().push(all);
    }));
}

/// How far the losses and gradients of the first step are from the CPU's.
fn first_step_error(setup: &Setup) -> f64 {
    let (there, losses) = first_step(setup, cuda());
    let (here, expected) = first_step(setup, DType::F32.into());
    assert_eq!(there.len(), here.len());
    let updates = there.iter().zip(&here);
    let errors = updates.map(|(there, here)| relative_error(there, here));
    errors.fold(relative_error(&losses, &expected), f64::max)
}

/// A step of several updates has many thousand pre-activations, and one that rounding takes across a
/// kink is a difference of 1e-3. That is so at one seed and not at the next; a fault is at all of them.
fn check_first_step(mut setup: Setup) {
    const SEEDS: u64 = 4;
    // As few as BatchNorm and ReLU leave something to compare.
    setup.settings.batch_size = match setup.data().expect("data")[0] {
        DataKind::Gaussian => 8,
        DataKind::Images(size) if size.side > 28 => 2,
        DataKind::Images(_) => 4,
    };
    let mut errors = Vec::new();
    for seed in 0..SEEDS {
        setup.settings.seed = seed;
        errors.push(first_step_error(&setup));
        if errors.last().is_some_and(|error| *error < 1e-5) {
            return;
        }
    }
    panic!("{}, {}: {errors:?}", setup.recipe().name(), setup.preset);
}

/// `setup` of a recipe, narrow.
fn narrowed(recipe: &'static RecipeInfo, preset: Preset) -> Setup {
    let mut setup = recipe.setup(preset);
    for change in training::narrow(recipe) {
        setup.set(change).expect("it can be narrow");
    }
    setup
}

/// Every second recipe of the registry, so that two tests share them. What BatchNorm makes of four samples behind thousands of
/// inputs is no more the same on any two machines to 1e-5, and a kernel's tiles are full long before: the widest are narrow.
fn check_first_steps(from: usize) {
    const WIDEST: usize = 3_000_000;
    emulated::run(Variant::Plain, &[], || {
        for recipe in RECIPES.iter().skip(from).step_by(2) {
            let setup = recipe.setup(Preset::AsPublished);
            let trained = setup.build(DType::F32.into()).expect("a recipe");
            let counts = trained.networks().into_iter().map(|(_, net)| count(net));
            check_first_step(match counts.sum::<usize>() > WIDEST {
                true => narrowed(recipe, Preset::AsPublished),
                false => setup,
            });
        }
    });
}

/// The other preset, whose networks and steps are others; narrow, as the widths are those that were seen before.
#[test]
fn first_gradients_of_what_is_fixed() {
    emulated::run(Variant::Plain, &[], || {
        for recipe in RECIPES {
            check_first_step(narrowed(recipe, Preset::Fixed));
        }
    });
}

#[test]
fn first_gradients_of_one_half_of_the_recipes() {
    check_first_steps(0);
}

#[test]
fn first_gradients_of_the_other_half() {
    check_first_steps(1);
}

/// Batches are the CPU's to the bit, whichever way they are drawn.
#[test]
fn batches_are_the_same_images() {
    emulated::run(Variant::Plain, &[], || {
        for (sampling, side, channels, is_stacked) in [
            (Sampling::Shuffled { drop_last: false }, 28, 1, false),
            (Sampling::WithReplacement, 28, 1, false),
            (Sampling::Shuffled { drop_last: true }, 64, 3, false),
            (Sampling::Shuffled { drop_last: false }, 28, 3, true),
            (Sampling::Shuffled { drop_last: true }, 64, 3, true),
        ] {
            let settings = Settings {
                batch_size: 16,
                sampling,
                ..Settings::default()
            };
            let size = ImageSize { channels, side };
            let batches = |kind| {
                let mut dataset: Box<dyn Dataset> = Box::new(synthetic(1, Split::Train, 40));
                if is_stacked {
                    dataset = Box::new(Stacked::new(dataset, 2).expect("digits"));
                }
                Batches::images(dataset, size, &settings, kind).expect("40 images")
            };
            let (mut there, mut here) = (batches(cuda()), batches(DType::F32.into()));
            for number in [0, 2, 1, 4, 5] {
                let mut lengths = [Vec::new(), Vec::new()];
                for (batches, lengths) in [&mut there, &mut here].into_iter().zip(&mut lengths) {
                    batches.go_to(number);
                    // Two at once: what is prepared is taken in order.
                    batches.prepare(&0.into(), 2);
                    batches.lengths(lengths);
                }
                assert_eq!(lengths[0], lengths[1]);
                for _ in 0..2 {
                    let (there, here) = (there.take(), here.take());
                    assert_eq!(there.images.kind(), cuda());
                    assert_eq!(there.images.shape(), here.images.shape());
                    for (a, b) in [
                        (&there.images, &here.images),
                        (&there.labels(), &here.labels()),
                    ] {
                        assert!(a.to_vec::<f32>() == b.to_vec::<f32>(), "{size:?}, {number}");
                    }
                }
            }
        }
    });
}

/// From its fourth step on, a run asks the driver for no memory; losses are read all along,
/// and every second step has a batch of another size.
#[test]
fn steps_come_to_rest() {
    emulated::run(Variant::Plain, &[], || {
        for info in RECIPES.iter().filter(|info| info.name().contains("mlp")) {
            // Two batches an epoch where the short one is used, and one where it is not.
            let mut setup = narrowed(info, Preset::AsPublished);
            setup.settings.batch_size = 4;
            let mut trainer = training::of_setup(&setup, 7, cuda());
            let mut after = Vec::new();
            for _ in 0..12 {
                let report = trainer.step();
                assert!(report.read().iter().all(|(_, value)| value.is_finite()));
                after.push(pool_stats(cuda().device).system_allocations);
            }
            // Each size of batch is captured in its third step.
            assert_eq!(after[5], after[11], "{}: {after:?}", info.name());
        }
    });
}
