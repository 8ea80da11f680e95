//! What a person sees while a run goes on: a bar on a terminal, a line now and then in a
//! log, nothing when quiet. All of it on stderr.

use crate::out;
use crate::run::Metrics;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between two lines of a log.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Where progress goes.
#[derive(Debug)]
pub enum Progress {
    /// Nowhere.
    Quiet,
    /// A bar.
    Bar(ProgressBar),
    /// Lines.
    Lines {
        /// Steps in all.
        total: u64,
        /// When the last line was written.
        last: Option<Instant>,
    },
}

impl Progress {
    /// A bar if stderr is a terminal, else lines; from `done` of `total` steps.
    pub fn new(quiet: bool, done: u64, total: u64) -> Self {
        if quiet {
            return Self::Quiet;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines { total, last: None };
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(8));
        let style = ProgressStyle::with_template(
            "{bar:24.cyan/dim} {human_pos}/{human_len} {msg} {per_sec:.dim} {elapsed} left {eta}",
        );
        // The template is ours; a wrong one would show the plain bar.
        if let Ok(style) = style {
            let per_sec = |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                // Nothing can be done about a formatter that fails.
                let _ = write!(out, "{:.1} steps/s", state.per_sec());
            };
            bar.set_style(style.with_key("per_sec", per_sec).progress_chars("━╸─"));
        }
        bar.set_position(done);
        bar.reset_eta();
        Self::Bar(bar)
    }

    /// A sentence that stays.
    pub fn say(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.println(text),
            Self::Lines { .. } => out::note(text),
        }
    }

    /// One more step is done.
    pub fn step(&self) {
        if let Self::Bar(bar) = self {
            bar.inc(1);
        }
    }

    /// New numbers.
    pub fn show(&mut self, metrics: &Metrics) {
        let numbers = format!(
            "epoch {:.2} · D {:.3} · G {:.3} · acc {:.0}/{:.0}%",
            metrics.epoch,
            metrics.d_loss,
            metrics.g_loss,
            100.0 * metrics.real_acc,
            100.0 * metrics.fake_acc
        );
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.set_message(numbers),
            Self::Lines { total, last } => {
                if last.is_none_or(|last| last.elapsed() >= LOG_EVERY) {
                    let left = (*total - metrics.step) as f64 * metrics.step_ms / 1e3;
                    let left = Duration::from_secs_f64(left);
                    let (step, ms) = (metrics.step, metrics.step_ms);
                    let left = clock(left);
                    out::note(&format!(
                        "step {step}/{total} · {numbers} · {ms:.1} ms a step · left {left}"
                    ));
                    *last = Some(Instant::now());
                }
            }
        }
    }

    /// The bar makes room for the summary, which has its last numbers.
    pub fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// `1h02m`, `3m05s`, `12s`.
pub fn clock(time: Duration) -> String {
    let s = time.as_secs();
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks() {
        assert_eq!(clock(Duration::from_secs(9)), "9s");
        assert_eq!(clock(Duration::from_secs(125)), "2m05s");
        assert_eq!(clock(Duration::from_secs(7_260)), "2h01m");
    }
}
