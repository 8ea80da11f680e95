//! `cargo xtask bench --profile RECIPE`: where a step's time goes; see
//! `detach_bench_tools::profile`.

use anyhow::{Context, Result, bail};
use detach_bench_tools::profile::Profile;
use detach_benches::protocol::flag;
use detach_tensor::Recycling;
use std::alloc::System;

/// The allocator of `gan`: what is timed is what users run.
#[global_allocator]
static ALLOCATOR: Recycling = Recycling::new(System);

fn main() -> Result<()> {
    let Some(recipe) = std::env::args()
        .nth(1)
        .filter(|word| !word.starts_with('-'))
    else {
        bail!("usage: profile RECIPE [--batch 64] [--steps 20] [--threads N]");
    };
    let (batch, steps) = (flag("--batch", 64), flag("--steps", 20));
    rayon::ThreadPoolBuilder::new()
        .num_threads(flag("--threads", 0))
        .build()
        .context("cannot start the threads")?
        .install(|| {
            print!("{}", Profile::take(&recipe, batch, steps)?);
            Ok(())
        })
}
