//! What others make of our files: PyTorch loads a generator by `load_state_dict` and
//! draws the same images from the same noise.

use detach_tests::program::{Sandbox, python, skipped};
use detach_tests::repository;
use std::path::Path;
use std::process::Command;

const NEEDED: &[&str] = &["torch", "numpy", "safetensors"];
const WHY: &str = "needs Python with torch, numpy and safetensors (set PYTHON)";

/// Three steps, so that no weight, statistic or counter is at its start, then samples
/// to the names that `check` expects.
fn train_and_sample(sandbox: &Sandbox, recipe: &str, flags: &str) {
    let small = "--batch-size 8 --max-steps 3 --offline --data-dir digits --no-pictures -q";
    sandbox.ok(&format!("train {recipe} {small} --out run"));
    sandbox.ok(&format!(
        "sample run --seed 3 --out images.npy --noise-out z.npy {flags}"
    ));
}

/// The script loads strictly, by names and shapes, and compares within 1e-5.
fn check(python: &Path, sandbox: &Sandbox, recipe: &str, flags: &[&str]) -> bool {
    let output = Command::new(python)
        .arg(repository().join("tests/golden/load_checkpoint.py"))
        .arg(recipe)
        .arg(sandbox.path("run/checkpoints/generator.safetensors"))
        .args([sandbox.path("z.npy"), sandbox.path("images.npy")])
        .args(flags)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python starts");
    let said = [output.stdout, output.stderr].concat();
    println!("{recipe}: {}", String::from_utf8_lossy(&said).trim_end());
    output.status.success()
}

#[track_caller]
fn pytorch_agrees(recipe: &str, sampled: &str, flags: &[&str]) {
    let Some(python) = python(NEEDED) else {
        return skipped(WHY);
    };
    let sandbox = Sandbox::new();
    train_and_sample(&sandbox, recipe, sampled);
    assert!(check(&python, &sandbox, recipe, flags), "see above");
}

#[test]
fn dcgan() {
    pytorch_agrees("dcgan", "--count 130 --mode eval", &[]);
}

#[test]
fn dcgan_light() {
    pytorch_agrees("dcgan-light", "--count 130 --mode eval", &[]);
}

#[test]
fn dcgan64() {
    pytorch_agrees("dcgan64", "--count 70 --mode eval", &[]);
}

#[test]
fn mlp() {
    pytorch_agrees("mlp", "--count 130 --mode eval", &[]);
}

#[test]
fn keras_mlp() {
    pytorch_agrees("keras-mlp", "--count 130 --mode eval", &[]);
}

/// Samples are made 64 at once; the statistics are those of the 64.
#[test]
fn mlp_by_the_statistics_of_the_batch() {
    pytorch_agrees("mlp", "--count 64 --mode batch", &["--train-mode"]);
}

/// The comparison can fail: images of other noise are not the same.
#[test]
fn another_seed_is_another_picture() {
    let Some(python) = python(NEEDED) else {
        return skipped(WHY);
    };
    let sandbox = Sandbox::new();
    train_and_sample(&sandbox, "mlp", "--count 4 --mode eval");
    assert!(check(&python, &sandbox, "mlp", &[]));
    sandbox.ok("sample run --seed 4 --out images.npy --count 4 --mode eval");
    assert!(!check(&python, &sandbox, "mlp", &[]));
}
