//! What a person sees while a run goes on: a bar on a terminal, a line now and then in a
//! log, nothing when quiet. All of it on stderr.

use super::console;
use anyhow::Result;
use detach_recipes::{At, End, Flow, Metrics, Observer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between two lines of a log.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Where progress goes.
#[derive(Debug)]
pub(super) enum Progress {
    /// Nowhere.
    Quiet,
    /// A bar.
    Bar(ProgressBar),
    /// Lines.
    Lines {
        /// When the last line was written.
        last: Option<Instant>,
    },
}

impl Progress {
    /// A bar if stderr is a terminal, else lines; from `done` of `total` steps.
    pub(super) fn new(quiet: bool, done: u64, total: u64) -> Self {
        if quiet {
            return Self::Quiet;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines { last: None };
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

    /// Something that says sentences that stay, beside the bar.
    pub(super) fn teller(&self) -> impl Fn(&str) + 'static {
        let bar = match self {
            Self::Bar(bar) => Some(bar.clone()),
            Self::Quiet | Self::Lines { .. } => None,
        };
        let quiet = matches!(self, Self::Quiet);
        move |text| match &bar {
            Some(bar) => bar.println(text),
            None if quiet => {}
            None => console::note(text),
        }
    }
}

/// The recipe's numbers in a few words: losses first, accuracies as percentages.
fn numbers(metrics: &Metrics) -> String {
    let mut text = format!("epoch {:.2}", metrics.epoch);
    for (name, value) in &metrics.scalars {
        match *name {
            "d_loss" => text += &format!(" · D {value:.3}"),
            "g_loss" => text += &format!(" · G {value:.3}"),
            // The halves of D's loss are for the logs.
            "d_loss_real" | "d_loss_fake" | "real_acc" | "fake_acc" => {}
            name => text += &format!(" · {name} {value:.3}"),
        }
    }
    if let (Some(real), Some(fake)) = (metrics.get("real_acc"), metrics.get("fake_acc")) {
        text += &format!(" · acc {:.0}/{:.0}%", 100.0 * real, 100.0 * fake);
    }
    text
}

impl Observer for Progress {
    fn step(&mut self, _: At<'_>) -> Result<Flow> {
        if let Self::Bar(bar) = self {
            bar.inc(1);
        }
        Ok(Flow::Continue)
    }

    fn metrics(&mut self, at: At<'_>, metrics: &Metrics) -> Result<Flow> {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.set_message(numbers(metrics)),
            Self::Lines { last } => {
                if last.is_none_or(|last| last.elapsed() >= LOG_EVERY) {
                    let left = (at.total - metrics.step) as f64 * metrics.step_ms / 1e3;
                    console::note(&format!(
                        "step {}/{} · {} · {:.1} ms a step · left {}",
                        metrics.step,
                        at.total,
                        numbers(metrics),
                        metrics.step_ms,
                        clock(Duration::from_secs_f64(left))
                    ));
                    *last = Some(Instant::now());
                }
            }
        }
        Ok(Flow::Continue)
    }

    /// The bar makes room for the summary, which has its last numbers.
    fn end(&mut self, _: At<'_>, _: End) -> Result<()> {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
        Ok(())
    }
}

/// `1h02m`, `3m05s`, `12s`.
pub(super) fn clock(time: Duration) -> String {
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

    #[test]
    fn numbers_of_any_recipe() {
        let metrics = |scalars| Metrics {
            step: 3,
            epoch: 0.5,
            scalars,
            step_ms: 1.0,
            images_per_s: 1.0,
        };
        let gan = vec![
            ("d_loss", 1.25),
            ("d_loss_real", 0.5),
            ("real_acc", 0.5),
            ("fake_acc", 1.0),
            ("g_loss", 0.75),
        ];
        let text = numbers(&metrics(gan));
        assert_eq!(text, "epoch 0.50 · D 1.250 · G 0.750 · acc 50/100%");
        let critic = vec![("w", 6.5), ("gp", 0.25)];
        assert_eq!(numbers(&metrics(critic)), "epoch 0.50 · w 6.500 · gp 0.250");
    }
}
