//! `cargo xtask bench`: what `cargo bench` measures by default, whole steps beside other
//! engines with `--peers`, op by op with `--profile`.

mod engines;
mod machine;
mod peers;
mod programs;
mod report;
mod rows;
mod server;

use crate::command;
use anyhow::Result;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Rounds of `--quick`.
const QUICK: usize = 3;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Time kernels and whole steps beside PyTorch, burn and candle, in turn
    #[arg(long)]
    peers: bool,
    /// How often the engines take turns at each row
    #[arg(long, default_value_t = 15, value_name = "N", value_parser = rounds, requires = "peers")]
    rounds: usize,
    /// Three rounds: a first look
    #[arg(long, requires = "peers", conflicts_with = "rounds")]
    quick: bool,
    /// Only the rows whose name or case matches; prints, and leaves benches/RESULTS.md as it is
    #[arg(long, value_name = "REGEX", requires = "peers")]
    only: Option<regex::Regex>,
    /// A Python with PyTorch [default: $PYTHON, .venv, python3]
    #[arg(long, value_name = "PATH", requires = "peers")]
    python: Option<PathBuf>,
    /// Say where the time of this recipe's training step goes
    #[arg(long, value_name = "RECIPE", conflicts_with = "peers")]
    profile: Option<String>,
    /// Threads of every engine [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Passed on to `cargo bench`, or to the profile (`--batch 64 --steps 20`)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

fn rounds(text: &str) -> Result<usize, String> {
    let rounds = text.parse().ok().filter(|&rounds| rounds > 0);
    rounds.ok_or_else(|| "a number from 1 on".to_owned())
}

/// Measures what the arguments ask for.
pub(crate) fn bench(root: &Path, args: Args) -> Result<ExitCode> {
    let threads = match args.threads {
        Some(threads) => threads.max(1),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    if let Some(recipe) = &args.profile {
        let mut run = package(root, "benches/tools", "run");
        run.args(["--release", "--quiet", "--bin", "profile", "--", recipe]);
        run.arg("--threads").arg(threads.to_string());
        run.args(args.args);
        return command::become_it(run);
    }
    if args.peers {
        let rounds = if args.quick { QUICK } else { args.rounds };
        let plan = peers::Plan {
            rounds,
            threads,
            only: args.only,
            python: args.python,
        };
        return peers::run(root, &plan).map(|()| ExitCode::SUCCESS);
    }
    let mut bench = package(root, "benches", "bench");
    bench.args(args.args);
    command::become_it(bench)
}

fn package(root: &Path, folder: &str, task: &str) -> Command {
    let mut cargo = command::cargo();
    cargo.arg(task).arg("--manifest-path");
    cargo.arg(root.join(folder).join("Cargo.toml"));
    cargo
}
