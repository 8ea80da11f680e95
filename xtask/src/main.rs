//! `cargo xtask`: what is done to the project, rather than by it.

mod bench;
mod book;
mod built;
mod check;
mod code;
mod command;
mod finding;
mod golden;
mod gpu_report;
mod levels;
mod marks;
mod modules;
mod package;
mod ptx;
mod tidy;
mod tree;
mod web;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Trains, checks and measures Detach
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build `gan` in release mode and run `gan train` with these arguments
    #[command(disable_help_flag = true)]
    Train(PassOn),
    /// Build `gan` in release mode and run `gan data fetch` with these arguments
    #[command(disable_help_flag = true)]
    Fetch(PassOn),
    /// Train the classifier that `gan score` judges MNIST by, and write it where it is committed
    #[command(disable_help_flag = true)]
    Classifier(PassOn),
    /// Measure: `cargo bench` on the package in benches/, beside other engines, or op by op
    Bench(Box<bench::Args>),
    /// Set the book in docs/book as pages for a browser, in target/book; compute it again, check it, open it
    Book(book::Args),
    /// All that must hold before a change is sent: format, lints, house rules, documentation, licences, examples
    Check,
    /// Run the tests of kernels, engine, layers and f32 parity with fewer instructions than this processor has: AVX2, portable
    Levels,
    /// The house rules that no compiler knows: import arrows, file sizes, where `unsafe` may be
    Tidy,
    /// Feed what reads files, settings and metrics with bytes that are nearly right, a million inputs a target
    #[command(disable_help_flag = true)]
    Fuzz(PassOn),
    /// Check and measure the CUDA path on a GPU: every case, parity, speed beside PyTorch, whole runs
    GpuReport(gpu_report::Args),
    /// Compile kernels/*.cu to the PTX beside them; compare, or show what each kernel takes
    Ptx(ptx::Args),
    /// Build the recipes as a module for browsers (wasm32)
    Web,
    /// Kill runs, fail their system calls and starve them: all of what `cargo test` does a part of
    Chaos,
    /// Run every small case of the GPU's kernels under AddressSanitizer and ThreadSanitizer and in other orders of blocks, on
    /// the emulated device: all of what `cargo test` does a part of
    Sanitize,
    /// Make the golden files with PyTorch
    Golden {
        /// Compare with the committed files, change none
        #[arg(long)]
        check: bool,
    },
}

#[derive(clap::Args)]
struct PassOn {
    /// Passed on as they are; `--help` tells what there is
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The whole of a campaign: the test of that name, told by a variable to leave nothing out.
fn whole(root: &Path, name: &str, variable: &str) -> Result<ExitCode> {
    let mut test = command::cargo();
    test.args(["test", "--workspace", "--test", name]);
    test.args(["--no-fail-fast", "--manifest-path"]);
    test.arg(root.join("Cargo.toml"))
        .args(["--", "--nocapture"]);
    test.env(variable, "whole");
    command::become_it(test)
}

fn run(task: Task) -> Result<ExitCode> {
    let root = command::root()?;
    match task {
        Task::Train(pass) => command::become_gan(&root, &["train"], &pass.args),
        Task::Fetch(pass) => command::become_gan(&root, &["data", "fetch"], &pass.args),
        Task::Classifier(pass) => {
            let out = root.join("crates/gan/src/score/classifier/mnist.safetensors");
            let mut args = vec!["--out".into(), out.into_os_string()];
            args.extend(pass.args);
            command::become_gan(&root, &["classifier"], &args)
        }
        Task::Bench(args) => bench::bench(&root, *args),
        Task::Book(args) => book::book(&root, &args).map(|()| ExitCode::SUCCESS),
        Task::Check => check::check(&root).map(|()| ExitCode::SUCCESS),
        Task::Levels => levels::run(&root).map(|()| ExitCode::SUCCESS),
        Task::Tidy => tidy::tidy(&root).map(|()| ExitCode::SUCCESS),
        // As tests are built: sums that overflow are found.
        Task::Fuzz(pass) => {
            command::become_program(&root, "dev", ["detach-fuzz", "fuzz"], &pass.args)
        }
        Task::GpuReport(args) => gpu_report::gpu_report(&root, args),
        Task::Ptx(args) => ptx::ptx(&root, &args).map(|()| ExitCode::SUCCESS),
        Task::Chaos => whole(&root, "chaos", "DETACH_CHAOS"),
        Task::Sanitize => whole(&root, "cuda", "DETACH_SANITIZE"),
        Task::Web => web::build(&root).map(|()| ExitCode::SUCCESS),
        Task::Golden { check } => golden::golden(&root, check),
    }
}
