//! Everything that must hold before a change is sent, in the order in which
//! it is cheapest to learn of a fault.

use crate::package::packages;
use crate::tree::Tree;
use crate::{built, command, tidy};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a step does.
#[derive(Debug, PartialEq)]
enum Step {
    /// `cargo` with these arguments and this environment; its output is shown.
    Cargo(
        &'static [&'static str],
        Option<(&'static str, &'static str)>,
    ),
    /// `cargo deny`, where it is installed.
    Deny(&'static [&'static str]),
    Tidy,
    /// `rustfmt --check` on what `cargo fmt` does not see: modules that a macro declares, a workspace of its own.
    Declared(&'static str),
    /// An example of a package; its output is shown if it fails.
    Example {
        package: String,
        name: String,
    },
}

const BEFORE: [Step; 8] = [
    Step::Cargo(&["fmt", "--all", "--check"], None),
    Step::Declared("crates/recipes/src/recipes"),
    Step::Declared("xtask/press/src"),
    Step::Cargo(
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
        None,
    ),
    Step::Tidy,
    Step::Cargo(
        &["doc", "--workspace", "--no-deps"],
        Some(("RUSTDOCFLAGS", "-D warnings")),
    ),
    // Advisories change without us: they are for a person to look up, not for
    // a check whose answer should depend on the change alone.
    Step::Deny(&["deny", "check", "bans", "licenses", "sources"]),
    // A workspace of its own, with licences of its own.
    Step::Deny(&[
        "deny",
        "--manifest-path",
        "xtask/press/Cargo.toml",
        "check",
        "bans",
        "licenses",
        "sources",
    ]),
];

impl Step {
    /// What to type to run this step alone.
    fn line(&self) -> String {
        match self {
            Self::Cargo(args, None) | Self::Deny(args) => format!("cargo {}", args.join(" ")),
            Self::Cargo(args, Some((name, value))) => {
                format!("{name}=\"{value}\" cargo {}", args.join(" "))
            }
            Self::Tidy => "cargo xtask tidy".to_owned(),
            Self::Declared(folder) => format!("rustfmt --edition 2024 --check {folder}/*.rs"),
            Self::Example { package, name } => {
                format!("cargo run --package {package} --example {name}")
            }
        }
    }

    fn run(&self, root: &Path) -> Result<()> {
        let mut cargo = command::cargo();
        cargo.current_dir(root);
        match self {
            Self::Cargo(args, environment) => {
                cargo.args(*args).envs(*environment);
                succeed(cargo.status().with_context(|| command::could_not(&cargo))?)
            }
            Self::Deny(_) if !has_deny(root) => {
                println!("skipped: no cargo-deny (cargo install cargo-deny --locked)");
                Ok(())
            }
            Self::Deny(args) => {
                cargo.args(*args);
                succeed(cargo.status().with_context(|| command::could_not(&cargo))?)
            }
            Self::Tidy => tidy::tidy(root),
            Self::Declared(folder) => {
                let mut rustfmt = Command::new("rustfmt");
                rustfmt.args(["--edition", "2024", "--check"]);
                rustfmt.args(sources(&root.join(folder))?).current_dir(root);
                succeed(rustfmt.status().context("rustfmt does not run")?)
            }
            Self::Example { package, name } => {
                let built = built::build(root, &["build", "--example", name])?;
                let example = built.iter().find(|built| built.name == *name);
                let example =
                    example.with_context(|| format!("{package} has no example {name}"))?;
                let mut command = example.command();
                let output = command.current_dir(root).output();
                let output = output.with_context(|| format!("{name} does not run"))?;
                if !output.status.success() {
                    print!("{}", String::from_utf8_lossy(&output.stdout));
                    eprint!("{}", String::from_utf8_lossy(&output.stderr));
                }
                succeed(output.status)
            }
        }
    }
}

/// The Rust sources in a folder.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect())
}

fn succeed(status: std::process::ExitStatus) -> Result<()> {
    match status.success() {
        true => Ok(()),
        false => bail!("it ended with {status}"),
    }
}

fn has_deny(root: &Path) -> bool {
    let mut cargo: Command = command::cargo();
    cargo.args(["deny", "--version"]).current_dir(root);
    let quiet = cargo.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Runs every step, and stops at the first that fails.
pub(crate) fn check(root: &Path) -> Result<()> {
    let examples = examples(&Tree::of_repository(root)?);
    let count = BEFORE.len() + examples.len();
    let start = Instant::now();
    for (index, step) in BEFORE.iter().chain(&examples).enumerate() {
        let line = step.line();
        println!("check {}/{count}: {line}", index + 1);
        let start = Instant::now();
        let result = step.run(root);
        let seconds = start.elapsed().as_secs_f64();
        result.with_context(|| {
            format!("check stopped after {seconds:.1} s; to run this step alone: {line}")
        })?;
        println!("check {}/{count}: ok, {seconds:.1} s", index + 1);
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("check: all {count} steps passed in {seconds:.0} s; next: cargo test --workspace");
    Ok(())
}

/// Every example under `crates/`: it is documentation that must not lie.
fn examples(tree: &Tree) -> Vec<Step> {
    let packages = packages(tree);
    let example = |path: &str| {
        let (folder, inside) = path.split_once("/examples/")?;
        let name = inside
            .strip_suffix("/main.rs")
            .or_else(|| inside.strip_suffix(".rs"))
            .filter(|name| !name.contains('/'))?;
        let package = packages.iter().find(|package| package.folder == folder)?;
        folder.starts_with("crates/").then(|| Step::Example {
            package: package.name.clone(),
            name: name.to_owned(),
        })
    };
    tree.files
        .iter()
        .filter_map(|file| example(&file.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_a_crate_is_a_step() {
        let tree = Tree::of_texts(&[
            ("crates/tensor/Cargo.toml", "[package]\nname = \"t\""),
            ("crates/tensor/examples/detach.rs", ""),
            ("crates/tensor/examples/long/main.rs", ""),
            ("crates/tensor/examples/long/helper.rs", ""),
            ("crates/tensor/src/lib.rs", ""),
            ("docs/examples/a.rs", ""),
        ]);
        let lines: Vec<String> = examples(&tree).iter().map(Step::line).collect();
        assert_eq!(
            lines,
            [
                "cargo run --package t --example detach",
                "cargo run --package t --example long"
            ]
        );
    }

    #[test]
    fn a_step_says_how_to_run_it_alone() {
        assert_eq!(BEFORE[0].line(), "cargo fmt --all --check");
        assert_eq!(
            BEFORE[5].line(),
            "RUSTDOCFLAGS=\"-D warnings\" cargo doc --workspace --no-deps"
        );
    }

    #[test]
    fn a_failing_command_is_an_error() {
        let mut cargo = command::cargo();
        let status = |cargo: &mut Command| cargo.output().unwrap().status;
        assert!(succeed(status(cargo.arg("--version"))).is_ok());
        let error = succeed(status(cargo.arg("--no-such-flag"))).unwrap_err();
        assert!(error.to_string().contains("exit status"), "{error}");
    }
}
