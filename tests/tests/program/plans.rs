//! What the program says without doing it: a dry run, completions of a shell, pages of the manual.

use detach_tests::program::{Done, Sandbox};
use std::fs;

const MLP: &str = "train mlp --offline --data-dir digits --batch-size 8 --max-steps 4 --out run";

#[test]
fn shells_and_manuals_know_every_command() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.ok(&format!("completions {shell}")).stdout;
        for word in ["interpolate", "--dry-run", "--noise-out", "synth"] {
            let bare = word.trim_start_matches('-');
            assert!(script.contains(bare), "{shell} does not know {word}");
        }
    }
    let script = "$gan completions bash > x && bash -n x";
    if Done::of(sandbox.shell("command -v bash"), "bash").code == Some(0) {
        assert_eq!(Done::of(sandbox.shell(script), script).code, Some(0));
    }
    for (page, words) in [
        ("", &["train", "interpolate", "GAN_LOG"][..]),
        ("train", &["gan-train", "dry", "resume"]),
        ("data synth", &["gan-data-synth", "count"]),
    ] {
        let roff = sandbox.ok(&format!("man {page}")).stdout;
        assert!(roff.contains(".TH"), "{roff}");
        let plain = roff.replace('\\', "");
        for word in words {
            assert!(
                plain.contains(word),
                "no {word} in the page of `{page}`\n{plain}"
            );
        }
    }
    sandbox.gan("man nosuch").failed(2, &["nosuch"]);
    sandbox
        .gan("completions nosuch")
        .failed(2, &["nosuch", "bash"]);
}

/// What it says is what is then trained, and it leaves nothing.
#[test]
fn a_dry_run_makes_nothing() {
    let sandbox = Sandbox::new();
    let before = sandbox.files(".");
    let json = |words: &str| -> serde_json::Value {
        let line = sandbox.ok(words).stdout;
        serde_json::from_str(line.trim_end()).expect(&line)
    };
    for (words, dry) in [
        (MLP.to_owned(), "run"),
        (MLP.replace(" --out run", ""), "runs/mlp-1"),
        ("train gauss1d --max-steps 7".to_owned(), "runs/gauss1d-1"),
    ] {
        let plan = json(&format!("{words} --dry-run --json"));
        assert_eq!(plan["run"], *dry);
        assert!(
            plan["memory_bytes"]
                .as_u64()
                .is_some_and(|bytes| bytes > 10_000),
            "{plan}"
        );
        assert!(plan["seconds"].as_f64().is_some_and(|s| s > 0.0), "{plan}");
        let text = sandbox.ok(&format!("{words} --dry-run")).stdout;
        assert!(text.contains(dry) && text.contains("memory"), "{text}");
        assert_eq!(sandbox.files("."), before, "{words}");
        assert!(!sandbox.path("runs").exists(), "{words}");

        let done = sandbox.ok(&format!("{words} --json"));
        let last = done.stdout.lines().last().expect("a result");
        let result: serde_json::Value = serde_json::from_str(last).expect(last);
        assert_eq!(
            (&result["run"], &result["steps"]),
            (&plan["run"], &plan["steps"])
        );
        for dir in ["run", "runs"] {
            let _ = fs::remove_dir_all(sandbox.path(dir));
        }
    }
    let plan = json(&format!("{MLP} --dry-run --json"));
    let [g, d] = ["generator", "discriminator"].map(|name| plan["parameters"][name].as_u64());
    assert_eq!((g, d), (Some(1_510_032), Some(533_505)));
    assert_eq!(plan["steps_per_epoch"], 8);
}

#[test]
fn a_dry_run_goes_on_with_a_run() {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("{MLP} -q"));
    let before = sandbox.files(".");
    let words = "train --resume run --offline --max-steps 9 --dry-run --json";
    let line = sandbox.ok(words).stdout;
    let plan: serde_json::Value = serde_json::from_str(line.trim_end()).expect(&line);
    assert_eq!(
        (&plan["steps_done"], &plan["steps"]),
        (&4.into(), &9.into())
    );
    sandbox
        .gan("train --resume run --max-steps 3 --dry-run")
        .failed(1, &["4 steps done"]);
    sandbox.gan("train nosuch --dry-run").failed(2, &["nosuch"]);
    sandbox
        .gan("train mlp --data-dir nowhere --dry-run")
        .failed(1, &["nowhere"]);
    assert_eq!(sandbox.files("."), before);
}
