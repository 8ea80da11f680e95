//! What `--help` teaches.

use super::*;

#[test]
fn every_command_has_its_flags() {
    let sandbox = Sandbox::new();
    let train = "--preset --order --device --matmul --epochs --max-steps --batch-size --seed --threads --data-dir \
                     --offline --mirror --out --resume --set --config --log-every --checkpoint-every --no-pictures --no-report \
                     --best --patience --score-every --score-count --json --quiet --dry-run GAN_DATA_DIR GAN_MIRROR";
    for (command, flags) in [
        (
            "",
            "train compare sweep claims runs show score doctor classifier report sample interpolate film export import recipes \
                 data info completions man GAN_LOG GAN_DATA_DIR DETACH_SIMD NO_COLOR",
        ),
        ("train", train),
        (
            "compare",
            "<RECIPE> --preset --set --max-steps --epochs --seed --out --data-dir --offline --mirror --device --matmul \
                 --threads --log-every --checkpoint-every --quiet",
        ),
        (
            "sweep",
            "[RECIPE] --param --metric --trials --sampler --at-once --halving --max-steps --preset --set --seed --out \
                 log: int: energy diversity nearest variance",
        ),
        (
            "claims",
            "[NAME] --list --seeds --max-steps --out --data-dir",
        ),
        (
            "sample",
            "<RUN> --count --out --seed --noise-out --mode --truncation --digit --labels --labels-out --device --threads .npy .idx3-ubyte.gz",
        ),
        (
            "score",
            "<RUN|FILE>... --count --labels --seed --mode --data-dir --device --json --csv --threads fid kid vendi heldout_auc",
        ),
        ("runs", "[DIR] --json"),
        ("show", "[RUN] --json --no-picture"),
        ("doctor", "<RUN>... --json"),
        ("classifier", "--data-dir --out --threads"),
        ("report", "<RUN>... --out --threads .html"),
        (
            "interpolate",
            "<RUN> --out --frames --grid --path --digit --seed --device --threads .apng",
        ),
        ("film", "[RUN] --out --seconds .apng"),
        ("export", "<RUN> --to --out --threads onnx pytorch npz"),
        (
            "import",
            "<WEIGHTS> --recipe --discriminator --preset --set --out --threads",
        ),
        ("recipes", "[NAME]"),
        (
            "replay",
            "<RUN> --step --steps --detach --freeze --order --set --once --data-dir --device --json --threads",
        ),
        ("data", "fetch info synth"),
        ("data fetch", "--out --mirror GAN_MIRROR"),
        ("data info", "--data-dir"),
        ("data synth", "--out --count --seed"),
        ("info", "--threads"),
        ("completions", "bash zsh fish"),
        ("man", "[COMMAND]"),
    ] {
        let done = sandbox.ok(&format!("{command} --help"));
        assert!(done.stderr.is_empty(), "{done}");
        for flag in flags.split_whitespace() {
            assert!(done.stdout.contains(flag), "no {flag}\n{done}");
        }
    }
}

#[test]
fn nothing_asked_is_a_usage_error() {
    let done = Sandbox::new().gan("");
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{done}");
    assert!(done.stderr.contains("Usage: gan <COMMAND>"), "{done}");
}

#[test]
fn recipes_are_listed_and_explained() {
    let sandbox = Sandbox::new();
    let list = sandbox.ok("recipes").stdout;
    for recipe in RECIPES {
        let mut lines = list.lines().filter(|line| line.starts_with(recipe.name()));
        assert!(
            lines.any(|line| line.contains(recipe.about.summary)),
            "{list}"
        );
    }
    assert!(list.contains("`gan recipes NAME` explains one"), "{list}");
    assert_data_eq!(
        sandbox.ok("recipes gauss1d").stdout,
        str![[r#"
gauss1d: [..]

Generator, 3,151 parameters
...
Discriminator [..], 2,701 parameters
...
One step: [..]

Losses
  D: [..]
  G: [..]

Where to see `detach` and freezing: [..]

Settings as published
...
Whose numbers
  - of the source: [..]

`--preset fixed` changes
...
  log-eps = 0.0
...

Notes
  - [..]
  - [..]

"#]]
    );
}

#[test]
fn info_tells_of_this_machine() {
    assert_data_eq!(
        Sandbox::new().ok("info --threads 3").stdout,
        str![[r#"
gan [..]
device   cpu (auto)
gpu      none: [..]NVIDIA driver[..]
threads  3 of [..] cores
simd     [..]

"#]]
    );
}
