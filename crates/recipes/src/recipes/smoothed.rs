//! The loop that `dcgan-light` and `dcgan64` share: smoothed labels, and fresh noise for G.

use super::trained;
use crate::nets::dcgan::Size;
use crate::options::{self, GeneratorLoss, Targets};
use crate::settings::SampleMode;
use crate::{
    About, DataKind, Generator, ImageSize, Preset, Recipe, Report, Settings, Step, System,
};
use detach_nn::loss::bce_with_logits;
use detach_nn::{Initialiser, Module, Optim, Sequential, Trained};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    /// Channels of images: 1, or 3 for RGB.
    channels: usize,
    latent: usize,
    width: usize,
    batch_norm: bool,
    d_steps: u64,
    generator_loss: GeneratorLoss,
    /// Whether G's update moves the running statistics of D's BatchNorm.
    d_stats_in_g_step: bool,
    targets: Targets,
    g: Optim,
    d: Optim,
}

impl Options {
    /// What both recipes have.
    pub(crate) fn of(preset: Preset, image: ImageSize) -> Self {
        Self {
            channels: image.channels,
            latent: 100,
            width: 64,
            batch_norm: true,
            d_steps: 1,
            generator_loss: GeneratorLoss::NonSaturating,
            d_stats_in_g_step: preset.is_published(),
            targets: Targets::SMOOTH,
            g: options::adam_of_dcgan(2e-4),
            d: options::adam_of_dcgan(2e-4),
        }
    }
}

impl options::Options for Options {
    fn check(&self) -> Result<(), String> {
        options::require_channels(self.channels)?;
        options::require_sizes("latent", &[self.latent])?;
        options::require_sizes("width", &[self.width])?;
        options::require_d_steps(self.d_steps)?;
        self.targets.check()?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// What one of the two has of its own.
pub(crate) trait Published: 'static {
    const ABOUT: About;
    const IMAGE: ImageSize;
    fn generator(channels: usize, size: Size, init: &Initialiser) -> Sequential;
    fn discriminator(
        channels: usize,
        width: usize,
        batch_norm: bool,
        init: &Initialiser,
    ) -> Sequential;
}

/// One of the two in training.
pub(crate) struct Smoothed<P> {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    options: Options,
    published: PhantomData<P>,
}

impl<P: Published> System for Smoothed<P> {
    const ABOUT: About = P::ABOUT;
    type Options = Options;
    type Generator = Generator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let mut settings = Settings::of_epochs(50);
        settings.pictures.mode = SampleMode::of(preset);
        (settings, Options::of(preset, P::IMAGE))
    }

    fn data(o: &Options) -> Vec<DataKind> {
        vec![DataKind::Images(ImageSize {
            channels: o.channels,
            ..P::IMAGE
        })]
    }

    fn batches_a_step(options: &Options) -> u64 {
        options.d_steps
    }

    fn generator(o: &Options, init: &Initialiser) -> Generator {
        let size = Size {
            latent: o.latent,
            width: o.width,
            batch_norm: o.batch_norm,
        };
        Generator {
            net: P::generator(o.channels, size, init),
            latent: o.latent,
        }
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, |init| {
                P::discriminator(o.channels, o.width, o.batch_norm, init)
            }),
            options: o.clone(),
            published: PhantomData,
        }
    }
}

impl<P: Published> Recipe for Smoothed<P> {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self {
            g, d, options: o, ..
        } = self;
        let (train, mut report) = (step.train(), Report::new());
        let n = step.repeat(o.d_steps, |step| {
            let real = step.batch(0).images;
            let n = real.shape()[0];
            // Only D learns from these fakes, so G's graph would be built for nothing.
            let fake = g.forward(&step.noise(&[n, o.latent]), train).detach();
            let (real_logits, fake_logits) = (d.forward(&real, train), d.forward(&fake, train));
            let on_real = bce_with_logits(&real_logits, o.targets.real);
            let on_fake = bce_with_logits(&fake_logits, o.targets.fake);
            let d_loss = &on_real + &on_fake;
            step.update(d, &d_loss);
            report.discriminator(&d_loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
            n
        });
        let fake = g.forward(&step.noise(&[n, o.latent]), train);
        let fake_logits = d.forward(&fake, train.moving_stats(o.d_stats_in_g_step));
        report.g_turn(&fake_logits);
        let g_loss = o.generator_loss.of(&fake_logits, &o.targets);
        step.update(g, &g_loss);
        report.generator(&g_loss, &fake);
        report
    }

    parts!();
}

state!(Smoothed<P>, P);
