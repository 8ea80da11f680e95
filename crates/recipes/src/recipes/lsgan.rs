//! `lsgan`: squared distances instead of logarithms (Mao et al., arXiv:1611.04076).

use super::trained;
use crate::nets::dcgan::{Size, critic, generator_of};
use crate::options::{self, require_side};
use crate::penalty::Penalty;
use crate::{
    About, DataKind, Generator, ImageSize, Preset, Recipe, Report, Settings, Step, System, Words,
};
use detach_nn::{Adversarial, Initialiser, Module, Optim, Sequential, Trained};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    /// 28, or 64 for RGB.
    size: usize,
    /// Channels of images of 28×28: 1, or 3 for RGB.
    channels: usize,
    latent: usize,
    width: usize,
    /// Whether D has batch normalisation; only without a penalty.
    batch_norm: bool,
    loss: Adversarial,
    penalty: Penalty,
    g: Optim,
    d: Optim,
}

impl options::Options for Options {
    fn check(&self) -> Result<(), String> {
        require_side(self.size)?;
        options::require_channels(self.channels)?;
        options::require_sizes("latent", &[self.latent])?;
        options::require_sizes("width", &[self.width])?;
        self.penalty.check(self.batch_norm)?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// The recipe in training.
pub(crate) struct Lsgan {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    options: Options,
}

impl System for Lsgan {
    const ABOUT: About = About {
        name: "lsgan",
        summary: "least squares: fakes are pulled even where D is sure of them",
        step: "D on real + D on detached fakes, one step; G on fresh noise through the updated D",
        losses: &["D: ½ E(D(x) − 1)² + ½ E D(G(z))²", "G: ½ E(D(G(z′)) − 1)²"],
        sources: &[
            "of the source: the networks of `dcgan-light` without σ, its loop, the loss with its halves, Adam 2e-4 with betas \
             0.5 and 0.999",
            "our choice: 50 epochs of batches of 64, an 8×8 picture from 64 fixed points of noise every epoch",
        ],
        detach: "the fakes that D learns from are detached as soon as they are made; G's update names G alone",
        notes: &[
            "As published D has BatchNorm and wins early: D(G(z)) stays at 0 and G makes noise for the first hundreds of \
             steps. `fixed` takes it out of D (batch-norm = false).",
            "loss is one of wasserstein, least-squares, hinge, logistic, saturating, relativistic; penalty.kind one of none, \
             gradient, r1, r2, r1-r2, with penalty.weight and penalty.every; a penalty needs batch-norm = false.",
        ],
        log: None,
        zh: Words {
            summary: "最小二乘：即使 D 已有把握，假样本仍被拉动",
            step: "D 用真样本与 detach 后的假样本做一次更新；G 用新噪声，经过更新后的 D",
            losses: &[
                "判别器：½ E(D(x) − 1)² + ½ E D(G(z))²",
                "生成器：½ E(D(G(z′)) − 1)²",
            ],
            sources: &[
                "来自原教程：`dcgan-light` 去掉 σ 的网络、它的循环、带 ½ 的损失、Adam 2e-4（betas 0.5 与 0.999）",
                "我们的选择：50 个 epoch、批大小 64、每个 epoch 用 64 个固定噪声点画一张 8×8 的图",
            ],
            detach: "D 所学的假样本一生成就被 detach；G 的更新只对 G 求梯度",
            notes: &[
                "按发表的样子，D 带 BatchNorm，很早就赢了：D(G(z)) 停在 0，G 在最初几百步里只产生噪声。`fixed` \
                 从 D 中去掉它（batch-norm = false）。",
                "loss 可取 wasserstein、least-squares、hinge、logistic、saturating、relativistic；penalty.kind \
                 可取 none、gradient、r1、r2、r1-r2，另有 penalty.weight 与 penalty.every；惩罚需要 batch-norm \
                 = false。",
            ],
        },
    };
    type Options = Options;
    type Generator = Generator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let options = Options {
            size: 28,
            channels: 1,
            latent: 100,
            width: 64,
            batch_norm: preset.is_published(),
            loss: Adversarial::LeastSquares,
            penalty: Penalty::NONE,
            g: options::adam_of_dcgan(2e-4),
            d: options::adam_of_dcgan(2e-4),
        };
        (Settings::of_epochs(50), options)
    }

    fn data(o: &Options) -> Vec<DataKind> {
        vec![DataKind::Images(ImageSize::of(o.channels, o.size))]
    }

    fn generator(o: &Options, init: &Initialiser) -> Generator {
        let size = Size {
            latent: o.latent,
            width: o.width,
            batch_norm: true,
        };
        generator_of(ImageSize::of(o.channels, o.size), size, init)
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        let image = ImageSize::of(o.channels, o.size);
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, |init| {
                critic(image, o.width, o.batch_norm, false, init)
            }),
            options: o.clone(),
        }
    }
}

impl Recipe for Lsgan {
    fn phase(&self, step: u64) -> u32 {
        self.options.penalty.phase(step)
    }

    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let (train, mut report) = (step.train(), Report::new());
        let real = step.batch(0).images;
        let n = real.shape()[0];
        let fake = g.forward(&step.noise(&[n, o.latent]), train).detach();
        let (on_real, on_fake) = (d.forward(&real, train), d.forward(&fake, train));
        let mut d_loss = o.loss.discriminator(&on_real, &on_fake);
        if step.phase() == Penalty::DUE {
            let alpha = || step.uniform(&[n, 1, 1, 1]);
            let [penalty, norms] = o.penalty.of(|x| d.forward(x, train), [&real, &fake], alpha);
            d_loss = d_loss + &penalty;
            report.penalty([&penalty, &norms]);
        }
        step.update(d, &d_loss);
        report.critic(&d_loss, [&on_real, &on_fake]);
        let fake = g.forward(&step.noise(&[n, o.latent]), train);
        let g_loss = o
            .loss
            .generator(&d.forward(&fake, train), || d.forward(&real, train));
        step.update(g, &g_loss);
        report.generator(&g_loss, &fake);
        report
    }

    parts!();
}

state!(Lsgan);
