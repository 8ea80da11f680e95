//! `mlp-relu`: the fully connected GAN with ReLU in its discriminator, even before σ.

use super::mlp::{bn_eps, g_first_step, pictures};
use super::trained;
use crate::nets::mlp::{generator, relu_discriminator};
use crate::options::{self, GeneratorLoss, Targets};
use crate::settings::{Sampling, Scaling};
use crate::{About, Generator, Preset, Recipe, Report, Settings, Step, System};
use detach_nn::{Initialiser, Optim, Sequential, Trained};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    latent: usize,
    g_widths: Vec<usize>,
    d_widths: Vec<usize>,
    batch_norm: bool,
    bn_eps: f64,
    /// A ReLU before D's σ.
    last_relu: bool,
    generator_loss: GeneratorLoss,
    targets: Targets,
    g: Optim,
    d: Optim,
}

impl options::Options for Options {
    fn check(&self) -> Result<(), String> {
        options::require_sizes("latent", &[self.latent])?;
        options::require_sizes("g-widths", &self.g_widths)?;
        options::require_sizes("d-widths", &self.d_widths)?;
        options::require_bn_eps(self.bn_eps)?;
        self.targets.check()?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// The recipe in training.
pub(crate) struct MlpRelu {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    options: Options,
}

impl System for MlpRelu {
    const ABOUT: About = About {
        name: "mlp-relu",
        summary: "fully connected, ReLU before σ in D: a published fault worth seeing",
        step: "G first; then D (mean of both losses) on the fakes made before G's update, detached",
        losses: &[
            "G: −E log D(G(z))",
            "D: ½(−E log D(x) − E log(1 − D(G(z))))",
        ],
        sources: &[
            "of the source: networks, order, Adam 1e-4 with betas 0.9 and 0.999, batches of 64 without the short last \
             one, 99 epochs (92,763 steps), 5×5 pictures of the step's fakes every 1,000 steps",
        ],
        detach: "G's update has used the fakes' graph; D then gets them detached. G's update names G alone: D is \
                 frozen in it",
        notes: &[
            "ReLU before σ keeps p in [0.5, 1): G's loss can never exceed 0.6931, D's never falls below 0.3466, \
             and about 32% of discriminators start fully dead; `fixed` drops that ReLU (last-relu = false).",
            "BatchNorm1d(n, 0.8) sets eps, not momentum; `fixed` uses eps 1e-5 (bn-eps = 1e-5).",
            "Pictures were published as the step's first fakes, so in train mode (the batch's own statistics), and \
             saved without scaling: what is below 0 is black; `fixed` draws the same noise each time in eval mode, \
             with -1 as black and 1 as white (pictures.source, pictures.mode, pictures.scaling).",
        ],
    };
    type Options = Options;
    type Generator = Generator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let settings = Settings {
            epochs: 99,
            batch_size: 64,
            sampling: Sampling::Shuffled { drop_last: true },
            pictures: pictures(preset, 1000, Scaling::Clamp),
            ..Settings::default()
        };
        let options = Options {
            latent: 100,
            g_widths: vec![128, 256, 512, 1024],
            d_widths: vec![512, 256, 128],
            batch_norm: true,
            bn_eps: bn_eps(preset),
            last_relu: preset.is_published(),
            generator_loss: GeneratorLoss::NonSaturating,
            targets: Targets::HARD,
            g: Optim::adam(1e-4, 0.9, 0.999),
            d: Optim::adam(1e-4, 0.9, 0.999),
        };
        (settings, options)
    }

    fn generator(o: &Options, init: &Initialiser) -> Generator {
        let bn_eps = o.batch_norm.then_some(o.bn_eps);
        Generator {
            net: generator(o.latent, &o.g_widths, bn_eps, init),
            latent: o.latent,
        }
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, |init| {
                relu_discriminator(&o.d_widths, o.last_relu, init)
            }),
            options: o.clone(),
        }
    }
}

impl Recipe for MlpRelu {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        g_first_step(g, d, o.latent, (o.generator_loss, &o.targets), step)
    }

    parts!();
}

state!(MlpRelu);
