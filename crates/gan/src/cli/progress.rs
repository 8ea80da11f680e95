//! What a person sees while a run goes on: a line that is written over on a terminal, a line now and then in a
//! log, nothing when quiet. All of it on stderr.

use super::terminal::{Piece, Status};
use super::{console, signals};
use crate::show::text::{grouped, short};
use anyhow::Result;
use detach_recipes::{At, End, Flow, Metrics, Observer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Between two lines of a log.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Where progress goes.
#[derive(Debug)]
pub(super) struct Progress {
    target: Target,
    pace: Pace,
    /// The last numbers, in pieces of a line.
    numbers: Vec<Piece>,
    /// Whether a signal has come, and the run is about to stop.
    stopping: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Target {
    /// Nowhere.
    Quiet,
    /// A line that is written over; gone when the run is over.
    Line(Option<Status>),
    /// Lines.
    Lines {
        /// When the last line was written.
        last: Option<Instant>,
    },
}

impl Progress {
    /// A line that is written over if stderr is a terminal that can, else lines; from `done` of `total` steps.
    pub(super) fn new(quiet: bool, done: u64, total: u64) -> Self {
        let target = match quiet {
            true => Target::Quiet,
            false => match Status::new(total) {
                Some(mut status) => {
                    // A first step may take long.
                    status.show(done, || {
                        vec![far(done, total), Piece::new(8, left(None, 0))]
                    });
                    Target::Line(Some(status))
                }
                None => Target::Lines { last: None },
            },
        };
        let stopping = Arc::new(AtomicBool::new(false));
        for number in signals::stopping() {
            // Without it, a sentence more may be said: no reason to fail.
            let _ = signal_hook::flag::register(number, Arc::clone(&stopping));
        }
        Self {
            target,
            pace: Pace::default(),
            numbers: Vec::new(),
            stopping,
        }
    }

    /// Something that says sentences that stay, until the run is told to stop.
    pub(super) fn teller(&self) -> impl Fn(&str) + 'static {
        let quiet = matches!(self.target, Target::Quiet);
        let stopping = Arc::clone(&self.stopping);
        move |text| {
            if !quiet && !stopping.load(Ordering::Relaxed) {
                console::note(text);
            }
        }
    }
}

/// How far it is, which stays longest in a line.
pub(super) fn far(done: u64, total: u64) -> Piece {
    let count = |n: u64| grouped(usize::try_from(n).unwrap_or(usize::MAX));
    Piece::new(9, format!("{}/{}", count(done), count(total)))
}

/// The recipe's numbers in a few words: losses first, accuracies as percentages.
fn numbers(metrics: &Metrics) -> Vec<Piece> {
    let mut pieces = vec![Piece::new(3, format!("epoch {:.2}", metrics.epoch))];
    for (name, value) in &metrics.scalars {
        match *name {
            "d_loss" => pieces.push(Piece::new(6, format!("D {value:.3}"))),
            "g_loss" => pieces.push(Piece::new(6, format!("G {value:.3}"))),
            // The halves of D's loss and the norms of gradients are for the logs.
            "d_loss_real" | "d_loss_fake" | "real_acc" | "fake_acc" => {}
            name if name.ends_with("_norm") => {}
            name => pieces.push(Piece::new(2, format!("{name} {value:.3}"))),
        }
    }
    if let Some((name, value)) = metrics.scores.first() {
        pieces.push(Piece::new(4, format!("{name} {}", short(Some(*value)))));
    }
    if let (Some(real), Some(fake)) = (metrics.get("real_acc"), metrics.get("fake_acc")) {
        let text = format!("acc {:.0}/{:.0}%", 100.0 * real, 100.0 * fake);
        pieces.push(Piece::new(1, text));
    }
    pieces
}

impl Observer for Progress {
    fn step(&mut self, at: At<'_>) -> Result<Flow> {
        self.pace.step(at.elapsed);
        let Self {
            target,
            pace,
            numbers,
            stopping,
        } = self;
        if let Target::Line(Some(status)) = target {
            let (done, total) = (at.step(), at.total);
            status.show(done, || {
                let mut line = vec![far(done, total)];
                line.append(&mut numbers.clone());
                let a_step = pace.seconds();
                if let Some(a_step) = a_step.filter(|seconds| *seconds > 0.0) {
                    line.push(Piece::new(4, format!("{:.1} steps/s", 1.0 / a_step)));
                }
                line.push(Piece::new(5, clock(at.elapsed.as_secs_f64())));
                let left = match stopping.load(Ordering::Relaxed) {
                    true => "stopping".to_owned(),
                    false => left(a_step, total - done),
                };
                line.push(Piece::new(8, left));
                line
            });
        }
        Ok(Flow::Continue)
    }

    fn metrics(&mut self, at: At<'_>, metrics: &Metrics) -> Result<Flow> {
        match &mut self.target {
            Target::Quiet => {}
            Target::Line(_) => self.numbers = numbers(metrics),
            Target::Lines { last } => {
                let due = last.is_none_or(|last| last.elapsed() >= LOG_EVERY);
                if due && !self.stopping.load(Ordering::Relaxed) {
                    let numbers: Vec<String> =
                        numbers(metrics).into_iter().map(|n| n.text).collect();
                    console::note(&format!(
                        "step {}/{} · {} · {:.1} ms a step · {}",
                        metrics.step,
                        at.total,
                        numbers.join(" · "),
                        metrics.step_ms,
                        left(self.pace.seconds(), at.total - metrics.step),
                    ));
                    *last = Some(Instant::now());
                }
            }
        }
        Ok(Flow::Continue)
    }

    /// The line makes room for the summary, which has its last numbers.
    fn end(&mut self, _: At<'_>, _: End) -> Result<()> {
        if let Target::Line(status) = &mut self.target {
            *status = None;
        }
        Ok(())
    }
}

/// How long a step takes with all that belongs to it: the mean over the last half minute or so, each step counting less
/// the longer ago it was. The first two steps make what later ones find made, and are left out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    seen: u64,
    last: Duration,
    /// Weighted sums.
    seconds: f64,
    steps: f64,
}

impl Pace {
    const WARM_UP: u64 = 2;
    /// What counts 1/e.
    const MEMORY: f64 = 30.0;

    /// A step was done, so long after the beginning.
    pub(super) fn step(&mut self, now: Duration) {
        self.did(1, now);
    }

    /// So many steps, or pieces of work, were done.
    pub(super) fn did(&mut self, steps: u64, now: Duration) {
        self.seen += 1;
        let took = now.saturating_sub(self.last).as_secs_f64();
        self.last = now;
        if self.seen > Self::WARM_UP {
            let kept = (-took / Self::MEMORY).exp();
            self.seconds = self.seconds * kept + took;
            self.steps = self.steps * kept + steps as f64;
        }
    }

    /// Seconds a step, from the third on.
    pub(super) fn seconds(&self) -> Option<f64> {
        (self.steps > 0.0).then(|| self.seconds / self.steps)
    }
}

/// How long `steps` more will take.
pub(super) fn left(seconds_a_step: Option<f64>, steps: u64) -> String {
    match seconds_a_step {
        Some(seconds) => format!("left {}", clock(seconds * steps as f64)),
        None => "left ?".to_owned(),
    }
}

/// `3d04h`, `1h02m`, `3m05s`, `12s`; more than a thousand days are not told apart.
pub(super) fn clock(seconds: f64) -> String {
    const DAY: u64 = 24 * 3600;
    // A cast saturates.
    let s = seconds as u64;
    match (s / DAY, s / 3600 % 24, s / 60 % 60, s % 60) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, s) => format!("{m}m{s:02}s"),
        (0, h, m, _) => format!("{h}h{m:02}m"),
        (d @ ..1000, h, ..) => format!("{d}d{h:02}h"),
        _ => "more than 1000d".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks() {
        assert_eq!(clock(9.9), "9s");
        assert_eq!(clock(125.0), "2m05s");
        assert_eq!(clock(7_260.0), "2h01m");
        assert_eq!(clock(273_600.0), "3d04h");
        for endless in [1e9, 1e300, f64::INFINITY] {
            assert_eq!(clock(endless), "more than 1000d");
        }
        assert_eq!(clock(f64::NAN), "0s");
        assert_eq!(left(Some(0.5), u64::MAX), "left more than 1000d");
    }

    #[test]
    fn a_pace_forgets_the_first_steps_and_follows_the_last() {
        let mut pace = Pace::default();
        let mut now = Duration::ZERO;
        let mut step = |pace: &mut Pace, millis| {
            now += Duration::from_millis(millis);
            pace.step(now);
        };
        step(&mut pace, 9000);
        step(&mut pace, 5000);
        assert_eq!(pace.seconds(), None, "not before the third");
        step(&mut pace, 10);
        let seconds = |pace: &Pace| pace.seconds().expect("a pace");
        assert!((seconds(&pace) - 0.01).abs() < 1e-9);
        for _ in 0..1000 {
            step(&mut pace, 100);
        }
        assert!((seconds(&pace) - 0.1).abs() < 0.01, "{pace:?}");
    }

    #[test]
    fn numbers_of_any_recipe() {
        let metrics = |scalars| Metrics {
            step: 3,
            epoch: 0.5,
            scalars,
            scores: Vec::new(),
            step_ms: 1.0,
            images_per_s: 1.0,
        };
        let texts = |scalars| {
            let pieces = numbers(&metrics(scalars)).into_iter();
            pieces.map(|piece| piece.text).collect::<Vec<_>>()
        };
        let gan = vec![
            ("d_loss", 1.25),
            ("d_loss_real", 0.5),
            ("real_acc", 0.5),
            ("fake_acc", 1.0),
            ("g_loss", 0.75),
        ];
        assert_eq!(
            texts(gan),
            ["epoch 0.50", "D 1.250", "G 0.750", "acc 50/100%"]
        );
        let critic = vec![("w", 6.5), ("gp", 0.25)];
        assert_eq!(texts(critic), ["epoch 0.50", "w 6.500", "gp 0.250"]);
    }
}
