//! `gan train`: the loop around a recipe.

use crate::cli::TrainArgs;
use crate::data::Source;
use crate::gallery;
use crate::log::Log;
use crate::progress::{Progress, clock};
use crate::recipes::{self, DataKind, Info, Report};
use crate::run::{Config, Metrics, Run};
use crate::settings::{Order, Settings};
use crate::trainer::Trainer;
use anyhow::{Context, Result, bail, ensure};
use detach_mnist::{Lookup, Split};
use detach_tensor::{DType, Device, Kind};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What is trained when nothing is said, and for how long: digits in about two minutes
/// on two cores.
const QUICK: (&str, u64) = ("dcgan-light", 2);
/// Between two checkpoints, unless steps are given.
const SAVE_EVERY: Duration = Duration::from_secs(60);
/// The first preview, and the ones after it.
const PREVIEW_FIRST: Duration = Duration::from_secs(10);
const PREVIEW_EVERY: Duration = Duration::from_secs(30);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All steps are done.
    Complete,
    /// This signal stopped it; everything is saved.
    Signal(usize),
}

/// What a finished run has to say.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// Where everything is.
    pub dir: PathBuf,
    /// Steps done in all.
    pub steps: u64,
    /// The last numbers.
    pub metrics: Option<Metrics>,
    /// How long this call trained.
    pub time: Duration,
}

/// Trains as the command line says.
///
/// # Errors
/// When something is wrong with the arguments, the data, the run or the disk.
pub fn train(args: &TrainArgs) -> Result<Outcome> {
    let signal = listen()?;
    let device = Device::open(&args.device)?;
    let kind = Kind {
        dtype: DType::F32,
        device,
    };
    let (run, config) = match &args.resume {
        Some(path) => {
            let run = Run::open(path)?;
            let config = run.config()?;
            (Some(run), resumed(config, args)?)
        }
        None => (None, fresh(args)?),
    };
    let info = recipes::find(&config.recipe)?;
    let (source, data) = open_data(info, &config, args)?;
    let config = Config { data, ..config };

    let mut trainer = Trainer::new(info, config.settings.clone(), source, kind);
    let run = match run {
        Some(run) => {
            match run.saved().pop() {
                Some((_, path)) => trainer.restore(&path)?,
                None => say(args, "no checkpoint yet: starting from step 0"),
            }
            run
        }
        None => Run::create(args.out.as_deref(), info.name)?,
    };
    run.write_config(&config)?;
    let total = total_steps(&trainer, args.max_steps);
    ensure!(
        trainer.steps_done() <= total,
        "the run has {} steps done, more than the {total} asked for; give a larger --epochs or --max-steps",
        trainer.steps_done()
    );
    say(args, &headline(&trainer, total, &run, device));
    let log = Log::open(&run, trainer.steps_done())?;
    Session {
        progress: Progress::new(args.quiet, trainer.steps_done(), total),
        saved_at: trainer.steps_done(),
        saved: Instant::now(),
        previewed: None,
        started: Instant::now(),
        metrics: None,
        trainer,
        run,
        log,
        total,
        args,
    }
    .run(&signal)
}

/// The number of the first of SIGINT and SIGTERM that comes; a second one ends the
/// process at once.
fn listen() -> Result<Arc<AtomicUsize>> {
    let signal = Arc::new(AtomicUsize::new(0));
    let again = Arc::new(AtomicBool::new(false));
    for number in [SIGINT, SIGTERM] {
        let name = "cannot listen to signals";
        // In this order: the first signal finds `again` still false.
        signal_hook::flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&again))
            .context(name)?;
        signal_hook::flag::register(number, Arc::clone(&again)).context(name)?;
        signal_hook::flag::register_usize(number, Arc::clone(&signal), number as usize)
            .context(name)?;
    }
    Ok(signal)
}

fn say(args: &TrainArgs, text: &str) {
    if !args.quiet {
        eprintln!("{text}");
    }
}

/// The configuration of a new run.
fn fresh(args: &TrainArgs) -> Result<Config> {
    let from_file = match &args.config {
        Some(path) => Some(read_config(path)?),
        None => None,
    };
    let named = args
        .recipe
        .as_deref()
        .or(from_file.as_ref().map(|c| c.recipe.as_str()));
    let info = recipes::find(named.unwrap_or(QUICK.0))?;
    let (mut settings, preset) = match from_file {
        Some(config) => {
            ensure!(
                config.recipe == info.name,
                "the configuration is of the recipe `{}`, not `{}`",
                config.recipe,
                info.name
            );
            ensure!(
                args.preset.is_none_or(|preset| preset == config.preset),
                "--preset and --config contradict each other; leave one out"
            );
            (config.settings, config.preset)
        }
        None => {
            let preset = args.preset.unwrap_or_default();
            let mut settings = (info.settings)(preset);
            if named.is_none() {
                settings.epochs = QUICK.1;
            }
            (settings, preset)
        }
    };
    override_settings(&mut settings, info, args)?;
    Ok(Config {
        recipe: info.name.to_owned(),
        preset,
        data: String::new(),
        data_dir: args.data_dir.clone(),
        settings,
    })
}

fn read_config(path: &Path) -> Result<Config> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration {}", path.display()))?;
    toml::from_str(&text).with_context(|| {
        format!(
            "{} is not a configuration; a run's config.toml is one",
            path.display()
        )
    })
}

fn override_settings(settings: &mut Settings, info: &Info, args: &TrainArgs) -> Result<()> {
    if let Some(order) = args.order {
        ensure!(
            settings.order.is_some(),
            "`{}` is published in one order; --order is for `mlp`",
            info.name
        );
        match order {
            Order::GFirst => recipes::g_first(settings),
            Order::DFirst => settings.order = Some(Order::DFirst),
        }
    }
    if let Some(seed) = args.seed {
        settings.seed = seed;
    }
    if let Some(epochs) = args.epochs {
        settings.epochs = epochs;
    }
    if let Some(batch_size) = args.batch_size {
        settings.batch_size = batch_size;
    }
    for assignment in &args.set {
        settings.set(assignment)?;
    }
    settings.check()
}

/// The configuration of a run that goes on: what decides its numbers stays as it was,
/// only its length may change.
fn resumed(mut config: Config, args: &TrainArgs) -> Result<Config> {
    let changed = [
        (
            "RECIPE",
            args.recipe
                .as_ref()
                .is_some_and(|name| *name != config.recipe),
        ),
        (
            "--preset",
            args.preset.is_some_and(|preset| preset != config.preset),
        ),
        (
            "--order",
            args.order
                .is_some_and(|order| Some(order) != config.settings.order),
        ),
        (
            "--seed",
            args.seed.is_some_and(|seed| seed != config.settings.seed),
        ),
        (
            "--batch-size",
            args.batch_size
                .is_some_and(|n| n != config.settings.batch_size),
        ),
        ("--set", !args.set.is_empty()),
        ("--config", args.config.is_some()),
        ("--out", args.out.is_some()),
    ];
    if let Some((flag, _)) = changed.iter().find(|(_, changed)| *changed) {
        bail!(
            "{flag} cannot change in a run that goes on; leave it out, or start a new run without --resume"
        );
    }
    if let Some(epochs) = args.epochs {
        config.settings.epochs = epochs;
    }
    if args.data_dir.is_some() {
        config.data_dir.clone_from(&args.data_dir);
    }
    config.settings.check()?;
    Ok(config)
}

/// The recipe's data, and in words where it is from.
fn open_data(info: &Info, config: &Config, args: &TrainArgs) -> Result<(Source, String)> {
    let settings = &config.settings;
    if info.data == DataKind::Gaussian {
        return Ok((
            Source::gaussian(settings),
            "the standard normal distribution".to_owned(),
        ));
    }
    let mut lookup = Lookup::new(config.data_dir.clone());
    if !args.offline {
        lookup = lookup.with_download();
    }
    let dataset = lookup.find(Split::Train, &mut |_| ())?;
    let data = dataset.source.to_string();
    say(args, &format!("data: {data}"));
    if !config.data.is_empty() && dataset.source.is_synthetic() && config.data != data {
        bail!(
            "the run was trained on {}, which is not to be found now; give it with --data-dir",
            config.data
        );
    }
    Ok((Source::images(dataset, settings)?, data))
}

fn total_steps(trainer: &Trainer, max_steps: Option<u64>) -> u64 {
    let steps = trainer
        .settings
        .epochs
        .saturating_mul(trainer.steps_per_epoch());
    max_steps.map_or(steps, |max| max.min(steps))
}

fn headline(trainer: &Trainer, total: u64, run: &Run, device: Device) -> String {
    let threads = rayon::current_num_threads();
    let done = match trainer.steps_done() {
        0 => String::new(),
        done => format!(", going on from step {done}"),
    };
    format!(
        "{} on {device} ({threads} threads): {total} steps of {} in {}{done}",
        trainer.info.name,
        trainer.settings.batch_size,
        run.dir().display(),
    )
}

/// A run in progress.
struct Session<'a> {
    trainer: Trainer,
    run: Run,
    log: Log,
    progress: Progress,
    args: &'a TrainArgs,
    total: u64,
    saved_at: u64,
    saved: Instant,
    previewed: Option<Instant>,
    started: Instant,
    metrics: Option<Metrics>,
}

impl Session<'_> {
    fn run(mut self, signal: &AtomicUsize) -> Result<Outcome> {
        let mut end = End::Complete;
        while self.trainer.steps_done() < self.total {
            let begun = Instant::now();
            let report = self.trainer.step();
            self.log.took(&report, begun.elapsed());
            self.progress.step();
            self.after_step(&report)?;
            match signal.load(Ordering::Relaxed) {
                0 => {}
                number => {
                    end = End::Signal(number);
                    break;
                }
            }
        }
        self.save()?;
        self.preview()?;
        self.progress.finish();
        Ok(Outcome {
            end,
            dir: self.run.dir().to_owned(),
            steps: self.trainer.steps_done(),
            metrics: self.metrics,
            time: self.started.elapsed(),
        })
    }

    fn after_step(&mut self, report: &Report) -> Result<()> {
        let step = self.trainer.steps_done();
        let per_epoch = self.trainer.steps_per_epoch();
        let log_every = self.args.log_every.max(1);
        if step.is_multiple_of(log_every) || step == 1 || step == self.total {
            let metrics = self.log.line(report, step, per_epoch)?;
            self.progress.show(&metrics);
            if self.args.json {
                println!("{}", serde_json::to_string(&metrics)?);
            }
            self.metrics = Some(metrics);
        }
        let pictures = &self.trainer.settings.pictures;
        if !self.args.no_pictures && pictures.due(step, per_epoch) {
            let seed = self.trainer.settings.seed;
            let image = gallery::due(pictures, seed, step, self.trainer.recipe(), &report.fake);
            image.save_png(&self.run.samples().join(format!("step-{step:08}.png")))?;
            self.log.picture(step, &image)?;
        }
        let wait = self.previewed.map_or(PREVIEW_FIRST, |_| PREVIEW_EVERY);
        if self.previewed.unwrap_or(self.started).elapsed() >= wait {
            self.preview()?;
        }
        let due = match self.args.checkpoint_every {
            Some(every) => step.is_multiple_of(every.max(1)),
            None => self.saved.elapsed() >= SAVE_EVERY,
        };
        if due { self.save() } else { Ok(()) }
    }

    fn save(&mut self) -> Result<()> {
        let step = self.trainer.steps_done();
        self.saved = Instant::now();
        if self.saved_at == step && step > 0 && self.run.saved().iter().any(|(s, _)| *s == step) {
            return Ok(());
        }
        let networks = self.trainer.recipe().pair().networks();
        self.run.save(step, &self.trainer.checkpoint(), &networks)?;
        self.saved_at = step;
        Ok(())
    }

    fn preview(&mut self) -> Result<()> {
        if self.args.no_pictures {
            return Ok(());
        }
        let settings = &self.trainer.settings;
        let kind = Kind::from(DType::F32);
        let mode = settings.pictures.mode;
        let image = gallery::preview(settings.seed, self.trainer.recipe(), mode, kind);
        let path = self.run.samples().join("latest.png");
        image.save_png(&path)?;
        if self.previewed.is_none() && self.trainer.steps_done() < self.total {
            self.progress.say(&format!(
                "first picture: {} (new every half minute)",
                path.display()
            ));
        }
        self.previewed = Some(Instant::now());
        Ok(())
    }
}

impl Outcome {
    /// The result as one JSON line.
    ///
    /// # Errors
    /// When a path is not text.
    pub fn json(&self) -> Result<String> {
        let end = match self.end {
            End::Complete => "complete".to_owned(),
            End::Signal(number) => format!("signal {number}"),
        };
        let result = serde_json::json!({
            "end": end,
            "run": self.dir,
            "steps": self.steps,
            "seconds": self.time.as_secs_f64(),
        });
        Ok(format!("{result}\n"))
    }

    /// The last words: what to look at and what to run next. `program` is how this
    /// program was called.
    pub fn summary(&self, program: &str) -> String {
        let dir = self.dir.display();
        let losses = self.metrics.as_ref().map_or(String::new(), |m| {
            format!(
                ", D {:.3}, G {:.3}, {:.1} ms a step",
                m.d_loss, m.g_loss, m.step_ms
            )
        });
        let (state, more) = match self.end {
            End::Complete => (
                "done",
                format!("{program} train --resume {dir} --epochs N   (more epochs)"),
            ),
            End::Signal(_) => (
                "stopped and saved",
                format!("{program} train --resume {dir}   (go on)"),
            ),
        };
        format!(
            "{state}: {} steps in {}{losses}\n\
             look at  {}\n\
             next     {program} sample {dir} --count 64 --out digits.png\n         {more}\n",
            self.steps,
            clock(self.time),
            self.dir.join("samples").join("latest.png").display(),
        )
    }
}
