//! What a recipe with more than one shape needs of the house, each of which went wrong once: fresh batches,
//! state of its own, numbers of its own. Phases and schedules on a GPU are in `cuda_steps/phases.rs`.

use detach_nn::Checkpoint;
use detach_recipes::{Setup, Trainer};
use detach_tensor::DType;
use detach_tests::critic::{CRITIC, seen};
use detach_tests::program::Sandbox;
use detach_tests::training::of_setup;
use std::fs;

fn setup(changes: &[&str]) -> Setup {
    let mut setup = CRITIC.setup(detach_recipes::Preset::AsPublished);
    for change in changes {
        setup.set(change).unwrap_or_else(|e| panic!("{e:#}"));
    }
    setup
}

fn trainer(changes: &[&str]) -> Trainer {
    of_setup(&setup(changes), 20, DType::F32)
}

/// A critic of three steps sees three batches where it asks for the next, and one where it keeps it;
/// an epoch of fresh batches shows every image once, across steps.
#[test]
fn the_next_batch_is_another_one() {
    seen();
    let mut fresh = trainer(&[]);
    // 20 images are five batches of 4: two steps take six.
    assert_eq!(fresh.steps_per_epoch(), 2);
    fresh.step();
    fresh.step();
    let batches = seen();
    assert_eq!(batches.len(), 6);
    let mut first_epoch: Vec<&[f32]> = batches[..5].iter().flat_map(|b| b.chunks(784)).collect();
    first_epoch.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    first_epoch.dedup();
    assert_eq!(first_epoch.len(), 20, "every image of the first epoch");

    let mut same = trainer(&["fresh-reals=false"]);
    same.step();
    same.step();
    let batches = seen();
    assert_eq!(batches.len(), 6);
    assert!(batches[0] == batches[1] && batches[0] == batches[2]);
    assert!(batches[3] == batches[4] && batches[0] != batches[3]);
}

/// The weights, optimisers, own state and position of a trainer, as the file has them.
fn file(trainer: &Trainer, folder: &tempfile::TempDir) -> (std::path::PathBuf, Vec<u8>) {
    let path = folder.path().join("checkpoint.safetensors");
    trainer.checkpoint().save(&path).expect("a checkpoint");
    let bytes = fs::read(&path).expect("its bytes");
    (path, bytes)
}

/// 20 + 20 steps are 40 steps for a recipe with state of its own, in the middle of an epoch.
#[test]
fn own_state_is_in_the_checkpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    for changes in [
        &[][..],
        &["fresh-reals=false"],
        &["d.schedule=linear:1:30", "g.schedule=cosine:25"],
        &["d.kind=rmsprop", "g.kind=sgd", "g.momentum=0.9"],
        &["sampling=with-replacement"],
    ] {
        let mut whole = trainer(changes);
        (0..40).for_each(|_| drop(whole.step()));
        let (_, whole) = file(&whole, &folder);

        let mut first = trainer(changes);
        (0..20).for_each(|_| drop(first.step()));
        let (path, half) = file(&first, &folder);
        assert_ne!(half, whole);
        let mut second = trainer(changes);
        let checkpoint = Checkpoint::load(&path).expect("a checkpoint");
        second.restore(checkpoint).expect("restored");
        assert_eq!(second.steps_done(), 20);
        (0..20).for_each(|_| drop(second.step()));
        let (_, resumed) = file(&second, &folder);
        assert!(resumed == whole, "{changes:?}");
    }
}

/// A recipe's own numbers, and those of a version to come, survive a resume.
#[test]
fn a_line_of_another_recipe_stays() {
    let sandbox = Sandbox::new();
    let train = "--offline --data-dir digits --batch-size 8 --no-pictures --log-every 1 -q";
    sandbox.ok(&format!("train mlp {train} --max-steps 3 --out run"));
    let path = sandbox.path("run/metrics.jsonl");
    let written = fs::read_to_string(&path).expect("metrics");
    let mut lines: Vec<String> = written.lines().map(str::to_owned).collect();
    // As a critic tells it, and as nobody does yet.
    lines[0] =
        r#"{"version":1,"step":1,"epoch":0.1,"w":3.5,"step_ms":1.0,"images_per_s":8.0}"#.into();
    lines[1] = r#"{"version":7,"step":2,"scores":{"fid":12.5}}"#.into();
    let beyond = r#"{"version":7,"step":9,"scores":{"fid":1.5}}"#;
    let text = lines
        .iter()
        .map(|line| format!("{line}\n"))
        .collect::<String>();
    fs::write(&path, format!("{text}{beyond}\n")).expect("a file");
    sandbox.ok("train --resume run --offline --no-pictures --log-every 1 --max-steps 4 -q");
    let after = fs::read_to_string(&path).expect("metrics");
    let after: Vec<&str> = after.lines().collect();
    assert_eq!(after.len(), 4, "{after:?}");
    assert_eq!(after[..3], lines, "what was there before step 3 is there");
    assert!(after[3].contains("\"step\":4"), "{after:?}");
}

/// What a run before there were versions left is gone on with, to the bits of a run of today.
#[test]
fn a_run_of_version_0_goes_on() {
    let sandbox = Sandbox::new();
    let train = "--offline --data-dir digits --batch-size 8 --no-pictures -q --set kind=adam";
    sandbox.ok(&format!(
        "train keras-mlp {train} --max-steps 12 --out whole"
    ));
    sandbox.ok(&format!("train keras-mlp {train} --max-steps 5 --out run"));
    age(&sandbox);
    sandbox.ok("sample run --out old.npy --count 3");
    sandbox.ok("train --resume run --offline --no-pictures -q --max-steps 12");
    assert_eq!(sandbox.hash("run", 12), sandbox.hash("whole", 12));
    let config = fs::read_to_string(sandbox.path("run/config.toml")).expect("configuration");
    assert!(config.starts_with("version = 2\n"), "{config}");
}

/// Makes of `run` what version 0 would have left.
fn age(sandbox: &Sandbox) {
    let path = sandbox.checkpoint("run", 5);
    let mut checkpoint = Checkpoint::load(&path).expect("a checkpoint");
    checkpoint.metadata.remove("version");
    checkpoint.rename(|name| {
        if name == "data.0.batches" {
            return None;
        }
        for (new, old) in [
            ("generator.net.", "generator."),
            ("discriminator.net.", "discriminator."),
            ("generator.optim.", "adam_g."),
            ("discriminator.optim.", "adam_d."),
        ] {
            if let Some(rest) = name.strip_prefix(new) {
                return Some(format!("{old}{rest}"));
            }
        }
        Some(name.to_owned())
    });
    checkpoint.save(&path).expect("a checkpoint");
    let config = "recipe = \"keras-mlp\"\npreset = \"as-published\"\ndata = \"digits\"\ndata-dir = \"digits\"\n\
                  [settings]\nseed = 0\nepochs = 50\nbatch-size = 8\nlr = 0.0002\nbeta1 = 0.5\nbeta2 = 0.999\n\
                  eps = 1e-7\ninit = \"keras\"\ndropout = 0.3\nmatmul = \"fp32\"\n\
                  [settings.sampling]\nby = \"with-replacement\"\n\
                  [settings.pictures]\nrows = 5\ncolumns = 5\nevery-steps = 0\nevery-epochs = 10\nfirst = true\n\
                  mode = \"eval\"\nsource = \"fresh\"\n";
    fs::write(sandbox.path("run/config.toml"), config).expect("a file");
}
