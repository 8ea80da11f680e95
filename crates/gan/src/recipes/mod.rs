//! Recipes: each file is one published system: networks, optimisers, and the training
//! step as its paper or tutorial writes it.
//!
//! Update order, which noise is used again, critic steps and loss weights are visible
//! in the recipe's `train_step`; no loop is shared that would hide them behind flags.
//! To add one: a file with an [`Info`] and an implementation of [`Recipe`], and its
//! line in [`RECIPES`].

mod dcgan;
mod dcgan64;
mod dcgan_light;
mod gauss1d;
mod keras_mlp;
mod mlp;
mod mlp_relu;

pub(crate) use mlp::g_first;

use crate::gallery::Sampler;
use crate::settings::{Preset, Settings};
use anyhow::{Result, bail};
use detach_nn::{Adam, AdamConfig, Initialiser, Mode, Sequential, Slot, State, join};
use detach_tensor::{Random, Tensor};

/// What the generator is called in a checkpoint.
pub const GENERATOR: &str = "generator";

/// Every recipe there is. The command line, the tests and the documents follow.
pub const RECIPES: &[&Info] = &[
    &dcgan_light::INFO,
    &dcgan::INFO,
    &dcgan64::INFO,
    &mlp::INFO,
    &mlp_relu::INFO,
    &keras_mlp::INFO,
    &gauss1d::INFO,
];

/// The recipe called `name`.
///
/// # Errors
/// When there is none, naming those there are.
pub fn find(name: &str) -> Result<&'static Info> {
    if let Some(info) = RECIPES.iter().find(|info| info.name == name) {
        return Ok(info);
    }
    let names: Vec<&str> = RECIPES.iter().map(|info| info.name).collect();
    bail!(
        "there is no recipe `{name}`; there are: {}",
        names.join(", ")
    )
}

/// What is known of a recipe before it is built.
#[derive(Debug)]
pub struct Info {
    /// The name on the command line.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// One training step, in words.
    pub step: &'static str,
    /// What is trained on.
    pub data: DataKind,
    /// The settings of a preset.
    pub settings: fn(Preset) -> Settings,
    /// What is wrong, or worth knowing, in the published version; what `fixed` changes.
    pub notes: &'static [&'static str],
    /// Dimensions of the noise.
    pub latent: usize,
    /// Builds the generator alone: all that sampling needs.
    pub generator: fn(&Settings, &Initialiser) -> Sequential,
    /// Builds networks and optimisers.
    pub build: fn(&Settings, &Initialiser) -> Box<dyn Recipe>,
}

/// What a recipe is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Images `[N, C, side, side]` in [-1, 1].
    Images(ImageSize),
    /// Samples `[N, 1]` of the standard normal distribution.
    Gaussian,
}

/// How large images are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSize {
    /// 1 for gray, 3 for RGB.
    pub channels: usize,
    /// Height and width in pixels.
    pub side: usize,
}

impl DataKind {
    /// Images as the data has them, `[N, 1, 28, 28]`.
    pub const DIGITS: Self = Self::Images(ImageSize {
        channels: 1,
        side: detach_mnist::SIDE,
    });

    /// The shape of `n` samples.
    pub fn shape(self, n: usize) -> Vec<usize> {
        match self {
            Self::Images(ImageSize { channels, side }) => vec![n, channels, side, side],
            Self::Gaussian => vec![n, 1],
        }
    }
}

/// A system in training.
pub trait Recipe {
    /// One step of the published loop: one G update and the D updates around it.
    fn train_step(&mut self, step: &mut Step<'_>) -> Report;
    /// The networks and optimisers.
    fn pair(&self) -> &Pair;
    /// The same, for tests that set weights or watch updates.
    fn pair_mut(&mut self) -> &mut Pair;
}

/// Where a training step gets its random inputs from. Tests give their own.
pub struct Step<'a> {
    /// The next batch of real samples.
    pub real: &'a mut dyn FnMut() -> Tensor,
    /// Standard normal noise of a shape.
    pub noise: &'a mut dyn FnMut(&[usize]) -> Tensor,
    /// Dropout's randomness.
    pub dropout: &'a Random,
}

impl Step<'_> {
    /// The next batch of real samples.
    pub fn real(&mut self) -> Tensor {
        (self.real)()
    }

    /// Fresh noise `[n, latent]`.
    pub fn noise(&mut self, n: usize, latent: usize) -> Tensor {
        (self.noise)(&[n, latent])
    }

    /// Training mode: batch statistics, dropout on.
    pub fn train(&self) -> Mode<'_> {
        Mode::train(self.dropout)
    }
}

/// What a step tells. Everything is detached and still on the device: reading a value
/// waits for it, so it is read only when it is due to be shown, and before the next step.
#[derive(Clone, Debug)]
pub struct Report {
    /// D's loss, as published (a sum or a mean of its halves).
    pub d_loss: Tensor,
    /// G's loss.
    pub g_loss: Tensor,
    /// D's logits of the real samples, before its update.
    pub on_real: Tensor,
    /// D's logits of the fake samples, before its update.
    pub on_fake: Tensor,
    /// The step's fake samples.
    pub fake: Tensor,
}

impl Report {
    /// Share of D(x) > ½.
    pub fn real_acc(&self) -> f64 {
        share(&self.on_real, |logit| logit > 0.0)
    }

    /// Share of D(G(z)) < ½.
    pub fn fake_acc(&self) -> f64 {
        share(&self.on_fake, |logit| logit < 0.0)
    }
}

fn share(logits: &Tensor, is: fn(f64) -> bool) -> f64 {
    let logits = logits.to_vec::<f64>();
    logits.iter().filter(|x| is(**x)).count() as f64 / logits.len() as f64
}

/// What one evaluation of D on reals and fakes leaves behind once its graph is gone.
struct Judged {
    loss: Tensor,
    on_real: Tensor,
    on_fake: Tensor,
}

impl Judged {
    fn new(loss: &Tensor, on_real: &Tensor, on_fake: &Tensor) -> Self {
        Self {
            loss: loss.detach(),
            on_real: on_real.detach(),
            on_fake: on_fake.detach(),
        }
    }

    fn report(self, g_loss: &Tensor, fake: &Tensor) -> Report {
        Report {
            d_loss: self.loss,
            g_loss: g_loss.detach(),
            on_real: self.on_real,
            on_fake: self.on_fake,
            fake: fake.detach(),
        }
    }
}

/// A generator, a discriminator and an Adam for each.
pub struct Pair {
    /// The generator: noise `[N, latent]` to samples.
    pub g: Sequential,
    /// The discriminator: samples to logits `[N, 1]`.
    pub d: Sequential,
    /// G's optimiser.
    pub g_adam: Adam,
    /// D's optimiser.
    pub d_adam: Adam,
    /// Dimensions of the noise.
    pub latent: usize,
}

impl Pair {
    fn new(settings: &Settings, latent: usize, g: Sequential, d: Sequential) -> Self {
        let config = AdamConfig {
            lr: settings.lr,
            beta1: settings.beta1,
            beta2: settings.beta2,
            eps: settings.eps,
        };
        Self {
            g_adam: Adam::new(config, &g),
            d_adam: Adam::new(config, &d),
            g,
            d,
            latent,
        }
    }

    /// The networks, under the names they have in a checkpoint.
    pub fn networks(&self) -> [(&'static str, &Sequential); 2] {
        [(GENERATOR, &self.g), ("discriminator", &self.d)]
    }

    /// The generator, to draw samples from.
    pub fn sampler(&self) -> Sampler<'_> {
        Sampler {
            g: &self.g,
            latent: self.latent,
        }
    }
}

/// What a checkpoint holds: the networks and their optimisers.
impl State for Pair {
    fn visit<'a>(&'a self, path: &str, f: &mut dyn FnMut(String, Slot<'a>)) {
        self.g.visit(&join(path, GENERATOR), f);
        self.d.visit(&join(path, "discriminator"), f);
        self.g_adam.visit(&join(path, "adam_g"), f);
        self.d_adam.visit(&join(path, "adam_d"), f);
    }
}
