//! Steps that ask for other kernels now and then, and numbers that the host changes between steps: a captured
//! step does what the eager one does.

use crate::cuda;
use detach_recipes::{Closely, Preset, Report, Trainer};
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
fn trace(trainer: Trainer, steps: u64) -> Vec<Traced> {
    trace_of(trainer, steps, |trainer, _| trainer.step())
}

/// The same of steps that are made by `run`, which is told how many there were before.
fn trace_of(
    mut trainer: Trainer,
    steps: u64,
    run: impl Fn(&mut Trainer, u64) -> Report,
) -> Vec<Traced> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.safetensors");
    let step = |before| {
        let numbers = run(&mut trainer, before).read();
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

/// A step that is watched is run as it is, before the capture, among replays, and where it is the only one of its key.
#[test]
fn a_watched_step_among_replays_changes_nothing() {
    emulated::run(Variant::Plain, &[], || {
        let changes = ["critic-steps=2", "g-every=3"];
        let plain = trace(trainer(&changes, false), 30);
        let watched = trace_of(trainer(&changes, false), 30, |trainer, before| {
            let closely = match before {
                before if before % 7 == 0 => Closely::Layers,
                before if before % 5 == 0 => Closely::Norms,
                _ => Closely::No,
            };
            let (report, seen) = trainer.step_watched(closely);
            let norms = seen.norms();
            assert!(
                (closely == Closely::No) == norms.is_empty(),
                "step {before}"
            );
            assert!(norms.iter().all(|(_, norm)| norm.is_finite()), "{norms:?}");
            report
        });
        for (step, (plain, watched)) in plain.iter().zip(&watched).enumerate() {
            assert_eq!(plain.1, watched.1, "step {step}");
            assert!(plain.0 == watched.0, "weights of step {step}");
        }
    });
}
