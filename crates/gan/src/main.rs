//! The `gan` program: see `gan --help`.

use anyhow::{Context, Result};
use clap::Parser;
use detach_gan::cli::{Cli, Command, ThreadsArgs, Usage, usage};
use detach_gan::train::End;
use detach_gan::{commands, out, sample, train};
use detach_tensor::Recycling;
use std::alloc::System;
use std::process::ExitCode;

/// A training step makes the same boxes as the one before it.
#[global_allocator]
static ALLOCATOR: Recycling = Recycling::new(System);

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("GAN_LOG")
                .unwrap_or_else(|_| "warn".into()),
        )
        .without_time()
        .init();
    match run(&cli.command) {
        Ok(code) => code,
        Err(error) => {
            out::note(&format!("error: {}", out::describe(&error)));
            match error.is::<Usage>() {
                true => ExitCode::from(2),
                false => ExitCode::FAILURE,
            }
        }
    }
}

/// Runs the command as one of the threads that compute: from outside the pool, every
/// kernel call would pay for handing its work over.
fn run(command: &Command) -> Result<ExitCode> {
    let threads = match command {
        Command::Train(args) => &args.threads,
        Command::Sample(args) => &args.threads,
        Command::Interpolate(args) => &args.threads,
        Command::Info(args) => &args.threads,
        Command::Recipes(_) | Command::Data(_) => &ThreadsArgs::default(),
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.threads.map_or(0, usize::from))
        .build()
        .context("cannot start the threads")?
        .install(|| execute(command))
}

fn execute(command: &Command) -> Result<ExitCode> {
    let text = match command {
        Command::Train(args) => {
            let outcome = train::train(args)?;
            let text = match args.json {
                true => outcome.json()?,
                false => outcome.summary(&program()),
            };
            out::result(&text)?;
            return Ok(match outcome.end {
                End::Complete => ExitCode::SUCCESS,
                End::Signal(number) => ExitCode::from(128 + number as u8),
            });
        }
        Command::Sample(args) => sample::sample(args)?,
        Command::Interpolate(args) => sample::interpolate(args)?,
        Command::Recipes(args) => match &args.name {
            Some(name) => commands::explain_recipe(name).map_err(usage)?,
            None => commands::list_recipes(),
        },
        Command::Data(command) => commands::data(command)?,
        Command::Info(args) => commands::info(args.variants),
    };
    out::result(&text)?;
    Ok(ExitCode::SUCCESS)
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
