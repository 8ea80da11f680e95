//! Checks and measures the CUDA path on a machine with a GPU; see `gpu/mod.rs`. Needs no sources but
//! the goldens in `tests/golden` and, for PyTorch's side, `benches/peers`.
//!
//! ```sh
//! cargo xtask gpu-report                 # where there is a GPU and Rust
//! cargo xtask gpu-report --bundle DIR    # then `DIR/gpu-report` on a machine without Rust
//! ```

use anyhow::{Context, Result};
use clap::Parser;
use detach_bench_tools::gpu::{Plan, run};
use detach_tensor::Recycling;
use std::alloc::System;
use std::path::PathBuf;
use std::process::ExitCode;

/// The allocator of `gan`: what is timed is what users run.
#[global_allocator]
static ALLOCATOR: Recycling = Recycling::new(System);

/// Checks and measures the CUDA path on a GPU, and writes gpu-report.json and gpu-report.md
#[derive(Parser)]
#[command(name = "gpu-report")]
struct Cli {
    /// The GPU
    #[arg(long, default_value = "cuda:0")]
    device: String,
    /// Where the report is written
    #[arg(long, default_value = "gpu-results", value_name = "DIR")]
    out: PathBuf,
    /// A Python with PyTorch for CUDA, to be timed beside [default: none]
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// The folder of pytorch.py
    #[arg(long, default_value = "benches/peers", value_name = "DIR")]
    scripts: PathBuf,
    /// The `gan` program [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    gan: Option<PathBuf>,
    /// The least of everything, to see that it runs
    #[arg(long)]
    quick: bool,
    /// Check only, measure nothing: what to run under compute-sanitizer
    #[arg(long)]
    only_correct: bool,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let beside = std::env::current_exe().context("where is this program?")?;
    let plan = Plan {
        device: cli.device,
        out: cli.out,
        python: cli.python.map(|python| (python, cli.scripts)),
        gan: cli.gan.unwrap_or_else(|| beside.with_file_name("gan")),
        quick: cli.quick,
        only_correct: cli.only_correct,
    };
    let pool = rayon::ThreadPoolBuilder::new().build();
    let report = pool
        .context("cannot start the threads")?
        .install(|| run(&plan))?;
    println!("{}", plan.out.join("gpu-report.md").display());
    Ok(match report.is_right() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
