//! `cargo xtask gpu-report`: checks and measures the CUDA path, here or, from a bundle, on a
//! machine with a GPU and no Rust.

use crate::command;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Build everything and put it into this folder, for a machine without Rust; run nothing
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// Passed on to `gpu-report`; `-- --help` tells what there is
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

/// What of the sources a report needs: the goldens, and PyTorch's side.
const CARRIED: [(&str, &str); 3] = [
    ("tests/golden", "json"),
    ("tests/golden", "py"),
    ("benches/peers", "py"),
];

const USAGE: &str = "\
# The CUDA path, checked and measured

On a machine with an NVIDIA driver (525 or later), in this folder:

    ./gpu-report --python python3          # beside PyTorch; without --python alone
    compute-sanitizer --tool memcheck  ./gpu-report --only-correct
    compute-sanitizer --tool racecheck ./gpu-report --only-correct

It writes gpu-results/gpu-report.md and gpu-report.json.
";

pub(crate) fn gpu_report(root: &Path, args: Args) -> Result<ExitCode> {
    let programs = build(root)?;
    if let Some(folder) = &args.bundle {
        bundle(root, &programs, folder)?;
        println!("{}", folder.join("README.md").display());
        return Ok(ExitCode::SUCCESS);
    }
    let mut report = Command::new(programs.join("gpu-report"));
    report.current_dir(root).args(args.args);
    command::become_it(report)
}

/// Builds the programs and answers with their folder.
fn build(root: &Path) -> Result<PathBuf> {
    for (package, program) in [("benches/tools", "gpu-report"), ("crates/gan", "gan")] {
        let mut cargo = command::cargo();
        cargo.args([
            "build",
            "--release",
            "--quiet",
            "--bin",
            program,
            "--manifest-path",
        ]);
        cargo.arg(root.join(package).join("Cargo.toml"));
        let status = cargo.status().with_context(|| command::could_not(&cargo))?;
        if !status.success() {
            bail!("`{program}` does not build");
        }
    }
    // Beside this program's own folder, whichever profile it was built in.
    let own = std::env::current_exe().context("where is this program?")?;
    let target = own.parent().and_then(Path::parent);
    Ok(target.context("no target folder")?.join("release"))
}

fn bundle(root: &Path, programs: &Path, folder: &Path) -> Result<()> {
    let copy = |from: &Path, to: PathBuf| -> Result<()> {
        let parent = to.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        fs::copy(from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        Ok(())
    };
    for program in ["gpu-report", "gan"] {
        let to = folder.join(program);
        copy(&programs.join(program), to.clone())?;
        // Where there is no `strip`, it is five times as large, and as good.
        let _ = Command::new("strip").arg("--strip-debug").arg(to).status();
    }
    for (part, extension) in CARRIED {
        for entry in fs::read_dir(root.join(part)).with_context(|| format!("no {part}"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == extension) {
                let name = path.file_name().unwrap_or_default();
                copy(&path, folder.join(part).join(name))?;
            }
        }
    }
    fs::write(folder.join("README.md"), USAGE).context("cannot write the bundle's README.md")
}
