//! Signals that end a process: the first saves and stops, a second one ends the process at once.

use anyhow::{Context, Result};
use detach_recipes::{At, Flow, Observer};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Ctrl-C, `kill`, a closed terminal, and what batch systems send before the time is up.
const STOPPING: [i32; 6] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU];

/// Makes a file that may not grow further (`ulimit -f`) an error of the write, instead of the end of the process.
pub(super) fn large_files_are_errors() {
    // Any handler does it. Where there is none, it is as it was.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// Whether this process was started to ignore SIGHUP, as `nohup` does it; not where the system does not say.
fn outlives_its_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (SIGHUP - 1) & 1 == 1)
}

/// The signals that stop this process. What a shell runs in the background ignores SIGINT at first; whoever sends
/// one to it by name means it all the same.
pub(super) fn stopping() -> impl Iterator<Item = i32> {
    let outlives = outlives_its_terminal();
    STOPPING
        .into_iter()
        .filter(move |number| !(outlives && *number == SIGHUP))
}

/// Stops a session when a signal comes. Clones hear of the same ones.
#[derive(Clone, Debug)]
pub(super) struct Signals {
    first: Arc<AtomicUsize>,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self> {
        let first = Arc::new(AtomicUsize::new(0));
        let again = Arc::new(AtomicBool::new(false));
        for number in stopping() {
            let name = "cannot listen to signals";
            // In this order: the first signal finds `again` still false.
            signal_hook::flag::register_conditional_shutdown(
                number,
                128 + number,
                Arc::clone(&again),
            )
            .context(name)?;
            signal_hook::flag::register(number, Arc::clone(&again)).context(name)?;
            signal_hook::flag::register_usize(number, Arc::clone(&first), number as usize)
                .context(name)?;
        }
        Ok(Self { first })
    }

    /// The number of the first signal that came.
    pub(super) fn first(&self) -> Option<u8> {
        match self.first.load(Ordering::Relaxed) {
            0 => None,
            number => Some(number as u8),
        }
    }
}

impl Observer for Signals {
    fn step(&mut self, _: At<'_>) -> Result<Flow> {
        Ok(self.first().map_or(Flow::Continue, |_| Flow::Stop))
    }
}
