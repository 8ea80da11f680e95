//! Ctrl-C and SIGTERM: the first saves and stops, a second one ends the process at once.

use anyhow::{Context, Result};
use detach_recipes::{At, Flow, Observer};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Stops a session when a signal comes.
#[derive(Debug)]
pub(super) struct Signals {
    first: Arc<AtomicUsize>,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self> {
        let first = Arc::new(AtomicUsize::new(0));
        let again = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
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
