//! `cargo xtask book`: the pages of `docs/book`, computed, checked and set for a browser.

mod browser;
mod links;
mod measure;

use crate::{built, command};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Compute tables, figures and numbers again, and write them into docs/book
    #[arg(long, conflicts_with = "check")]
    write: bool,
    /// Run the snippets and the commands, compare what is computed, and open the pages in Chromium where there is one
    #[arg(long)]
    check: bool,
    /// Leave out of the check what `cargo test --workspace` has in it
    #[arg(long, requires = "check")]
    built_only: bool,
    /// Time the kernels of chapter 11 on this machine, for minutes, and put the table into its page
    #[arg(long)]
    measure: bool,
    /// Open the book
    #[arg(long)]
    open: bool,
}

/// What `cargo test --workspace` has in it: pieces and commands, and snippets. With all of the workspace, so that nothing is compiled in
/// another form than there.
const TESTS: [&[&str]; 2] = [
    &["test", "--workspace", "--test", "book"],
    &["test", "--workspace", "--doc"],
];

/// Does what the arguments ask for, and sets both languages into `target/book`.
pub(crate) fn book(root: &Path, args: &Args) -> Result<()> {
    if args.write {
        write(root)?;
    }
    if args.check && !args.built_only {
        TESTS.iter().try_for_each(|test| cargo(root, test))?;
    }
    // Always there: links out of the book lead as far up as those of its sources do.
    let out = root.join("target/book");
    let measured = args.measure.then(|| measure::table(root)).transpose()?;
    set(root, &out, measured.as_deref())?;
    let pages = links::check(&out)?;
    println!(
        "book: {} pages in {}, every link leads somewhere",
        pages.len(),
        out.display()
    );
    if args.check {
        let mut test = press(root, "test");
        let status = test.status().with_context(|| command::could_not(&test))?;
        ensure!(
            status.success(),
            "the tests of xtask/press ended with {status}"
        );
        browser::look(root, &pages)?;
    }
    let first = out.join("en/index.html");
    println!("{}", first.display());
    if args.open { open(&first) } else { Ok(()) }
}

/// Cargo with these arguments, which must succeed.
fn cargo(root: &Path, args: &[&str]) -> Result<()> {
    let mut cargo = command::cargo();
    cargo.args(args).current_dir(root);
    println!("book: cargo {}", args.join(" "));
    let status = cargo.status().with_context(|| command::could_not(&cargo))?;
    ensure!(
        status.success(),
        "`cargo {}` ended with {status}",
        args.join(" ")
    );
    Ok(())
}

/// Runs what computes the pages, built as the tests are.
fn write(root: &Path) -> Result<()> {
    let built = built::build(root, &["build", "--bin", "detach-book"])?;
    let writer = built.iter().find(|built| built.name == "detach-book");
    let mut writer = writer.context("cargo says of no detach-book")?.command();
    let status = writer
        .status()
        .with_context(|| command::could_not(&writer))?;
    ensure!(status.success(), "the pages were not computed");
    Ok(())
}

/// Cargo at what sets the pages: a workspace of its own.
fn press(root: &Path, task: &str) -> Command {
    let mut press = command::cargo();
    press.args([task, "--quiet", "--locked", "--manifest-path"]);
    press.arg(root.join("xtask/press/Cargo.toml"));
    if std::env::var_os("CARGO_TARGET_DIR").is_none() {
        press.arg("--target-dir").arg(root.join("target/press"));
    }
    press
}

/// Sets the pages of both languages.
fn set(root: &Path, out: &Path, measured: Option<&Path>) -> Result<()> {
    let mut press = press(root, "run");
    press.arg("--").args([root, out]).args(measured);
    let status = press.status().with_context(|| command::could_not(&press))?;
    ensure!(
        status.success(),
        "the pages were not set; what is wrong is said above"
    );
    Ok(())
}

/// Shows a file with what the system opens such files with.
fn open(path: &Path) -> Result<()> {
    let opener = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let mut open = Command::new(opener);
    open.arg(path);
    // `explorer` answers 1 when all is well.
    open.status()
        .with_context(|| command::could_not(&open))
        .map(drop)
}

/// The files below a folder whose names end so, in order.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(self::files(&path, extension)?);
        } else if path.extension().is_some_and(|e| e == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
