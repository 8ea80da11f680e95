//! Kills, at random moments and at aimed ones, and two processes that want the same run.

use super::{STEPS, goes_on, train, undisturbed, whole};
use detach_tests::program::{Sandbox, ended, random_below, signal, wait_until};
use std::process::Child;
use std::time::Duration;

/// Each run is killed up to four times: at a random moment, or when a file of a kind is being written.
#[test]
fn kills_at_any_moment() {
    let kills = if whole() { 100 } else { 8 };
    let mut killed = 0;
    let mut aims = [
        "",
        "checkpoints/.detach",
        "samples/.detach",
        "metrics.jsonl",
        "config.toml",
        "",
    ]
    .iter()
    .cycle();
    while killed < kills {
        let sandbox = Sandbox::new();
        let mut log = Vec::new();
        let mut child = sandbox.start(&train(""));
        for _ in 0..4 {
            let aim = aims.next().expect("a cycle");
            match aim.is_empty() {
                true => std::thread::sleep(random_below(Duration::from_millis(150))),
                false => wait_until("the file", || {
                    ended(&mut child)
                        || sandbox
                            .files("run")
                            .keys()
                            .any(|name| name.starts_with(aim))
                }),
            }
            if ended(&mut child) {
                break;
            }
            signal(&child, "KILL");
            child.wait().expect("its end");
            killed += 1;
            log.push((aim, sandbox.checkpoints("run")));
            if !sandbox.path("run/config.toml").is_file() {
                break;
            }
            child = sandbox.start(&format!("train --resume run --max-steps {STEPS} -q"));
        }
        let _ = child.wait();
        goes_on(&sandbox, &format!("{log:?}"));
    }
}

/// Of several that go on with one run at once, one does, and the result is that of one.
#[test]
fn several_at_once() {
    let rounds = if whole() { 10 } else { 2 };
    for _ in 0..rounds {
        let sandbox = Sandbox::new();
        sandbox.ok(&train("").replace(&format!("--max-steps {STEPS}"), "--max-steps 4"));
        let words = format!("train --resume run --max-steps {STEPS} -q");
        let mut all: Vec<Child> = (0..4).map(|_| sandbox.start(&words)).collect();
        let codes: Vec<Option<i32>> = all
            .iter_mut()
            .map(|child| child.wait().expect("its end").code())
            .collect();
        assert!(codes.contains(&Some(0)), "{codes:?}");
        assert!(
            codes.iter().all(|code| matches!(code, Some(0 | 1))),
            "{codes:?}"
        );
        assert_eq!(sandbox.hash("run", STEPS), undisturbed());
        let steps: Vec<u64> = sandbox
            .metrics("run")
            .iter()
            .map(|metrics| metrics.step)
            .collect();
        assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
    }
}
