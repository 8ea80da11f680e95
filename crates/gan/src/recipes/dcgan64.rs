//! `dcgan64`: the all-convolutional GAN of the DCGAN paper, RGB at 64×64, with smoothed
//! labels.

use super::{DataKind, ImageSize, Info, Judged, Pair, Recipe, Report, Step};
use crate::nets::dcgan::{rgb_discriminator, rgb_generator};
use crate::settings::{PictureSource, Pictures, Preset, SampleMode, Sampling, Settings};
use detach_nn::{Initialiser, Mode, Module, gradients, loss::bce_with_logits};
use detach_tensor::Tensor;

const LATENT: usize = 100;
/// Labels of real and fake samples, smoothed.
const REAL: f64 = 0.9;
const FAKE: f64 = 0.1;

pub(super) const INFO: Info = Info {
    name: "dcgan64",
    summary: "RGB at 64×64, no biases, five convolutions each; the paper's size",
    step: "D on real + D on detached fakes, one step; G on fresh noise through the updated D",
    data: DataKind::Images(ImageSize {
        channels: 3,
        side: 64,
    }),
    settings,
    notes: &[
        "The digits are enlarged to 64×64 (bilinear) and shown in all three channels.",
        "D's BatchNorm sees three batches a step, so its running statistics move three times; \
         `fixed` leaves them alone in G's update (d-stats-in-g-step = false).",
        "Pictures were published in train mode (the batch's own statistics); `fixed` takes them in eval mode.",
    ],
    latent: LATENT,
    generator: |_, init| rgb_generator(init),
    build,
};

fn settings(preset: Preset) -> Settings {
    let published = preset == Preset::AsPublished;
    Settings {
        epochs: 50,
        batch_size: 64,
        sampling: Sampling::Shuffled { drop_last: false },
        lr: 2e-4,
        beta1: 0.5,
        beta2: 0.999,
        eps: 1e-8,
        d_stats_in_g_step: Some(published),
        pictures: Pictures {
            rows: 8,
            columns: 8,
            every_epochs: 1,
            mode: if published {
                SampleMode::Batch
            } else {
                SampleMode::Eval
            },
            source: PictureSource::Fixed,
            ..Pictures::default()
        },
        ..Settings::default()
    }
}

struct Dcgan64 {
    pair: Pair,
    d_stats_in_g_step: bool,
}

fn build(settings: &Settings, init: &Initialiser) -> Box<dyn Recipe> {
    Box::new(Dcgan64 {
        pair: Pair::new(
            settings,
            LATENT,
            (INFO.generator)(settings, init),
            rgb_discriminator(init),
        ),
        d_stats_in_g_step: settings.d_stats_in_g_step.unwrap_or(true),
    })
}

impl Dcgan64 {
    fn update_d(&mut self, real: &Tensor, fake: &Tensor, mode: Mode<'_>) -> Judged {
        let Pair { d, d_adam, .. } = &mut self.pair;
        let on_real = d.forward(real, mode);
        let on_fake = d.forward(&fake.detach(), mode);
        let loss = bce_with_logits(&on_real, REAL) + bce_with_logits(&on_fake, FAKE);
        d_adam.step(d, &gradients(&loss, d));
        Judged::new(&loss, &on_real, &on_fake)
    }

    fn update_g(&mut self, z: &Tensor, mode: Mode<'_>) -> (Tensor, Tensor) {
        let Pair { g, d, g_adam, .. } = &mut self.pair;
        let d_mode = match self.d_stats_in_g_step {
            true => mode,
            false => mode.keep_running_stats(),
        };
        let fake = g.forward(z, mode);
        let loss = bce_with_logits(&d.forward(&fake, d_mode), REAL);
        g_adam.step(g, &gradients(&loss, g));
        (loss, fake)
    }
}

impl Recipe for Dcgan64 {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let real = step.real();
        let n = real.shape()[0];
        let (z_d, z_g) = (step.noise(n, LATENT), step.noise(n, LATENT));
        let mode = step.train();
        // Only D learns from these fakes, so G's graph would be built for nothing.
        let fake = self.pair.g.forward(&z_d, mode).detach();
        let judged = self.update_d(&real, &fake, mode);
        let (g_loss, fake) = self.update_g(&z_g, mode);
        judged.report(&g_loss, &fake)
    }

    fn pair(&self) -> &Pair {
        &self.pair
    }

    fn pair_mut(&mut self) -> &mut Pair {
        &mut self.pair
    }
}
