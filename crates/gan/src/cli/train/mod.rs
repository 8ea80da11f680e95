//! `gan train`: its flags, and what each of them does.

mod data;
mod log;
mod memory;
mod outcome;
mod plan;
mod scoring;
mod session;

pub(super) use memory::ensure_fits;
pub(super) use outcome::Outcome;

use super::device::Opened;
use super::mirror::Mirror;
use super::signals::Signals;
use super::usage::usage;
use super::{console, threads, values};
use crate::run::data::names;
use crate::run::folder::is_free;
use crate::run::{Config, Run};
use anyhow::{Result, anyhow, ensure};
use clap::Parser;
use detach_data::Named;
use detach_recipes::settings::MatmulMode;
use detach_recipes::{Preset, Setup, find};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What is trained when nothing is said: five epochs, of which the first call does so
/// many steps as take a minute or two on two cores. That is enough for digits.
const QUICK: (&str, u64) = ("dcgan-light", 5);
const QUICK_STEPS: u64 = 4000;

/// `gan train`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan train                                   a quick run: digits in about two minutes
  gan train dcgan --epochs 5                  a recipe as published, but shorter
  gan train mlp --preset fixed --set lr=1e-3  its known faults removed, another learning rate
  gan train dcgan --set d.lr=4e-4 --set d.schedule=linear:50:100
                                              another one for D, falling to 0 from epoch 50 on
  gan train --resume runs/dcgan-1             go on where a run stopped; without a name, with the newest
  gan train --resume --more 5                 the same, and five epochs more than it was to have
  gan train dcgan64 --data shapes             on coloured shapes, drawn here
  gan train dcgan --score-every 500 --best fid --patience 5
                                              keep the best state by FID, and stop when it is best no more
  gan train dcgan --resume runs/job           begin a run, or go on with it: the line for a job queue
  gan train mlp --log-style published         the log lines of the tutorial that it comes from
  gan recipes mlp --pytorch                   (the same networks and loop as a program for PyTorch)

Ctrl-C saves and stops; --resume goes on to the very same result.")]
pub(super) struct Args {
    /// The recipe (see `gan recipes`) [default: dcgan-light, 4000 steps]
    recipe: Option<String>,
    /// Which version of the recipe: as-published or fixed [default: as-published]
    #[arg(long, value_parser = values::preset(), hide_possible_values = true)]
    preset: Option<Preset>,
    /// `mlp` only: which network is updated first [default: the recipe's]
    #[arg(long, value_parser = ["d-first", "g-first"])]
    order: Option<String>,
    /// `lab` only: whose networks, settings and loop it takes before `--set` moves a switch [default: dcgan-light]
    #[arg(long, value_name = "NAME")]
    r#loop: Option<String>,
    /// Where to compute: cpu, cuda:N, or auto, a GPU if there is one and else the CPU (see
    /// `gan info`). A run may go on on another device
    #[arg(long, default_value = "auto")]
    device: String,
    /// How a GPU computes products: with all bits, or on its tensor cores with the first 11 bits of
    /// each factor, which is faster. The CPU knows fp32 only [default: fp32]
    #[arg(long, value_parser = values::matmul())]
    matmul: Option<MatmulMode>,
    /// Passes over the data: a total, those before --resume included [default: the recipe's]
    #[arg(long, value_name = "N")]
    epochs: Option<u64>,
    /// Stop after this many steps: a total, those before --resume included. It is kept with the run [default: at
    /// the end of the last epoch]
    #[arg(long, value_name = "N")]
    max_steps: Option<u64>,
    /// Epochs more than the run was to have
    #[arg(long, value_name = "N", requires = "resume", conflicts_with_all = ["epochs", "max_steps"])]
    more: Option<u64>,
    /// Images a batch [default: the recipe's]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Seed of every random number [default: the recipe's, which is 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    pub(super) threads: threads::Args,
    /// The data: a folder of IDX files (MNIST, Fashion-MNIST, …) or of PNG files, or an .npz file. Without it, what the
    /// run or --config has on record, and else [env: GAN_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The data by name instead of by place: drawn here, or with stacked-mnist three digits as red, green and blue, of
    /// MNIST or of --data-dir. Two names for a recipe of two data sets. `gan data list` says what each is
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = values::data())]
    data: Vec<Named>,
    /// Do not download anything: digits or shapes drawn here if no data is found
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    mirror: Mirror,
    /// The run directory to make [default: runs/RECIPE-N]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with this run, or the newest one here, from its newest checkpoint. With RECIPE or --config, one that is
    /// not there yet is begun
    #[arg(long, value_name = "RUN", num_args = 0..=1)]
    resume: Option<Option<PathBuf>>,
    /// Change a setting, before all other flags (`gan recipes NAME` and a run's config.toml have them all)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Take the settings of this file, such as another run's config.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Steps between two lines of metrics [default: 10, and 1 with --log-style published]
    #[arg(long, value_name = "N")]
    log_every: Option<u64>,
    /// Whose lines are printed while it trains: ours now and then on stderr, or on stdout those of the recipe's tutorial, one a
    /// step, to be laid beside its own
    #[arg(long, value_enum, default_value_t, conflicts_with = "json")]
    log_style: log::Style,
    /// Steps between two checkpoints [default: a minute's worth]
    #[arg(long, value_name = "N")]
    checkpoint_every: Option<u64>,
    /// Score the generator every so many steps and at the end, as `gan score` does: fid, kid, precision, … in every log,
    /// and all of it in scores.jsonl. The weights are the same without
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    score_every: Option<u64>,
    /// Samples that each of these scores is of, and as many real images
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    score_count: u32,
    /// Also keep the checkpoint that is best in this metric or score, as checkpoints/best.safetensors: the lowest
    /// value is, of accuracies the highest; KEY:lower and KEY:higher say it
    #[arg(long, value_name = "KEY")]
    best: Option<String>,
    /// Stop when the metric of --best has not become better in so many lines that have it
    #[arg(long, value_name = "N", requires = "best")]
    patience: Option<u64>,
    /// Take no pictures
    #[arg(long)]
    no_pictures: bool,
    /// Write no report.html, and keep no moments/ for it
    #[arg(long)]
    no_report: bool,
    /// Print metrics and result as JSON lines on stdout
    #[arg(long)]
    json: bool,
    /// Print nothing but the result
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Say what would be trained: data, parameters, steps, memory, time and folder. A few steps are tried; nothing is
    /// downloaded, and nothing written
    #[arg(long)]
    dry_run: bool,
}

/// Trains, and says what came of it.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    if args.dry_run {
        let plan = plan::of(args)?;
        console::result(&plan.text(args.json))?;
        return Ok(ExitCode::SUCCESS);
    }
    let outcome = session::train(args, None)?;
    let text = match args.json {
        true => outcome.json(),
        false => outcome.summary(&super::program()),
    };
    console::result(&text)?;
    Ok(outcome.exit_code())
}

/// What `gan train` with these words does, `gan` and `train` left out, for commands that train several runs.
///
/// # Errors
/// As training, and when the words are none of its.
pub(super) fn with_words(words: Vec<OsString>, signals: &Signals) -> Result<Outcome> {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }
    let words = std::iter::once(OsString::from("train")).chain(words);
    let line = Line::try_parse_from(words).map_err(usage)?;
    session::train(&line.args, Some(signals))
}

impl Args {
    fn say(&self, text: &str) {
        if !self.quiet {
            console::note(text);
        }
    }

    /// Where a new run stops: after so many steps, or after a quick look when nothing is said.
    fn max_steps(&self) -> Option<u64> {
        let said = self.recipe.is_some() || self.config.is_some() || self.epochs.is_some();
        self.max_steps.or((!said).then_some(QUICK_STEPS))
    }

    fn open_device(&self, matmul: MatmulMode) -> Result<Opened> {
        Opened::open(&self.device, matmul)?.does(self.matmul)
    }

    /// The run to go on with; `None` for a new one.
    fn run_to_resume(&self) -> Result<Option<Run>> {
        let path = match &self.resume {
            None => return Ok(None),
            Some(None) => return Run::latest().map(Some),
            Some(Some(path)) => path,
        };
        // Without a word on what to begin, a name that is no run's is a slip.
        let named = self.recipe.is_some() || self.config.is_some();
        match Run::find(path) {
            None if named && is_free(path) => Ok(None),
            None => Run::open(path).map(Some),
            run => Ok(run),
        }
    }

    /// The folder that `--resume` names.
    fn resume_at(&self) -> Option<&Path> {
        self.resume.as_ref()?.as_deref()
    }

    /// Steps in all, of an epoch of so many; put on record in `config`.
    fn length(&self, config: &mut Config, per_epoch: u64) -> u64 {
        let whole = |config: &Config| config.settings.epochs.saturating_mul(per_epoch);
        let mut total = config
            .max_steps
            .map_or(whole(config), |max| max.min(whole(config)));
        if let Some(more) = self.more {
            total = total.saturating_add(more.saturating_mul(per_epoch));
            config.settings.epochs = total.div_ceil(per_epoch);
        }
        config.max_steps = (total < whole(config)).then_some(total);
        total
    }

    /// The configuration of a new run.
    fn fresh(&self) -> Result<Config> {
        let mut record = None;
        let mut setup = match &self.config {
            Some(path) => {
                let config = Config::read(path)?;
                let setup = self.setup_of(&config)?;
                record = Some(config);
                setup
            }
            None => {
                let name = self.recipe.as_deref();
                let recipe = find(name.unwrap_or(QUICK.0)).map_err(usage)?;
                let mut setup = recipe.setup(self.preset.unwrap_or_default());
                if name.is_none() {
                    setup.settings.epochs = QUICK.1;
                }
                setup
            }
        };
        self.change(&mut setup).map_err(usage)?;
        memory::ensure_fits(&setup, &self.device)?;
        let mut config = Config::of(&setup);
        config.max_steps = self.max_steps();
        if let Some(record) = record {
            config.data = record.data;
            config.data_name = record.data_name;
            config.data_checksum = record.data_checksum;
            config.data_dir = record.data_dir;
            config.data_path = record.data_path;
            config.data_seed = record.data_seed;
            if self.epochs.is_none() && self.max_steps.is_none() {
                config.max_steps = record.max_steps;
            }
        }
        Ok(config)
    }

    /// The recipe and settings of a file.
    fn setup_of(&self, config: &Config) -> Result<Setup> {
        if let Some(name) = &self.recipe {
            find(name).map_err(usage)?;
            ensure!(
                config.recipe == *name,
                "the configuration is of the recipe `{}`, not `{name}`",
                config.recipe,
            );
        }
        ensure!(
            self.preset.is_none_or(|preset| preset == config.preset),
            "--preset and --config contradict each other; leave one out"
        );
        config.setup()
    }

    /// Applies the flags that change settings.
    fn change(&self, setup: &mut Setup) -> Result<()> {
        if let Some(order) = &self.order {
            ensure!(
                setup.options().contains_key("order"),
                "`{}` is published in one order; --order is for `mlp`",
                setup.recipe().name()
            );
            setup.choose("order", order)?;
        }
        if let Some(name) = &self.r#loop {
            ensure!(
                setup.options().contains_key("loop"),
                "`{}` has its own loop; --loop is for `lab`",
                setup.recipe().name()
            );
            setup.choose("loop", name)?;
        }
        if let Some(seed) = self.seed {
            setup.settings.seed = seed;
        }
        if let Some(epochs) = self.epochs {
            setup.settings.epochs = epochs;
        }
        if let Some(batch_size) = self.batch_size {
            setup.settings.batch_size = batch_size;
        }
        if let Some(matmul) = self.matmul {
            setup.settings.matmul = matmul;
        }
        for assignment in &self.set {
            setup
                .set(assignment)
                .map_err(|error| with_context(error, "--set"))?;
        }
        setup.check()
    }

    /// The configuration of a run that goes on: what decides its numbers stays as it was,
    /// only its length may change, and where and how it is computed. Flags that say what it is
    /// already are welcome: a job queue calls with the same line each time.
    fn resumed(&self, mut config: Config) -> Result<Config> {
        if let Some(flag) = self.changed(&config)? {
            return Err(usage(anyhow!(
                "{flag} cannot change in a run that goes on; leave it out, or start a new run without --resume"
            )));
        }
        if let Some(epochs) = self.epochs {
            config.settings.epochs = epochs;
        }
        if self.epochs.is_some() || self.max_steps.is_some() {
            config.max_steps = self.max_steps;
        }
        if let Some(matmul) = self.matmul {
            config.settings.matmul = matmul;
        }
        config.settings.check()?;
        memory::ensure_fits(&config.setup()?, &self.device)?;
        Ok(config)
    }

    /// A flag that would make another run of the one that `config` is of.
    fn changed(&self, config: &Config) -> Result<Option<String>> {
        let settings = &config.settings;
        let chosen = |key| config.options.get(key).and_then(|choice| choice.as_str());
        let differs = |new: &Option<String>, old: &str| new.as_ref().is_some_and(|new| new != old);
        let changed = [
            ("RECIPE", differs(&self.recipe, &config.recipe)),
            (
                "--preset",
                self.preset.is_some_and(|preset| preset != config.preset),
            ),
            (
                "--order",
                differs(&self.order, chosen("order").unwrap_or_default()),
            ),
            (
                "--loop",
                differs(&self.r#loop, chosen("loop").unwrap_or_default()),
            ),
            (
                "--seed",
                self.seed.is_some_and(|seed| seed != settings.seed),
            ),
            (
                "--batch-size",
                self.batch_size.is_some_and(|n| n != settings.batch_size),
            ),
            ("--out", self.out.is_some()),
            (
                "--data",
                // A run of imported weights has none on record.
                !self.data.is_empty()
                    && config.data_checksum.is_some()
                    && names(config).is_ok_and(|names| names != self.data),
            ),
        ];
        if let Some((flag, _)) = changed.iter().find(|(_, changed)| *changed) {
            return Ok(Some((*flag).to_owned()));
        }
        let is = config.setup()?;
        for assignment in &self.set {
            let mut set = is.clone();
            set.set(assignment)
                .map_err(|error| usage(with_context(error, "--set")))?;
            if set != is {
                return Ok(Some(format!("--set {assignment}")));
            }
        }
        if let Some(path) = &self.config {
            let mut other = self.setup_of(&Config::read(path)?)?;
            self.change(&mut other).map_err(usage)?;
            other.settings.epochs = settings.epochs;
            other.settings.matmul = settings.matmul;
            return Ok((other != is).then(|| "--config".to_owned()));
        }
        Ok(None)
    }
}

fn with_context(error: anyhow::Error, flag: &str) -> anyhow::Error {
    error.context(format!("wrong {flag}"))
}
