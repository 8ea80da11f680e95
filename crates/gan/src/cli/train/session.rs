//! From flags to a session: data, run folder, observers.

use super::Args;
use super::data::{self, Data};
use super::outcome::Outcome;
use super::scoring::Scoring;
use crate::cli::device::Opened;
use crate::cli::progress::Progress;
use crate::cli::report::{commands, write_at_end};
use crate::cli::signals::Signals;
use crate::cli::usage::with_hint;
use crate::cli::{console, elsewhere, shell};
use crate::describe::describe;
use crate::diagnosis::Watcher;
use crate::report::{Moments, Reports};
use crate::run::cosmetic::Cosmetic;
use crate::run::detail::{self, DetailWriter};
use crate::run::metrics::{self, MetricsWriter};
use crate::run::observers::{Best, Events, Keeper, Pictures, Preview};
use crate::run::{Lock, Run};
use crate::score::training::TrainingScorer;
use anyhow::{Context, Result, ensure};
use detach_nn::Checkpoint;
use detach_recipes::checkpoint::other_arithmetic;
use detach_recipes::{At, Clock, Diverged, Flow, Metrics, Observer, Plan, Session, Trainer};
use std::time::{Duration, Instant};

/// Trains as the flags say, until `signals` say otherwise; `None` listens to them from when there is something to lose.
pub(super) fn train(args: &Args, signals: Option<&Signals>) -> Result<Outcome> {
    // The lock goes before anything of the run is read, so that what is read stays true.
    let (run, config) = match args.run_to_resume()? {
        Some(run) => {
            let lock = run.lock()?;
            let config = args.resumed(run.config()?)?;
            (Some((run, lock)), config)
        }
        None => (None, args.fresh()?),
    };
    let opened = args.open_device(config.settings.matmul)?;
    let setup = config.setup()?;
    let mut data = data::open(&setup, config, args, &opened)?;
    let scoring = Scoring::of(args, &setup, &data.config)?;

    // From here on there is something to lose; before, a signal just ends the process.
    let signals = signals.cloned().map_or_else(Signals::listen, Ok)?;
    let sets = std::mem::take(&mut data.sets);
    let mut trainer = Trainer::new(setup, sets, opened.kind())?;
    let (run, _lock) = match run {
        Some((run, lock)) => {
            go_on(&run, &mut trainer, args)?;
            (run, lock)
        }
        None => create(args, &data.config.recipe)?,
    };
    let total = args.length(&mut data.config, trainer.steps_per_epoch());
    ensure!(
        trainer.steps_done() <= total,
        "the run has {} steps done, more than the {total} asked for, which are a total; give a larger --epochs or \
         --max-steps, or --more N for N epochs more",
        trainer.steps_done()
    );
    run.write_config(&data.config)?;
    args.say(&headline(&trainer, total, &run, &opened));
    observed(args, trainer, total, (&run, data, scoring), signals)
}

/// Brings `trainer` to where the run stands.
fn go_on(run: &Run, trainer: &mut Trainer, args: &Args) -> Result<()> {
    match run.newest() {
        Some(path) => restore(trainer, &path, run)?,
        None => args.say("no checkpoint yet: starting from step 0"),
    }
    run.sweep();
    Ok(())
}

/// A session with all that hears of it.
fn observed(
    args: &Args,
    trainer: Trainer,
    total: u64,
    (run, data, scoring): (&Run, Data, Scoring),
    mut signals: Signals,
) -> Result<Outcome> {
    let done = trainer.steps_done();
    let mut progress = Progress::new(args.quiet, done, total);
    let told = progress.teller();
    let mut lines = Cosmetic::opened("lines of metrics", MetricsWriter::open(run, done));
    let mut details = Cosmetic::opened("details of single steps", DetailWriter::open(run, done));
    // After those who trim what it reads.
    let watcher = Watcher::new(run, |verdict| {
        tracing::warn!("{} {} {}", verdict.sentence, verdict.cause, verdict.advice);
    });
    let mut watcher = Cosmetic::new("a diagnosis", watcher);
    let mut events = Cosmetic::opened("events for TensorBoard", Events::open(run, done));
    let mut keeper = Keeper::new(run, args.checkpoint_every);
    let recipe = trainer.setup().recipe().name();
    let best = scoring
        .goal
        .map(|goal| Best::new(run, recipe, goal, args.patience));
    let mut best = best.transpose()?;
    let count = args.score_count as usize;
    let scorer = scoring
        .bench
        .map(|bench| TrainingScorer::new(run, done, bench, count));
    let mut scorer = args.score_every.zip(scorer);
    let mut pictures = Cosmetic::new("pictures", Pictures::new(run));
    let preview = Preview::new(run, move |path| {
        told(&format!(
            "first picture: {} (new every half minute)",
            path.display()
        ));
    });
    let mut preview = Cosmetic::new("preview", preview);
    let mut reports = Cosmetic::new(
        "report.html",
        Reports::new(run, commands(run, &data.config)),
    );
    let mut moments = Cosmetic::new("moments", Moments::new(run));
    let mut json = JsonLines;
    let mut published = args.published(trainer.setup().recipe());
    let mut last = Last::default();
    let clock = StartedNow(Instant::now());
    let plan = Plan {
        total,
        metrics_every: args.metrics_every(published.as_ref()),
        pictures: !args.no_pictures,
    };
    let mut session = Session::new(trainer, plan, &clock);
    if let Some((every, scorer)) = &mut scorer {
        session.score(*every, scorer);
    }
    session.observe(&mut last);
    session.observe(&mut lines);
    session.observe(&mut details);
    session.observe(&mut events);
    session.observe(&mut progress);
    if args.json {
        session.observe(&mut json);
    }
    if let Some(published) = &mut published {
        session.observe(published);
    }
    if let Some(best) = &mut best {
        session.observe(best);
    }
    if !args.no_pictures {
        session.observe(&mut pictures);
        session.observe(&mut preview);
        if !args.no_report {
            session.observe(&mut moments);
            session.observe(&mut reports);
        }
    }
    session.observe(&mut watcher);
    session.observe(&mut keeper);
    session.observe(&mut signals);
    let end = session.run();
    let (steps, epoch) = (session.trainer().steps_done(), session.trainer().epoch());
    drop(session);
    if let Err(error) = &end
        && error.is::<Diverged>()
    {
        // The error that matters is that one.
        let _ = detail::diverged(run, (steps, epoch), &describe(error));
    }
    if !args.no_report {
        write_at_end(run, &data.config, signals.first().is_some());
    }
    Ok(Outcome {
        end: end?,
        signal: signals.first(),
        dir: run.dir().to_owned(),
        steps,
        metrics: last.metrics,
        verdict: watcher.observer().and_then(Watcher::verdict).cloned(),
        time: clock.now(),
        data: data.config.data,
        is_synthetic: data.is_synthetic,
    })
}

fn restore(trainer: &mut Trainer, path: &std::path::Path, run: &Run) -> Result<()> {
    let mut fill = || -> Result<()> {
        let cannot_use = || format!("cannot use the checkpoint {}", path.display());
        let checkpoint = Checkpoint::load(path)?;
        if let Some((before, now)) = other_arithmetic(&checkpoint, trainer.kind()) {
            tracing::warn!(
                "this run was computed with {before} so far, and is now with {now}: its numbers differ in their last \
                 digits from those of a run without that change"
            );
        }
        trainer.restore(checkpoint).with_context(cannot_use)?;
        let step = trainer.steps_done();
        ensure!(
            run.newest_step() == Some(step),
            "the checkpoint {} is of step {step}, which its name does not say",
            path.display()
        );
        Ok(())
    };
    fill().map_err(|error| run.without_newest(&error))
}

fn create(args: &Args, recipe: &str) -> Result<(Run, Lock)> {
    use crate::run::folder::FolderError;
    let out = args.out.as_deref().or(args.resume_at());
    Run::create(out, recipe).map_err(|error| match &error {
        FolderError::Taken(dir) => {
            let hint = format!(
                "choose another --out, or go on with --resume {}",
                shell::word(dir)
            );
            with_hint(error, &hint)
        }
        FolderError::Unmade(..) => elsewhere(error),
        FolderError::Locked(_) => error.into(),
    })
}

fn headline(trainer: &Trainer, total: u64, run: &Run, opened: &Opened) -> String {
    let done = match trainer.steps_done() {
        0 => String::new(),
        done => format!(", going on from step {done}"),
    };
    format!(
        "{} on {}: {total} steps of {} in {}{done}",
        trainer.setup().recipe().name(),
        opened.describe(),
        trainer.setup().settings.batch_size,
        run.dir().display(),
    )
}

/// The time since it was made.
struct StartedNow(Instant);

impl Clock for StartedNow {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Remembers the last numbers.
#[derive(Default)]
struct Last {
    metrics: Option<Metrics>,
}

impl Observer for Last {
    fn metrics(&mut self, _: At<'_>, metrics: &Metrics) -> Result<Flow> {
        self.metrics = Some(metrics.clone());
        Ok(Flow::Continue)
    }
}

/// Prints each line of metrics to stdout.
struct JsonLines;

impl Observer for JsonLines {
    fn metrics(&mut self, _: At<'_>, metrics: &Metrics) -> Result<Flow> {
        console::result(&format!("{}\n", metrics::line(metrics)))?;
        Ok(Flow::Continue)
    }
}
