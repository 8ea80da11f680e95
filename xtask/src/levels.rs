//! The tests that depend on the processor's instructions, at the levels below its best.

use crate::built::{Built, build};
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Levels that a processor of today has besides its best.
const LEVELS: [&str; 2] = ["avx2", "portable"];
/// The packages whose tests are all run.
const PACKAGES: [&str; 3] = ["crates/kernels", "crates/tensor", "crates/nn"];
/// Of whole steps those in `f32`: in `f64` the loops of the reference compute, which the tests of the packages have run.
const PARITY: (&str, &str, &str) = ("tests", "parity", "f32");

/// Runs them.
///
/// # Errors
/// When one fails, or is not there.
pub(crate) fn run(root: &Path) -> Result<()> {
    let all = build(root, &["test", "--no-run"])?;
    let of = |folder: &str| -> Vec<&Built> {
        let folder = root.join(folder);
        all.iter().filter(|one| one.folder == folder).collect()
    };
    for level in LEVELS {
        for package in PACKAGES {
            let programs = of(package);
            ensure!(!programs.is_empty(), "{package} has no tests");
            for program in programs {
                test(program, level, &[])?;
            }
        }
        let (folder, name, filter) = PARITY;
        let parity = of(folder).into_iter().find(|one| one.name == name);
        test(
            parity.context("there is no test of parity")?,
            level,
            &[filter],
        )?;
    }
    Ok(())
}

fn test(program: &Built, level: &str, words: &[&str]) -> Result<()> {
    println!("DETACH_SIMD={level}: {}", program.name);
    let mut command = program.command();
    command.args(words).arg("--quiet").env("DETACH_SIMD", level);
    let status = command.status();
    let status = status.with_context(|| format!("cannot run {}", program.path.display()))?;
    ensure!(status.success(), "{} fails at {level}", program.name);
    Ok(())
}
