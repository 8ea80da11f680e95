//! `gauss1d`: learn the standard normal density from samples; small enough to watch.

use super::{DataKind, Info, Judged, Pair, Recipe, Report, Step};
use crate::nets::mlp::small;
use crate::settings::{PictureSource, Pictures, Preset, SampleMode, Sampling, Settings};
use detach_nn::{Initialiser, Mode, Module, gradients, loss::bce_with_logits};
use detach_tensor::Tensor;

const LATENT: usize = 10;
/// D's updates for each of G's.
const D_STEPS: usize = 5;

pub(super) const INFO: Info = Info {
    name: "gauss1d",
    summary: "learns N(0, 1) from samples, histograms on the way; seconds to train",
    step: "5 × D (fresh reals and fakes each), then G on fresh noise",
    data: DataKind::Gaussian,
    settings,
    notes: &[
        "The published loss is −log(p + 1e-8), which biases p near 0 and 1; `fixed` computes it from logits \
         (log-eps = 0).",
    ],
    latent: LATENT,
    generator: |_, init| small(LATENT, init),
    build,
};

fn settings(preset: Preset) -> Settings {
    Settings {
        // One iteration is one step; there are no epochs, so one epoch holds them all.
        epochs: 1,
        batch_size: 64,
        sampling: Sampling::Endless { steps: 5000 },
        lr: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        log_eps: Some(if preset == Preset::AsPublished {
            1e-8
        } else {
            0.0
        }),
        pictures: Pictures {
            rows: 1,
            columns: 1000,
            every_steps: 500,
            mode: SampleMode::Eval,
            source: PictureSource::Fresh,
            ..Pictures::default()
        },
        ..Settings::default()
    }
}

struct Gauss1d {
    pair: Pair,
    log_eps: f64,
}

fn build(settings: &Settings, init: &Initialiser) -> Box<dyn Recipe> {
    Box::new(Gauss1d {
        pair: Pair::new(
            settings,
            LATENT,
            (INFO.generator)(settings, init),
            small(1, init),
        ),
        log_eps: settings.log_eps.unwrap_or(0.0),
    })
}

impl Gauss1d {
    /// −mean log(p + ε) for label 1, −mean log(1 − p + ε) for label 0.
    fn loss(&self, logits: &Tensor, label: f64) -> Tensor {
        if self.log_eps == 0.0 {
            return bce_with_logits(logits, label);
        }
        let p = match label {
            1.0 => logits.sigmoid(),
            _ => -logits.sigmoid() + 1.0,
        };
        -(p + self.log_eps).ln().mean()
    }

    fn update_d(&mut self, real: &Tensor, fake: &Tensor, mode: Mode<'_>) -> Judged {
        let on_real = self.pair.d.forward(real, mode);
        let on_fake = self.pair.d.forward(&fake.detach(), mode);
        let loss = self.loss(&on_real, 1.0) + self.loss(&on_fake, 0.0);
        let Pair { d, d_adam, .. } = &mut self.pair;
        d_adam.step(d, &gradients(&loss, d));
        Judged::new(&loss, &on_real, &on_fake)
    }

    fn update_g(&mut self, z: &Tensor, mode: Mode<'_>) -> (Tensor, Tensor) {
        let fake = self.pair.g.forward(z, mode);
        let loss = self.loss(&self.pair.d.forward(&fake, mode), 1.0);
        let Pair { g, g_adam, .. } = &mut self.pair;
        g_adam.step(g, &gradients(&loss, g));
        (loss, fake)
    }
}

impl Recipe for Gauss1d {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let mut d_step = |this: &mut Self| {
            let real = step.real();
            let z = step.noise(real.shape()[0], LATENT);
            let mode = step.train();
            let fake = this.pair.g.forward(&z, mode).detach();
            this.update_d(&real, &fake, mode)
        };
        let mut judged = d_step(self);
        for _ in 1..D_STEPS {
            judged = d_step(self);
        }
        let z = step.noise(judged.on_fake.shape()[0], LATENT);
        let (g_loss, fake) = self.update_g(&z, step.train());
        judged.report(&g_loss, &fake)
    }

    fn pair(&self) -> &Pair {
        &self.pair
    }

    fn pair_mut(&mut self) -> &mut Pair {
        &mut self.pair
    }
}
