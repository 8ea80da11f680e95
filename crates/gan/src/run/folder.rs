//! A run's folder: made, found, and its checkpoints kept.

use super::config::Config;
use crate::describe::describe;
use anyhow::{Context, Result, anyhow, bail};
use detach_nn::{Checkpoint, Network};
use detach_recipes::nearest;
use std::fs;
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
}

impl Run {
    /// Makes the directory: `out`, or the first free `runs/<recipe>-<n>`.
    ///
    /// # Errors
    /// When it cannot be made, or `out` is there and not empty.
    pub fn create(out: Option<&Path>, recipe: &str) -> Result<Self, FolderError> {
        let dir = match out {
            Some(out) => {
                if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
                    return Err(FolderError::Taken(out.to_owned()));
                }
                make_dir(out)?;
                out.to_owned()
            }
            None => free_dir(recipe)?,
        };
        let run = Self { dir };
        make_dir(&run.samples())?;
        make_dir(&run.checkpoints())?;
        Ok(run)
    }

    /// The run at `path`, or called so below `runs`.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(path: &Path) -> Result<Self> {
        for dir in [path.to_owned(), Path::new("runs").join(path)] {
            if dir.join("config.toml").is_file() {
                return Ok(Self { dir });
            }
        }
        let runs: Vec<String> = fs::read_dir("runs")
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().display().to_string()))
            .collect();
        let wrong = path.display().to_string();
        let names = runs.iter().map(String::as_str);
        let bare = |name: &str| name.trim_start_matches("runs/").to_owned();
        let near = nearest(
            &bare(&wrong),
            names.map(|name| name.trim_start_matches("runs/")),
        );
        let hint = match (runs.is_empty(), near) {
            (true, _) => "there are no runs here yet; `gan train` makes one".to_owned(),
            (false, Some(near)) => {
                format!("did you mean `runs/{near}`? there are: {}", runs.join(", "))
            }
            (false, None) => format!("there are: {}", runs.join(", ")),
        };
        bail!("{wrong} is not a run directory (it has no config.toml); {hint}")
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
        let entries = fs::read_dir(self.checkpoints()).into_iter().flatten();
        let mut saved: Vec<(u64, PathBuf)> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let name = path.file_name()?.to_str()?;
                let step = name.strip_prefix("step-")?.strip_suffix(".safetensors")?;
                Some((step.parse().ok()?, path))
            })
            .collect();
        saved.sort();
        saved
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

    /// Removes what a run that was killed had half written.
    pub fn sweep(&self) {
        let folders = [self.dir.clone(), self.samples(), self.checkpoints()];
        for entry in folders
            .iter()
            .filter_map(|dir| fs::read_dir(dir).ok())
            .flatten()
            .flatten()
        {
            if detach_files::is_leftover(&entry.file_name().to_string_lossy()) {
                // What is left takes space and does no other harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Writes the checkpoint of `step`, then the weights alone for others to load, and
    /// removes all but the newest few.
    ///
    /// # Errors
    /// When a file cannot be written. What was there before stays.
    pub fn save(
        &self,
        step: u64,
        checkpoint: &Checkpoint,
        networks: &[(&str, &dyn Network)],
    ) -> Result<()> {
        let path = self
            .checkpoints()
            .join(format!("step-{step:08}.safetensors"));
        checkpoint.save(&path)?;
        for (name, network) in networks {
            let mut weights = Checkpoint::new();
            weights.add("", *network);
            weights.save(self.checkpoints().join(format!("{name}.safetensors")))?;
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
}

fn make_dir(dir: &Path) -> Result<(), FolderError> {
    fs::create_dir_all(dir).map_err(|error| FolderError::Unmade(dir.to_owned(), error))
}

fn free_dir(recipe: &str) -> Result<PathBuf, FolderError> {
    make_dir(Path::new("runs"))?;
    for n in 1.. {
        let dir = Path::new("runs").join(format!("{recipe}-{n}"));
        // `create_dir` fails when it is there, so that two runs started at once differ.
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(FolderError::Unmade(dir, error)),
        }
    }
    unreachable!("some number is free")
}
