//! Slips of the hand: on the command line, about runs, in configurations.

use super::MLP;
use detach_tests::program::Sandbox;
use std::fs;

/// Refused with this exit code and these words, and nothing is written.
fn refused(sandbox: &Sandbox, cases: &[(&str, i32, &[&str])]) {
    let before = sandbox.files(".");
    for (words, code, parts) in cases {
        sandbox.gan(words).failed(*code, parts);
        assert_eq!(sandbox.files("."), before, "{words}");
    }
}

#[test]
fn on_the_command_line() {
    refused(
        &Sandbox::new(),
        &[
            ("train nosuch", 2, &["nosuch", "dcgan-light", "gauss1d"]),
            ("recipes nosuch", 2, &["nosuch", "dcgan-light", "gauss1d"]),
            (
                "train mlp --set nosuch=1",
                2,
                &["nosuch", "batch-size", "bn-eps"],
            ),
            (
                "train mlp --set pictures.nosuch=1",
                2,
                &["nosuch", "every-steps"],
            ),
            ("train mlp --set lr=fast", 2, &["lr=fast"]),
            ("train mlp --set lr=-1", 2, &["lr"]),
            ("train mlp --set lr", 2, &["key=value"]),
            ("train mlp --set dropout=0.5", 2, &["no setting `dropout`"]),
            (
                "train dcgan --set dropout=1",
                2,
                &["dropout must be in [0, 1)"],
            ),
            ("train mlp --batch-size 1", 2, &["batch-size", "at least 2"]),
            ("train mlp --epochs 0", 2, &["epochs", "at least 1"]),
            ("train mlp --threads 0", 2, &["--threads"]),
            ("train mlp --device foo", 2, &["foo", "cuda:N"]),
            ("train mlp --device cuda:0", 1, &["NVIDIA driver"]),
            (
                "train mlp --device cpu --matmul tf32",
                2,
                &["--matmul tf32 is for GPUs"],
            ),
            (
                "train mlp --matmul tf32",
                1,
                &["--matmul tf32 needs a GPU", "NVIDIA driver"],
            ),
            ("train mlp --matmul fp16", 2, &["fp16", "fp32, tf32"]),
            (
                "train mlp --preset nosuch",
                2,
                &["nosuch", "as-published, fixed"],
            ),
            ("train dcgan --order g-first", 2, &["dcgan", "--order"]),
            ("train --nosuch", 2, &["--nosuch", "--help"]),
            (
                "train mlp --config nosuch.toml",
                1,
                &["nosuch.toml", "config.toml"],
            ),
            ("nosuch", 2, &["nosuch"]),
            ("sample", 2, &["<RUN>", "--out"]),
            ("data synth --out x --count 0", 2, &["--count"]),
        ],
    );
}

#[test]
fn with_runs() {
    let sandbox = Sandbox::new();
    sandbox.ok("train gauss1d --max-steps 2 --out runs/first -q");
    let run = "train --resume runs/first";
    refused(
        &sandbox,
        &[
            (
                "train --resume nosuch",
                1,
                &["nosuch", "config.toml", "runs/first"],
            ),
            (
                "train --resume digits",
                1,
                &["digits", "config.toml", "runs/first"],
            ),
            ("sample nosuch --out x.png", 1, &["nosuch", "runs/first"]),
            (
                "train gauss1d --out runs/first",
                1,
                &["runs/first", "--resume", "not empty"],
            ),
            ("train gauss1d --out digits", 1, &["digits", "not empty"]),
            (
                &format!("{run} --max-steps 1"),
                1,
                &["2 steps done", "--max-steps"],
            ),
            (
                &format!("{run} --max-steps 1 --epochs 12"),
                1,
                &["2 steps done"],
            ),
            (&format!("{run} --seed 9"), 2, &["--seed", "--resume"]),
            (
                &format!("{run} --batch-size 9"),
                2,
                &["--batch-size", "--resume"],
            ),
            (&format!("{run} --set lr=1"), 2, &["--set", "--resume"]),
            (&format!("{run} --out x"), 2, &["--out", "--resume"]),
            (
                &run.replace("train", "train mlp"),
                2,
                &["RECIPE", "--resume"],
            ),
            ("sample first --out x.gif", 2, &["x.gif", ".npy"]),
            ("sample first --out x.idx3-ubyte", 1, &["gauss1d", ".npy"]),
            ("sample first --out x.png --count 0", 2, &["--count"]),
            ("interpolate first --frames 1", 2, &["--frames"]),
            ("interpolate first", 1, &["gauss1d", "no images"]),
        ],
    );
    // Below `runs` a name is enough, and what does not change may be said again.
    sandbox.ok("train gauss1d --resume first --seed 0 --max-steps 3 -q");
}

#[test]
fn in_the_configuration() {
    let sandbox = Sandbox::new();
    sandbox.ok("train gauss1d --max-steps 2 --out run -q");
    let path = sandbox.path("run/config.toml");
    let whole = fs::read_to_string(&path).expect("configuration");
    let cases = [
        ("x = [".to_owned(), "line 1"),
        (whole.replace("gauss1d", "nosuch"), "nosuch"),
        (whole.replace("lr = 0.001", "lr = \"fast\""), "fast"),
        (whole.replace("lr = 0.001", "lr = -1.0"), "lr must be"),
        (
            whole.replace("[settings]", "[settings]\nnosuch = 1"),
            "nosuch",
        ),
        (whole.replace("seed = 0\n", ""), "seed"),
        (String::new(), "recipe"),
    ];
    for (text, part) in cases {
        assert_ne!(text, whole, "{part}");
        fs::write(&path, text).expect("a file");
        for words in ["train --resume run", "sample run --out x.npy"] {
            // A recipe that is not there is the file's fault here.
            let file = if part == "nosuch" {
                "nosuch"
            } else {
                "run/config.toml"
            };
            sandbox.gan(words).failed(1, &[file, part]);
        }
    }
    fs::write(&path, whole).expect("a file");
    sandbox.ok("train --resume run --max-steps 3 -q");
    sandbox.ok("train --config run/config.toml --max-steps 3 --out again -q");
    assert_eq!(sandbox.hash("again", 3), sandbox.hash("run", 3));
}

/// What is not a number any more does not push good checkpoints out, even where no
/// line of metrics is due.
#[test]
fn numbers_that_explode() {
    let sandbox = Sandbox::new();
    let every = "--checkpoint-every 1 --log-every 1000";
    let done = sandbox.gan(&format!(
        "{MLP} --max-steps 20 {every} --out run --set lr=1e8"
    ));
    let saved = sandbox.checkpoints("run");
    let next = saved.last().expect("steps before it explodes") + 1;
    assert!((3..20).contains(&next), "{done}");
    done.failed(1, &["diverged", &format!("step {next} "), "lr"]);
    for metrics in sandbox.metrics("run") {
        assert!(metrics.numbers.values().all(|value| value.is_finite()));
    }
}
