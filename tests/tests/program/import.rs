//! Weights that other programs saved, as runs.

use detach_nn::{Checkpoint, parameters};
use detach_recipes::{Preset, find};
use detach_tensor::{Array, DType};
use detach_tests::program::{Sandbox, python, skipped};
use detach_tests::repository;
use std::path::Path;
use std::process::Command;

const NEEDED: &[&str] = &["torch", "numpy", "safetensors"];
const WHY: &str = "needs Python with torch, numpy and safetensors (set PYTHON)";

fn run(python: &Path, sandbox: &Sandbox, script: &str, args: &[&str]) -> bool {
    let output = Command::new(python)
        .arg(repository().join("tests/golden").join(script))
        .args(args)
        .current_dir(sandbox.path(""))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python starts");
    let said = [output.stdout, output.stderr].concat();
    println!("{}", String::from_utf8_lossy(&said).trim_end());
    output.status.success()
}

/// PyTorch saves; we import, and make PyTorch's images of the same noise.
#[test]
fn images_of_imported_weights_are_pytorchs() {
    let Some(python) = python(NEEDED) else {
        return skipped(WHY);
    };
    let recipes = ["dcgan-light", "mlp", "keras-mlp", "sagan", "wgan-gp"];
    let sandbox = Sandbox::new();
    assert!(run(&python, &sandbox, "save_weights.py", &recipes));
    let mut files = Vec::new();
    for recipe in recipes {
        sandbox.ok(&format!(
            "import {recipe}.safetensors --recipe {recipe} --out {recipe}"
        ));
        sandbox.ok(&format!(
            "sample {recipe} --count 20 --mode eval --out {recipe}.npy --noise-out {recipe}-z.npy"
        ));
        let ends = ["", ".safetensors", "-z.npy", ".npy"];
        files.extend(ends.map(|end| format!("{recipe}{end}")));
    }
    let mut words: Vec<&str> = files.iter().map(String::as_str).collect();
    words.extend(["--prefix", "generator."]);
    assert!(run(&python, &sandbox, "load_checkpoint.py", &words));
}

/// A run whose generator and discriminator lie in `run/checkpoints`, each in a file of its own.
fn trained(sandbox: &Sandbox, flags: &str) {
    let small = "--batch-size 8 --offline --data-dir digits --no-pictures -q";
    sandbox.ok(&format!("train {flags} {small} --max-steps 2 --out run"));
}

const SMALL: &str = "dcgan-light --set width=8";

/// Both networks, in one file as it is saved, by their names.
fn both(sandbox: &Sandbox) -> Checkpoint {
    with_one_more(sandbox, "")
}

/// The same, and the first moment of an optimiser as a tensor of the name `more`, where that is one.
fn with_one_more(sandbox: &Sandbox, more: &str) -> Checkpoint {
    let mut all = Checkpoint::load(sandbox.checkpoint("run", 2)).expect("a checkpoint");
    all.metadata.clear();
    let first = all.names().find(|name| name.contains(".optim."));
    let first = first.expect("an optimiser's").to_owned();
    all.rename(|name| {
        if name == first {
            return (!more.is_empty()).then(|| more.to_owned());
        }
        let (network, rest) = name.split_once('.')?;
        Some(format!("{network}.{}", rest.strip_prefix("net.")?))
    });
    all
}

/// A run of imported weights goes on: it samples, scores its steps from 0 on, and keeps its weights where nothing moves them.
#[test]
fn an_imported_run_goes_on() {
    let sandbox = Sandbox::new();
    trained(&sandbox, SMALL);
    both(&sandbox)
        .save(sandbox.path("w.safetensors"))
        .expect("saved");
    sandbox.ok("import w.safetensors --recipe dcgan-light --set width=8 --out theirs");
    assert_eq!(sandbox.checkpoints("theirs"), [0]);
    for run in ["run", "theirs"] {
        sandbox.ok(&format!("sample {run} --count 3 --out {run}.npy"));
    }
    let read = |name: &str| std::fs::read(sandbox.path(name)).expect("samples");
    assert_eq!(read("run.npy"), read("theirs.npy"));
    let small = "--offline --data-dir digits --no-pictures -q";
    sandbox.ok(&format!(
        "train --resume theirs --max-steps 2 {small} --log-every 1"
    ));
    let steps: Vec<u64> = sandbox
        .metrics("theirs")
        .iter()
        .map(|line| line.step)
        .collect();
    assert_eq!(steps, [1, 2]);
}

/// The average begins as what was imported.
#[test]
fn an_average_begins_at_imported_weights() {
    let sandbox = Sandbox::new();
    trained(&sandbox, SMALL);
    let settings = "--recipe dcgan-light --set width=8 --set g.ema=0.9";
    sandbox.ok(&format!(
        "import run/checkpoints/generator.safetensors {settings} --out theirs"
    ));
    for run in ["run", "theirs"] {
        sandbox.ok(&format!("sample {run} --count 3 --out {run}.npy"));
    }
    let read = |name: &str| std::fs::read(sandbox.path(name)).expect("samples");
    assert_eq!(read("run.npy"), read("theirs.npy"));
}

/// The generator of `gauss1d`, whose weights are all this.
fn of_numbers(dtype: DType, value: f64) -> Checkpoint {
    let recipe = find("gauss1d")
        .expect("a recipe")
        .setup(Preset::AsPublished);
    let recipe = recipe.build(dtype.into()).expect("options that can be");
    let (_, generator) = recipe.networks()[0];
    for (_, param) in parameters(generator) {
        let shape = param.get().shape().to_vec();
        param.set("a test", &Array::full(value, &shape, dtype));
    }
    let mut weights = Checkpoint::new();
    weights.add("", generator);
    weights
}

/// Types are not converted, and what has diverged is not gone on from.
#[test]
fn weights_of_another_type_or_not_finite_are_refused() {
    let sandbox = Sandbox::new();
    for (dtype, value, parts) in [
        (DType::F64, 1.0, ["`0.weight` is F64", "F32"]),
        (DType::F32, f64::NAN, ["`0.", "not finite"]),
    ] {
        let weights = of_numbers(dtype, value);
        weights.save(sandbox.path("w.safetensors")).expect("saved");
        let refused = sandbox.gan("import w.safetensors --recipe gauss1d --out theirs");
        refused.failed(1, &parts);
        assert!(!sandbox.path("theirs").exists());
    }
}

/// A run of imported weights has no data yet: it takes what it is told, and keeps to that.
#[test]
fn an_imported_run_takes_its_data_when_it_goes_on() {
    let sandbox = Sandbox::new();
    trained(&sandbox, SMALL);
    let settings = "--recipe dcgan-light --set width=8";
    sandbox.ok(&format!(
        "import run/checkpoints/generator.safetensors {settings} --out theirs"
    ));
    let go_on = "train --resume theirs --offline --no-pictures -q";
    sandbox.ok(&format!("{go_on} --data digits --max-steps 1"));
    let other = sandbox.gan(&format!("{go_on} --data shapes --max-steps 2"));
    other.failed(2, &["--data"]);
}

/// What is missing, additional, or of another shape is named, and no run is left.
#[test]
fn tensors_that_do_not_fit_are_named() {
    let sandbox = Sandbox::new();
    trained(&sandbox, SMALL);
    let import = |weights: &Checkpoint| {
        weights.save(sandbox.path("w.safetensors")).expect("saved");
        sandbox.gan("import w.safetensors --recipe dcgan-light --set width=8 --out theirs")
    };
    let renamed = |from: &str, to: Option<&str>| {
        let mut weights = both(&sandbox);
        weights.rename(|name| match name == from {
            true => to.map(str::to_owned),
            false => Some(name.to_owned()),
        });
        weights
    };
    import(&renamed("discriminator.2.bias", None)).failed(1, &["`discriminator.2.bias`"]);
    let additional = renamed("generator.1.bias", Some("generator.99.bias"));
    import(&additional).failed(1, &["`generator.1.bias`"]);
    let stray = renamed("generator.1.bias", Some("critic.1.bias"));
    import(&stray).failed(1, &["`critic.1.bias`"]);
    import(&with_one_more(&sandbox, "generator.99.bias")).failed(1, &["`generator.99.bias`"]);
    both(&sandbox)
        .save(sandbox.path("w.safetensors"))
        .expect("saved");
    let wide = sandbox.gan("import w.safetensors --recipe dcgan-light --set width=16 --out theirs");
    wide.failed(
        1,
        &["`generator.1.weight`", "[100, 16, 7, 7]", "[100, 32, 7, 7]"],
    );
    assert!(!sandbox.path("theirs/config.toml").exists());
    import(&Checkpoint::new()).failed(1, &["no tensors"]);
    // Of a checkpoint to go on from there is more than weights.
    let whole =
        "import run/checkpoints/step-00000002.safetensors --recipe dcgan-light --out theirs";
    sandbox.gan(whole).failed(1, &["generator.safetensors"]);
}
