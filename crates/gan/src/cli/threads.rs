//! `--threads`.

use super::{console, environment};
use anyhow::{Context, Result};

/// Threads.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Threads to compute with; results do not depend on it [default: one a core] [env: RAYON_NUM_THREADS]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl Args {
    /// The threads. Unless `quiet`, it is said where there are more of them than cores: they would wait for each
    /// other most of the time.
    pub(super) fn pool(self, quiet: bool) -> Result<rayon::ThreadPool> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let asked = self.threads.or_else(environment::threads);
        let threads = asked.map_or(cores, usize::from);
        if threads > cores && !quiet {
            console::note(&format!(
                "warning: {threads} threads on {cores} cores wait for each other, and a step may take a thousand \
                 times as long; leave --threads out for one a core"
            ));
        }
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .context("cannot start the threads")
    }
}
