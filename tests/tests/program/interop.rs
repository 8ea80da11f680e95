//! What others make of our files: PyTorch loads a generator by `load_state_dict` and
//! draws the same images from the same noise.

use detach_tests::program::{Sandbox, python, skipped};
use detach_tests::repository;
use std::path::Path;
use std::process::Command;

const NEEDED: &[&str] = &["torch", "numpy", "safetensors"];
const WHY: &str = "needs Python with torch, numpy and safetensors (set PYTHON)";

/// Three steps in the folder of the recipe's name, so that no weight, statistic or counter is at its start, then samples.
fn train_and_sample(sandbox: &Sandbox, recipe: &str, flags: &str) {
    let small =
        "--batch-size 8 --max-steps 3 --offline --data-dir digits --no-pictures --no-report -q";
    sandbox.ok(&format!("train {recipe} {small} --out {recipe}"));
    sandbox.ok(&format!(
        "sample {recipe} --seed 3 --out {recipe}/images.npy --noise-out {recipe}/z.npy {flags}"
    ));
}

/// The script loads strictly, by names and shapes, and compares within 1e-5.
fn check(python: &Path, sandbox: &Sandbox, recipes: &[&str], flags: &[&str]) -> bool {
    let mut command = Command::new(python);
    command.arg(repository().join("tests/golden/load_checkpoint.py"));
    for recipe in recipes {
        let run = sandbox.path(recipe);
        let files = ["checkpoints/generator.safetensors", "z.npy", "images.npy"];
        command.arg(recipe).args(files.map(|file| run.join(file)));
    }
    let output = command
        .args(flags)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python starts");
    let said = [output.stdout, output.stderr].concat();
    println!("{}", String::from_utf8_lossy(&said).trim_end());
    output.status.success()
}

#[track_caller]
fn pytorch_agrees(recipes: &[&str], sampled: &str, flags: &[&str]) {
    let Some(python) = python(NEEDED) else {
        return skipped(WHY);
    };
    let sandbox = Sandbox::new();
    for recipe in recipes {
        train_and_sample(&sandbox, recipe, sampled);
    }
    assert!(check(&python, &sandbox, recipes, flags), "see above");
}

#[test]
fn generators_of_every_kind_of_layer() {
    let recipes = ["dcgan", "dcgan-light", "dcgan64", "mlp", "keras-mlp"];
    pytorch_agrees(&recipes, "--count 130 --mode eval", &[]);
}

/// Samples are made 64 at once; the statistics are those of the 64.
#[test]
fn mlp_by_the_statistics_of_the_batch() {
    pytorch_agrees(&["mlp"], "--count 64 --mode batch", &["--train-mode"]);
}

/// The comparison can fail: images of other noise are not the same.
#[test]
fn another_seed_is_another_picture() {
    let Some(python) = python(NEEDED) else {
        return skipped(WHY);
    };
    let sandbox = Sandbox::new();
    train_and_sample(&sandbox, "mlp", "--count 4 --mode eval");
    assert!(check(&python, &sandbox, &["mlp"], &[]));
    sandbox.ok("sample mlp --seed 4 --out mlp/images.npy --count 4 --mode eval");
    assert!(!check(&python, &sandbox, &["mlp"], &[]));
}
