//! Folders that cannot be written, disks that are full, runs that were killed.

use super::trained;
use detach_nn::Checkpoint;
use detach_tests::program::{Done, Sandbox, skipped};
use std::fs;

/// Permissions do not bind root, under which tests may run; a file in the way does.
#[test]
fn an_unwritable_folder() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("file"), "in the way").expect("a file");
    for out in ["file/x", "file", "/proc/x"] {
        let done = sandbox.gan(&format!("train gauss1d --max-steps 1 --out {out}"));
        done.failed(1, &[out, "--out"]);
    }
    sandbox.ok("train gauss1d --max-steps 1 --out run -q");
    for out in ["file/x.png", "nowhere/x.png", "/proc/x.png"] {
        sandbox
            .gan(&format!("sample run --out {out}"))
            .failed(1, &[out, "--out"]);
    }
    sandbox
        .gan("data synth --count 1 --out file/x")
        .failed(1, &["file/x", "check"]);
    assert_eq!(
        fs::read(sandbox.path("file")).expect("the file"),
        b"in the way"
    );
}

/// On a disk that holds two checkpoints of `gauss1d`, the older ones make room and the run ends well. On one that
/// holds hardly one, it is an error at the end, and what is there is whole.
#[test]
fn a_full_disk() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("disk")).expect("a folder");
    let mount = |size: &str| format!("mount -t tmpfs -o size={size} none disk");
    let can_mount = sandbox
        .shell(&format!("exec unshare -m sh -c '{}' 2>&1", mount("256k")))
        .output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        return skipped("needs the right to mount a small disk (unshare -m)");
    }
    let train = "--no-pictures --checkpoint-every 100 --log-every 100 --max-steps 900 -q";
    let in_namespace = |script: String| {
        let mut command = sandbox.shell("exec unshare -m sh -ec \"$script\"");
        command.env("script", script);
        Done::of(command, "train gauss1d, on a small disk")
    };
    let done = in_namespace(format!(
        "{} && $gan train gauss1d {train} --out disk/run && cp -r disk/run roomy",
        mount("288k")
    ));
    assert_eq!(done.code, Some(0), "{done}");
    assert!(done.stderr.contains("makes room"), "{done}");
    let done = in_namespace(format!(
        "{} && ! $gan train gauss1d {train} --out disk/run && cp -r disk/run full \
         && mount -o remount,size=4m disk && $gan train --resume disk/run {train} && cp -r disk/run run",
        mount("144k")
    ));
    done.failed(0, &["disk/run", "space"]);

    for run in ["roomy", "full"] {
        let files = sandbox.files(run);
        assert!(
            files.keys().all(|name| !name.contains("/.")),
            "left behind: {files:?}"
        );
        let saved = sandbox.checkpoints(run);
        assert!(saved.len() < 9, "{saved:?}");
        for step in saved {
            Checkpoint::load(sandbox.checkpoint(run, step)).expect("a whole checkpoint");
        }
        let metrics = sandbox.path(run).join("metrics.jsonl");
        let metrics = fs::read_to_string(metrics).expect("metrics");
        assert!(
            metrics.is_empty() || metrics.ends_with('\n'),
            "half a line: {metrics}"
        );
        sandbox.metrics(run);
    }

    sandbox.ok(&format!("train gauss1d {train} --out whole"));
    for run in ["roomy", "run"] {
        assert_eq!(sandbox.hash(run, 900), sandbox.hash("whole", 900));
    }
}

#[test]
fn a_full_disk_under_stdout() {
    if !std::path::Path::new("/dev/full").exists() {
        return skipped("there is no /dev/full here");
    }
    let sandbox = Sandbox::new();
    for words in ["recipes", "train gauss1d --max-steps 2 --json"] {
        let command = sandbox.shell(&format!("$gan {words} > /dev/full"));
        Done::of(command, words).failed(1, &["stdout", "No space"]);
    }
}

/// A kill between temporary file and rename leaves the former behind.
#[test]
fn what_a_killed_run_left_is_swept() {
    let sandbox = Sandbox::new();
    trained(&sandbox);
    let left = [
        "run/checkpoints/.checkpoint-Ab3xYz.tmp",
        "run/samples/.detach-Ab3xYz.tmp",
    ];
    for name in left {
        fs::write(sandbox.path(name), "half").expect("a file");
    }
    let weights = sandbox.path("run/checkpoints/generator.safetensors");
    let whole = fs::read(&weights).expect("weights");
    fs::write(&weights, "older").expect("a file");
    sandbox.ok("train --resume run --max-steps 8 -q --no-pictures");
    for name in left {
        assert!(!sandbox.path(name).exists(), "{name}");
    }
    assert_eq!(
        fs::read(&weights).expect("weights"),
        whole,
        "the weights are the run's"
    );
}
