//! `dcgan`: a convolutional GAN with dropout in its discriminator.

use super::{DataKind, Info, Judged, Pair, Recipe, Report, Step};
use crate::nets::dcgan::{discriminator, generator};
use crate::settings::{PictureSource, Pictures, Preset, SampleMode, Sampling, Settings};
use detach_nn::{Initialiser, Mode, Module, gradients, loss::bce_with_logits};
use detach_tensor::Tensor;

const LATENT: usize = 100;

pub(super) const INFO: Info = Info {
    name: "dcgan",
    summary: "convolutional, batch-normalised, dropout in D; the classic",
    step: "D on real + D on the detached fakes, one step; G through the updated D on the same fakes",
    data: DataKind::DIGITS,
    settings,
    notes: &[
        "D's BatchNorm sees three batches a step (real, fake, and fake again for G), so its running \
         statistics move three times; `fixed` leaves them alone in G's update (d-stats-in-g-step = false).",
        "Pictures come from eval mode (running statistics), as published.",
    ],
    latent: LATENT,
    generator: |_, init| generator(init),
    build,
};

fn settings(preset: Preset) -> Settings {
    Settings {
        seed: 42,
        epochs: 100,
        batch_size: 64,
        sampling: Sampling::Shuffled { drop_last: false },
        lr: 2e-4,
        beta1: 0.5,
        beta2: 0.999,
        eps: 1e-8,
        dropout: Some(0.3),
        d_stats_in_g_step: Some(preset == Preset::AsPublished),
        pictures: Pictures {
            rows: 4,
            columns: 4,
            every_epochs: 10,
            mode: SampleMode::Eval,
            source: PictureSource::Fixed,
            ..Pictures::default()
        },
        ..Settings::default()
    }
}

struct Dcgan {
    pair: Pair,
    d_stats_in_g_step: bool,
}

fn build(settings: &Settings, init: &Initialiser) -> Box<dyn Recipe> {
    let dropout = settings.dropout.unwrap_or(0.0);
    Box::new(Dcgan {
        pair: Pair::new(
            settings,
            LATENT,
            (INFO.generator)(settings, init),
            discriminator(dropout, init),
        ),
        d_stats_in_g_step: settings.d_stats_in_g_step.unwrap_or(true),
    })
}

impl Dcgan {
    fn update_d(&mut self, real: &Tensor, fake: &Tensor, mode: Mode<'_>) -> Judged {
        let Pair { d, d_adam, .. } = &mut self.pair;
        let on_real = d.forward(real, mode);
        let on_fake = d.forward(&fake.detach(), mode);
        let loss = bce_with_logits(&on_real, 1.0) + bce_with_logits(&on_fake, 0.0);
        d_adam.step(d, &gradients(&loss, d));
        Judged::new(&loss, &on_real, &on_fake)
    }

    fn update_g(&mut self, fake: &Tensor, mode: Mode<'_>) -> Tensor {
        let Pair { g, d, g_adam, .. } = &mut self.pair;
        let mode = match self.d_stats_in_g_step {
            true => mode,
            false => mode.keep_running_stats(),
        };
        let loss = bce_with_logits(&d.forward(fake, mode), 1.0);
        g_adam.step(g, &gradients(&loss, g));
        loss
    }
}

impl Recipe for Dcgan {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let real = step.real();
        let z = step.noise(real.shape()[0], LATENT);
        let mode = step.train();
        let fake = self.pair.g.forward(&z, mode);
        let judged = self.update_d(&real, &fake, mode);
        let g_loss = self.update_g(&fake, mode);
        judged.report(&g_loss, &fake)
    }

    fn pair(&self) -> &Pair {
        &self.pair
    }

    fn pair_mut(&mut self) -> &mut Pair {
        &mut self.pair
    }
}
