//! `mlp`: fully connected, batch-normalised; in two published orders.

use super::{DataKind, Info, Judged, Pair, Recipe, Report, Step};
use crate::nets::mlp::{discriminator, generator};
use crate::settings::{Order, PictureSource, Pictures, Preset, SampleMode, Sampling, Settings};
use detach_nn::{Initialiser, Mode, Module, gradients, loss::bce_with_logits};
use detach_tensor::Tensor;

pub(super) const LATENT: usize = 100;

pub(super) const INFO: Info = Info {
    name: "mlp",
    summary: "fully connected, batch-normalised G; `--order g-first` for the other published loop",
    step: "D on real + D on detached fakes, one step; G on fresh noise through the updated D. \
           With `--order g-first`: G, then D (mean of both losses) on the fakes made before G's update",
    data: DataKind::DIGITS,
    settings,
    notes: &[
        "BatchNorm1d(n, 0.8) sets eps, not momentum: unit-variance activations come out scaled by 0.745; \
         `fixed` uses eps 1e-5 (bn-eps = 1e-5).",
        "Pictures were published in train mode (the batch's own statistics); `fixed` takes them in eval mode.",
    ],
    latent: LATENT,
    generator: |settings, init| generator(settings.bn_eps.unwrap_or(1e-5), init),
    build,
};

/// The published misuse of BatchNorm1d's second argument, and what was meant.
pub(super) fn bn_eps(preset: Preset) -> f64 {
    match preset {
        Preset::AsPublished => 0.8,
        Preset::Fixed => 1e-5,
    }
}

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
        bn_eps: Some(bn_eps(preset)),
        order: Some(Order::DFirst),
        pictures: Pictures {
            rows: 5,
            columns: 5,
            every_steps: 400,
            first: true,
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

/// What `--order g-first` changes besides the order: it was published with 200 epochs.
pub(crate) fn g_first(settings: &mut Settings) {
    settings.order = Some(Order::GFirst);
    settings.epochs = 200;
}

struct Mlp {
    pair: Pair,
    order: Order,
}

fn build(settings: &Settings, init: &Initialiser) -> Box<dyn Recipe> {
    Box::new(Mlp {
        pair: Pair::new(
            settings,
            LATENT,
            (INFO.generator)(settings, init),
            discriminator(init),
        ),
        order: settings.order.unwrap_or(Order::DFirst),
    })
}

/// G's update through D as it is; returns its loss.
pub(super) fn update_g(pair: &mut Pair, fake: &Tensor, mode: Mode<'_>) -> Tensor {
    let Pair { g, d, g_adam, .. } = pair;
    let loss = bce_with_logits(&d.forward(fake, mode), 1.0);
    g_adam.step(g, &gradients(&loss, g));
    loss.detach()
}

/// D's update on reals and fakes that G does not learn from; the two losses are summed
/// and scaled by `weight`.
pub(super) fn update_d(
    pair: &mut Pair,
    real: &Tensor,
    fake: &Tensor,
    weight: f64,
    mode: Mode<'_>,
) -> Judged {
    let Pair { d, d_adam, .. } = pair;
    let on_real = d.forward(real, mode);
    let on_fake = d.forward(&fake.detach(), mode);
    let loss = (bce_with_logits(&on_real, 1.0) + bce_with_logits(&on_fake, 0.0)) * weight;
    d_adam.step(d, &gradients(&loss, d));
    Judged::new(&loss, &on_real, &on_fake)
}

impl Mlp {
    fn d_first(&mut self, real: &Tensor, step: &mut Step<'_>) -> Report {
        let n = real.shape()[0];
        let (z_d, z_g) = (step.noise(n, LATENT), step.noise(n, LATENT));
        let mode = step.train();
        let fake = self.pair.g.forward(&z_d, mode).detach();
        let judged = update_d(&mut self.pair, real, &fake, 1.0, mode);
        let fake = self.pair.g.forward(&z_g, mode);
        let g_loss = update_g(&mut self.pair, &fake, mode);
        judged.report(&g_loss, &fake)
    }
}

/// G first; then D on the fakes made before G's update. Shared with `mlp-relu`.
pub(super) fn g_first_step(pair: &mut Pair, real: &Tensor, step: &mut Step<'_>) -> Report {
    let z = step.noise(real.shape()[0], LATENT);
    let mode = step.train();
    let fake = pair.g.forward(&z, mode);
    let g_loss = update_g(pair, &fake, mode);
    let judged = update_d(pair, real, &fake, 0.5, mode);
    judged.report(&g_loss, &fake)
}

impl Recipe for Mlp {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let real = step.real();
        match self.order {
            Order::DFirst => self.d_first(&real, step),
            Order::GFirst => g_first_step(&mut self.pair, &real, step),
        }
    }

    fn pair(&self) -> &Pair {
        &self.pair
    }

    fn pair_mut(&mut self) -> &mut Pair {
        &mut self.pair
    }
}
