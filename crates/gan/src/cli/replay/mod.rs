//! `gan replay`: a step of a run made again, and with one thing changed.

mod tell;

use super::device::Opened;
use super::progress::{Pace, far, left};
use super::terminal::{Piece, Status};
use super::usage::{usage, with_hint};
use super::{console, threads, train};
use crate::lesson::NoImages;
use crate::lesson::replay::{Asked, Edited, Replay, Source, Span, prove, replay};
use crate::run::Run;
use anyhow::Result;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// `gan replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan replay runs/dcgan-1 --step 300                      the same again, to the bit?
  gan replay runs/dcgan-1 --step 300 --detach off         without its detach: what differs, and why
  gan replay runs/dcgan-1 --step 300 --set g.lr=1e-3      another learning rate from there on
  gan replay runs/dcgan-1 --step 300 --set g.lr=1e-3 --once
                                                          in that step alone
  gan replay runs/mlp-1 --step 1 --order g-first --steps 50
  gan replay runs/dcgan-1 --step 300 --set seed=1         the same step on other noise and images

The run is brought to the step from the checkpoint before it, or from its first weights where
none is left: it is a function of its seed, its data and the step's number. Without an edit it
goes on to its next checkpoint and is held against that: exit code 1 where they differ.

With an edit the step is made twice, from the same weights, images and noise, and both go on for
--steps more. An edit stays in these steps, too, but for --once.

Whatever leaves weights, buffers and the optimisers' state as they are can be changed: learning
rates, betas, the weight of a penalty, labels, dropout, seed. What would make other networks is
refused. The loops of dcgan-light, dcgan, dcgan64, mlp, mlp-relu, keras-mlp and gauss1d take the
switches of `lab`, too: --detach, --freeze, --order, and what `gan recipes lab` lists for --set.")]
pub(super) struct Args {
    /// The run directory
    run: PathBuf,
    /// The step to make again, from 1
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    step: u64,
    /// How many steps both go on for, where there is an edit
    #[arg(long, value_name = "N", default_value_t = 10)]
    steps: u64,
    /// Whether the fakes that D learns from are detached
    #[arg(long, value_parser = ["on", "off"])]
    detach: Option<String>,
    /// Whose weights the backward pass of G's loss leaves out: d, or none
    #[arg(long, value_parser = ["d", "none"])]
    freeze: Option<String>,
    /// Which network is updated first
    #[arg(long, value_parser = ["d-first", "g-first"])]
    order: Option<String>,
    /// Change a setting of the run's recipe, or a switch of `lab`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Change the step alone, and go on as the run did; else the change stays
    #[arg(long)]
    once: bool,
    /// The run's images, where they have moved
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where to compute: cpu, cuda:N or auto; what a GPU had computed, a GPU has the bits of
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Write one JSON object instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) threads: threads::Args,
}

impl Args {
    /// The edit, as settings.
    fn asked(&self) -> Asked {
        let on = |flag: &Option<String>, key: &str, on: &str| {
            let value = flag.as_ref()?;
            Some(format!("{key}={}", value == on))
        };
        let order = self.order.as_ref().map(|order| format!("order={order}"));
        let switches = [
            on(&self.detach, "detach-d", "on"),
            on(&self.freeze, "freeze-d", "d"),
            order,
        ];
        Asked {
            switches: switches.into_iter().flatten().collect(),
            settings: self.set.clone(),
        }
    }
}

/// Replays a step; says what came of it.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let run = Run::open(&args.run)?;
    let matmul = run.config()?.settings.matmul;
    let kind = Opened::open(&args.device, matmul)?.kind();
    let source = Source::open(run, args.data_dir.as_deref(), kind).map_err(|error| match error
        .is::<NoImages>(
    ) {
        true => with_hint(error, "give them with --data-dir"),
        false => error,
    })?;
    let asked = args.asked();
    let mut told = progress();
    let replayed = match asked.is_empty() {
        true => prove(&source, args.step, &mut told)?,
        false => {
            let edited = Edited::of(&source.setup, &asked).map_err(usage)?;
            train::ensure_fits(&edited.setup, &args.device)?;
            let span = Span {
                step: args.step,
                more: args.steps,
                once: args.once,
            };
            replay(&source, &edited, span, &mut told)?
        }
    };
    drop(told);
    let text = match args.json {
        true => serde_json::to_string_pretty(&replayed)? + "\n",
        false => tell::text(&replayed, args.once),
    };
    console::result(&text)?;
    Ok(code(&replayed))
}

/// A run that is not what it was is a failure.
fn code(replayed: &Replay) -> ExitCode {
    match replayed.proof.as_ref().is_none_or(|proof| proof.same) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What shows on a terminal how many steps are done.
fn progress() -> impl FnMut(u64, u64) {
    let (begun, mut pace) = (Instant::now(), Pace::default());
    let mut status: Option<Option<Status>> = None;
    move |done, total| {
        pace.step(begun.elapsed());
        if let Some(status) = status.get_or_insert_with(|| Status::new(total)) {
            let seconds = pace.seconds();
            status.show(done, || {
                vec![
                    far(done, total),
                    Piece::new(1, "steps"),
                    Piece::new(2, left(seconds, total.saturating_sub(done))),
                ]
            });
        }
    }
}
