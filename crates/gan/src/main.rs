//! The `gan` program: see `gan --help`.

use clap::Parser;
use detach_gan::cli::{Cli, Interrupted, Usage, console};
use detach_gan::describe::describe;
use detach_tensor::Recycling;
use std::alloc::System;
use std::process::ExitCode;

/// A training step makes the same boxes as the one before it.
#[global_allocator]
static ALLOCATOR: Recycling = Recycling::new(System);

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            console::note(&format!("error: {}", describe(&error)));
            match error.downcast_ref::<Interrupted>() {
                Some(interrupted) => ExitCode::from(interrupted.code()),
                None if error.is::<Usage>() => ExitCode::from(2),
                None => ExitCode::FAILURE,
            }
        }
    }
}
