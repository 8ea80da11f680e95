//! `wgan`: a critic that is kept Lipschitz by clipping its weights (Arjovsky et al.,
//! arXiv:1701.07875, Algorithm 1).

use super::trained;
use crate::nets::dcgan::{Size, critic, generator_of};
use crate::options::{self, require, require_side};
use crate::{
    About, DataKind, Generator, ImageSize, Preset, Recipe, Report, Settings, Step, System, Words,
};
use detach_nn::penalty::norms;
use detach_nn::{Initialiser, Module, Optim, OptimKind, Sequential, Trained, clip_weights};
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
    /// Whether the critic has batch normalisation.
    batch_norm: bool,
    /// Whether the critic ends in σ.
    sigmoid: bool,
    d_steps: u64,
    /// Whether each critic step takes another batch of reals.
    fresh_reals: bool,
    /// The farthest from 0 that a weight of the critic may be.
    clip: f64,
    /// More critic steps in the first steps and in every 500th, as the official code has them.
    warmup: bool,
    /// How many first steps are warm.
    warmup_steps: u64,
    /// Critic steps of a warm step.
    warmup_d_steps: u64,
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
        require(
            (1..=1000).contains(&self.warmup_d_steps),
            "warmup-d-steps must be from 1 to 1000: the critic's updates in a warm step",
        )?;
        require(
            self.clip.is_finite() && self.clip > 0.0,
            "clip must be above 0: it is how far from 0 the critic's weights may be",
        )?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// The recipe in training.
pub(crate) struct Wgan {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    options: Options,
}

impl System for Wgan {
    const ABOUT: About = About {
        name: "wgan",
        summary: "a critic instead of a discriminator, kept Lipschitz by clipped weights; slow",
        step: "5 × {critic on real and detached fakes, then clip its weights to ±0.01}, then G on fresh noise",
        losses: &["D: E D(G(z)) − E D(x)", "G: −E D(G(z′))"],
        sources: &[
            "of the source: five critic steps on one batch, clipping at 0.01, RMSprop 5e-5, networks with σ and BatchNorm in \
             the critic",
            "of the official code: the warm-up (warmup = true): 100 critic steps in each of the first 25 steps and every 500th",
            "our choice: 50 epochs of batches of 64, an 8×8 picture from 64 fixed points of noise every epoch",
        ],
        detach: "the critic's fakes are detached as they are made; G's update goes through the critic and names G alone",
        notes: &[
            "As published the critic ends in σ and has BatchNorm. Its answers then lie within a few hundredths of ½, and \
             clipping holds BatchNorm's γ at 0.01, so that hardly a gradient comes back: w is no distance. `fixed` takes both \
             out (sigmoid = false, batch-norm = false).",
            "As published the five critic steps see the same reals; `fixed` takes a fresh batch for each (fresh-reals = true), \
             as the official code does.",
            "w = E D(x) − E D(G(z)) is a distance up to an unknown factor: compare it within a run. `clipped` is the share of \
             weights at the bound, `slope` the mean norm of D's gradient at G's samples.",
        ],
        log: None,
        zh: Words {
            summary: "用评论家（critic）代替判别器，靠截断权重保持 Lipschitz；较慢",
            step: "5 × {critic 学真样本与 detach 后的假样本，然后把它的权重截断到 ±0.01}，再让 G 用新噪声",
            losses: &["评论家：E D(G(z)) − E D(x)", "生成器：−E D(G(z′))"],
            sources: &[
                "来自原教程：五次 critic 更新用同一批真样本、截断到 0.01、RMSprop 5e-5、critic 中带 σ 和 \
                 BatchNorm 的网络",
                "来自官方代码：预热（warmup = true）：前 25 步以及每 500 步，批评者各更新 100 次",
                "我们的选择：50 个 epoch、批大小 64、每个 epoch 用 64 个固定噪声点画一张 8×8 的图",
            ],
            detach: "critic 的假样本一生成就被 detach；G 的更新经过 critic，但只对 G 求梯度",
            notes: &[
                "按发表的样子，critic 以 σ 结尾并带 BatchNorm。它的输出就落在 ½ 附近百分之几以内，而截断把 \
                 BatchNorm 的 γ 压在 0.01，几乎没有梯度传回来：w 不是距离。`fixed` 去掉这两样（sigmoid = false、\
                 batch-norm = false）。",
                "按发表的样子，五次 critic 更新看到同样的真样本；`fixed` 每次取新的一批（fresh-reals = true），\
                 与官方代码相同。",
                "w = E D(x) − E D(G(z)) 是差一个未知倍数的距离：只能在同一次运行内比较。`clipped` 是处在边界上\
                 的权重所占的比例，`slope` 是 D 的梯度在 G 的样本处的平均范数。",
            ],
        },
    };
    type Options = Options;
    type Generator = Generator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let published = preset.is_published();
        let options = Options {
            size: 28,
            channels: 1,
            latent: 100,
            width: 64,
            batch_norm: published,
            sigmoid: published,
            d_steps: 5,
            fresh_reals: !published,
            clip: 0.01,
            warmup: false,
            warmup_steps: 25,
            warmup_d_steps: 100,
            g: Optim::of(OptimKind::Rmsprop, 5e-5),
            d: Optim::of(OptimKind::Rmsprop, 5e-5),
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
                critic(image, o.width, o.batch_norm, o.sigmoid, init)
            }),
            options: o.clone(),
        }
    }
}

impl Recipe for Wgan {
    fn phase(&self, step: u64) -> u32 {
        let first = self.options.warmup_steps;
        u32::from(self.options.warmup && (step < first || step.is_multiple_of(500)))
    }

    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let (train, mut report) = (step.train(), Report::new());
        let mut real = step.batch(0).images;
        let is_warm = step.phase() == 1;
        for critic_step in 0..if is_warm { o.warmup_d_steps } else { o.d_steps } {
            if critic_step > 0 && o.fresh_reals {
                real = step.batch(0).images;
            }
            let n = real.shape()[0];
            let fake = g.forward(&step.noise(&[n, o.latent]), train).detach();
            let (on_real, on_fake) = (d.forward(&real, train), d.forward(&fake, train));
            let d_loss = on_fake.mean() - on_real.mean();
            step.update(d, &d_loss);
            clip_weights(&d.net, o.clip);
            report.critic(&d_loss, [&on_real, &on_fake]);
        }
        let n = real.shape()[0];
        let fake = g.forward(&step.noise(&[n, o.latent]), train);
        let g_loss = -d.forward(&fake, train).mean();
        let slopes = step.update_through(g, &g_loss, &fake) * n as f64;
        report.generator(&g_loss, &fake);
        report.scalar("slope", &norms(&slopes).mean());
        report.weights_beyond("clipped", &d.net, o.clip);
        report
    }

    parts!();
}

state!(Wgan);
