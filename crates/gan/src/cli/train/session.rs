//! From flags to a session: data, run folder, observers.

use super::Args;
use super::outcome::Outcome;
use crate::cli::device::Opened;
use crate::cli::progress::Progress;
use crate::cli::signals::Signals;
use crate::cli::usage::with_hint;
use crate::cli::{console, elsewhere};
use crate::run::metrics::{self, MetricsWriter};
use crate::run::observers::{Best, Better, Events, Keeper, Pictures, Preview};
use crate::run::{Config, Run};
use anyhow::{Context, Result, anyhow, bail, ensure};
use detach_data::{Find, Split, Wanted};
use detach_nn::Checkpoint;
use detach_recipes::{
    At, Batches, Clock, DataKind, Flow, Metrics, Observer, Plan, Session, Setup, Trainer,
};
use std::time::{Duration, Instant};

/// Trains as the flags say.
pub(super) fn train(args: &Args) -> Result<Outcome> {
    let (run, config) = match &args.resume {
        Some(path) => {
            let run = Run::open(path)?;
            let config = run.config()?;
            (Some(run), args.resumed(config)?)
        }
        None => (None, args.fresh()?),
    };
    let opened = args.open_device(config.settings.matmul)?;
    let setup = config.setup()?;
    let (sets, config) = open_data(&setup, config, args, &opened)?;

    // From here on there is something to lose; before, a signal just ends the process.
    let signals = Signals::listen()?;
    let mut trainer = Trainer::new(setup, sets, opened.kind())?;
    let run = match run {
        Some(run) => {
            match run.newest() {
                Some(path) => restore(&mut trainer, &path, &run)?,
                None => args.say("no checkpoint yet: starting from step 0"),
            }
            run.sweep();
            run
        }
        None => create(args, &config.recipe)?,
    };
    let steps = trainer.setup().settings.epochs;
    let steps = steps.saturating_mul(trainer.steps_per_epoch());
    let total = args.max_steps().map_or(steps, |max| max.min(steps));
    ensure!(
        trainer.steps_done() <= total,
        "the run has {} steps done, more than the {total} asked for; give a larger --epochs or --max-steps",
        trainer.steps_done()
    );
    run.write_config(&config)?;
    args.say(&headline(&trainer, total, &run, &opened));
    observed(args, trainer, total, &run, signals)
}

/// A session with all that hears of it.
fn observed(
    args: &Args,
    trainer: Trainer,
    total: u64,
    run: &Run,
    mut signals: Signals,
) -> Result<Outcome> {
    let done = trainer.steps_done();
    let mut progress = Progress::new(args.quiet, done, total);
    let told = progress.teller();
    let mut lines = MetricsWriter::open(run, done)?;
    let mut events = Events::open(run, done)?;
    let mut keeper = Keeper::new(run, args.checkpoint_every);
    let mut best = match &args.best {
        Some(key) => Some(Best::new(
            run,
            trainer.setup().recipe().name(),
            better(key)?,
            args.patience,
        )?),
        None => None,
    };
    let mut pictures = Pictures::new(run);
    let mut preview = Preview::new(run, move |path| {
        told(&format!(
            "first picture: {} (new every half minute)",
            path.display()
        ));
    });
    let mut json = JsonLines;
    let mut last = Last::default();
    let clock = StartedNow(Instant::now());
    let plan = Plan {
        total,
        metrics_every: args.log_every,
        pictures: !args.no_pictures,
    };
    let mut session = Session::new(trainer, plan, &clock);
    session.observe(&mut last);
    session.observe(&mut lines);
    session.observe(&mut events);
    session.observe(&mut progress);
    if args.json {
        session.observe(&mut json);
    }
    if let Some(best) = &mut best {
        session.observe(best);
    }
    if !args.no_pictures {
        session.observe(&mut pictures);
        session.observe(&mut preview);
    }
    session.observe(&mut keeper);
    session.observe(&mut signals);
    let end = session.run();
    let steps = session.trainer().steps_done();
    drop(session);
    Ok(Outcome {
        end: end?,
        signal: signals.first(),
        dir: run.dir().to_owned(),
        steps,
        metrics: last.metrics,
        time: clock.now(),
    })
}

fn better(key: &str) -> Result<(&str, Better)> {
    match key.split_once(':') {
        None => Ok((key, Better::of(key))),
        Some((key, "lower")) => Ok((key, Better::Lower)),
        Some((key, "higher")) => Ok((key, Better::Higher)),
        Some((_, other)) => Err(super::usage(anyhow!(
            "--best {key}: `{other}` is neither `lower` nor `higher`"
        ))),
    }
}

fn restore(trainer: &mut Trainer, path: &std::path::Path, run: &Run) -> Result<()> {
    let mut fill = || -> Result<()> {
        let checkpoint = Checkpoint::load(path)?;
        trainer
            .restore(checkpoint)
            .with_context(|| format!("cannot use the checkpoint {}", path.display()))
    };
    fill().map_err(|error| run.without_newest(&error))
}

fn create(args: &Args, recipe: &str) -> Result<Run> {
    use crate::run::folder::FolderError;
    Run::create(args.out.as_deref(), recipe).map_err(|error| match &error {
        FolderError::Taken(dir) => {
            let hint = format!(
                "choose another --out, or go on with --resume {}",
                dir.display()
            );
            with_hint(error, &hint)
        }
        FolderError::Unmade(..) => elsewhere(error),
    })
}

/// The recipe's data, and the configuration that says where it is from.
fn open_data(
    setup: &Setup,
    mut config: Config,
    args: &Args,
    opened: &Opened,
) -> Result<(Vec<Batches>, Config)> {
    let mut sets = Vec::new();
    for data in setup.data()? {
        let DataKind::Images(size) = data else {
            config.data = "the standard normal distribution".to_owned();
            sets.push(Batches::gaussian(&setup.settings, opened.kind()));
            continue;
        };
        let wanted = Wanted::new(size.channels, size.side);
        let mut find = Find::new(config.data_dir.clone(), wanted);
        if !args.offline {
            find = find.with_fetcher(args.mirror.fetcher());
        }
        let mut said = String::new();
        let found = find.find(Split::Train, &mut |progress| {
            let now = progress.to_string();
            if said != now {
                args.say(&now);
                said = now;
            }
        })?;
        args.say(&format!("data: {}", found.statement));
        // By content: the same data in another place is the same run.
        let checksum = Some(found.dataset.checksum());
        if config
            .data_checksum
            .is_some_and(|old| Some(old) != checksum)
        {
            bail!(
                "the run was trained on {}, and what was found now is different: {}; give the former with --data-dir",
                config.data,
                found.dataset.source()
            );
        }
        config.data = found.dataset.source();
        config.data_checksum = checksum;
        let batches = Batches::images(found.dataset, size, &setup.settings, opened.kind());
        sets.push(batches.map_err(|error| with_hint(error, "set it with --batch-size N"))?);
    }
    Ok((sets, config))
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
