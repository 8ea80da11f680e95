//! The tutorials' own lines: their form to the letter, and the numbers of `metrics.jsonl` and `detail.jsonl`.

use detach_recipes::RECIPES;
use detach_tensor::DType;
use detach_tests::golden;
use detach_tests::program::{Metrics, Sandbox};
use detach_tests::replay::{Replay, published};
use serde_json::Value;
use std::fs;

/// Steps of a run with two an epoch: one epoch and the first step of the next.
const STEPS: u64 = 3;

/// What a run of `recipe` in published style prints on stdout before its summary, and its metrics.
fn trained(sandbox: &Sandbox, recipe: &str, flags: &str) -> (Vec<String>, Vec<Metrics>) {
    let small =
        "--batch-size 32 --epochs 7 --offline --data-dir digits --no-pictures --no-report -q";
    let done = sandbox.ok(&format!(
        "train {recipe} --log-style published {small} --max-steps {STEPS} {flags} --out {recipe}"
    ));
    let lines = done.stdout.lines().map(str::to_owned).collect();
    (lines, sandbox.metrics(recipe))
}

/// What D answered in `step`, by `detail.jsonl`: the means of D(x) and of D(G(z)).
fn answers(sandbox: &Sandbox, recipe: &str, step: u64) -> [f64; 2] {
    let text = fs::read_to_string(sandbox.path(recipe).join("detail.jsonl")).expect("details");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let line = lines.into_iter().find(|line: &Value| line["step"] == step);
    let answers = line.expect("the step")["answers"].clone();
    ["real_mean", "fake_mean"].map(|key| answers[key].as_f64().expect("a mean"))
}

/// Epoch and batch of a step from 1, both from 0.
fn place(step: u64) -> [u64; 2] {
    [(step - 1) / 2, (step - 1) % 2]
}

/// The lines of PyTorch's DCGAN example.
#[test]
fn dcgans_print_the_lines_of_pytorchs_example() {
    let sandbox = Sandbox::new();
    for recipe in ["dcgan", "dcgan-light", "dcgan64"] {
        let (lines, metrics) = trained(&sandbox, recipe, "--set width=8");
        assert_eq!(metrics.len() as u64, STEPS, "a line each step");
        for (line, metrics) in lines.iter().zip(&metrics) {
            let [epoch, batch] = place(metrics.step);
            let [d_loss, g_loss] = metrics.losses();
            let [real, fake] = answers(&sandbox, recipe, metrics.step);
            let expected = format!(
                "[{epoch}/7][{batch}/2] Loss_D: {d_loss:.4} Loss_G: {g_loss:.4} D(x): {real:.4} D(G(z)): {fake:.4} / "
            );
            let rest = line.strip_prefix(&*expected);
            let rest = rest.unwrap_or_else(|| panic!("{recipe}: {line}\nis no {expected}"));
            assert_eq!(rest.len(), "0.1234".len(), "{line}");
            let after: f64 = rest.parse().expect("a number");
            assert!((0.0..=1.0).contains(&after), "{line}");
        }
    }
}

/// The last number of that line is of the answers that G's loss is of.
#[test]
fn the_answers_of_gs_turn_are_those_of_gs_loss() {
    let setup = published("dcgan", &[]);
    let report = Replay::new(&setup, &golden::recipe("dcgan"), DType::F64).step_shown(&mut |_| ());
    let logits = report.answers_in_g_turn().expect("told").to_vec::<f64>();
    let loss: f64 = logits.iter().map(|logit| (-logit).exp().ln_1p()).sum();
    let g_loss = report.get("g_loss").expect("a loss");
    assert!((loss / logits.len() as f64 - g_loss).abs() < 1e-12);
}

/// The lines of PyTorch-GAN, in either order of the updates.
#[test]
fn mlps_print_the_lines_of_pytorch_gan() {
    let sandbox = Sandbox::new();
    for (recipe, flags) in [("mlp", "--order g-first"), ("mlp-relu", "")] {
        let (lines, metrics) = trained(&sandbox, recipe, flags);
        assert_eq!(metrics.len() as u64, STEPS);
        for (line, metrics) in lines.iter().zip(&metrics) {
            let [epoch, batch] = place(metrics.step);
            let [d_loss, g_loss] = metrics.losses();
            let expected = format!(
                "[Epoch {epoch}/7] [Batch {batch}/2] [D loss: {d_loss:.6}] [G loss: {g_loss:.6}]"
            );
            assert_eq!(*line, expected, "{recipe}");
        }
    }
}

/// The lines of Keras-GAN, which count steps, with the mean of both accuracies in percent.
#[test]
fn the_keras_recipe_prints_the_lines_of_keras_gan() {
    let sandbox = Sandbox::new();
    let (lines, metrics) = trained(&sandbox, "keras-mlp", "");
    for (line, metrics) in lines.iter().zip(&metrics) {
        let [d_loss, g_loss] = metrics.losses();
        let [real, fake] = ["real_acc", "fake_acc"].map(|name| metrics.numbers[name]);
        let accuracy = 50.0 * (real + fake);
        let step = metrics.step - 1;
        let expected =
            format!("{step} [D loss: {d_loss:.6}, acc.: {accuracy:.2}%] [G loss: {g_loss:.6}]");
        assert_eq!(*line, expected);
    }
}

/// It goes on counting where a run goes on; steps between two lines can be chosen.
#[test]
fn a_resumed_run_goes_on_counting() {
    let sandbox = Sandbox::new();
    trained(&sandbox, "mlp", "");
    let more = "train --resume mlp --log-style published --max-steps 8 --log-every 4 --no-pictures --no-report -q";
    let done = sandbox.ok(more);
    let lines = done
        .stdout
        .lines()
        .filter(|line| line.starts_with("[Epoch"));
    let starts: Vec<&str> = lines.map(|line| &line[..20]).collect();
    assert_eq!(starts, ["[Epoch 1/7] [Batch 1", "[Epoch 3/7] [Batch 1"]);
}

/// Where no line of the source is known, that is said, and the lines are ours.
#[test]
fn without_a_published_line_it_says_so() {
    let sandbox = Sandbox::new();
    let run =
        "train gauss1d --log-style published --max-steps 30 --no-pictures --no-report --out g";
    let done = sandbox.ok(run);
    for part in ["gauss1d", "mlp", "keras-mlp", "step 1/30"] {
        assert!(done.stderr.contains(part), "no `{part}`\n{done}");
    }
    let steps: Vec<u64> = sandbox.metrics("g").iter().map(|line| line.step).collect();
    assert_eq!(steps, [1, 10, 20, 30], "as often as without it");
    let both = sandbox.gan("train mlp --log-style published --json");
    both.failed(2, &["--json"]);
}

/// A line has as many numbers as places for them, and is of a recipe whose step tells them.
#[test]
fn every_place_has_its_number() {
    let mut seen = Vec::new();
    for recipe in RECIPES {
        let Some(log) = &recipe.about.log else {
            continue;
        };
        let places = log.format.replace("%%", "").matches('%').count();
        assert_eq!(places, log.fields.len(), "{}", log.format);
        seen.push(recipe.name());
    }
    let published = [
        "dcgan-light",
        "dcgan",
        "dcgan64",
        "mlp",
        "mlp-relu",
        "keras-mlp",
    ];
    assert_eq!(seen, published);
}
