//! `wgan-gp`: a critic whose slope is held at 1 by a penalty (Gulrajani et al., arXiv:1704.00028,
//! Algorithm 1).

use super::trained;
use crate::nets::dcgan::{Size, critic, generator_of};
use crate::options::{self, require, require_side};
use crate::penalty::{Penalty, PenaltyKind};
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
    /// Whether the critic has batch normalisation; only without a penalty.
    batch_norm: bool,
    d_steps: u64,
    /// Whether each critic step takes another batch of reals.
    fresh_reals: bool,
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
        options::require_d_steps(self.d_steps)?;
        self.penalty.check(self.batch_norm)?;
        require(
            self.penalty.every == 1 || self.d_steps == 1,
            "penalty.every counts steps, and a step has several of the critic's: choose d-steps = 1 with it",
        )?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// The recipe in training.
pub(crate) struct WganGp {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    options: Options,
}

impl System for WganGp {
    const ABOUT: About = About {
        name: "wgan-gp",
        summary: "a critic held to a slope of 1 between reals and fakes; every other loss and penalty by --set",
        step: "5 × {critic on real and detached fakes + 10 · penalty at points between them}, then G on fresh noise",
        losses: &[
            "D: E D(G(z)) − E D(x) + 10 · E(‖∇D(x̂)‖ − 1)², x̂ = αx + (1 − α)G(z), one α from [0, 1) a sample",
            "G: −E D(G(z′))",
        ],
        sources: &[
            "of the source: the networks without σ and BatchNorm in the critic, five critic steps on one batch, λ 10, Adam 1e-4 \
             with betas 0 and 0.9 (the paper's Algorithm 1, too)",
            "our choice: 50 epochs of batches of 64, an 8×8 picture from 64 fixed points of noise every epoch",
        ],
        detach: "the critic's fakes are detached as they are made; the penalty's inner gradient is with respect to x̂ \
                 alone and keeps its graph, so that the critic's weights are trained through it",
        notes: &[
            "As published the five critic steps see the same reals; `fixed` takes a fresh batch for each (fresh-reals = true).",
            "slope = E‖∇D(x̂)‖ starts near 2 and comes down to 1 as samples improve: the critic maximises \
             s·W − 10·(s − 1)², so that s = 1 + W/20 and w = 20·s·(s − 1).",
            "loss is one of wasserstein, least-squares, hinge, logistic, saturating, relativistic; penalty.kind one of none, \
             gradient, r1, r2, r1-r2, with penalty.weight and penalty.every.",
        ],
        log: None,
        zh: Words {
            summary: "critic 在真假样本之间的斜率被保持为 1；其他损失和惩罚都可用 --set 选择",
            step: "5 × {critic 学真样本与 detach 后的假样本 + 10 · 两者之间各点上的惩罚}，再让 G 用新噪声",
            losses: &[
                "评论家：E D(G(z)) − E D(x) + 10 · E(‖∇D(x̂)‖ − 1)²，x̂ = αx + (1 − α)G(z)，每个样本一个取自 \
                 [0, 1) 的 α",
                "生成器：−E D(G(z′))",
            ],
            sources: &[
                "来自原教程：critic 中没有 σ 和 BatchNorm 的网络、同一批上的五次 critic 更新、λ 10、Adam 1e-4（\
                 betas 0 与 0.9；论文的算法 1 也是如此）",
                "我们的选择：50 个 epoch、批大小 64、每个 epoch 用 64 个固定噪声点画一张 8×8 的图",
            ],
            detach: "critic 的假样本一生成就被 detach；惩罚里面的那个梯度只对 x̂ 求，并保留它的计算图，这样 \
                     critic 的权重才能经由它训练",
            notes: &[
                "按发表的样子，五次 critic 更新看到同样的真样本；`fixed` 每次取新的一批（fresh-reals = true）。",
                "slope = E‖∇D(x̂)‖ 从 2 附近开始，随着样本变好降到 1：critic 在最大化 s·W − 10·(s − 1)²，于是 s \
                 = 1 + W/20，w = 20·s·(s − 1)。",
                "loss 可取 wasserstein、least-squares、hinge、logistic、saturating、relativistic；penalty.kind \
                 可取 none、gradient、r1、r2、r1-r2，另有 penalty.weight 与 penalty.every。",
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
            batch_norm: false,
            d_steps: 5,
            fresh_reals: !preset.is_published(),
            loss: Adversarial::Wasserstein,
            penalty: Penalty::of_kind(PenaltyKind::Gradient, 10.0),
            g: Optim::adam(1e-4, 0.0, 0.9),
            d: Optim::adam(1e-4, 0.0, 0.9),
        };
        (Settings::of_epochs(50), options)
    }

    fn data(o: &Options) -> Vec<DataKind> {
        vec![DataKind::Images(ImageSize::of(o.channels, o.size))]
    }

    fn batches_a_step(o: &Options) -> u64 {
        if o.fresh_reals { o.d_steps } else { 1 }
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

impl Recipe for WganGp {
    fn phase(&self, step: u64) -> u32 {
        self.options.penalty.phase(step)
    }

    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let (train, mut report) = (step.train(), Report::new());
        let mut real = step.batch(0).images;
        for critic_step in 0..o.d_steps {
            if critic_step > 0 && o.fresh_reals {
                real = step.batch(0).images;
            }
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
        }
        let n = real.shape()[0];
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

state!(WganGp);
