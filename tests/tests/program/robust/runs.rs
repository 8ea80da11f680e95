//! A run owns its folder: one process at a time, nothing of others, nothing cosmetic that stops it.

use super::{MLP, trained};
use detach_tests::program::{Done, Sandbox, signal, wait_until};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn one_process_at_a_time() {
    let sandbox = Sandbox::new();
    trained(&sandbox);
    let mut child =
        sandbox.start("train --resume run --epochs 1000000 --log-every 1 -q --no-pictures");
    let id = child.id().to_string();
    wait_until("a step", || sandbox.metrics("run").len() > 8);
    let before = sandbox.files("run");
    for words in [
        "train --resume run -q",
        "train --resume -q",
        "train mlp --resume run --max-steps 20 -q",
    ] {
        let words = words.replace("--resume -q", "--resume run -q");
        sandbox.gan(&words).failed(1, &["another process", &id]);
    }
    assert!(
        before
            .keys()
            .all(|name| sandbox.files("run").contains_key(name))
    );
    sandbox.ok("sample run --count 1 --out x.png");
    // However it ends, the next one takes over.
    signal(&child, "KILL");
    child.wait().expect("its end");
    let done = sandbox.checkpoints("run").pop().expect("a checkpoint") + 3;
    sandbox.ok(&format!(
        "train --resume run --epochs 1000000 --max-steps {done} -q --no-pictures"
    ));
    assert_eq!(sandbox.checkpoints("run").pop(), Some(done));
}

/// Two that make the same folder.
#[test]
fn one_process_makes_it() {
    let sandbox = Sandbox::new();
    let words = format!("{MLP} --epochs 1000000 --log-every 1 -q --out run");
    let mut first = sandbox.start(&words);
    wait_until("its lock", || sandbox.path("run/run.lock").exists());
    let second = sandbox.gan(&words);
    assert_eq!(second.code, Some(1), "{second}");
    wait_until("a step", || sandbox.metrics("run").len() > 3);
    signal(&first, "TERM");
    assert_eq!(first.wait().expect("its end").code(), Some(143));
}

/// What a kill leaves between the making of the folder and the first file in it is no run, and none of the user's.
#[test]
fn a_run_that_was_killed_before_it_began_can_begin() {
    let sandbox = Sandbox::new();
    for (flag, dir) in [("--out", "run"), ("--resume", "job")] {
        for folder in ["samples", "checkpoints"] {
            fs::create_dir_all(sandbox.path(dir).join(folder)).expect("a folder");
        }
        for (name, text) in [
            ("run.lock", "process 1 on x\n"),
            (".detach-Ab3xYz.tmp", "vers"),
        ] {
            fs::write(sandbox.path(dir).join(name), text).expect("a file");
        }
        sandbox.ok(&format!("{MLP} --max-steps 2 -q {flag} {dir}"));
        assert_eq!(sandbox.checkpoints(dir), [2]);
    }
    for (folder, file) in [("samples", "samples/mine.png"), ("checkpoints", "x.tmp")] {
        let mine = sandbox.path("mine");
        fs::create_dir_all(mine.join(folder)).expect("a folder");
        fs::write(mine.join(file), "").expect("a file");
        sandbox
            .gan(&format!("{MLP} --max-steps 2 -q --out mine"))
            .failed(1, &["mine", "not empty"]);
        fs::remove_dir_all(mine).expect("gone");
    }
}

#[test]
fn a_run_without_a_checkpoint_says_who_trains_it() {
    let sandbox = Sandbox::new();
    let mut child = sandbox.start(&format!(
        "{MLP} --epochs 1000000 --log-every 1 -q --out run"
    ));
    wait_until("a step", || !sandbox.metrics("run").is_empty());
    let id = child.id().to_string();
    sandbox
        .gan("sample run --out x.png")
        .failed(1, &["no checkpoint yet", &id]);
    signal(&child, "KILL");
    child.wait().expect("its end");
    sandbox
        .gan("sample run --out x.png")
        .failed(1, &["no checkpoint yet", "--resume"]);
}

/// What is only to be looked at is made again, or done without: a warning, once.
#[test]
fn nothing_cosmetic_stops_it() {
    let sandbox = Sandbox::new();
    let train = "train --resume run --checkpoint-every 4 --log-every 1 -q";
    trained(&sandbox);
    fs::remove_dir_all(sandbox.path("run/samples")).expect("a folder");
    sandbox.ok(&format!("{train} --max-steps 8"));
    sandbox.ok(&format!("{train} --more 1"));
    assert!(sandbox.path("run/samples/latest.png").is_file());

    // A file where the folder was, and other things in the way of all that is written beside checkpoints.
    let blocked = [
        ("samples", "preview"),
        ("metrics.jsonl", "metrics"),
        ("detail.jsonl", "detail"),
    ];
    for (name, what) in blocked {
        let path = sandbox.path("run").join(name);
        let _ = fs::remove_dir_all(&path);
        let _ = fs::remove_file(&path);
        match name {
            "samples" => fs::write(&path, "in the way").expect("a file"),
            _ => fs::create_dir(&path).expect("a folder"),
        }
        let done = sandbox.ok(&format!("{train} --more 1"));
        let warnings = done.stderr.lines().filter(|line| line.contains("WARN"));
        let about: Vec<&str> = warnings.filter(|line| line.contains(what)).collect();
        assert_eq!(about.len(), 1, "{name}: {done}");
    }
    assert_eq!(sandbox.checkpoints("run").pop(), Some(40));
    // The bits are those of a run that nothing happened to.
    sandbox.ok(&format!("{MLP} --epochs 5 --out whole -q"));
    assert_eq!(sandbox.hash("run", 40), sandbox.hash("whole", 40));

    // Nowhere to save: that is an error, after the steps.
    fs::remove_dir_all(sandbox.path("run/checkpoints")).expect("a folder");
    fs::write(sandbox.path("run/checkpoints"), "in the way").expect("a file");
    sandbox
        .gan("train --resume run --max-steps 2 -q --no-pictures")
        .failed(1, &["run/checkpoints"]);
}

#[test]
fn what_is_not_ours_stays() {
    let sandbox = Sandbox::new();
    trained(&sandbox);
    fs::create_dir(sandbox.path("elsewhere")).expect("a folder");
    fs::remove_dir_all(sandbox.path("run/samples")).expect("a folder");
    symlink(sandbox.path("elsewhere"), sandbox.path("run/samples")).expect("a link");
    let theirs = [
        "run/.x.tmp",
        "run/.detach-notes.tmp",
        "run/checkpoints/.y.part",
        "elsewhere/.detach-Ab3xYz.tmp",
    ];
    for name in theirs {
        fs::write(sandbox.path(name), "mine").expect("a file");
    }
    sandbox.ok("train --resume run --max-steps 8 -q");
    for name in theirs {
        assert!(sandbox.path(name).is_file(), "{name}");
    }
}

#[test]
fn metrics_that_are_no_file_are_left_alone() {
    let sandbox = Sandbox::new();
    trained(&sandbox);
    let path = sandbox.path("run/metrics.jsonl");
    let theirs = sandbox.path("log");
    fs::write(&theirs, "{\"step\":7}\n").expect("a file");
    for target in [theirs.as_path(), "/dev/zero".as_ref()] {
        let _ = fs::remove_file(&path);
        symlink(target, &path).expect("a link");
        let done = sandbox.ok("train --resume run --more 1 -q --no-pictures");
        assert!(done.stderr.contains("metrics.jsonl"), "{done}");
        assert!(path.is_symlink());
    }
    assert_eq!(fs::read(&theirs).expect("a file"), b"{\"step\":7}\n");
}

/// The length is part of the run: it is what the run goes on to, and flags for it are totals.
#[test]
fn the_budget_stays() {
    let sandbox = Sandbox::new();
    let stop_at_3 = |run: &str| {
        for step in [6, 8] {
            let _ = fs::remove_file(sandbox.checkpoint(run, step));
        }
    };
    let last = |run: &str| sandbox.checkpoints(run).pop();
    trained(&sandbox);
    stop_at_3("run");
    sandbox.ok("train --resume run -q --no-pictures");
    assert_eq!(last("run"), Some(8));
    sandbox.ok("train --resume run -q --no-pictures");
    assert_eq!(last("run"), Some(8), "done is done");
    sandbox.ok("train --resume run --max-steps 12 --epochs 9 -q --no-pictures");
    sandbox.ok("train --resume run -q --no-pictures");
    assert_eq!(last("run"), Some(12));
    sandbox.ok("train --resume run --epochs 2 -q --no-pictures");
    assert_eq!(last("run"), Some(16));
    sandbox.ok("train --resume run --more 2 -q --no-pictures");
    assert_eq!(last("run"), Some(32));
    sandbox
        .gan("train --resume run --max-steps 20 -q")
        .failed(1, &["total", "--more"]);
    // Another run made of its configuration is as long.
    sandbox.ok(&format!("{MLP} --max-steps 5 --out short -q"));
    sandbox.ok("train --config short/config.toml --out again -q --no-pictures");
    assert_eq!(last("again"), Some(5));
    for words in [
        "train mlp --more 1",
        "train --resume run --more 1 --epochs 3",
    ] {
        assert_eq!(sandbox.gan(words).code, Some(2), "{words}");
    }
}

#[test]
fn the_newest_run_and_one_that_is_not_there_yet() {
    let sandbox = Sandbox::new();
    sandbox
        .gan("train --resume -q")
        .failed(1, &["no runs here yet"]);
    for n in 1..=2 {
        sandbox.ok(&format!("{MLP} --max-steps 3 -q"));
        assert!(sandbox.path(&format!("runs/mlp-{n}/config.toml")).is_file());
    }
    sandbox.ok("train --resume --max-steps 5 -q --no-pictures");
    let last = |run: &str| sandbox.checkpoints(run).pop();
    assert_eq!([last("runs/mlp-1"), last("runs/mlp-2")], [Some(3), Some(5)]);

    // The line of a job queue: the same each time.
    let job = format!(
        "{MLP} --set lr=1e-4 --seed 5 --max-steps 6 --checkpoint-every 3 --resume jobs/a -q"
    );
    sandbox.ok(&job);
    assert_eq!(last("jobs/a"), Some(6));
    fs::remove_file(sandbox.checkpoint("jobs/a", 6)).expect("a checkpoint");
    sandbox.ok(&job);
    assert_eq!(last("jobs/a"), Some(6));
    sandbox
        .gan(&job.replace("lr=1e-4", "lr=1e-3"))
        .failed(2, &["lr=1e-3"]);
    sandbox
        .gan(&job.replace("--seed 5", "--seed 6"))
        .failed(2, &["--seed"]);
    sandbox
        .gan("train --resume mlp-3 -q")
        .failed(1, &["did you mean", "runs/mlp-"]);
    fs::create_dir_all(sandbox.path("mine/x")).expect("a folder");
    sandbox
        .gan(&format!("{MLP} --resume mine -q"))
        .failed(1, &["mine"]);
}

/// A limit on the size of files is a disk that is full: an error, not the end of the process.
#[test]
fn a_limit_on_files() {
    let sandbox = Sandbox::new();
    let train = "train mlp --offline --data-dir digits --batch-size 8 --no-pictures -q";
    // Blocks of 512 bytes: a checkpoint does not fit.
    let script = format!("ulimit -f 2000; exec $gan {train} --max-steps 3 --out run");
    let done = Done::of(sandbox.shell(&script), "train, ulimit -f");
    done.failed(1, &["step-00000003.safetensors", "ulimit"]);
    let half: Vec<String> = sandbox
        .files("run")
        .into_keys()
        .filter(|name| name.contains("tmp"))
        .collect();
    assert!(half.is_empty(), "{half:?}");
    sandbox.ok("train --resume run --max-steps 3 -q");
    let done = Done::of(
        sandbox.shell("ulimit -f 1; exec $gan sample run --count 64 --out x.npy"),
        "sample, ulimit -f",
    );
    done.failed(1, &["x.npy", "ulimit"]);
}
