//! Faults on purpose: kills, system calls that fail, limits, a clock that jumps, a second process. Whatever happens to
//! a run, what was saved is whole, nothing panics, and it goes on to the bits of one that nothing happened to.
//!
//! `cargo test` runs a part; `cargo xtask chaos` (`DETACH_CHAOS=whole`) all of it.
#![cfg(target_os = "linux")]

mod faults;
mod kills;
mod limits;

use detach_nn::Checkpoint;
use detach_tests::program::{Done, Sandbox};
use std::sync::OnceLock;

const STEPS: u64 = 24;

/// A short run that writes all that a run writes, checkpoints, pictures, figures, lines and events, many times over.
const TRAIN: &str = "train gauss1d --threads 1 --batch-size 16 --checkpoint-every 4 --log-every 2 \
                     --set pictures.every-steps=6 --set pictures.columns=20 -q";

/// Whether all is asked for.
fn whole() -> bool {
    std::env::var_os("DETACH_CHAOS").is_some_and(|value| value == "whole")
}

fn train(flags: &str) -> String {
    format!("{TRAIN} --max-steps {STEPS} --out run {flags}")
}

/// The last checkpoint of a run that nothing happened to.
fn undisturbed() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let sandbox = Sandbox::new();
        sandbox.ok(&train(""));
        sandbox.hash("run", STEPS)
    })
}

/// It ended well or with an error that it tells, by itself.
#[track_caller]
fn ended_by_itself(done: &Done, what: &str) {
    assert!(matches!(done.code, Some(0 | 1)), "{what}: {done}");
    assert!(!done.stderr.contains("panicked"), "{what}: {done}");
    let told = done.stderr.lines().any(|line| line.starts_with("error:"));
    assert_eq!(told, done.code == Some(1), "{what}: {done}");
}

/// What is there is whole, and leads to the bits of a run that nothing happened to.
#[track_caller]
fn goes_on(sandbox: &Sandbox, what: &str) {
    for step in sandbox.checkpoints("run") {
        let path = sandbox.checkpoint("run", step);
        Checkpoint::load(path).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    let done = match sandbox.path("run/config.toml").is_file() {
        true => sandbox.gan(&format!("train --resume run --max-steps {STEPS} -q")),
        false => {
            let _ = std::fs::remove_dir_all(sandbox.path("run"));
            sandbox.gan(&train(""))
        }
    };
    assert_eq!(done.code, Some(0), "{what}: {done}");
    assert_eq!(sandbox.hash("run", STEPS), undisturbed(), "{what}");
    let files = sandbox.files("run");
    let left = files.keys().find(|name| name.ends_with(".tmp"));
    assert_eq!(left, None, "{what}: {files:?}");
}
