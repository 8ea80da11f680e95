//! A run's folder: made, found, and its checkpoints kept.

use super::config::Config;
use super::lock::{Lock, LockError};
use crate::describe::describe;
use anyhow::{Context, Result, anyhow, bail};
use detach_nn::{Checkpoint, CheckpointError, Network};
use detach_recipes::nearest;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// How many whole checkpoints are kept.
const KEPT: usize = 3;

/// A run directory.
#[derive(Clone, Debug)]
pub struct Run {
    dir: PathBuf,
}

/// A folder for a run that cannot be made, or is taken.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Something is in it.
    #[error("{} is there already and not empty", .0.display())]
    Taken(PathBuf),
    /// It cannot be made.
    #[error("cannot make the folder {}: {}", .0.display(), .1)]
    Unmade(PathBuf, std::io::Error),
    /// Another process has just made it.
    #[error(transparent)]
    Locked(#[from] LockError),
}

impl Run {
    /// Makes the directory, `out` or the first free `runs/<recipe>-<n>`, and takes its lock.
    ///
    /// # Errors
    /// When it cannot be made, or `out` is there and not empty.
    pub fn create(out: Option<&Path>, recipe: &str) -> Result<(Self, Lock), FolderError> {
        let dir = match out {
            Some(out) => {
                refuse_unless_free(out)?;
                make_dir(out)?;
                out.to_owned()
            }
            None => free_dir(recipe)?,
        };
        let lock = Lock::take(&dir)?;
        // Another process may have made it, trained and ended since it was found empty.
        refuse_unless_free(&dir)?;
        let run = Self { dir };
        make_dir(&run.samples())?;
        make_dir(&run.checkpoints())?;
        Ok((run, lock))
    }

    /// The folder of pictures, made again where somebody has removed it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn samples_again(&self) -> Result<PathBuf, FolderError> {
        let dir = self.samples();
        make_dir(&dir)?;
        Ok(dir)
    }

    /// Takes the right to train it.
    ///
    /// # Errors
    /// When another process has it.
    pub fn lock(&self) -> Result<Lock, LockError> {
        Lock::take(&self.dir)
    }

    /// The run at `path`, or called so below `runs`; `None` where there is none.
    pub fn find(path: &Path) -> Option<Self> {
        let places = [path.to_owned(), Path::new("runs").join(path)];
        let is_run = |dir: &PathBuf| dir.join("config.toml").is_file();
        let dir = places.into_iter().find(is_run)?;
        Some(Self { dir })
    }

    /// The runs in a folder, in the order of their names, of which numbers count as numbers.
    pub fn below(folder: &Path) -> Vec<Self> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let dirs = entries.map(|entry| entry.path());
        let is_run = |dir: &PathBuf| dir.join("config.toml").is_file();
        let mut runs: Vec<Self> = dirs.filter(is_run).map(|dir| Self { dir }).collect();
        runs.sort_by_cached_key(|run| {
            let name = run.dir.to_string_lossy().into_owned();
            let digits = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            let number = name[digits..].parse::<u64>().ok();
            (name[..digits].to_owned(), number, name)
        });
        runs
    }

    /// The run at `path`, or called so below `runs`.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(run) = Self::find(path) {
            return Ok(run);
        }
        let wrong = path.display();
        let runs: Vec<String> = all()
            .iter()
            .map(|run| run.dir.display().to_string())
            .collect();
        let hint = match (runs.is_empty(), similar(path)) {
            (true, _) => "there are no runs here yet; `gan train` makes one".to_owned(),
            (false, Some(near)) => {
                format!("did you mean `{near}`? there are: {}", runs.join(", "))
            }
            (false, None) => format!("there are: {}", runs.join(", ")),
        };
        bail!("{wrong} is not a run directory (it has no config.toml); {hint}")
    }

    /// The run below `runs` that was begun or resumed last.
    ///
    /// # Errors
    /// When there is none.
    pub fn latest() -> Result<Self> {
        let begun = |run: &Self| {
            let config = run.dir.join("config.toml");
            fs::metadata(config).and_then(|meta| meta.modified()).ok()
        };
        let latest = all().into_iter().max_by_key(begun);
        latest.context("there are no runs here yet (runs/…); `gan train` makes one")
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of pictures.
    pub fn samples(&self) -> PathBuf {
        self.dir.join("samples")
    }

    /// The folder of checkpoints and weights.
    pub fn checkpoints(&self) -> PathBuf {
        self.dir.join("checkpoints")
    }

    /// The file of metrics.
    pub fn metrics(&self) -> PathBuf {
        self.dir.join("metrics.jsonl")
    }

    /// The file of details: what single steps were like from close up.
    pub fn detail(&self) -> PathBuf {
        self.dir.join("detail.jsonl")
    }

    /// The folder of samples of fixed noise, at steps further and further apart.
    pub fn moments(&self) -> PathBuf {
        self.dir.join("moments")
    }

    /// The page that tells of the run.
    pub fn report(&self) -> PathBuf {
        self.dir.join("report.html")
    }

    /// The file of scores, where any were asked for.
    pub fn scores(&self) -> PathBuf {
        self.dir.join("scores.jsonl")
    }

    /// The checkpoint that was best in a metric, where one was asked for.
    pub fn best(&self) -> PathBuf {
        self.checkpoints().join("best.safetensors")
    }

    /// Writes `config.toml`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_config(&self, config: &Config) -> Result<()> {
        let text = toml::to_string(config).context("configuration as TOML")?;
        detach_files::write(&self.dir.join("config.toml"), |file| {
            file.write_all(text.as_bytes())
        })?;
        Ok(())
    }

    /// Reads `config.toml`.
    ///
    /// # Errors
    /// When it cannot be read or is not what this program writes.
    pub fn config(&self) -> Result<Config> {
        Config::read(&self.dir.join("config.toml"))
    }

    /// The whole checkpoints, oldest first.
    pub fn saved(&self) -> Vec<(u64, PathBuf)> {
        by_step(&self.checkpoints(), "safetensors")
    }

    /// The step of the newest whole checkpoint, as its name has it.
    pub fn newest_step(&self) -> Option<u64> {
        self.saved().pop().map(|(step, _)| step)
    }

    /// The newest whole checkpoint; `None` where there is none yet.
    pub fn newest(&self) -> Option<PathBuf> {
        self.saved().pop().map(|(_, path)| path)
    }

    /// What to say when the newest checkpoint is of no use.
    pub fn without_newest(&self, error: &anyhow::Error) -> anyhow::Error {
        let mut saved = self.saved();
        let newest = saved.pop().map_or(self.checkpoints(), |(_, path)| path);
        let instead = match saved.pop() {
            Some((step, _)) => format!("use the one of step {step}"),
            None => "start again from step 0".to_owned(),
        };
        let error = describe(error);
        anyhow!("{error}; or move {} away to {instead}", newest.display())
    }

    /// Removes what a run that was killed had half written. Only for the holder of its lock.
    pub fn sweep(&self) {
        for folder in [
            self.dir.clone(),
            self.samples(),
            self.moments(),
            self.checkpoints(),
        ] {
            detach_files::sweep(&folder);
        }
    }

    /// Writes the checkpoint of `step`, then the weights alone for others to load, and
    /// removes all but the newest few. A full disk costs the oldest of them first.
    ///
    /// # Errors
    /// When a file cannot be written. What was there before stays, but for older checkpoints
    /// that were removed to make room.
    pub fn save(
        &self,
        step: u64,
        checkpoint: &Checkpoint,
        networks: &[(&str, &dyn Network)],
    ) -> Result<()> {
        make_dir(&self.checkpoints())?;
        let path = self
            .checkpoints()
            .join(format!("step-{step:08}.safetensors"));
        self.with_room(&path, || checkpoint.save(&path))?;
        for (name, network) in networks {
            let mut weights = Checkpoint::new();
            weights.add("", *network);
            let alone = self.checkpoints().join(format!("{name}.safetensors"));
            self.with_room(&path, || weights.save(&alone))?;
        }
        let saved = self.saved();
        for (_, old) in &saved[..saved.len().saturating_sub(KEPT)] {
            // Failing to tidy up is no reason to stop a run.
            if let Err(error) = fs::remove_file(old) {
                tracing::warn!(
                    "cannot remove the old checkpoint {}: {error}",
                    old.display()
                );
            }
        }
        Ok(())
    }

    /// Runs `save`; while the disk is full, removes the oldest checkpoint and tries again. The newest one beside
    /// `new` stays.
    fn with_room(
        &self,
        new: &Path,
        save: impl Fn() -> Result<(), CheckpointError>,
    ) -> Result<(), CheckpointError> {
        loop {
            let error = match save() {
                Err(error) if is_full(&error) => error,
                done => return done,
            };
            let mut saved = self.saved();
            saved.retain(|(_, path)| path != new);
            let [(step, oldest), _, ..] = &saved[..] else {
                return Err(error);
            };
            tracing::warn!("{error}: the checkpoint of step {step} makes room");
            if fs::remove_file(oldest).is_err() {
                return Err(error);
            }
        }
    }
}

fn is_full(error: &CheckpointError) -> bool {
    match error {
        CheckpointError::Write(error) => matches!(
            error.cause.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded
        ),
        _ => false,
    }
}

/// The files `step-….EXTENSION` of a folder with the steps that their names say, in their order.
pub fn by_step(folder: &Path, extension: &str) -> Vec<(u64, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let name = path.file_name()?.to_str()?.strip_prefix("step-")?;
            let step = name.strip_suffix(extension)?.strip_suffix('.')?;
            Some((step.parse().ok()?, path))
        })
        .collect();
    found.sort();
    found
}

/// All runs below `runs`, in the order of their names.
fn all() -> Vec<Run> {
    Run::below(Path::new("runs"))
}

/// The run that `path` was perhaps meant to be.
fn similar(path: &Path) -> Option<String> {
    let bare = |path: &Path| {
        let name = path.strip_prefix("runs").unwrap_or(path);
        name.display().to_string()
    };
    let names: Vec<String> = all().iter().map(|run| bare(&run.dir)).collect();
    let near = nearest(&bare(path), names.iter().map(String::as_str))?;
    Some(format!("runs/{near}"))
}

/// Whether a run may begin in a folder: it is not there, or there is nothing in it but what one leaves that never began.
/// That is its lock, folders with nothing in them, and what it had half written of its `config.toml`.
pub fn is_free(dir: &Path) -> bool {
    let mut entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.all(|entry| {
        let name = entry.file_name();
        let ours = ["samples", "checkpoints"].iter().any(|ours| name == *ours);
        Lock::is_name(&name)
            || detach_files::is_temporary(&name)
            || (ours && fs::read_dir(entry.path()).is_ok_and(|mut inside| inside.next().is_none()))
    })
}

fn refuse_unless_free(dir: &Path) -> Result<(), FolderError> {
    match is_free(dir) {
        true => Ok(()),
        false => Err(FolderError::Taken(dir.to_owned())),
    }
}

fn make_dir(dir: &Path) -> Result<(), FolderError> {
    fs::create_dir_all(dir).map_err(|error| FolderError::Unmade(dir.to_owned(), error))
}

/// Where runs of a recipe lie that are not told where, in their order: `runs/<recipe>-<n>`.
pub fn numbered(recipe: &str) -> impl Iterator<Item = PathBuf> {
    (1_u64..).map(move |n| Path::new("runs").join(format!("{recipe}-{n}")))
}

fn free_dir(recipe: &str) -> Result<PathBuf, FolderError> {
    make_dir(Path::new("runs"))?;
    for dir in numbered(recipe) {
        // `create_dir` fails when it is there, so that two runs started at once differ.
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(FolderError::Unmade(dir, error)),
        }
    }
    unreachable!("some number is free")
}
