//! `keras-mlp`: the fully connected GAN of the Keras tutorials.

use super::{DataKind, Info, Judged, Pair, Recipe, Report, Step};
use crate::nets::mlp::{keras_discriminator, keras_generator};
use crate::settings::{
    InitScheme, PictureSource, Pictures, Preset, SampleMode, Sampling, Settings,
};
use detach_nn::{Initialiser, Mode, Module, gradients, loss::bce_with_logits};
use detach_tensor::Tensor;

const LATENT: usize = 100;

pub(super) const INFO: Info = Info {
    name: "keras-mlp",
    summary: "fully connected, dropout in D, two D updates a step; as the Keras tutorials do",
    step: "D on real, step; D on fakes, step; then G on the same noise again through D",
    data: DataKind::DIGITS,
    settings,
    notes: &[
        "`train_on_batch` twice makes two Adam steps of D a step, the second on gradients of the already moved \
         weights; G's fakes are computed again, and `trainable = False` does not turn D's dropout off. Kept.",
        "Batches are drawn with replacement: an epoch sees about 63% of the images; `fixed` shuffles \
         (sampling = \"shuffled-drop-last\").",
        "Keras: Glorot-uniform weights, zero biases, and Adam with eps 1e-7.",
    ],
    latent: LATENT,
    generator: |_, init| keras_generator(init),
    build,
};

fn settings(preset: Preset) -> Settings {
    Settings {
        epochs: 50,
        batch_size: 128,
        init: InitScheme::Keras,
        sampling: match preset {
            Preset::AsPublished => Sampling::WithReplacement,
            Preset::Fixed => Sampling::Shuffled { drop_last: true },
        },
        lr: 2e-4,
        beta1: 0.5,
        beta2: 0.999,
        eps: 1e-7,
        dropout: Some(0.3),
        pictures: Pictures {
            rows: 5,
            columns: 5,
            every_epochs: 10,
            first: true,
            mode: SampleMode::Eval,
            source: PictureSource::Fresh,
            ..Pictures::default()
        },
        ..Settings::default()
    }
}

struct KerasMlp {
    pair: Pair,
}

fn build(settings: &Settings, init: &Initialiser) -> Box<dyn Recipe> {
    let dropout = settings.dropout.unwrap_or(0.0);
    Box::new(KerasMlp {
        pair: Pair::new(
            settings,
            LATENT,
            (INFO.generator)(settings, init),
            keras_discriminator(dropout, init),
        ),
    })
}

impl KerasMlp {
    /// One of D's two updates: towards `label` on `x`. Returns loss and logits.
    fn update_d(&mut self, x: &Tensor, label: f64, mode: Mode<'_>) -> (Tensor, Tensor) {
        let Pair { d, d_adam, .. } = &mut self.pair;
        let logits = d.forward(x, mode);
        let loss = bce_with_logits(&logits, label);
        d_adam.step(d, &gradients(&loss, d));
        (loss.detach(), logits.detach())
    }

    fn update_g(&mut self, z: &Tensor, mode: Mode<'_>) -> Tensor {
        let Pair { g, d, g_adam, .. } = &mut self.pair;
        let loss = bce_with_logits(&d.forward(&g.forward(z, mode), mode), 1.0);
        g_adam.step(g, &gradients(&loss, g));
        loss
    }
}

impl Recipe for KerasMlp {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let real = step.real();
        let z = step.noise(real.shape()[0], LATENT);
        let mode = step.train();
        let fake = self.pair.g.forward(&z, mode).detach();
        let (loss_real, on_real) = self.update_d(&real, 1.0, mode);
        let (loss_fake, on_fake) = self.update_d(&fake, 0.0, mode);
        let g_loss = self.update_g(&z, mode);
        let d_loss = (loss_real + loss_fake) * 0.5;
        Judged::new(&d_loss, &on_real, &on_fake).report(&g_loss, &fake)
    }

    fn pair(&self) -> &Pair {
        &self.pair
    }

    fn pair_mut(&mut self) -> &mut Pair {
        &mut self.pair
    }
}
