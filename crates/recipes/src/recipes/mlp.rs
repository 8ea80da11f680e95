//! `mlp`: fully connected, batch-normalised; in two published orders.

use super::trained;
use crate::log::PYTORCH_GAN;
use crate::nets::mlp::{discriminator, generator};
use crate::options::{self, GeneratorLoss, Targets};
use crate::settings::{PictureSource, Pictures, SampleMode, Sampling, Scaling};
use crate::{About, Generator, Preset, Recipe, Report, Settings, Step, System, Words};
use detach_nn::loss::bce_with_logits;
use detach_nn::{Initialiser, Module, Optim, Sequential, Trained};
use serde::{Deserialize, Serialize};

/// Which network is updated first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// The discriminator.
    DFirst,
    /// The generator; D then learns from the fakes made before G's update.
    GFirst,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    order: Order,
    latent: usize,
    g_widths: Vec<usize>,
    d_widths: Vec<usize>,
    batch_norm: bool,
    bn_eps: f64,
    d_steps: u64,
    /// Whether the fakes that D learns from are detached, with D first.
    detach: bool,
    generator_loss: GeneratorLoss,
    targets: Targets,
    g: Optim,
    d: Optim,
}

impl options::Options for Options {
    fn check(&self) -> Result<(), String> {
        options::require_sizes("latent", &[self.latent])?;
        options::require_sizes("g-widths", &self.g_widths)?;
        options::require_sizes("d-widths", &self.d_widths)?;
        options::require_bn_eps(self.bn_eps)?;
        options::require_d_steps(self.d_steps)?;
        options::require(
            self.order == Order::DFirst || self.d_steps == 1,
            "d-steps must be 1 with order = \"g-first\": that loop makes one set of fakes, which G and D share",
        )?;
        options::require(
            self.order == Order::DFirst || self.detach,
            "detach must be true with order = \"g-first\": there D's update goes over fakes whose graph is used up",
        )?;
        self.targets.check()?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// The published misuse of BatchNorm1d's second argument, and what was meant.
pub(super) fn bn_eps(preset: Preset) -> f64 {
    match preset {
        Preset::AsPublished => 0.8,
        Preset::Fixed => 1e-5,
    }
}

/// What both fully connected tutorials show: the step's first fakes, in train mode, as they are; fixed,
/// samples of the same noise in eval mode.
pub(super) fn pictures(preset: Preset, every_steps: u64, scaling: Scaling) -> Pictures {
    let (mode, source, scaling) = match preset {
        Preset::AsPublished => (SampleMode::Batch, PictureSource::Fakes, scaling),
        Preset::Fixed => (SampleMode::Eval, PictureSource::Fixed, Scaling::Fixed),
    };
    Pictures {
        rows: 5,
        columns: 5,
        every_steps,
        mode,
        source,
        scaling,
        ..Pictures::default()
    }
}

/// The recipe in training.
pub(crate) struct Mlp {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    options: Options,
}

impl System for Mlp {
    const ABOUT: About = About {
        name: "mlp",
        summary: "fully connected, batch-normalised G; `order=g-first` for the other published loop",
        step: "D on real + D on detached fakes, one step; G on fresh noise through the updated D. \
               With order=g-first: G, then D (mean of both losses) on the fakes made before G's update",
        losses: &[
            "D: −E log D(x) − E log(1 − D(G(z))), and half of it with order=g-first",
            "G: −E log D(G(z))",
        ],
        sources: &[
            "of the source: G, Adam 2e-4 with betas 0.5 and 0.999, batches of 64 with the short last one, 50 epochs",
            "of the upstream repository: D's sizes, a picture every 400 batches, and the 200 epochs of order=g-first",
        ],
        detach: "D first: the fakes that D learns from are detached as they are made. G first: G's update has used \
                 the fakes' graph, and D gets them detached. detach=false leaves them attached, D first: not a bit of what is \
                 learnt changes, as D's update asks for the gradients of D's weights alone",
        notes: &[
            "BatchNorm1d(n, 0.8) sets eps, not momentum: unit-variance activations come out scaled by 0.745; \
             `fixed` uses eps 1e-5 (bn-eps = 1e-5).",
            "Pictures were published as the step's first fakes, so in train mode (the batch's own statistics), the \
             grid scaled by its least and greatest value; `fixed` draws the same noise each time in eval mode, \
             with -1 as black and 1 as white (pictures.source, pictures.mode, pictures.scaling).",
        ],
        log: Some(PYTORCH_GAN),
        zh: Words {
            summary: "全连接，G 有批归一化；`order=g-first` 是另一种发表过的循环",
            step: "D 用真样本与 detach 后的假样本做一次更新；G 用新噪声，经过更新后的 D。order=g-first 时：先更\
                   新 G，再让 D（两个损失的平均）学 G 更新之前生成的假样本",
            losses: &[
                "判别器：−E log D(x) − E log(1 − D(G(z)))，order=g-first 时取其一半",
                "生成器：−E log D(G(z))",
            ],
            sources: &[
                "来自原教程：G、Adam 2e-4（betas 0.5 与 0.999）、批大小 64（保留最后不足的一批）、50 个 epoch",
                "来自上游仓库：D 的大小、每 400 批一张图、order=g-first 的 200 个 epoch",
            ],
            detach: "先 D 时：D 所学的假样本一生成就被 detach。先 G 时：G 的更新已经用掉了假样本的计算图，D 拿\
                     到的是 detach 后的假样本。先 D 时 detach=false 让它们保持相连：学到的东西一个比特也不变，\
                     因为 D 的更新只求 D 的权重的梯度",
            notes: &[
                "BatchNorm1d(n, 0.8) 设的是 eps，不是 momentum：单位方差的激活值出来时只剩 0.745 倍；`fixed` 用 \
                 eps 1e-5（bn-eps = 1e-5）。",
                "发表的图片是该步的头几个假样本，所以是 train 模式（用该批自身的统计量），整个网格按自己的最小\
                 值与最大值缩放；`fixed` 每次用同样的噪声在 eval 模式下画，-1 为黑，1 为白（pictures.source、\
                 pictures.mode、pictures.scaling）。",
            ],
        },
    };
    type Options = Options;
    type Generator = Generator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let settings = Settings {
            epochs: 50,
            batch_size: 64,
            sampling: Sampling::Shuffled { drop_last: false },
            pictures: Pictures {
                first: true,
                ..pictures(preset, 400, Scaling::Grid)
            },
            ..Settings::default()
        };
        let options = Options {
            order: Order::DFirst,
            latent: 100,
            g_widths: vec![128, 256, 512, 1024],
            d_widths: vec![512, 256],
            batch_norm: true,
            bn_eps: bn_eps(preset),
            d_steps: 1,
            detach: true,
            generator_loss: GeneratorLoss::NonSaturating,
            targets: Targets::HARD,
            g: options::adam_of_dcgan(2e-4),
            d: options::adam_of_dcgan(2e-4),
        };
        (settings, options)
    }

    /// The other order was published with 200 epochs.
    fn published_with(key: &str, settings: &mut Settings, options: &mut Options) {
        if key == "order" && options.order == Order::GFirst {
            settings.epochs = 200;
        }
    }

    fn batches_a_step(options: &Options) -> u64 {
        options.d_steps
    }

    fn generator(o: &Options, init: &Initialiser) -> Generator {
        let bn_eps = o.batch_norm.then_some(o.bn_eps);
        Generator {
            net: generator(o.latent, &o.g_widths, bn_eps, init),
            latent: o.latent,
        }
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, |init| discriminator(&o.d_widths, init)),
            options: o.clone(),
        }
    }
}

impl Mlp {
    fn d_first(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let (train, mut report) = (step.train(), Report::new());
        let n = step.repeat(o.d_steps, |step| {
            let real = step.batch(0).images;
            let n = real.shape()[0];
            let mut fake = g.forward(&step.noise(&[n, o.latent]), train);
            if o.detach {
                fake = fake.detach();
            }
            let (real_logits, fake_logits) = (d.forward(&real, train), d.forward(&fake, train));
            let on_real = bce_with_logits(&real_logits, o.targets.real);
            let on_fake = bce_with_logits(&fake_logits, o.targets.fake);
            let d_loss = &on_real + &on_fake;
            step.update(d, &d_loss);
            report.discriminator(&d_loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
            n
        });
        let fake = g.forward(&step.noise(&[n, o.latent]), train);
        let g_loss = o.generator_loss.of(&d.forward(&fake, train), &o.targets);
        step.update(g, &g_loss);
        report.generator(&g_loss, &fake);
        report
    }

    fn g_first(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        g_first_step(g, d, o.latent, (o.generator_loss, &o.targets), step)
    }
}

/// G first; then D on the fakes made before G's update. Shared with `mlp-relu`.
pub(super) fn g_first_step(
    g: &mut Trained<Generator>,
    d: &mut Trained<Sequential>,
    latent: usize,
    (generator_loss, targets): (GeneratorLoss, &Targets),
    step: &mut Step<'_>,
) -> Report {
    let (train, mut report) = (step.train(), Report::new());
    let real = step.batch(0).images;
    let fake = g.forward(&step.noise(&[real.shape()[0], latent]), train);
    let g_loss = generator_loss.of(&d.forward(&fake, train), targets);
    step.update(g, &g_loss);
    let (real_logits, fake_logits) = (d.forward(&real, train), d.forward(&fake.detach(), train));
    let on_real = bce_with_logits(&real_logits, targets.real);
    let on_fake = bce_with_logits(&fake_logits, targets.fake);
    let d_loss = (&on_real + &on_fake) * 0.5;
    step.update(d, &d_loss);
    report.discriminator(&d_loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
    report.generator(&g_loss, &fake);
    report
}

impl Recipe for Mlp {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        match self.options.order {
            Order::DFirst => self.d_first(step),
            Order::GFirst => self.g_first(step),
        }
    }

    parts!();
}

state!(Mlp);
