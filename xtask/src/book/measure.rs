//! The ladder of chapter 11 on this machine.

use crate::command;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A square product, and the convolutions of `dcgan`'s widest layer; on a GPU, where there is one, what `devices` has of them.
const FILTER: &str = "1024×1024 · 1024×1024|CT 256→128";
/// What the closing table of `cargo bench` begins with.
const TABLE: &str = "# Implementation by shape\n";

/// Times the rungs, and answers with a file that has their table.
pub(super) fn table(root: &Path) -> Result<PathBuf> {
    let mut bench = command::cargo();
    bench.args(["bench", "--quiet", "--manifest-path"]);
    bench.arg(root.join("benches/Cargo.toml"));
    bench
        .args(["--", "--quick", FILTER])
        .stderr(Stdio::inherit());
    println!("book: cargo bench -- --quick '{FILTER}'");
    let output = bench.output().with_context(|| command::could_not(&bench))?;
    ensure!(
        output.status.success(),
        "`cargo bench` ended with {}",
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let (_, table) = text
        .split_once(TABLE)
        .context("`cargo bench` ended without a table")?;
    let folder = root.join("target");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let path = folder.join("book-measured.md");
    std::fs::write(&path, table).with_context(|| path.display().to_string())?;
    Ok(path)
}
