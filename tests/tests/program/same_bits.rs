//! A run's numbers depend on its settings, its data and its seed: not on the number of
//! threads, on being interrupted, on pictures being taken, or on which vectors the processor has.

use detach_tests::program::{Done, Sandbox, ended, random_below, signal, wait_until};
use std::process::Child;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

const STEPS: u64 = 40;

/// A recipe at work: 64 digits in batches of 8 are 8 steps an epoch, so that 40 steps
/// see several shuffles.
fn train(recipe: &str, flags: &str) -> String {
    format!("train {recipe} --offline --data-dir digits --batch-size 8 --out run -q {flags}")
}

fn resume(flags: &str) -> String {
    format!("train --resume run --offline -q {flags}")
}

/// The checkpoint of an undisturbed run on one thread, without pictures.
fn undisturbed(recipe: &str) -> &'static str {
    static DCGAN: OnceLock<String> = OnceLock::new();
    static KERAS_MLP: OnceLock<String> = OnceLock::new();
    let hash = match recipe {
        "dcgan" => &DCGAN,
        _ => &KERAS_MLP,
    };
    hash.get_or_init(|| {
        run(
            recipe,
            &format!("--max-steps {STEPS} --threads 1 --no-pictures"),
        )
    })
}

/// The checkpoint of a run in one go.
fn run(recipe: &str, flags: &str) -> String {
    let sandbox = Sandbox::new();
    sandbox.ok(&train(recipe, flags));
    sandbox.hash("run", STEPS)
}

fn threads(recipe: &str) {
    for threads in [2, 7] {
        let flags = format!("--max-steps {STEPS} --threads {threads} --no-pictures");
        assert_eq!(
            run(recipe, &flags),
            undisturbed(recipe),
            "{recipe}, {threads} threads"
        );
    }
}

fn pictures(recipe: &str) {
    let sandbox = Sandbox::new();
    let every = "--set pictures.every-epochs=0 --set pictures.every-steps=1";
    sandbox.ok(&train(recipe, &format!("--max-steps {STEPS} {every}")));
    let taken = sandbox
        .files("run/samples")
        .into_keys()
        .filter(|name| name.starts_with("step-"));
    assert_eq!(taken.count() as u64, STEPS, "{recipe}");
    assert_eq!(sandbox.hash("run", STEPS), undisturbed(recipe), "{recipe}");
}

fn in_two_parts(recipe: &str) {
    let sandbox = Sandbox::new();
    sandbox.ok(&train(recipe, "--max-steps 20"));
    assert_eq!(sandbox.checkpoints("run"), [20]);
    sandbox.ok(&resume(&format!("--max-steps {STEPS}")));
    assert_eq!(sandbox.hash("run", STEPS), undisturbed(recipe), "{recipe}");
}

/// Killed at random moments, and once while a checkpoint is half on the disk.
fn killed(recipe: &str) {
    let sandbox = Sandbox::new();
    let flags = format!("--max-steps {STEPS} --checkpoint-every 3 --log-every 1");
    let mut log = Vec::new();
    let mut child = sandbox.start(&train(recipe, &flags));
    for after in [5, 12, 20, 28] {
        wait_until("progress", || {
            ended(&mut child)
                || sandbox
                    .metrics("run")
                    .last()
                    .is_some_and(|m| m.step >= after)
        });
        let pause = random_below(Duration::from_millis(100));
        sleep(pause);
        log.push(format!("{pause:?} after step {after}"));
        child = kill_and_resume(child, &sandbox, &flags);
    }
    wait_until("a half-written file", || {
        let files = sandbox.files("run/checkpoints");
        ended(&mut child) || files.into_keys().any(|name| name.starts_with('.'))
    });
    child = kill_and_resume(child, &sandbox, &flags);
    assert!(
        child.wait().expect("the last run").success(),
        "killed {log:?}"
    );

    let steps: Vec<u64> = sandbox
        .metrics("run")
        .iter()
        .map(|metrics| metrics.step)
        .collect();
    assert_eq!(steps, Vec::from_iter(1..=STEPS), "killed {log:?}");
    assert_eq!(
        sandbox.hash("run", STEPS),
        undisturbed(recipe),
        "{recipe}, killed {log:?}"
    );
    let files = sandbox.files("run").into_keys();
    let left: Vec<String> = files.filter(|name| name.contains("/.")).collect();
    assert!(left.is_empty(), "{left:?} was left, killed {log:?}");
}

fn kill_and_resume(mut child: Child, sandbox: &Sandbox, flags: &str) -> Child {
    child.kill().expect("SIGKILL");
    child.wait().expect("the end of the run");
    sandbox.start(&resume(flags))
}

/// Every level that multiplies and adds with one rounding gives the same bits. A processor that has
/// fewer runs the best it has, which is the same test of less.
fn levels(recipe: &str) {
    let run = |level| {
        let sandbox = Sandbox::new();
        let line = train(recipe, &format!("--max-steps {STEPS} --no-pictures"));
        let mut command = sandbox.command(&line);
        command.env("DETACH_SIMD", level);
        let done = Done::of(command, &line);
        assert_eq!(done.code, Some(0), "{done}");
        sandbox.hash("run", STEPS)
    };
    let [avx2, avx512] = ["avx2", "avx512"].map(run);
    assert_eq!(avx2, avx512, "{recipe}");
    assert_eq!(avx512, undisturbed(recipe), "{recipe}");
}

/// A run that a signal stops saves the step it is at.
fn stopped(recipe: &str) {
    let sandbox = Sandbox::new();
    let mut child = sandbox.start(&train(
        recipe,
        &format!("--max-steps {STEPS} --log-every 1"),
    ));
    wait_until("a few steps", || sandbox.metrics("run").len() >= 7);
    signal(&child, "TERM");
    child.wait().expect("the end of the run");
    sandbox.ok(&resume(&format!("--max-steps {STEPS}")));
    assert_eq!(sandbox.hash("run", STEPS), undisturbed(recipe), "{recipe}");
}

macro_rules! same_bits {
    ($($check:ident),*) => {$(
        mod $check {
            #[test]
            fn dcgan() {
                super::$check("dcgan");
            }

            #[test]
            fn keras_mlp() {
                super::$check("keras-mlp");
            }
        }
    )*};
}

same_bits!(threads, pictures, in_two_parts, killed, stopped, levels);
