//! System calls that fail, by a library that stands before the system's.

use super::{STEPS, ended_by_itself, goes_on, train, undisturbed, whole};
use detach_tests::program::{Done, Sandbox, skipped};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

const EIO: i32 = 5;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;
const ENOLCK: i32 = 37;
const EDQUOT: i32 = 122;

/// What each kind of call may fail with.
const ERRORS: [(&str, &[i32]); 10] = [
    ("open", &[EIO, EMFILE, ENOSPC]),
    ("read", &[EIO]),
    ("write", &[ENOSPC, EIO, EDQUOT]),
    ("fsync", &[EIO]),
    ("rename", &[EIO, ENOSPC]),
    ("unlink", &[EIO]),
    ("mkdir", &[ENOSPC]),
    ("truncate", &[EIO]),
    ("lock", &[ENOLCK]),
    ("stat", &[EIO]),
];

/// The library; `None`, and a line that says so, where there is no C compiler.
fn library() -> Option<&'static PathBuf> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chaos/faults.c");
        // Two runs of the tests may share a target folder: it appears whole, by its name.
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("faults.so");
        let made = path.with_extension(std::process::id().to_string());
        let mut compiler = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".to_owned()));
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]);
        let output = compiler.arg(&made).args([source, "-ldl"]).output().ok()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        fs::rename(&made, &path).expect("the library, under its name");
        Some(path)
    });
    if library.is_none() {
        skipped("needs a C compiler");
    }
    library.as_ref()
}

/// `gan`, with faults in what it does to the run.
fn with(sandbox: &Sandbox, words: &str, variables: &[(&str, &str)]) -> Option<Done> {
    let mut command = sandbox.command(words);
    command
        .env("LD_PRELOAD", library()?)
        .env("FAULT_SCOPE", "run");
    command.envs(variables.iter().copied());
    Some(Done::of(command, &format!("{words} with {variables:?}")))
}

/// How many calls of each kind a run makes that nothing happens to.
fn counts() -> Option<Vec<(String, u64)>> {
    let sandbox = Sandbox::new();
    let file = sandbox.path("counts");
    let done = with(
        &sandbox,
        &train(""),
        &[("FAULT_COUNT", &file.display().to_string())],
    )?;
    assert_eq!(done.code, Some(0), "{done}");
    assert_eq!(sandbox.hash("run", STEPS), undisturbed());
    let text = fs::read_to_string(file).expect("counts");
    let count = |line: &str| {
        let (kind, count) = line.split_once(' ').expect("two words");
        (kind.to_owned(), count.parse().expect("a number"))
    };
    Some(text.lines().map(count).collect())
}

/// Which of `count` calls fail, one after the other: all, or a few.
fn places(count: u64) -> Vec<u64> {
    let few = if whole() { 60 } else { 3 };
    let step = (count / few).max(1);
    (1..=count)
        .step_by(usize::try_from(step).expect("a step"))
        .collect()
}

#[test]
fn calls_that_fail() {
    let Some(counts) = counts() else { return };
    let mut tried = 0;
    for (kind, errors) in ERRORS {
        let count = counts.iter().find(|(known, _)| known == kind);
        let (_, count) = count.expect("a kind that is counted");
        assert!(*count > 0, "no call of the kind `{kind}` in {counts:?}");
        let errors = if whole() { errors } else { &errors[..1] };
        for place in places(*count) {
            for error in errors {
                for on in ["", "+"] {
                    fails(&format!("{kind}:{place}{on}:{error}"));
                    tried += 1;
                }
            }
        }
    }
    println!("{tried} faults");
}

fn fails(fault: &str) {
    let sandbox = Sandbox::new();
    if let Some(done) = with(&sandbox, &train(""), &[("FAULT_AT", fault)]) {
        ended_by_itself(&done, fault);
        if done.code == Some(0) {
            assert_eq!(
                sandbox.checkpoints("run").pop(),
                Some(STEPS),
                "{fault}: {done}"
            );
        }
        goes_on(&sandbox, fault);
    }
}

/// The same while a run is taken up again.
#[test]
fn calls_that_fail_on_the_way_back() {
    let Some(counts) = counts() else { return };
    for (kind, errors) in ERRORS {
        let count = counts.iter().find(|(known, _)| known == kind);
        let most = count
            .map_or(1, |(_, count)| *count)
            .min(if whole() { 40 } else { 2 });
        for place in 1..=most {
            let fault = format!("{kind}:{place}:{}", errors[0]);
            let sandbox = Sandbox::new();
            sandbox.ok(&train("").replace(&format!("--max-steps {STEPS}"), "--max-steps 10"));
            let before = sandbox.checkpoints("run");
            let resume = format!("train --resume run --max-steps {STEPS} -q");
            if let Some(done) = with(&sandbox, &resume, &[("FAULT_AT", &fault)]) {
                ended_by_itself(&done, &fault);
                assert!(
                    sandbox.checkpoints("run").last() >= before.last(),
                    "{fault}: {done}"
                );
                goes_on(&sandbox, &fault);
            }
        }
    }
}

/// A clock that goes back, and one that jumps to and fro.
#[test]
fn clocks_that_jump() {
    for clock in ["-100000000:0", "100000:7", "-2000000000:3"] {
        let sandbox = Sandbox::new();
        let short = train("").replace(&format!("--max-steps {STEPS}"), "--max-steps 10");
        let Some(done) = with(&sandbox, &short, &[("FAULT_CLOCK", clock)]) else {
            return;
        };
        assert_eq!(done.code, Some(0), "{clock}: {done}");
        let resume = format!("train --resume run --max-steps {STEPS} -q");
        let back = [("FAULT_CLOCK", "-500000000:0")];
        let done = with(&sandbox, &resume, &back).expect("a compiler, as before");
        assert_eq!(done.code, Some(0), "{clock}: {done}");
        assert_eq!(sandbox.hash("run", STEPS), undisturbed(), "{clock}");
    }
}
