//! `gan replay`: a run made again to the bit, and a step of it with one thing changed.

mod edit;

use detach_gan::run::Config;
use detach_nn::{Checkpoint, parameters};
use detach_recipes::checkpoint::restore;
use detach_tensor::{Array, DType, SimdLevel, simd_level};
use detach_tests::program::{Done, Sandbox, skipped};
use serde_json::Value;
use std::fs;

const NARROW_LIGHT: &str = "dcgan-light --set width=4";
const NUMBERS: &str = "gauss1d --set widths=[8]";

/// A run of so many steps in batches of 8, with a checkpoint every five of them.
fn train(sandbox: &Sandbox, name: &str, recipe: &str, steps: u64) {
    let images = match recipe.contains("gauss1d") {
        true => "",
        false => "--data-dir digits",
    };
    sandbox.ok(&format!(
        "train {recipe} --resume {name} {images} --offline --batch-size 8 --max-steps {steps} --checkpoint-every 5 --log-every 1 \
         --no-pictures --no-report -q"
    ));
}

fn parsed(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done}"))
}

fn replay(sandbox: &Sandbox, words: &str) -> Value {
    let seen = parsed(&sandbox.ok(&format!("replay {words} --json")));
    assert_eq!(seen["version"], 1);
    seen
}

/// From a checkpoint and from the first weights, every weight, buffer and moment is the run's: also with state of a recipe's own,
/// with five steps of a critic, an average, a schedule, gradients that are never zeroed.
#[test]
fn without_an_edit_a_run_is_itself() {
    let sandbox = Sandbox::new();
    for (name, recipe) in [
        ("light", "dcgan-light --set width=4 --set g.ema=0.9"),
        ("balance", "began --set filters=4 --set latent=8"),
        ("critic", "wgan --set width=4"),
        (
            "first",
            "mlp --order g-first --set g-widths=[16] --set d-widths=[16] --set d.schedule=linear:0:3",
        ),
        ("numbers", NUMBERS),
        (
            "collected",
            "lab --loop mlp --set g-widths=[16] --set d-widths=[16] --set zero-grad=never",
        ),
    ] {
        train(&sandbox, name, recipe, 12);
        assert_eq!(sandbox.checkpoints(name), [5, 10, 12]);
        for (step, from, until) in [(1, 0, 5), (8, 5, 10), (12, 10, 12)] {
            is_itself(&sandbox, name, [step, from, until]);
        }
    }
    // Everything is a function of the seed and the step.
    for step in [5, 10] {
        fs::remove_file(sandbox.checkpoint("balance", step)).expect("a checkpoint");
    }
    is_itself(&sandbox, "balance", [7, 0, 12]);
    fs::remove_file(sandbox.checkpoint("balance", 12)).expect("a checkpoint");
    let seen = replay(&sandbox, "balance --step 7");
    assert_eq!(seen["proof"]["checkpoint"], Value::Null);
    assert_eq!(
        (&seen["proof"]["same"], &seen["rebuilt"]["record"]["lines"]),
        (&true.into(), &7.into())
    );
}

#[track_caller]
fn is_itself(sandbox: &Sandbox, name: &str, [step, from, until]: [u64; 3]) {
    let seen = replay(sandbox, &format!("{name} --step {step}"));
    let (rebuilt, proof) = (&seen["rebuilt"], &seen["proof"]);
    assert_eq!(rebuilt["from"], from, "{name}");
    assert_eq!(rebuilt["steps"], until - from, "{name}");
    assert_eq!(rebuilt["record"]["lines"], until - from, "{name}");
    assert_eq!(rebuilt["record"]["differs"], Value::Null, "{name}");
    assert_eq!(proof["checkpoint"], until, "{name}");
    assert_eq!(proof["same"], true, "{name}: {seen:#}");
    assert_eq!(proof["weights"], proof["saved"], "{name}");
    assert!(
        proof["differ"][1].as_u64().is_some_and(|all| all > 10),
        "{name}"
    );
}

/// A weight that is one unit in the last place from what it was is named.
#[test]
fn a_run_that_does_not_come_out_as_it_was_is_told() {
    let sandbox = Sandbox::new();
    train(&sandbox, "run", NUMBERS, 10);
    let path = sandbox.checkpoint("run", 10);
    let saved = Checkpoint::load(&path).expect("a checkpoint");
    let config = Config::read(&sandbox.path("run").join("config.toml")).expect("a configuration");
    let setup = config.setup().expect("a setup");
    let recipe = setup.build(DType::F32.into()).expect("a recipe");
    restore(&*recipe, &setup, saved.clone()).expect("its own checkpoint");
    let all = parameters(&*recipe);
    let (_, weight) = all
        .iter()
        .find(|(name, _)| name == "discriminator.net.0.weight")
        .expect("D's first weight");
    let mut values: Vec<f32> = weight.get().to_vec();
    values[3] = values[3].next_up();
    weight.set("a test", &Array::from_slice(&values, weight.get().shape()));
    let mut moved = Checkpoint::new();
    moved.metadata = saved.metadata;
    moved.add("", &*recipe);
    moved.save(&path).expect("a file");

    let done = sandbox.gan("replay run --step 8 --json");
    assert_eq!(done.code, Some(1), "{done}");
    let proof = &parsed(&done)["proof"];
    assert_eq!(proof["same"], false);
    assert_eq!(proof["first"], "discriminator.0.weight");
    assert_eq!(proof["differ"][0], 1);
    assert_ne!(proof["weights"], proof["saved"]);
    assert!(
        proof["causes"]
            .as_array()
            .is_some_and(|causes| !causes.is_empty())
    );
    let text = sandbox.gan("replay run --step 8");
    assert!(text.stdout.contains("discriminator.0.weight"), "{text}");
    assert_eq!(replay(&sandbox, "run --step 5")["proof"]["same"], true);
}

/// A line of metrics that says something else is found, and named by step and number.
#[test]
fn a_record_that_says_something_else_is_told() {
    let sandbox = Sandbox::new();
    train(&sandbox, "run", NUMBERS, 6);
    let path = sandbox.path("run").join("metrics.jsonl");
    let lines = fs::read_to_string(&path).expect("metrics");
    let changed = lines.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("a line");
        if line["step"] == 4 {
            line["g_loss"] = 0.5.into();
        }
        format!("{line}\n")
    });
    fs::write(&path, changed.collect::<String>()).expect("a file");
    let seen = replay(&sandbox, "run --step 2");
    let differs = &seen["rebuilt"]["record"]["differs"];
    assert_eq!(
        (&differs["step"], &differs["name"]),
        (&4.into(), &"g_loss".into())
    );
    assert_eq!(differs["was"], 0.5);
    assert_eq!(
        seen["proof"]["same"], true,
        "the checkpoint says what it was"
    );
    // Without a checkpoint to hold it against, that is what decides.
    for step in [5, 6] {
        fs::remove_file(sandbox.checkpoint("run", step)).expect("a checkpoint");
    }
    assert_eq!(sandbox.gan("replay run --step 3").code, Some(0));
    assert_eq!(sandbox.gan("replay run --step 4").code, Some(1));
}

/// Another level of instructions has other last digits, and the text says so.
#[test]
fn another_arithmetic_is_named() {
    let portable = SimdLevel::named("portable").expect("a level");
    if simd_level().is_fused() == portable.is_fused() {
        return skipped("this machine has one arithmetic");
    }
    let sandbox = Sandbox::new();
    train(&sandbox, "run", NUMBERS, 10);
    let words = "replay run --step 9 --json";
    let mut command = sandbox.command(words);
    command.env("DETACH_SIMD", "portable");
    let done = Done::of(command, words);
    assert_eq!(done.code, Some(1), "{done}");
    let seen = parsed(&done);
    assert_eq!(seen["proof"]["same"], false);
    let arithmetic = seen["rebuilt"]["arithmetic"]
        .as_array()
        .expect("two of them");
    let first = seen["proof"]["causes"][0].as_str().expect("a cause");
    for name in arithmetic {
        assert!(
            name.as_str().is_some_and(|name| first.contains(name)),
            "{first}"
        );
    }
}
