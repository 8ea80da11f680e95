//! The command line: flags, wording, progress. A flag is defined, documented and applied in its command's file;
//! nothing outside of this folder knows one.

mod claims;
mod classes;
mod classifier;
mod compare;
pub mod console;
mod data;
mod detach;
mod device;
mod doctor;
mod environment;
mod explain;
mod export;
mod import;
mod info;
mod interpolate;
mod list;
mod mirror;
mod output;
mod pages;
mod progress;
mod recipes;
mod report;
mod runs;
mod sample;
mod score;
mod shell;
mod show;
mod signals;
mod summary;
mod sweep;
mod terminal;
mod threads;
mod train;
mod usage;
mod values;
mod work;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

pub use usage::Usage;
pub use work::Interrupted;

/// Train GANs on MNIST, from scratch.
#[derive(Debug, Parser)]
#[command(name = "gan", version, about, max_term_width = 100)]
#[command(
    after_help = "Start with `gan train`: digits in about two minutes, with or without a network. \
                  `gan --help` tells of the environment."
)]
#[command(after_long_help = environment::help())]
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
    /// Train recipes side by side: one table, one picture of curves and one of samples
    Compare(Box<compare::Args>),
    /// Vary settings of a recipe, and rank what comes of it
    Sweep(Box<sweep::Args>),
    /// Test what is often claimed of GANs, each claim by pairs of runs
    Claims(Box<claims::Args>),
    /// List the runs here: what each is, how far, how good
    Runs(list::Args),
    /// Show one run: numbers, what to make of them, its newest picture
    Show(show::Args),
    /// Say how good runs or files of samples are, in numbers
    Score(score::Args),
    /// Say in a sentence what runs are like: good, collapsed, D dead, and what to do
    Doctor(doctor::Args),
    /// Train the classifier by which `gan score` judges images of a data set
    Classifier(classifier::Args),
    /// Write a run as one page for a browser, or several side by side
    Report(report::Args),
    /// Make samples of a trained generator
    Sample(sample::Args),
    /// Walk between points of the latent space
    Interpolate(interpolate::Args),
    /// Write a run's networks for other programs: ONNX, PyTorch, NumPy
    Export(export::Args),
    /// Make a run of weights that another program saved
    Import(import::Args),
    /// List the recipes, or explain one
    Recipes(recipes::Args),
    /// Look at one step with its detach kept, gone and elsewhere: whose loss reaches whose weights, and what it costs
    Detach(detach::Args),
    /// Show one step as a graph: ops, shapes, costs, norms forward and back, and where it is cut
    Explain(Box<explain::Args>),
    /// Fetch, inspect or make data
    #[command(subcommand)]
    Data(data::Command),
    /// Say what this machine offers
    Info(info::Args),
    /// Write the script by which a shell completes this program's commands
    Completions(pages::Completions),
    /// Write the manual's page of this program, or of a command of it
    Man(pages::Man),
}

impl Cli {
    /// Does what the words say, as one of the threads that compute: from outside the pool, every kernel
    /// call would pay for handing its work over.
    ///
    /// # Errors
    /// When it cannot be done; a [`Usage`] error where the words are at fault.
    pub fn run(&self) -> Result<ExitCode> {
        environment::check()?;
        console::start_log(environment::log_filter());
        let quiet = match &self.command {
            Command::Train(args) => args.quiet,
            Command::Compare(args) => args.handed.quiet,
            Command::Sweep(args) => args.handed.quiet,
            Command::Claims(args) => args.handed.quiet,
            _ => false,
        };
        let threads = match &self.command {
            Command::Train(args) => args.threads,
            Command::Compare(args) => args.handed.threads,
            Command::Sweep(args) => args.handed.threads,
            Command::Claims(args) => args.handed.threads,
            Command::Score(args) => args.threads,
            Command::Classifier(args) => args.threads,
            Command::Report(args) => args.threads,
            Command::Sample(args) => args.threads,
            Command::Interpolate(args) => args.threads,
            Command::Export(args) => args.threads,
            Command::Import(args) => args.threads,
            Command::Detach(args) => args.threads,
            Command::Explain(args) => args.threads,
            Command::Info(args) => args.threads,
            Command::Doctor(_) | Command::Recipes(_) | Command::Data(_) => threads::Args::default(),
            Command::Runs(_) | Command::Show(_) => threads::Args::default(),
            Command::Completions(_) | Command::Man(_) => return self.execute(),
        };
        signals::large_files_are_errors();
        threads.pool(quiet)?.install(|| self.execute())
    }

    fn execute(&self) -> Result<ExitCode> {
        let text = match &self.command {
            Command::Train(args) => return train::run(args),
            Command::Compare(args) => return compare::run(args),
            Command::Sweep(args) => return sweep::run(args),
            Command::Claims(args) => return claims::run(args),
            Command::Runs(args) => list::run(args)?,
            Command::Show(args) => show::run(args)?,
            Command::Score(args) => score::run(args)?,
            Command::Doctor(args) => doctor::run(args)?,
            Command::Classifier(args) => classifier::run(args)?,
            Command::Report(args) => report::run(args)?,
            Command::Sample(args) => sample::run(args)?,
            Command::Interpolate(args) => interpolate::run(args)?,
            Command::Export(args) => export::run(args)?,
            Command::Import(args) => import::run(args)?,
            Command::Recipes(args) => recipes::run(args)?,
            Command::Detach(args) => detach::run(args)?,
            Command::Explain(args) => explain::run(args)?,
            Command::Data(command) => data::run(command)?,
            Command::Info(args) => info::run(args),
            Command::Completions(args) => pages::completions(args),
            Command::Man(args) => pages::man(args)?,
        };
        console::result(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// How this program was called, as a word of a shell's command; short where it lies below the working folder.
fn program() -> String {
    let called = std::env::args_os().next().map(PathBuf::from);
    let called = called.unwrap_or_else(|| "gan".into());
    let below = std::env::current_dir().ok().and_then(|dir| {
        let path = called.strip_prefix(dir).ok()?;
        Some(path.to_owned())
    });
    shell::word(&below.unwrap_or(called))
}

/// The error with the flag that chooses another place for what is written.
fn elsewhere(error: impl Into<anyhow::Error>) -> anyhow::Error {
    usage::with_hint(error, "choose another place with --out")
}
