//! Our side of `cargo xtask bench --peers`: kernels and whole steps on request; see
//! `protocol.rs`.
//!
//! ```sh
//! echo '15 step dcgan 64' | cargo run --release -p detach-bench-tools --bin ours -- --threads 2
//! ```

use anyhow::{Context, Result};
use detach_bench_tools::steps;
use detach_benches::cases;
use detach_benches::protocol::{Case, flag, peak_memory, serve};
use detach_tensor::{Device, Recycling};
use std::alloc::System;

/// The allocator of `gan`: what is timed is what users run.
#[global_allocator]
static ALLOCATOR: Recycling = Recycling::new(System);

fn prepare(words: &[&str]) -> Result<Case<'static>, String> {
    match words {
        ["step", recipe, batch] => {
            let batch = batch.parse().map_err(|_| "no batch size")?;
            let mut trainer =
                steps::trainer(recipe, batch, Device::Cpu).map_err(|error| format!("{error:#}"))?;
            Ok(Case::Timed(Box::new(move || {
                trainer.step();
            })))
        }
        ["memory"] => Ok(Case::Value(Box::new(peak_memory))),
        ["info"] => Ok(Case::Text(detach_tensor::simd_level().to_string())),
        _ => cases::prepare(words),
    }
}

fn main() -> Result<()> {
    // As `gan` does it: the thread that drives is one of the pool, and its threads stay
    // awake between kernels as they do between those of a step.
    rayon::ThreadPoolBuilder::new()
        .num_threads(flag("--threads", 0))
        .build()
        .context("cannot start the threads")?
        .install(|| serve(|runs| detach_kernels::step(runs), prepare))
        .context("cannot talk to who asks")
}
