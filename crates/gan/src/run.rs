//! The run directory.
//!
//! ```text
//! runs/dcgan-1/
//!   config.toml             recipe, preset, data and effective settings
//!   metrics.jsonl           one line each few steps
//!   events.out.tfevents.…   the same for TensorBoard
//!   samples/                pictures; latest.png is the newest
//!   checkpoints/            step-00000938.safetensors: everything to go on from;
//!                           generator.safetensors, discriminator.safetensors: weights alone
//! ```

use crate::atomic;
use crate::out;
use crate::settings::{Preset, Settings};
use anyhow::{Context, Result, anyhow, bail};
use detach_nn::{Checkpoint, Sequential};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// How many whole checkpoints are kept.
const KEPT: usize = 3;

/// What `config.toml` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The recipe's name.
    pub recipe: String,
    /// The preset that the settings started from.
    pub preset: Preset,
    /// Where the data was, in words.
    pub data: String,
    /// CRC-32C of the images: a run goes on with the same ones or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_checksum: Option<u32>,
    /// The folder the data was read from, when it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// The effective settings.
    pub settings: Settings,
}

/// One line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Steps done.
    pub step: u64,
    /// Epochs done, with a fraction.
    pub epoch: f64,
    /// D's loss.
    pub d_loss: f64,
    /// G's loss.
    pub g_loss: f64,
    /// Share of D(x) > ½.
    pub real_acc: f64,
    /// Share of D(G(z)) < ½.
    pub fake_acc: f64,
    /// Milliseconds a step, the mean since the last line.
    pub step_ms: f64,
    /// Real images a second, the mean since the last line.
    pub images_per_s: f64,
}

/// A run directory.
#[derive(Clone, Debug)]
pub struct Run {
    dir: PathBuf,
}

impl Run {
    /// Makes the directory: `out`, or the first free `runs/<recipe>-<n>`.
    ///
    /// # Errors
    /// When it cannot be made, or `out` is there and not empty.
    pub fn create(out: Option<&Path>, recipe: &str) -> Result<Self> {
        let dir = match out {
            Some(out) => {
                if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
                    bail!(
                        "{} is there already and not empty; choose another --out, or go on with --resume {}",
                        out.display(),
                        out.display()
                    );
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
        let hint = match runs.is_empty() {
            true => "there are no runs here yet; `gan train` makes one".to_owned(),
            false => format!("there are: {}", runs.join(", ")),
        };
        bail!(
            "{} is not a run directory (it has no config.toml); {hint}",
            path.display()
        )
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of pictures.
    pub fn samples(&self) -> PathBuf {
        self.dir.join("samples")
    }

    fn checkpoints(&self) -> PathBuf {
        self.dir.join("checkpoints")
    }

    /// The file of metrics.
    pub fn metrics(&self) -> PathBuf {
        self.dir.join("metrics.jsonl")
    }

    /// Writes `config.toml`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_config(&self, config: &Config) -> Result<()> {
        let text = toml::to_string(config).context("configuration as TOML")?;
        atomic::write(&self.dir.join("config.toml"), |file| {
            file.write_all(text.as_bytes())
        })?;
        Ok(())
    }

    /// Reads `config.toml`.
    ///
    /// # Errors
    /// When it cannot be read or is not what this program writes.
    pub fn config(&self) -> Result<Config> {
        let path = self.dir.join("config.toml");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let config: Config = toml::from_str(&text).with_context(|| {
            format!(
                "{} is not a run's configuration; mend it, or start a new run",
                path.display()
            )
        })?;
        config
            .settings
            .check()
            .with_context(|| format!("in {}", path.display()))?;
        Ok(config)
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

    /// The newest whole checkpoint.
    ///
    /// # Errors
    /// When there is none yet.
    pub fn newest(&self) -> Result<PathBuf> {
        let newest = self.saved().pop();
        newest.map(|(_, path)| path).with_context(|| {
            format!(
                "{} has no checkpoint yet; `gan train --resume {}` starts it again",
                self.dir.display(),
                self.dir.display()
            )
        })
    }

    /// What to say when the newest checkpoint is of no use.
    pub fn without_newest(&self, error: &anyhow::Error) -> anyhow::Error {
        let mut saved = self.saved();
        let newest = saved.pop().map_or(self.checkpoints(), |(_, path)| path);
        let instead = match saved.pop() {
            Some((step, _)) => format!("use the one of step {step}"),
            None => "start again from step 0".to_owned(),
        };
        let error = out::describe(error);
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
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') && (name.ends_with(".part") || name.ends_with(".tmp")) {
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
        networks: &[(&str, &Sequential)],
    ) -> Result<PathBuf> {
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
        Ok(path)
    }

    /// Drops metrics of steps after `step`: a run that was killed wrote some that its
    /// checkpoint does not know.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn trim_metrics(&self, step: u64) -> Result<()> {
        let Ok(text) = fs::read_to_string(self.metrics()) else {
            return Ok(());
        };
        let is_kept = |line: &&str| {
            serde_json::from_str::<Metrics>(line).is_ok_and(|metrics| metrics.step <= step)
        };
        let kept: String = text
            .lines()
            .filter(is_kept)
            .flat_map(|line| [line, "\n"])
            .collect();
        if kept != text {
            atomic::write(&self.metrics(), |file| file.write_all(kept.as_bytes()))?;
        }
        Ok(())
    }
}

fn make_dir(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| {
        format!(
            "cannot make the folder {}; choose a writable place with --out",
            dir.display()
        )
    })
}

fn free_dir(recipe: &str) -> Result<PathBuf> {
    make_dir(Path::new("runs"))?;
    for n in 1.. {
        let dir = Path::new("runs").join(format!("{recipe}-{n}"));
        // `create_dir` fails when it is there, so that two runs started at once differ.
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| {
                    format!(
                        "cannot make the folder {}; choose a writable place with --out",
                        dir.display()
                    )
                });
            }
        }
    }
    unreachable!("some number is free")
}
