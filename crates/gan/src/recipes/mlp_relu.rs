//! `mlp-relu`: the fully connected GAN with ReLU in its discriminator, even before σ.

use super::mlp::{LATENT, bn_eps, g_first_step};
use super::{DataKind, Info, Pair, Recipe, Report, Step};
use crate::nets::mlp::{generator, relu_discriminator};
use crate::settings::{PictureSource, Pictures, Preset, SampleMode, Sampling, Settings};
use detach_nn::Initialiser;

pub(super) const INFO: Info = Info {
    name: "mlp-relu",
    summary: "fully connected, ReLU before σ in D: a published fault worth seeing",
    step: "G first; then D (mean of both losses) on the fakes made before G's update, detached",
    data: DataKind::DIGITS,
    settings,
    notes: &[
        "ReLU before σ keeps p in [0.5, 1): G's loss can never exceed 0.6931, D's never falls below 0.3466, \
         and about 32% of discriminators start fully dead; `fixed` drops that ReLU (last-relu = false).",
        "BatchNorm1d(n, 0.8) sets eps, not momentum; `fixed` uses eps 1e-5 (bn-eps = 1e-5).",
        "Pictures were published in train mode (the batch's own statistics); `fixed` takes them in eval mode.",
    ],
    latent: LATENT,
    generator: |settings, init| generator(settings.bn_eps.unwrap_or(1e-5), init),
    build,
};

fn settings(preset: Preset) -> Settings {
    let published = preset == Preset::AsPublished;
    Settings {
        epochs: 99,
        batch_size: 64,
        sampling: Sampling::Shuffled { drop_last: true },
        lr: 1e-4,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        bn_eps: Some(bn_eps(preset)),
        last_relu: Some(published),
        pictures: Pictures {
            rows: 5,
            columns: 5,
            every_steps: 1000,
            mode: if published {
                SampleMode::Batch
            } else {
                SampleMode::Eval
            },
            source: PictureSource::Fakes,
            ..Pictures::default()
        },
        ..Settings::default()
    }
}

struct MlpRelu {
    pair: Pair,
}

fn build(settings: &Settings, init: &Initialiser) -> Box<dyn Recipe> {
    let generator = (INFO.generator)(settings, init);
    let discriminator = relu_discriminator(settings.last_relu.unwrap_or(false), init);
    Box::new(MlpRelu {
        pair: Pair::new(settings, LATENT, generator, discriminator),
    })
}

impl Recipe for MlpRelu {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let real = step.real();
        g_first_step(&mut self.pair, &real, step)
    }

    fn pair(&self) -> &Pair {
        &self.pair
    }

    fn pair_mut(&mut self) -> &mut Pair {
        &mut self.pair
    }
}
