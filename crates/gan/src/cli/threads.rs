//! `--threads`.

use anyhow::{Context, Result};

/// Threads.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Threads to compute with; results do not depend on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl Args {
    /// The threads.
    pub(super) fn pool(self) -> Result<rayon::ThreadPool> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads.map_or(0, usize::from))
            .build()
            .context("cannot start the threads")
    }
}
