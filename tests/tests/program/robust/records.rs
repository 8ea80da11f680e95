//! A run owns its data: what it was begun on is what it goes on with.

use super::MLP;
use detach_gan::run::Config;
use detach_tests::program::{Done, Sandbox};
use std::fs;
use std::path::Path;

const QUICK: &str = "--batch-size 8 --no-pictures -q";

/// `digits`, and other digits in `other`.
fn two_sets() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok("data synth --count 64 --seed 5 --out other");
    sandbox
}

fn checksum(sandbox: &Sandbox, run: &str) -> Option<u32> {
    let config = Config::read(&sandbox.path(run).join("config.toml"));
    config.expect("a configuration").data_checksum
}

fn with_variable(sandbox: &Sandbox, words: &str, value: &str) -> Done {
    let mut command = sandbox.command(words);
    command.env("GAN_DATA_DIR", value);
    Done::of(command, words)
}

#[test]
fn a_configuration_brings_its_data() {
    let sandbox = two_sets();
    sandbox.ok(&format!("{MLP} --max-steps 2 --out a -q"));
    let again = format!("train --config a/config.toml --offline --max-steps 2 {QUICK}");
    sandbox.ok(&format!("{again} --out b"));
    assert_eq!(checksum(&sandbox, "a"), checksum(&sandbox, "b"));
    let done = with_variable(&sandbox, &format!("{again} --out c"), "other");
    assert_eq!(done.code, Some(0), "{done}");
    assert_eq!(sandbox.hash("a", 2), sandbox.hash("c", 2));
    // Other data where it is asked for, and said.
    let again = again.replace("-q", "");
    let done = sandbox.ok(&format!("{again} --data-dir other --out d"));
    assert_ne!(checksum(&sandbox, "a"), checksum(&sandbox, "d"));
    assert!(done.stderr.contains("not the data"), "{done}");
    // Other data in its place is refused.
    fs::remove_dir_all(sandbox.path("digits")).expect("a folder");
    fs::rename(sandbox.path("other"), sandbox.path("digits")).expect("a folder");
    sandbox
        .gan(&format!("{again} --out e"))
        .failed(1, &["different", "--data-dir"]);
    assert!(!sandbox.path("e").exists());
}

#[test]
fn the_record_goes_before_the_environment() {
    let sandbox = two_sets();
    sandbox.ok(&format!("{MLP} --max-steps 2 --out run -q"));
    let done = with_variable(&sandbox, "train --resume run --max-steps 4 -q", "other");
    assert_eq!(done.code, Some(0), "{done}");
    sandbox.ok(&format!("{MLP} --max-steps 4 --out whole -q"));
    assert_eq!(sandbox.hash("run", 4), sandbox.hash("whole", 4));
    sandbox
        .gan("train --resume run --max-steps 6 --data-dir other -q")
        .failed(1, &["different", "--data-dir"]);
    // An empty variable is none; one that is set counts for a new run.
    let new = format!("train mlp --offline --max-steps 1 {QUICK}");
    let done = with_variable(&sandbox, &format!("{new} --out new"), "other");
    assert_eq!(done.code, Some(0), "{done}");
    assert_ne!(checksum(&sandbox, "run"), checksum(&sandbox, "new"));
}

#[test]
fn synthetic_digits_stay_synthetic() {
    let sandbox = Sandbox::new();
    let new = format!("train mlp --offline --max-steps 1 {QUICK}");
    let done = with_variable(&sandbox, &format!("{new} --out run"), "");
    assert_eq!(done.code, Some(0), "{done}");
    assert!(
        done.stdout.contains("synthetic"),
        "the result says so: {done}"
    );
    // MNIST, or what passes for it, comes later.
    fs::create_dir_all(sandbox.path("data/MNIST")).expect("a folder");
    fs::rename(sandbox.path("digits"), sandbox.path("data/MNIST/raw")).expect("a folder");
    let done = sandbox.ok("train --resume run --offline --max-steps 2 --json -q");
    assert!(done.stdout.contains("synthetic"), "{done}");
    sandbox.ok(&format!("{new} --out other"));
    assert_ne!(checksum(&sandbox, "run"), checksum(&sandbox, "other"));
    sandbox
        .ok("train --config run/config.toml --offline --max-steps 2 --out again -q --no-pictures");
    assert_eq!(sandbox.hash("run", 2), sandbox.hash("again", 2));
}

#[test]
fn a_run_that_moves_finds_its_data() {
    let sandbox = Sandbox::new();
    let inside = |folder: &str, words: &str| {
        let mut command = sandbox.command(words);
        command.current_dir(sandbox.path(folder));
        Done::of(command, words)
    };
    let ok = |done: Done| assert_eq!(done.code, Some(0), "{done}");
    fs::create_dir(sandbox.path("a")).expect("a folder");
    fs::rename(sandbox.path("digits"), sandbox.path("a/digits")).expect("a folder");
    ok(inside(
        "a",
        &format!("train mlp --data-dir ./digits --max-steps 2 --out run {QUICK}"),
    ));
    // The run alone.
    fs::create_dir(sandbox.path("b")).expect("a folder");
    fs::rename(sandbox.path("a/run"), sandbox.path("b/run")).expect("a folder");
    ok(inside(
        "b",
        "train --resume run --offline --max-steps 3 -q --no-pictures",
    ));
    // Both together.
    fs::rename(sandbox.path("b/run"), sandbox.path("a/run")).expect("a folder");
    fs::rename(sandbox.path("a"), sandbox.path("c")).expect("a folder");
    ok(inside(
        "c",
        "train --resume run --offline --max-steps 4 -q --no-pictures",
    ));
    // Neither: what it says can be followed.
    fs::rename(sandbox.path("c/digits"), sandbox.path("away")).expect("a folder");
    let done = inside(
        "c",
        "train --resume run --offline --max-steps 5 -q --no-pictures",
    );
    done.failed(1, &["digits", "--data-dir"]);
    assert!(Path::new(&sandbox.path("away")).is_dir());
    ok(inside(
        "c",
        "train --resume run --data-dir ../away --max-steps 5 -q --no-pictures",
    ));
}
