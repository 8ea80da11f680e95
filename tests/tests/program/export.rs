//! What other programs make of exported networks, and we of theirs.

use detach_gan::export::{npy, onnx};
use detach_nn::{
    AvgPool2d, BatchNorm, Conv2d, ConvTranspose2d, Dropout, ELU, GELU, Initialiser, InstanceNorm2d,
    LayerNorm, Linear, MaxPool2d, Mode, Module, PixelNorm, ReflectionPad2d, ReplicationPad2d,
    Scheme, Upsample, model_of, parameters,
};
use detach_recipes::{Preset, RECIPES, find};
use detach_tensor::{DType, Kind, Random, Stream};
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
    let small =
        "--batch-size 8 --max-steps 3 --offline --data-dir digits --no-pictures --no-report -q";
    sandbox.ok(&format!("train {recipe} {small} --out {recipe}/run"));
}

/// 20 samples, their noise, and their classes where there are any.
fn sample(sandbox: &Sandbox, recipe: &str) {
    let setup = find(recipe).expect("a recipe").setup(Preset::AsPublished);
    let generator = setup.generator(Kind::default()).expect("a generator");
    let labels = match generator.input().classes() {
        Some(_) => format!("--labels-out {recipe}/labels.idx1-ubyte"),
        None => String::new(),
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

/// The files of a run that `gan train` with `flags` has made and `gan export` has written to the folder `name`.
fn exported(sandbox: &Sandbox, name: &str, flags: &str, to: &str) {
    let small =
        "--batch-size 8 --max-steps 1 --offline --data-dir digits --no-pictures --no-report -q";
    sandbox.ok(&format!("train {flags} {small} --out {name}-run"));
    sandbox.ok(&format!("export {name}-run --to {to} --out {name}"));
}

const PYTORCH: &[&str] = &["torch", "numpy", "safetensors"];
const WITHOUT_PYTORCH: &str = "needs Python with torch, numpy and safetensors (set PYTHON)";

/// Each script's own step gives its golden's losses and weights; `(golden, flags)`. One Python for all: it takes longer to
/// load PyTorch than to run most of them.
#[track_caller]
fn scripts_are_the_goldens(cases: &[(&str, &str)]) {
    let Some(python) = python(PYTORCH) else {
        return skipped(WITHOUT_PYTORCH);
    };
    let sandbox = Sandbox::new();
    for (golden, flags) in cases {
        exported(&sandbox, golden, flags, "pytorch");
    }
    let folder = sandbox.path("");
    let pairs: Vec<String> = cases.iter().map(|(it, _)| format!("{it}={it}")).collect();
    let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
    assert!(
        succeeds(&python, "run_export.py", &pairs, &folder),
        "see above"
    );
}

#[test]
fn scripts_of_two_networks() {
    scripts_are_the_goldens(&[
        ("dcgan", "dcgan --set dropout=0"),
        ("dcgan-light", "dcgan-light"),
        ("dcgan64", "dcgan64"),
        ("mlp", "mlp"),
        ("mlp-g-first", "mlp --order g-first"),
        ("mlp-relu", "mlp-relu"),
        ("keras-mlp", "keras-mlp --set dropout=0"),
        ("gauss1d", "gauss1d"),
        ("began", "began"),
        ("sagan", "sagan"),
        ("sagan-fixed", "sagan --preset fixed"),
    ]);
}

#[test]
fn scripts_of_classes_and_critics() {
    scripts_are_the_goldens(&[
        ("cgan", "cgan"),
        ("cgan-planes", "cgan --set condition=planes"),
        ("acgan", "acgan"),
        ("acgan-fixed", "acgan --preset fixed"),
        ("mlp-cgan", "mlp-cgan --set dropout=0"),
        ("infogan-narrow", "infogan --set width=4 --set hidden=32"),
        ("wgan", "wgan"),
        ("wgan-gp", "wgan-gp"),
        ("wgan-gp-fixed", "wgan-gp --preset fixed"),
        ("lsgan-fixed", "lsgan --preset fixed"),
    ]);
}

/// A loop of another order is another loop: the comparison can fail.
#[test]
fn script_of_another_loop_is_not_the_golden() {
    let Some(python) = python(PYTORCH) else {
        return skipped(WITHOUT_PYTORCH);
    };
    let sandbox = Sandbox::new();
    exported(&sandbox, "exported", "mlp --order g-first", "pytorch");
    let folder = sandbox.path("");
    let pair = ["mlp=exported"];
    assert!(!succeeds(&python, "run_export.py", &pair, &folder));
}

/// A script trains by itself, and what it leaves is a run again.
#[test]
fn script_trains_and_its_weights_come_back() {
    let Some(python) = python(PYTORCH) else {
        return skipped(WITHOUT_PYTORCH);
    };
    let sandbox = Sandbox::new();
    exported(&sandbox, "exported", "dcgan-light --set width=8", "pytorch");
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
fn settings_without_a_counterpart_in_a_script_are_refused_by_name() {
    let sandbox = Sandbox::new();
    let small =
        "--set width=8 --batch-size 8 --max-steps 1 -q --no-pictures --offline --data-dir digits";
    for (setting, name) in [
        ("g.ema=0.9", "g.ema"),
        ("d.schedule=linear:1:2", "d.schedule"),
        ("d.clip-norm=1", "d.clip-norm"),
    ] {
        sandbox.ok(&format!(
            "train dcgan-light --set {setting} {small} --out {name}"
        ));
        let refused = sandbox.gan(&format!("export {name} --to pytorch"));
        refused.failed(1, &[name, "dcgan-light"]);
    }
}

/// NumPy finds every weight under the name that it has in a checkpoint.
#[test]
fn numpy_reads_weights() {
    let Some(python) = python(&["numpy", "safetensors"]) else {
        return skipped("needs Python with numpy and safetensors (set PYTHON)");
    };
    let sandbox = Sandbox::new();
    exported(&sandbox, "exported", "dcgan-light --set width=8", "npz");
    let script = "
import numpy as np, sys
from safetensors.numpy import load_file
for name in 'generator', 'discriminator':
    theirs, ours = np.load(f'exported/{name}.npz'), load_file(f'exported-run/checkpoints/{name}.safetensors')
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

/// A layer that no recipe has, and the shape of what it takes.
type Case = (&'static str, Box<dyn Module>, &'static [usize]);

/// Layers whose models no recipe's are made of.
fn layers() -> Vec<Case> {
    let random = Random::new(1, Stream::Init);
    let init = &Initialiser::new(Scheme::PyTorch, random, DType::F32);
    let images: &[usize] = &[3, 2, 6, 4];
    vec![
        ("gelu", Box::new(GELU), images),
        ("elu", Box::new(ELU(0.7)), images),
        ("max-pool", Box::new(MaxPool2d(2)), images),
        ("average-pool", Box::new(AvgPool2d), images),
        ("nearest", Box::new(Upsample::Nearest), images),
        ("bilinear", Box::new(Upsample::Bilinear), images),
        ("reflection", Box::new(ReflectionPad2d(2)), images),
        ("replication", Box::new(ReplicationPad2d(2)), images),
        ("pixel-norm", Box::new(PixelNorm), images),
        (
            "layer-norm",
            Box::new(LayerNorm::new(&[6, 4], init)),
            images,
        ),
        (
            "layer-norm-of-all",
            Box::new(LayerNorm::new(&[2, 6, 4], init)),
            images,
        ),
        (
            "instance-norm",
            Box::new(InstanceNorm2d::new(2).eps(0.1)),
            images,
        ),
        (
            "affine",
            Box::new(InstanceNorm2d::new(2).affine(init)),
            images,
        ),
        (
            "unaffine",
            Box::new(BatchNorm::new(2, init).without_affine()),
            images,
        ),
        (
            "dilated",
            Box::new(Conv2d::new(2, 3, 3, init).dilation(2).padding(2).stride(2)),
            images,
        ),
        (
            "transposed",
            Box::new(
                ConvTranspose2d::new(2, 3, 3, init)
                    .stride(2)
                    .padding(1)
                    .output_padding(1)
                    .dilation(2),
            ),
            images,
        ),
        (
            "bare",
            Box::new(Linear::new(5, 2, init).without_bias()),
            &[3, 5],
        ),
        ("dropout", Box::new(Dropout::new(0.5)), &[3, 5]),
    ]
}

/// What ONNX Runtime makes of each layer is what the layer makes.
#[test]
fn onnx_runtime_agrees_for_every_layer() {
    let Some(python) = python(&["numpy", "onnx", "onnxruntime"]) else {
        return skipped("needs Python with numpy, onnx and onnxruntime (set PYTHON)");
    };
    let sandbox = Sandbox::new();
    let random = Random::new(2, Stream::Noise);
    for (name, layer, shape) in layers() {
        // Parameters that are not where they begin.
        for (_, param) in parameters(&*layer) {
            let values = random.normal(param.get().shape(), DType::F32);
            param.set("a test", values.value());
        }
        let x = random.normal(shape, DType::F32);
        let y = layer.forward(&x, Mode::eval());
        let model = model_of(&*layer, ("x", &shape[1..]), "y");
        let model = model.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(model.outputs[0].shape, y.shape()[1..], "{name}");
        let file = |end: &str| sandbox.path(&format!("{name}{end}"));
        onnx::write(&file(".onnx"), name, &model, &[]).expect("a model");
        for (end, values) in [(".x.npy", &x), (".y.npy", &y)] {
            npy::write(&file(end), values.shape(), &values.to_vec::<f32>()).expect("an array");
        }
    }
    let script = "
import glob, numpy as np, onnx, onnxruntime, sys
for path in sorted(glob.glob('*.onnx')):
    onnx.checker.check_model(path, full_check=True)
    name = path.removesuffix('.onnx')
    x, y = np.load(f'{name}.x.npy'), np.load(f'{name}.y.npy')
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    ours = session.run(None, {'x': x} if session.get_inputs() else {})[0]
    assert ours.shape == y.shape and np.abs(ours - y).max() <= 1e-5, (name, ours, y)
print(len(glob.glob('*.onnx')))
";
    let output = Command::new(python)
        .args(["-c", script])
        .current_dir(sandbox.path(""))
        .output()
        .expect("Python starts");
    assert!(output.status.success(), "{output:?}");
    let count = String::from_utf8_lossy(&output.stdout);
    assert_eq!(count.trim(), layers().len().to_string());
}
