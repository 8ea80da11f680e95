//! What the program says of devices on a machine without a GPU. `cuda_steps` has the others.

use detach_tests::program::Sandbox;
use snapbox::{assert_data_eq, str};
use std::fs;

const MLP: &str = "train mlp --offline --data-dir digits --batch-size 8 --no-pictures --threads 2";

/// The line that says what is trained where.
#[track_caller]
fn headline(sandbox: &Sandbox, words: &str) -> String {
    let done = sandbox.ok(words);
    let mut lines = done.stderr.lines().filter(|line| line.contains(" on cpu "));
    let line = lines.next().unwrap_or_else(|| panic!("{done}"));
    assert_eq!(lines.next(), None, "{done}");
    line.to_owned()
}

#[test]
fn auto_says_why_it_takes_the_cpu() {
    let sandbox = Sandbox::new();
    assert_data_eq!(
        headline(&sandbox, &format!("{MLP} --max-steps 1 --out auto")),
        str!["mlp on cpu (2 threads; [..]NVIDIA driver[..]): 1 steps of 8 in auto"]
    );
    assert_data_eq!(
        headline(
            &sandbox,
            &format!("{MLP} --max-steps 1 --out cpu --device cpu")
        ),
        str!["mlp on cpu (2 threads): 1 steps of 8 in cpu"]
    );
}

#[test]
fn a_run_of_a_gpu_goes_on_here() {
    let sandbox = Sandbox::new();
    let config = || fs::read_to_string(sandbox.path("run/config.toml")).expect("configuration");
    let flags = "--device cpu --set matmul=tf32 --max-steps 1 --out run";
    assert_data_eq!(
        headline(&sandbox, &format!("{MLP} {flags}")),
        str!["mlp on cpu (2 threads, fp32 instead of tf32): 1 steps of 8 in run"]
    );
    assert!(config().contains("\nmatmul = \"tf32\"\n"), "{}", config());
    let resume = "train --resume run --offline --no-pictures --device cpu --threads 2";
    assert_data_eq!(
        headline(&sandbox, &format!("{resume} --max-steps 2")),
        str![
            "mlp on cpu (2 threads, fp32 instead of tf32): 2 steps of 8 in run, going on from step 1"
        ]
    );
    assert!(config().contains("\nmatmul = \"tf32\"\n"), "{}", config());
    // Given anew, it is the run's from then on.
    assert_data_eq!(
        headline(&sandbox, &format!("{resume} --max-steps 3 --matmul fp32")),
        str!["mlp on cpu (2 threads): 3 steps of 8 in run, going on from step 2"]
    );
    assert!(config().contains("\nmatmul = \"fp32\"\n"), "{}", config());
    // The device is not part of what a run is.
    assert!(!config().contains("device"), "{}", config());
}

/// Runs that were begun before there was a choice.
#[test]
fn a_run_without_a_word_on_products_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("{MLP} --max-steps 1 --out run -q"));
    let path = sandbox.path("run/config.toml");
    let text = fs::read_to_string(&path).expect("configuration");
    let old = text.replace("matmul = \"fp32\"\n", "");
    assert_ne!(old, text);
    fs::write(&path, old).expect("written");
    sandbox.ok("train --resume run --offline --max-steps 2 --no-pictures -q");
    // With the word, and the new length.
    let expected = text.replace("max-steps = 1\n", "max-steps = 2\n");
    assert_eq!(fs::read_to_string(&path).expect("configuration"), expected);
}

#[test]
fn samples_come_from_the_cpu_unless_a_gpu_is_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.ok("train gauss1d --max-steps 1 --out run --no-pictures -q");
    let done = sandbox.ok("sample run --out a.npy");
    assert!(done.stderr.is_empty(), "{done}");
    let done = sandbox.ok("sample run --out b.npy --device auto --threads 2");
    assert_data_eq!(
        done.stderr,
        str![[r#"
on cpu (2 threads; [..]NVIDIA driver[..])

"#]]
    );
    let done = sandbox.gan("sample run --out c.npy --device cuda:0");
    done.failed(1, &["NVIDIA driver"]);
    let done = sandbox.gan("interpolate run --device gpu");
    done.failed(2, &["unknown device `gpu`", "`auto`, `cpu` or `cuda:N`"]);
}
