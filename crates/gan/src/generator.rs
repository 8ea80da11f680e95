//! A run's generator: found, filled with the newest weights, and asked for samples.

use crate::run::{Config, Lock, Run};
use anyhow::{Context, Result, ensure};
use detach_nn::{Checkpoint, Mode};
use detach_recipes::checkpoint::{check_checkpoint, upgrade, version};
use detach_recipes::sampler::{mode_of, on_points};
use detach_recipes::{DataKind, Generates, Input, SampleMode, Sampler, Setup, Trainer, Wanted};
use detach_tensor::{Array, Kind, Tensor};
use statrs::function::erf::{erf, erf_inv};
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};
use std::path::{Path, PathBuf};

/// Samples of one draw of noise. Part of the result where BatchNorm uses the batch's own
/// statistics.
const CHUNK: usize = 64;
/// Samples generated at once where each is on its own: as few as keep the kernels busy,
/// since memory that a process touches for the first time is dear.
pub(crate) const PIECE: usize = 16;

/// A run and its generator.
pub struct TrainedGenerator {
    /// The run.
    pub run: Run,
    /// Its recipe and settings.
    pub setup: Setup,
    /// What it was trained on.
    pub data: DataKind,
    net: Box<dyn Generates>,
    kind: Kind,
    truncation: Option<f64>,
}

/// Which class each sample is of, where there are classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Classes {
    /// 0, 1, …, the last, 0, 1, …
    InTurn,
    /// All of this one.
    All(usize),
    /// One for each sample, at least one; then the same again.
    Each(Vec<usize>),
}

impl Classes {
    /// The class of sample `i`, of so many.
    pub fn of(&self, i: usize, classes: usize) -> usize {
        match self {
            Self::InTurn => i % classes,
            Self::All(class) => *class,
            Self::Each(each) => each[i % each.len()],
        }
    }

    /// The largest that is asked for by number.
    pub fn largest(&self) -> Option<usize> {
        match self {
            Self::InTurn => None,
            Self::All(class) => Some(*class),
            Self::Each(each) => each.iter().copied().max(),
        }
    }
}

/// A run that has saved nothing.
#[derive(Debug, thiserror::Error)]
pub enum NoCheckpoint {
    /// It is being trained.
    #[error("{} has no checkpoint yet; {by} trains it, and saves one in a minute or less", dir.display())]
    Soon {
        /// Its folder.
        dir: PathBuf,
        /// Who trains it.
        by: String,
    },
    /// Nobody trains it.
    #[error("{} has no checkpoint yet", dir.display())]
    Never {
        /// Its folder.
        dir: PathBuf,
    },
}

impl TrainedGenerator {
    /// The run at `path` with the newest weights, on the kind's device. Of the checkpoint only the
    /// generator is read, a third of it or less: its average where one is kept.
    ///
    /// # Errors
    /// When the run or its newest checkpoint cannot be used.
    pub fn open(path: &Path, kind: Kind) -> Result<Self> {
        let run = Run::open(path)?;
        let Config { recipe, .. } = run.config()?;
        let setup = run.config()?.setup()?;
        let newest = newest(&run)?;
        let net = setup.generator(kind)?;
        fill(&*net, &newest, &recipe).map_err(|error| run.without_newest(&error))?;
        let data = setup.data()?;
        Ok(Self {
            run,
            data: data[0],
            setup,
            net,
            kind,
            truncation: None,
        })
    }

    /// The same, whose noise is [truncated] at `most`.
    ///
    /// # Errors
    /// When it makes samples of something else than noise.
    pub fn truncated_at(self, most: f64) -> Result<Self> {
        ensure!(
            self.net.input().latent().is_some(),
            "`{}` makes no samples from noise, so that there is nothing to truncate",
            self.setup.recipe().name()
        );
        let truncation = Some(most);
        Ok(Self { truncation, ..self })
    }

    /// What its samples are drawn from.
    pub fn draws(&self) -> Draws<'_> {
        Draws {
            sampler: &*self.net,
            kind: self.kind,
            truncation: self.truncation,
        }
    }

    /// What it makes samples from.
    pub fn input(&self) -> Input {
        self.net.input()
    }

    /// Dimensions of the noise.
    ///
    /// # Panics
    /// When it makes samples of something else.
    pub fn latent(&self) -> usize {
        self.net.input().latent().expect("a generator of noise")
    }

    /// How many classes it has, where it has any.
    pub fn classes(&self) -> Option<usize> {
        self.net.input().classes()
    }

    /// Noise `[n, latent]`: the draw of this number.
    pub fn noise(&self, seed: u64, draw: u64, n: usize) -> Tensor {
        self.draws().noise(seed, draw, n)
    }

    /// Samples `first`, `first` + 1, … from noise `[n, latent]`, detached. Without classes `classes` says nothing.
    pub fn generate(
        &self,
        z: &Tensor,
        (classes, first): (&Classes, usize),
        mode: Mode<'_>,
    ) -> Tensor {
        self.draws().generate(z, (classes, first), mode)
    }

    /// The shape of `count` samples.
    pub fn shape(&self, count: usize) -> Vec<usize> {
        self.data.shape(count)
    }

    /// The noise of `count` samples of a seed, `[n, latent]` at a time.
    pub fn noises(
        &self,
        seed: u64,
        count: usize,
        mode: SampleMode,
    ) -> impl Iterator<Item = Tensor> {
        let pieces = self.draws().pieces(seed, count, mode);
        pieces.map(|(z, _, n)| z.slice(0, 0, n))
    }

    /// As [`Draws::samples`].
    pub fn samples(
        &self,
        seed: u64,
        count: usize,
        classes: &Classes,
        mode: SampleMode,
    ) -> impl Iterator<Item = Tensor> {
        self.draws().samples((seed, count), classes, mode)
    }
}

/// Standard normal noise `z` as noise of the normal distribution that is cut at ±`most`, in the same shape: the numbers with the
/// same rank, erf(y/√2) = erf(z/√2)·erf(`most`/√2). The less, the more alike samples are and the better the usual one is (BigGAN,
/// arXiv:1809.11096, draws again what lies outside; the distribution is the same). A sample keeps its noise's direction, so that
/// it can be followed from one `most` to another.
///
/// ```
/// # use detach_gan::generator::truncated;
/// # use detach_tensor::{Array, Tensor};
/// let z = Tensor::constant(Array::from_slice(&[-3.0_f64, 0.0, 0.5, 3.0], &[1, 4]));
/// let y = truncated(&z, 1.0).to_vec::<f64>();
/// assert!(y[0] > -1.0 && y[0] < -0.95 && y[1] == 0.0 && y[2] < 0.5 && y[3] == -y[0]);
/// ```
#[must_use]
pub fn truncated(z: &Tensor, most: f64) -> Tensor {
    let share = erf(most * FRAC_1_SQRT_2);
    let of = |z: f64| SQRT_2 * erf_inv(erf(z * FRAC_1_SQRT_2) * share);
    // Beyond the largest number below 1, erf's inverse is no number; nothing is moved outwards.
    let values = z.to_vec::<f64>().into_iter();
    let values: Vec<f64> = values
        .map(|z| of(z).clamp(-z.abs(), z.abs()).clamp(-most, most))
        .collect();
    let array = Array::from_slice(&values, z.shape());
    Tensor::constant(array.to_kind(z.kind()))
}

/// Something that makes samples, and where it computes: what samples are drawn from, while it is trained and afterwards.
#[derive(Clone, Copy)]
pub struct Draws<'a> {
    sampler: &'a dyn Sampler,
    kind: Kind,
    truncation: Option<f64>,
}

impl<'a> Draws<'a> {
    /// The generator of a recipe in training, as it is now.
    pub fn of(trainer: &'a Trainer) -> Self {
        Self {
            sampler: trainer.recipe().sampler(),
            kind: trainer.kind(),
            truncation: None,
        }
    }

    /// `n` samples of a seed's first noise, each point of it in each class, as [`on_points`] has them.
    pub fn on_points(self, seed: u64, n: usize, mode: SampleMode) -> Tensor {
        on_points(self.sampler, (seed, 0), n, (mode, self.kind))
    }

    /// How many classes there are, where there are any.
    pub fn classes(self) -> Option<usize> {
        self.sampler.input().classes()
    }

    /// Noise `[n, latent]`: the draw of this number.
    fn noise(self, seed: u64, draw: u64, n: usize) -> Tensor {
        let z = self.sampler.input().noise(seed, draw, n, self.kind);
        match self.truncation {
            Some(most) => truncated(&z, most),
            None => z,
        }
    }

    fn generate(self, z: &Tensor, which: (&Classes, usize), mode: Mode<'_>) -> Tensor {
        self.sample(&z.detach(), which, mode).detach()
    }

    /// Samples `first`, `first` + 1, … as a function of noise `[n, latent]`. Without classes `classes` says nothing.
    pub fn sample(self, z: &Tensor, (classes, first): (&Classes, usize), mode: Mode<'_>) -> Tensor {
        let wanted = match self.classes() {
            None => Wanted::default(),
            Some(of) => {
                let numbers = first..first + z.shape()[0];
                let classes: Vec<usize> = numbers.map(|i| classes.of(i, of)).collect();
                Wanted::of_classes(&classes, self.kind)
            }
        };
        self.sampler.sample(z, &wanted, mode)
    }

    /// `count` samples of a seed, of `classes` where there are classes, `[n, …]` at a time, each made when it is asked
    /// for. Sample 7 is the same however many are asked for.
    pub fn samples(
        self,
        (seed, count): (u64, usize),
        classes: &Classes,
        mode: SampleMode,
    ) -> impl Iterator<Item = Tensor> {
        let pieces = self.pieces(seed, count, mode);
        pieces.map(move |(z, start, n)| {
            self.generate(&z, (classes, start), mode_of(mode))
                .slice(0, 0, n)
        })
    }

    /// The noise of whole pieces, the number of the first sample of each, and how many of it are wanted.
    fn pieces(
        self,
        seed: u64,
        count: usize,
        mode: SampleMode,
    ) -> impl Iterator<Item = (Tensor, usize, usize)> {
        let piece = match mode {
            SampleMode::Eval => PIECE,
            SampleMode::Batch => CHUNK,
        };
        (0..count).step_by(piece).map(move |start| {
            let (chunk, place) = (start / CHUNK, start % CHUNK);
            let z = self.noise(seed, chunk as u64, CHUNK);
            (z.slice(0, place, piece), start, piece.min(count - start))
        })
    }
}

/// The newest checkpoint of a run.
///
/// # Errors
/// When there is none.
pub fn newest(run: &Run) -> Result<PathBuf, NoCheckpoint> {
    let dir = run.dir().to_owned();
    run.newest().ok_or_else(|| match Lock::holder(&dir) {
        Some(by) => NoCheckpoint::Soon { dir, by },
        None => NoCheckpoint::Never { dir },
    })
}

/// Reads the generator's weights.
fn fill(net: &dyn Generates, path: &Path, recipe: &str) -> Result<()> {
    let cannot_use = || format!("cannot use the checkpoint {}", path.display());
    // Before there were averages, the names were shorter.
    let mut checkpoint = Checkpoint::load_part(path, "generator.ema")?;
    check_checkpoint(recipe, &checkpoint).with_context(cannot_use)?;
    let mut part = "generator.ema";
    if checkpoint.names().next().is_none() {
        let old = version(&checkpoint)? == 0;
        part = "generator.net";
        checkpoint = Checkpoint::load_part(path, if old { "generator" } else { part })?;
        if old {
            upgrade(&mut checkpoint);
        }
    }
    checkpoint.restore(part, net).with_context(cannot_use)
}
