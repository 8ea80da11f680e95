//! Steps that ask for other kernels now and then, and numbers that the host changes between steps: a captured
//! step does what the eager one does.

use crate::cuda;
use detach_recipes::{Preset, Trainer};
use detach_tests::critic::CRITIC;
use detach_tests::emulated::{self, Variant};
use detach_tests::training::of_setup;

/// A critic on the emulated device. Where no two phases are the same, every step is run eagerly.
fn trainer(changes: &[&str], eager: bool) -> Trainer {
    let mut setup = CRITIC.setup(Preset::AsPublished);
    let eager = format!("all-phases-differ={eager}");
    for change in changes.iter().copied().chain([eager.as_str()]) {
        setup.set(change).unwrap_or_else(|e| panic!("{e:#}"));
    }
    // Two batches of 4 and one of 3 an epoch.
    of_setup(&setup, 11, cuda())
}

/// A step's checkpoint, and what it reported.
type Traced = (Vec<u8>, Vec<(&'static str, f64)>);

/// Every weight, moment and number of its own after each step.
fn trace(mut trainer: Trainer, steps: u64) -> Vec<Traced> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.safetensors");
    let step = |_| {
        let numbers = trainer.step().read();
        let mut checkpoint = trainer.checkpoint();
        // That one is eager and the other is not is a setting, too.
        checkpoint.metadata.remove("settings");
        checkpoint.save(&path).expect("a checkpoint");
        (std::fs::read(&path).expect("its bytes"), numbers)
    };
    (0..steps).map(step).collect()
}

fn check(changes: &'static [&'static str]) {
    emulated::run(Variant::Plain, &[], move || {
        let captured = trace(trainer(changes, false), 30);
        let eager = trace(trainer(changes, true), 30);
        for (step, (captured, eager)) in captured.iter().zip(&eager).enumerate() {
            assert_eq!(captured.1, eager.1, "{changes:?}, step {step}");
            assert!(captured.0 == eager.0, "{changes:?}, weights of step {step}");
        }
    });
}

#[test]
fn g_every_second_step_is_not_g_every_step() {
    check(&["critic-steps=1"]);
}

#[test]
fn several_fresh_batches_a_step() {
    check(&["critic-steps=2", "g-every=3"]);
}

#[test]
fn a_falling_learning_rate_falls() {
    check(&[
        "critic-steps=1",
        "d.schedule=linear:1:8",
        "g.schedule=step:2:0.5",
    ]);
}

#[test]
fn other_optimisers() {
    check(&["critic-steps=1", "d.kind=rmsprop", "g.kind=adam-keras"]);
}
