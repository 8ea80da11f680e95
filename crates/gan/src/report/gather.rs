//! All that a page says of a run, gathered from the run's folder.

use super::copies::Copies;
use super::film::{Figure, Film, figures};
use super::fresh::Fresh;
use super::sheet::Picture;
use crate::describe::describe;
use crate::diagnosis::{self, Record, Verdict};
use crate::generator::TrainedGenerator;
use crate::run::{Config, History, Run, Scored};
use anyhow::{Context, Result};
use detach_nn::Checkpoint;
use detach_recipes::{Detail, Setup};
use detach_tensor::Kind;
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How much a page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What is in the run's files: soon done, while it trains.
    Record,
    /// Also samples of its newest generator.
    Samples,
    /// Also its latent space, and how near samples are to what it was trained on.
    Whole,
}

/// What a page says of a run.
#[derive(Clone, Debug)]
pub struct RunData {
    /// The run's folder.
    pub dir: PathBuf,
    /// What the run is.
    pub config: Config,
    /// The same, checked.
    pub setup: Setup,
    /// Its lines of metrics.
    pub history: History,
    /// What its networks were like at a few moments.
    pub details: Vec<Detail>,
    /// Its scores at a few moments.
    pub scores: Vec<Scored>,
    /// What is to be said of it.
    pub verdict: Verdict,
    /// Its samples over time.
    pub film: Film,
    /// What else it draws.
    pub figures: Vec<Figure>,
    /// The newest samples that it has drawn itself.
    pub preview: Option<Picture>,
    /// Its newest generator, or why there is nothing of it.
    pub newest: Result<Newest, String>,
}

/// What is known of a run's newest checkpoint.
#[derive(Clone, Debug)]
pub struct Newest {
    /// Steps done.
    pub step: u64,
    /// What its generator makes.
    pub fresh: Option<Fresh>,
    /// Whether that is copied, where the data is at hand.
    pub copies: Option<Copies>,
    /// The name of its file.
    pub file: String,
    /// SHA-256 of its file.
    pub hash: String,
    /// Where it was computed, in words, such as `cpu, fused`.
    pub arithmetic: Option<String>,
}

impl RunData {
    /// All of `run` that there is.
    ///
    /// # Errors
    /// When a file of it is there and cannot be read.
    pub fn of(run: &Run, depth: Depth) -> Result<Self> {
        let config = run.config()?;
        let setup = config.setup()?;
        let newest = match depth {
            Depth::Record => Err("It comes when training ends.".to_owned()),
            depth => Newest::of(run, &config, depth).map_err(|error| describe(&error)),
        };
        let record = Record::of(run)?;
        let verdict = diagnosis::of(&record);
        let Record {
            history,
            details,
            scores,
        } = record;
        Ok(Self {
            dir: run.dir().to_owned(),
            history,
            details,
            scores,
            verdict,
            film: Film::of(run, &setup),
            figures: figures(run),
            preview: Picture::of_file(&run.samples().join("latest.png")).ok(),
            config,
            setup,
            newest,
        })
    }

    /// The name of its folder.
    pub fn name(&self) -> String {
        let dir = std::path::absolute(&self.dir).unwrap_or_else(|_| self.dir.clone());
        let name = dir.file_name().unwrap_or(dir.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Steps on record.
    pub fn steps(&self) -> u64 {
        let saved = self.newest.as_ref().map_or(0, |newest| newest.step);
        let told = self.history.last().unwrap_or(0);
        saved.max(told).max(self.verdict.step)
    }

    /// Epochs of a step, where a line of metrics tells.
    pub fn epochs_a_step(&self) -> Option<f64> {
        let (step, epoch) = self.history.series("epoch").pop()?;
        (step > 0).then(|| epoch / step as f64)
    }

    /// The newest samples: of the newest generator, or else those that were drawn last.
    pub fn samples(&self) -> Option<&Picture> {
        let fresh = self
            .newest
            .as_ref()
            .ok()
            .and_then(|newest| newest.fresh.as_ref());
        let drawn = self.preview.as_ref();
        let last = self.film.frames.last().map(|frame| &frame.picture);
        fresh.map(|fresh| &fresh.samples).or(drawn).or(last)
    }
}

impl Newest {
    fn of(run: &Run, config: &Config, depth: Depth) -> Result<Self> {
        let trained = TrainedGenerator::open(run.dir(), Kind::default())?;
        let (step, path) = run.saved().pop().context("no checkpoint")?;
        let hash = hash_of(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let texts = Checkpoint::load_part(&path, "nothing but the texts")?.metadata;
        let is_whole = depth == Depth::Whole;
        let copies = match is_whole {
            false => Ok(None),
            true => Copies::of(&trained, config),
        };
        let copies = copies.unwrap_or_else(|error| {
            tracing::warn!("no word on copies: {}", describe(&error));
            None
        });
        Ok(Self {
            step,
            fresh: Fresh::of(&trained, is_whole),
            copies,
            file: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            hash,
            arithmetic: texts.get("arithmetic").cloned(),
        })
    }
}

/// SHA-256 of a file, in hexadecimal digits.
fn hash_of(path: &Path) -> io::Result<String> {
    let mut file = detach_files::open(path)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece)? {
            0 => break,
            length => hash.update(&piece[..length]),
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
