//! What other programs make of exported networks, and we of theirs.

use detach_recipes::RECIPES;
use detach_tests::program::{Sandbox, python, skipped};
use detach_tests::repository;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs a script of `tests/golden`; shows what it says.
fn succeeds(python: &Path, script: &str, args: &[&str], folder: &Path) -> bool {
    let output = Command::new(python)
        .arg(repository().join("tests/golden").join(script))
        .args(args)
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python starts");
    let said = [output.stdout, output.stderr].concat();
    println!("{}", String::from_utf8_lossy(&said).trim_end());
    output.status.success()
}

/// Three steps of a recipe in the folder of its name, so that no weight, statistic or counter is at its start.
fn train(sandbox: &Sandbox, recipe: &str) {
    fs::create_dir(sandbox.path(recipe)).expect("a folder");
    let small = "--batch-size 8 --max-steps 3 --offline --data-dir digits --no-pictures -q";
    sandbox.ok(&format!("train {recipe} {small} --out {recipe}/run"));
}

/// 20 samples, their noise, and their classes where there are any.
fn sample(sandbox: &Sandbox, recipe: &str) {
    let classes = detach_recipes::find(recipe).expect("a recipe");
    let classes = classes.setup(detach_recipes::Preset::AsPublished);
    let labels = match classes.generator(detach_tensor::Kind::default()) {
        Ok(generator) if generator.input().classes().is_some() => {
            format!("--labels-out {recipe}/labels.idx1-ubyte")
        }
        _ => String::new(),
    };
    sandbox.ok(&format!(
        "sample {recipe}/run --count 20 --seed 3 --mode eval --out {recipe}/images.npy --noise-out {recipe}/z.npy {labels}"
    ));
}

/// ONNX Runtime makes our samples from our noise, and of them PyTorch's answers.
#[test]
fn onnx_runtime_agrees_for_every_recipe() {
    let needed = ["torch", "numpy", "safetensors", "onnx", "onnxruntime"];
    let Some(python) = python(&needed) else {
        return skipped(
            "needs Python with torch, numpy, safetensors, onnx and onnxruntime (set PYTHON)",
        );
    };
    let sandbox = Sandbox::new();
    let mut args = vec!["."];
    for recipe in RECIPES {
        train(&sandbox, recipe.name());
        sample(&sandbox, recipe.name());
        sandbox.ok(&format!("export {0}/run --to onnx", recipe.name()));
        args.push(recipe.name());
    }
    let folder = sandbox.path("");
    assert!(
        succeeds(&python, "run_onnx.py", &args, &folder),
        "see above"
    );
    // The comparison can fail: images of other noise are not the same.
    sandbox.ok("sample mlp/run --count 20 --seed 4 --mode eval --out mlp/images.npy");
    assert!(!succeeds(&python, "run_onnx.py", &[".", "mlp"], &folder));
}

/// The files of a run that `gan train` with `flags` has made and `gan export` has written.
fn exported(sandbox: &Sandbox, flags: &str, to: &str) {
    let small = "--batch-size 8 --max-steps 1 --offline --data-dir digits --no-pictures -q";
    sandbox.ok(&format!("train {flags} {small} --out run"));
    sandbox.ok(&format!("export run --to {to} --out exported"));
}

const PYTORCH: &[&str] = &["torch", "numpy", "safetensors"];
const WITHOUT_PYTORCH: &str = "needs Python with torch, numpy and safetensors (set PYTHON)";

/// A script's own step gives the golden's losses and weights.
#[track_caller]
fn script_is_the_golden(golden: &str, flags: &str) {
    let Some(python) = python(PYTORCH) else {
        return skipped(WITHOUT_PYTORCH);
    };
    let sandbox = Sandbox::new();
    exported(&sandbox, flags, "pytorch");
    let folder = sandbox.path("");
    let same = succeeds(&python, "run_export.py", &[golden, "exported"], &folder);
    assert!(same, "see above");
}

#[test]
fn script_of_dcgan() {
    script_is_the_golden("dcgan", "dcgan --set dropout=0");
}

#[test]
fn script_of_dcgan_light() {
    script_is_the_golden("dcgan-light", "dcgan-light");
}

#[test]
fn script_of_dcgan64() {
    script_is_the_golden("dcgan64", "dcgan64");
}

#[test]
fn scripts_of_mlp() {
    script_is_the_golden("mlp", "mlp");
    script_is_the_golden("mlp-g-first", "mlp --order g-first");
    script_is_the_golden("mlp-relu", "mlp-relu");
}

#[test]
fn scripts_of_critics() {
    script_is_the_golden("wgan", "wgan");
    script_is_the_golden("wgan-gp", "wgan-gp");
    script_is_the_golden("wgan-gp-fixed", "wgan-gp --preset fixed");
    script_is_the_golden("lsgan-fixed", "lsgan --preset fixed");
}

/// A loop of another order is another loop: the comparison can fail.
#[test]
fn script_of_another_loop_is_not_the_golden() {
    let Some(python) = python(PYTORCH) else {
        return skipped(WITHOUT_PYTORCH);
    };
    let sandbox = Sandbox::new();
    exported(&sandbox, "mlp --order g-first", "pytorch");
    let folder = sandbox.path("");
    assert!(!succeeds(
        &python,
        "run_export.py",
        &["mlp", "exported"],
        &folder
    ));
}

/// A script trains by itself, and what it leaves is a run again.
#[test]
fn script_trains_and_its_weights_come_back() {
    let Some(python) = python(PYTORCH) else {
        return skipped(WITHOUT_PYTORCH);
    };
    let sandbox = Sandbox::new();
    exported(&sandbox, "dcgan-light --set width=8", "pytorch");
    let script = sandbox.path("exported/train.py");
    let words = [
        "--data", "digits", "--steps", "3", "--batch", "8", "--out", "theirs",
    ];
    let output = Command::new(&python)
        .arg(script)
        .args(words)
        .current_dir(sandbox.path(""))
        .output()
        .expect("Python starts");
    assert!(output.status.success(), "{output:?}");
    let files = "theirs/generator.safetensors --discriminator theirs/discriminator.safetensors";
    sandbox.ok(&format!(
        "import {files} --recipe dcgan-light --set width=8 --out back"
    ));
    sandbox.ok("sample back --out back.npy --count 3");
}

#[test]
fn recipes_without_a_script_are_refused_with_those_that_have_one() {
    let sandbox = Sandbox::new();
    let small = "--max-steps 1 -q --no-pictures --offline";
    sandbox.ok(&format!("train gauss1d {small} --out run"));
    let refused = sandbox.gan("export run --to pytorch");
    refused.failed(1, &["gauss1d", "dcgan-light", "wgan-gp"]);
    sandbox.ok("train dcgan-light --set width=8 --set g.ema=0.9 --batch-size 8 --max-steps 1 -q --no-pictures --offline --data-dir digits --out averaged");
    sandbox
        .gan("export averaged --to pytorch")
        .failed(1, &["g.ema"]);
}

/// NumPy finds every weight under the name that it has in a checkpoint.
#[test]
fn numpy_reads_weights() {
    let Some(python) = python(&["numpy", "safetensors"]) else {
        return skipped("needs Python with numpy and safetensors (set PYTHON)");
    };
    let sandbox = Sandbox::new();
    exported(&sandbox, "dcgan-light --set width=8", "npz");
    let script = "
import numpy as np, sys
from safetensors.numpy import load_file
for name in 'generator', 'discriminator':
    theirs, ours = np.load(f'exported/{name}.npz'), load_file(f'run/checkpoints/{name}.safetensors')
    assert sorted(theirs.files) == sorted(ours), theirs.files
    for key in theirs.files:
        assert theirs[key].dtype == ours[key].dtype and np.array_equal(theirs[key], ours[key]), key
";
    let output = Command::new(python)
        .args(["-c", script])
        .current_dir(sandbox.path(""))
        .output()
        .expect("Python starts");
    assert!(output.status.success(), "{output:?}");
}
