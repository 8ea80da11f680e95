//! `gan train`: the loop around a recipe.

use crate::cli::TrainArgs;
use crate::configure::{fresh, max_steps, resumed};
use crate::data::Source;
use crate::gallery;
use crate::log::{Log, check_finite};
use crate::out;
use crate::place::Place;
use crate::progress::{Progress, clock};
use crate::recipes::{self, DataKind, Info, Report};
use crate::run::{Config, Metrics, Run};
use crate::trainer::Trainer;
use anyhow::{Context, Result, bail, ensure};
use detach_mnist::{Lookup, Split};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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
    let (run, config) = match &args.resume {
        Some(path) => {
            let run = Run::open(path)?;
            let config = run.config()?;
            (Some(run), resumed(config, args)?)
        }
        None => (None, fresh(args)?),
    };
    let place = Place::open(&args.device, config.settings.matmul)?.does(args.matmul)?;
    let info = recipes::find(&config.recipe)?;
    let (source, config) = open_data(info, config, args)?;

    // From here on there is something to lose; before, a signal just ends the process.
    let signal = listen()?;
    let mut trainer = Trainer::new(info, config.settings.clone(), source, place.kind());
    let run = match run {
        Some(run) => {
            match run.saved().pop() {
                Some((_, path)) => trainer
                    .restore(&path)
                    .map_err(|error| run.without_newest(&error))?,
                None => say(args, "no checkpoint yet: starting from step 0"),
            }
            run.sweep();
            run
        }
        None => Run::create(args.out.as_deref(), info.name)?,
    };
    let total = total_steps(&trainer, max_steps(args));
    ensure!(
        trainer.steps_done() <= total,
        "the run has {} steps done, more than the {total} asked for; give a larger --epochs or --max-steps",
        trainer.steps_done()
    );
    run.write_config(&config)?;
    say(args, &headline(&trainer, total, &run, &place));
    let log = Log::open(&run, trainer.steps_done())?;
    Session {
        progress: Progress::new(args.quiet, trainer.steps_done(), total),
        saved_at: None,
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
        out::note(text);
    }
}

/// The recipe's data, and the configuration that says where it is from.
fn open_data(info: &Info, mut config: Config, args: &TrainArgs) -> Result<(Source, Config)> {
    let DataKind::Images(size) = info.data else {
        config.data = "the standard normal distribution".to_owned();
        return Ok((Source::gaussian(&config.settings), config));
    };
    let mut lookup = Lookup::new(config.data_dir.clone());
    if !args.offline {
        lookup = lookup.with_download();
    }
    let mut fetching = String::new();
    let dataset = lookup.find(Split::Train, &mut |progress| {
        if fetching != progress.file {
            progress.file.clone_into(&mut fetching);
            say(args, &format!("downloading {fetching}"));
        }
    })?;
    say(args, &format!("data: {}", dataset.provenance));
    // By content: the same data in another place is the same run.
    let checksum = Some(crc32c::crc32c(&dataset.images));
    if config
        .data_checksum
        .is_some_and(|old| Some(old) != checksum)
    {
        bail!(
            "the run was trained on {}, and what was found now is different: {}; give the former with --data-dir",
            config.data,
            dataset.provenance.origin
        );
    }
    config.data = dataset.provenance.origin.to_string();
    config.data_checksum = checksum;
    Ok((Source::images(dataset, size, &config.settings)?, config))
}

fn total_steps(trainer: &Trainer, max_steps: Option<u64>) -> u64 {
    let steps = trainer
        .settings
        .epochs
        .saturating_mul(trainer.steps_per_epoch());
    max_steps.map_or(steps, |max| max.min(steps))
}

fn headline(trainer: &Trainer, total: u64, run: &Run, place: &Place) -> String {
    let done = match trainer.steps_done() {
        0 => String::new(),
        done => format!(", going on from step {done}"),
    };
    format!(
        "{} on {}: {total} steps of {} in {}{done}",
        trainer.info.name,
        place.describe(),
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
    /// The step that this call saved last.
    saved_at: Option<u64>,
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
                out::result(&format!("{}\n", serde_json::to_string(&metrics)?))?;
            }
            self.metrics = Some(metrics);
        }
        let pictures = &self.trainer.settings.pictures;
        if !self.args.no_pictures && pictures.due(step, per_epoch) {
            self.log.wait(self.trainer.kind().device);
            let seed = self.trainer.settings.seed;
            let sampler = self.trainer.recipe().pair().sampler();
            let image = gallery::due(pictures, seed, step, sampler, &report.fake);
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
        if !due {
            return Ok(());
        }
        check_finite(report, step)?;
        self.save()
    }

    fn save(&mut self) -> Result<()> {
        let step = self.trainer.steps_done();
        self.log.wait(self.trainer.kind().device);
        self.saved = Instant::now();
        if self.saved_at == Some(step) {
            return Ok(());
        }
        let networks = self.trainer.recipe().pair().networks();
        self.run.save(step, &self.trainer.checkpoint(), &networks)?;
        self.saved_at = Some(step);
        Ok(())
    }

    fn preview(&mut self) -> Result<()> {
        if self.args.no_pictures {
            return Ok(());
        }
        self.log.wait(self.trainer.kind().device);
        let settings = &self.trainer.settings;
        let mode = settings.pictures.mode;
        let sampler = self.trainer.recipe().pair().sampler();
        let image = gallery::preview(settings.seed, sampler, mode, self.trainer.kind());
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
        let picture = self.dir.join("samples").join("latest.png");
        let look = match picture.is_file() {
            true => picture.display(),
            false => self.dir.display(),
        };
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
             look at  {look}\n\
             next     {program} sample {dir} --count 64 --out digits.png\n         {more}\n",
            self.steps,
            clock(self.time),
        )
    }
}
