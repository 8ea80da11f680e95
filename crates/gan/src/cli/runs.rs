//! Runs that a command trains in turn: the flags that it hands on, and each run trained and scored, once.

use super::device::Opened;
use super::mirror::Mirror;
use super::signals::Signals;
use super::{console, threads, train, values};
use crate::describe::describe;
use crate::generator::TrainedGenerator;
use crate::run::folder::FolderError;
use crate::run::lock::LockError;
use crate::run::{History, Lock, Run};
use crate::score::{self, Data, Record};
use anyhow::{Context, Result, anyhow, bail};
use detach_data::Named;
use detach_recipes::settings::MatmulMode;
use detach_recipes::{Diverged, End, Preset};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Flags of `gan train` that are the same for all runs of a command.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Handed {
    /// The data of all runs: a folder of IDX files or of PNG files, or an .npz file (see `gan train`) [env: GAN_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The data of all runs by name (see `gan data list`)
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = values::data())]
    data: Vec<Named>,
    /// Do not download anything: digits or shapes drawn here if no data is found
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    mirror: Mirror,
    /// Where to compute: cpu, cuda:N or auto
    #[arg(long, default_value = "auto")]
    device: String,
    /// How a GPU computes products (see `gan train`) [default: fp32]
    #[arg(long, value_parser = values::matmul())]
    matmul: Option<MatmulMode>,
    #[command(flatten)]
    pub(super) threads: threads::Args,
    /// Steps between two lines of metrics
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) log_every: u64,
    /// Steps between two checkpoints [default: a minute's worth]
    #[arg(long, value_name = "N")]
    checkpoint_every: Option<u64>,
    /// Print nothing but the result
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// A run that is to be there.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Its recipe.
    pub(super) recipe: String,
    /// The preset; the recipe's where none is said.
    pub(super) preset: Preset,
    /// Changes of its settings, `KEY=VALUE`.
    pub(super) set: Vec<String>,
    /// The seed of all its random numbers.
    pub(super) seed: u64,
    /// How long it is.
    pub(super) length: Length,
    /// Steps between two lines of its metrics.
    pub(super) log_every: u64,
    /// Its folder.
    pub(super) run: PathBuf,
    /// The file of what it came to.
    pub(super) record: PathBuf,
}

impl Job {
    /// Why a command that wants it now cannot have it.
    pub(super) fn busy(&self) -> anyhow::Error {
        anyhow!(
            "{} is being trained by another process; wait for it, or choose another --out",
            self.run.display()
        )
    }
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// So many steps, or all of the recipe's epochs where these are fewer.
    Steps(u64),
    /// So many passes over the data.
    Epochs(u64),
}

/// What came of a job.
#[derive(Debug)]
pub(super) enum Settled {
    /// It is done, now or before.
    Done(Record),
    /// Another process is at it.
    Busy,
    /// A signal of this number stopped it, and it is saved.
    Stopped(u8),
}

impl Handed {
    /// Says a sentence, unless nothing is to be said.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            console::note(text);
        }
    }

    /// The device that all compute on.
    pub(super) fn open_device(&self) -> Result<Opened> {
        let opened = Opened::open(&self.device, self.matmul.unwrap_or(MatmulMode::Fp32))?;
        opened.does(self.matmul)
    }

    /// `job` as words of `gan train`: begun, or gone on with.
    fn words(&self, job: &Job) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![job.recipe.clone().into()];
        let mut flag = |name: &str, value: OsString| {
            let mut word = OsString::from(format!("--{name}="));
            word.push(value);
            words.push(word);
        };
        flag("resume", job.run.clone().into());
        flag("preset", job.preset.name().into());
        // A seed that is set or varied is the run's, and a flag beside it would be another.
        if !job.set.iter().any(|set| set.starts_with("seed=")) {
            flag("seed", job.seed.to_string().into());
        }
        match job.length {
            Length::Steps(steps) => flag("max-steps", steps.to_string().into()),
            Length::Epochs(epochs) => flag("epochs", epochs.to_string().into()),
        }
        job.set.iter().for_each(|set| flag("set", set.into()));
        flag("device", self.device.clone().into());
        flag("log-every", job.log_every.to_string().into());
        if let Some(every) = self.checkpoint_every {
            flag("checkpoint-every", every.to_string().into());
        }
        if let Some(dir) = &self.data_dir {
            flag("data-dir", dir.into());
        }
        for name in &self.data {
            flag("data", name.name().into());
        }
        if let Some(url) = self.mirror.address() {
            flag("mirror", url.into());
        }
        match self.matmul {
            Some(MatmulMode::Tf32) => flag("matmul", "tf32".into()),
            Some(MatmulMode::Fp32) => flag("matmul", "fp32".into()),
            None => {}
        }
        words.extend(self.offline.then(|| "--offline".into()));
        words.extend(self.quiet.then(|| "--quiet".into()));
        // What the command makes of all of them is looked at, not each.
        words.push("--no-report".into());
        words
    }

    /// Trains and scores a run, where that is not done yet. A run that diverges is done, and its record says so.
    ///
    /// # Errors
    /// As training, and when what was trained on cannot be read again, or the record cannot be written.
    pub(super) fn settle(&self, job: &Job, signals: &Signals) -> Result<Settled> {
        if let Some(record) = Record::read(&job.record)? {
            return Ok(Settled::Done(record));
        }
        if let Some(number) = signals.first() {
            return Ok(Settled::Stopped(number));
        }
        if Lock::holder(&job.run).is_some() {
            return Ok(Settled::Busy);
        }
        let was = Run::find(&job.run).is_some();
        let outcome = match train::with_words(self.words(job), signals) {
            Ok(outcome) => outcome,
            Err(error) if error.is::<Diverged>() => {
                let run = Run::open(&job.run)?;
                let steps = History::of(&run)?.last().unwrap_or(0);
                let record = Record::new(steps, data(&run)?, Err(describe(&error)));
                record.write(&job.record)?;
                return Ok(Settled::Done(record));
            }
            Err(error) => return others(job, was, error),
        };
        match (outcome.end, outcome.signal) {
            (End::Complete, _) => {}
            (_, Some(number)) => return Ok(Settled::Stopped(number)),
            (_, None) => bail!("{} stopped before its end", job.run.display()),
        }
        self.scored(job, outcome.steps)
            .or_else(|error| others(job, was, error))
    }

    /// Scores a run that has so many steps, unless another process has done so and gone on with it.
    fn scored(&self, job: &Job, steps: u64) -> Result<Settled> {
        let kind = self.open_device()?.kind();
        let trained = TrainedGenerator::open(&job.run, kind)?;
        let config = trained.run.config()?;
        let real = score::real(&config, kind)?;
        let scores = score::scores(&trained, &real)?;
        if trained.run.newest_step() != Some(steps) {
            return Ok(Settled::Busy);
        }
        let record = Record::new(steps, data(&trained.run)?, scores);
        record.write(&job.record)?;
        Ok(Settled::Done(record))
    }
}

/// What an error of `job` is worth. Processes that share a folder are in each other's way, and no lock is held while a
/// run is scored: where another one has settled the job since, or is at it, or was when this one wanted to begin, or
/// has begun a run where there `was` none, nothing is wrong.
///
/// # Errors
/// The error, where no other process is behind it.
fn others(job: &Job, was: bool, error: anyhow::Error) -> Result<Settled> {
    if let Some(record) = Record::read(&job.record)? {
        return Ok(Settled::Done(record));
    }
    let lock = match error.downcast_ref::<FolderError>() {
        Some(FolderError::Locked(lock)) => Some(lock),
        _ => error.downcast_ref::<LockError>(),
    };
    let was_held = matches!(lock, Some(LockError::Held { .. }));
    let has_begun = !was && Run::find(&job.run).is_some();
    match was_held || has_begun || Lock::holder(&job.run).is_some() {
        true => Ok(Settled::Busy),
        false => Err(error),
    }
}

/// What a run is on.
fn data(run: &Run) -> Result<Data> {
    let config = run.config()?;
    Ok(Data {
        source: config.data,
        checksum: config.data_checksum,
    })
}

/// Two of these that are not on the same data, in words; `None` where all are.
pub(super) fn other_data<'a>(records: impl IntoIterator<Item = &'a Record>) -> Option<String> {
    let mut images = records
        .into_iter()
        .filter(|record| record.data.checksum.is_some());
    let first = images.next()?;
    let other = images.find(|record| record.data.checksum != first.data.checksum)?;
    Some(format!(
        "runs on different data cannot be compared: one is on {}, another on {}",
        first.data.source, other.data.source
    ))
}

/// The end of a command that a signal stopped: what is done stays done.
pub(super) fn stopped(number: u8) -> ExitCode {
    console::note("stopped and saved; the same command goes on");
    ExitCode::from(128 + number)
}

/// The first folder `runs/<what>-<n>` that is not there, made, so that another process takes another.
///
/// # Errors
/// When none can be made.
pub(super) fn new_dir(what: &str) -> Result<PathBuf> {
    std::fs::create_dir_all("runs").context("cannot make the folder runs")?;
    for dir in crate::run::folder::numbered(what) {
        match std::fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                let context = format!("cannot make the folder {}", dir.display());
                return Err(error).context(context);
            }
        }
    }
    unreachable!("some number is free")
}
