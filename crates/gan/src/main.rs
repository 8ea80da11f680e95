//! The `gan` program: see `gan --help`.

use clap::Parser;
use detach_gan::cli::{Cli, Usage, console};
use detach_gan::describe::describe;
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
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            console::note(&format!("error: {}", describe(&error)));
            match error.is::<Usage>() {
                true => ExitCode::from(2),
                false => ExitCode::FAILURE,
            }
        }
    }
}
