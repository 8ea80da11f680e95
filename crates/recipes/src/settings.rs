//! What every run has: seed, length, batches, pictures. What a recipe has of its own is in its
//! [`Options`](crate::Options).

use anyhow::{Result, bail};
use detach_nn::Scheme;
use detach_tensor::Matmul;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Which version of a recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// To the letter, faults included.
    #[default]
    AsPublished,
    /// The known faults removed.
    Fixed,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 2] = [Self::AsPublished, Self::Fixed];

    /// The name in files and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsPublished => "as-published",
            Self::Fixed => "fixed",
        }
    }

    /// Whether this is the published version: short for the many places where a preset decides.
    pub fn is_published(self) -> bool {
        self == Self::AsPublished
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Preset {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|preset| preset.name() == name) {
            Some(preset) => Ok(preset),
            None => bail!("there is no preset `{name}`; there are: as-published, fixed"),
        }
    }
}

/// Initial weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitScheme {
    /// U(±1/√fan_in) for weights and biases.
    #[default]
    Pytorch,
    /// Glorot-uniform weights, zero biases.
    Keras,
}

impl From<InitScheme> for Scheme {
    fn from(scheme: InitScheme) -> Self {
        match scheme {
            InitScheme::Pytorch => Self::PyTorch,
            InitScheme::Keras => Self::Keras,
        }
    }
}

/// How a GPU computes products and convolutions. The CPU always takes
/// [`MatmulMode::Fp32`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatmulMode {
    /// All bits of every factor.
    #[default]
    Fp32,
    /// The first 11 bits of every factor, on tensor cores.
    Tf32,
}

impl From<MatmulMode> for Matmul {
    fn from(mode: MatmulMode) -> Self {
        match mode {
            MatmulMode::Fp32 => Self::Fp32,
            MatmulMode::Tf32 => Self::Tf32,
        }
    }
}

/// How batches are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Sampling {
    /// Every image once an epoch, in a new order; the short last batch is used or not.
    #[serde(rename_all = "kebab-case")]
    Shuffled {
        /// Leave the short last batch out.
        drop_last: bool,
    },
    /// Every image of every batch drawn anew; an epoch is as many whole batches as the
    /// data would make.
    WithReplacement,
    /// From a distribution; an epoch is so many steps.
    Endless {
        /// Steps an epoch.
        #[serde(with = "crate::whole")]
        steps: u64,
    },
}

/// How G runs when pictures and samples are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SampleMode {
    /// BatchNorm by its running statistics.
    #[default]
    Eval,
    /// BatchNorm by the batch's own statistics, as in training; nothing is updated.
    Batch,
}

impl SampleMode {
    /// As most systems were published, and as it should be.
    pub fn of(preset: Preset) -> Self {
        match preset {
            Preset::AsPublished => Self::Batch,
            Preset::Fixed => Self::Eval,
        }
    }
}

/// What a picture shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PictureSource {
    /// The same noise every time.
    #[default]
    Fixed,
    /// New noise every time.
    Fresh,
    /// The first fakes of the training step.
    Fakes,
}

/// How the values of a picture become grey levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// −1 is black and 1 is white, as the data was scaled.
    #[default]
    Fixed,
    /// Each image from its own least to its own greatest value, as `imshow` does it.
    Each,
    /// The whole grid from its least to its greatest value, as `normalize=True` does it.
    Grid,
    /// 0 is black and 1 is white; what is below 0 is black too: saved without scaling.
    Clamp,
}

/// When pictures are taken, and how. They draw from their own random stream: taking
/// them or not never changes training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pictures {
    /// Rows of the grid.
    #[serde(with = "crate::whole")]
    pub rows: usize,
    /// Columns of the grid.
    #[serde(with = "crate::whole")]
    pub columns: usize,
    /// A picture each so many steps; 0 is never.
    #[serde(with = "crate::whole")]
    pub every_steps: u64,
    /// A picture each so many epochs; 0 is never.
    #[serde(with = "crate::whole")]
    pub every_epochs: u64,
    /// One at the first step or epoch, too.
    pub first: bool,
    /// How G runs; of fakes it does not matter, they are the step's.
    pub mode: SampleMode,
    /// What is shown.
    pub source: PictureSource,
    /// How values become grey levels.
    #[serde(default)]
    pub scaling: Scaling,
}

impl Pictures {
    /// Whether one is due after `step` steps (from 1), `per_epoch` to an epoch.
    pub fn due(&self, step: u64, per_epoch: u64) -> bool {
        let by_steps = match (self.every_steps, self.first) {
            (0, _) => false,
            (every, false) => step.is_multiple_of(every),
            // Counted from the first step on, as loops do that count from 0.
            (every, true) => (step - 1).is_multiple_of(every),
        };
        let epoch = step / per_epoch;
        let ends_epoch = step.is_multiple_of(per_epoch);
        let by_epochs = self.every_epochs > 0
            && ends_epoch
            && (epoch.is_multiple_of(self.every_epochs) || (self.first && epoch == 1));
        by_steps || by_epochs
    }
}

/// What decides a run's numbers in every recipe, beside its options and its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Seed of every random stream.
    #[serde(with = "crate::whole")]
    pub seed: u64,
    /// Passes over the data.
    #[serde(with = "crate::whole")]
    pub epochs: u64,
    /// Images a batch.
    #[serde(with = "crate::whole")]
    pub batch_size: usize,
    /// Initial weights.
    pub init: InitScheme,
    /// How a GPU computes products.
    #[serde(default)]
    pub matmul: MatmulMode,
    /// How batches are drawn.
    pub sampling: Sampling,
    /// When pictures are taken, and how.
    pub pictures: Pictures,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            epochs: 1,
            batch_size: 64,
            init: InitScheme::default(),
            matmul: MatmulMode::default(),
            sampling: Sampling::Shuffled { drop_last: false },
            pictures: Pictures::default(),
        }
    }
}

impl Settings {
    /// So many epochs of shuffled batches of 64, with the short last one, and an 8×8 picture from 64
    /// fixed points of noise every epoch.
    #[must_use]
    pub fn of_epochs(epochs: u64) -> Self {
        Self {
            epochs,
            pictures: Pictures {
                rows: 8,
                columns: 8,
                every_epochs: 1,
                ..Pictures::default()
            },
            ..Self::default()
        }
    }

    /// The most tiles of a picture.
    pub const MOST_TILES: usize = 10_000;

    /// Refuses values no run can have.
    ///
    /// # Errors
    /// When a value is out of its range, naming it.
    pub fn check(&self) -> Result<()> {
        let Pictures { rows, columns, .. } = self.pictures;
        let tiles = rows.saturating_mul(columns);
        for (ok, what) in [
            (
                self.batch_size > 1,
                "batch-size must be at least 2 (BatchNorm needs a variance)",
            ),
            (self.epochs > 0, "epochs must be at least 1"),
            (
                rows > 0 && columns > 0 && tiles <= Self::MOST_TILES,
                "pictures.rows and pictures.columns must be at least 1, and at most 10000 pictures together",
            ),
            (
                self.sampling != Sampling::Endless { steps: 0 },
                "sampling.steps must be at least 1",
            ),
        ] {
            if !ok {
                bail!("{what}");
            }
        }
        Ok(())
    }
}
