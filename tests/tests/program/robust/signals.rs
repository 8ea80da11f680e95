//! Ctrl-C, SIGTERM, and what terminals and batch systems send.

use detach_tests::program::{Sandbox, signal, skipped, wait_until};
use std::process::Stdio;

const RUN: &str = "train mlp --offline --data-dir digits --batch-size 8 --log-every 1 --out run";

/// Stopped in the middle, saved there, and in the end as if nothing had been.
fn saves_and_exits(name: &str, code: i32) {
    let sandbox = Sandbox::new();
    let mut child = sandbox
        .command(&format!("{RUN} --max-steps 1000000 --epochs 1000000"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    wait_until("a few steps", || sandbox.metrics("run").len() >= 5);
    signal(&child, name);
    let status = child.wait().expect("the end of the run");
    assert_eq!(status.code(), Some(code));
    let mut said = String::new();
    let stdout = child.stdout.as_mut().expect("it is a pipe");
    std::io::Read::read_to_string(stdout, &mut said).expect("text");
    assert!(said.contains("--resume run"), "says how to go on: {said}");

    let done = sandbox.metrics("run").last().expect("metrics").step;
    assert_eq!(
        sandbox.checkpoints("run"),
        [done],
        "saved at the last step done"
    );
    let more = done + 5;
    sandbox.ok(&format!(
        "train --resume run --max-steps {more} --log-every 1 -q"
    ));
    sandbox.ok(&format!("{RUN} --max-steps {more} -q").replace("--out run", "--out whole"));
    assert_eq!(sandbox.hash("run", more), sandbox.hash("whole", more));
    let steps = |run| Vec::from_iter(sandbox.metrics(run).iter().map(|m| m.step));
    assert_eq!(steps("run"), steps("whole"));
}

#[test]
fn ctrl_c_saves() {
    saves_and_exits("INT", 130);
}

#[test]
fn sigterm_saves() {
    saves_and_exits("TERM", 143);
}

/// A terminal that closes, and the warnings of batch systems before the time is up.
#[test]
fn hang_ups_and_warnings_save() {
    for (name, code) in [("USR1", 138), ("USR2", 140), ("XCPU", 152)] {
        saves_and_exits(name, code);
    }
    match ignores_hang_ups() {
        true => skipped("was started to ignore SIGHUP itself, as by nohup"),
        false => saves_and_exits("HUP", 129),
    }
}

/// Whether this process was, and so what it starts.
fn ignores_hang_ups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| {
        mask.trim()
            .ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f'])
    })
}

/// `nohup` says that a closed terminal is not meant for its child.
#[test]
fn a_hang_up_that_was_ignored_stays_ignored() {
    let sandbox = Sandbox::new();
    let script = format!("trap '' HUP; exec $gan {RUN} --epochs 1000000");
    let mut command = sandbox.shell(&script);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    wait_until("a few steps", || sandbox.metrics("run").len() >= 5);
    signal(&child, "HUP");
    let before = sandbox.metrics("run").len();
    wait_until("more steps", || sandbox.metrics("run").len() >= before + 20);
    signal(&child, "TERM");
    assert_eq!(child.wait().expect("its end").code(), Some(143));
}

/// One step of this takes seconds, so that both signals fall into the first.
#[test]
fn a_second_ctrl_c_does_not_wait() {
    let sandbox = Sandbox::new();
    let mut child = sandbox.start("train gauss1d --threads 1 --batch-size 500000 --out run");
    wait_until("the first step", || {
        sandbox.path("run/metrics.jsonl").exists()
    });
    signal(&child, "INT");
    std::thread::sleep(std::time::Duration::from_millis(30));
    signal(&child, "INT");
    let status = child.wait().expect("the end of the run");
    assert_eq!(status.code(), Some(130));
    assert!(
        sandbox.checkpoints("run").is_empty(),
        "it finished the step"
    );
}
