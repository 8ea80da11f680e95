//! The command line: flags, wording, progress. A flag is defined, documented and applied in its command's file;
//! nothing outside of this folder knows one.

pub mod console;
mod data;
mod device;
mod info;
mod interpolate;
mod progress;
mod recipes;
mod sample;
mod signals;
mod threads;
mod train;
mod usage;
mod values;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

pub use usage::Usage;

/// Train GANs on MNIST, from scratch.
#[derive(Debug, Parser)]
#[command(name = "gan", version, about, max_term_width = 100)]
#[command(
    after_help = "Start with `gan train`: digits in about two minutes, with or without a network.\n\n\
    A run has the same bits on any number of threads, and on every processor with AVX2, AVX-512 or\n\
    64-bit ARM's vectors. Processors without fused multiply-adds, browsers and GPUs differ in last bits."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Train a recipe, or go on with a run
    Train(Box<train::Args>),
    /// Make samples of a trained generator
    Sample(sample::Args),
    /// Walk between points of the latent space
    Interpolate(interpolate::Args),
    /// List the recipes, or explain one
    Recipes(recipes::Args),
    /// Fetch, inspect or make data
    #[command(subcommand)]
    Data(data::Command),
    /// Say what this machine offers
    Info(info::Args),
}

impl Cli {
    /// Does what the words say, as one of the threads that compute: from outside the pool, every kernel
    /// call would pay for handing its work over.
    ///
    /// # Errors
    /// When it cannot be done; a [`Usage`] error where the words are at fault.
    pub fn run(&self) -> Result<ExitCode> {
        let threads = match &self.command {
            Command::Train(args) => args.threads,
            Command::Sample(args) => args.threads,
            Command::Interpolate(args) => args.threads,
            Command::Info(args) => args.threads,
            Command::Recipes(_) | Command::Data(_) => threads::Args::default(),
        };
        signals::large_files_are_errors();
        threads.pool()?.install(|| self.execute())
    }

    fn execute(&self) -> Result<ExitCode> {
        let text = match &self.command {
            Command::Train(args) => return train::run(args),
            Command::Sample(args) => sample::run(args)?,
            Command::Interpolate(args) => interpolate::run(args)?,
            Command::Recipes(args) => recipes::run(args)?,
            Command::Data(command) => data::run(command)?,
            Command::Info(args) => info::run(args),
        };
        console::result(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// How this program was called, short where it lies below the working folder.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_else(|| "gan".to_owned());
    let below = std::env::current_dir().ok().and_then(|dir| {
        let path = std::path::Path::new(&called).strip_prefix(dir).ok()?;
        Some(path.display().to_string())
    });
    below.unwrap_or(called)
}

/// The error with the flag that chooses another place for what is written.
fn elsewhere(error: impl Into<anyhow::Error>) -> anyhow::Error {
    usage::with_hint(error, "choose another place with --out")
}
