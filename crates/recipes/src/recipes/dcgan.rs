//! `dcgan`: a convolutional GAN with dropout in its discriminator.

use super::trained;
use crate::log::{DCGAN_EXAMPLE, DCGAN_EXAMPLE_FIELDS, PublishedLog};
use crate::nets::dcgan::{Size, discriminator, generator};
use crate::options::{self, GeneratorLoss, Targets};
use crate::settings::{PictureSource, Pictures, SampleMode, Sampling, Scaling};
use crate::{
    About, DataKind, Generator, ImageSize, Preset, Recipe, Report, Settings, Step, System, Words,
};
use detach_nn::loss::bce_with_logits;
use detach_nn::{Initialiser, Module, Optim, Sequential, Trained};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    /// Channels of images: 1, or 3 for RGB.
    channels: usize,
    latent: usize,
    width: usize,
    batch_norm: bool,
    dropout: f64,
    d_steps: u64,
    generator_loss: GeneratorLoss,
    /// Whether G's update moves the running statistics of D's BatchNorm.
    d_stats_in_g_step: bool,
    targets: Targets,
    g: Optim,
    d: Optim,
}

impl options::Options for Options {
    fn check(&self) -> Result<(), String> {
        options::require_channels(self.channels)?;
        options::require_sizes("latent", &[self.latent])?;
        options::require_sizes("width", &[self.width])?;
        options::require_dropout(self.dropout)?;
        options::require_d_steps(self.d_steps)?;
        self.targets.check()?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// The recipe in training.
pub(crate) struct Dcgan {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    options: Options,
}

impl System for Dcgan {
    const ABOUT: About = About {
        name: "dcgan",
        summary: "convolutional, batch-normalised, dropout in D; the classic",
        step: "D on real + D on the detached fakes, one step; G through the updated D on the same fakes",
        losses: &["D: −E log D(x) − E log(1 − D(G(z)))", "G: −E log D(G(z))"],
        sources: &[
            "of the source: networks, Adam 2e-4 with betas 0.5 and 0.999, batches of 64 with the short last one, \
             100 epochs, seed 42, 4×4 pictures from fresh noise every 10 epochs, each image scaled by itself",
        ],
        detach: "D's fakes are `fake.detach()`: D's backward pass ends there. G's update goes through D and names G \
                 alone, so D is frozen and G's graph of the same fakes is used once, whole",
        notes: &[
            "D's BatchNorm sees three batches a step (real, fake, and fake again for G), so its running \
             statistics move three times; `fixed` leaves them alone in G's update (d-stats-in-g-step = false). \
             Nothing reads them while D is not evaluated in eval mode: losses, weights and pictures are the same either way.",
            "Pictures come from eval mode (running statistics), as published.",
        ],
        log: Some(PublishedLog {
            of: "PyTorch's DCGAN example, which has this loop",
            of_zh: "PyTorch 的 DCGAN 示例，循环与它相同",
            format: DCGAN_EXAMPLE,
            fields: DCGAN_EXAMPLE_FIELDS,
        }),
        zh: Words {
            summary: "卷积、批归一化，D 中有 dropout；经典之作",
            step: "D 用真样本与 detach 后的假样本做一次更新；G 用同一批假样本，经过更新后的 D",
            losses: &[
                "判别器：−E log D(x) − E log(1 − D(G(z)))",
                "生成器：−E log D(G(z))",
            ],
            sources: &[
                "来自原教程：网络、Adam 2e-4（betas 0.5 与 0.999）、批大小 64（保留最后不足的一批）、100 个 \
                 epoch、随机种子 42、每 10 个 epoch 用新噪声画一张 4×4 的图，每幅图像各自缩放",
            ],
            detach: "D 的假样本是 `fake.detach()`：D 的反向传播到此为止。G 的更新经过 D，但只对 G 求梯度，所以 \
                     D 被冻结，而 G 为这同一批假样本建立的计算图只用一次，而且是完整的",
            notes: &[
                "D 的 BatchNorm 每步见到三批数据（真、假、给 G 时再一次假），因此它的运行统计量移动三次；\
                 `fixed` 在 G 的更新中不动它们（d-stats-in-g-step = false）。只要 D 不在 eval 模式下求值，就没\
                 有人读它们：两种做法的损失、权重和图片都相同。",
                "图片来自 eval 模式（运行统计量），与发表时相同。",
            ],
        },
    };
    type Options = Options;
    type Generator = Generator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let settings = Settings {
            seed: 42,
            epochs: 100,
            batch_size: 64,
            sampling: Sampling::Shuffled { drop_last: false },
            pictures: Pictures {
                rows: 4,
                columns: 4,
                every_epochs: 10,
                mode: SampleMode::Eval,
                source: PictureSource::Fresh,
                scaling: Scaling::Each,
                ..Pictures::default()
            },
            ..Settings::default()
        };
        let options = Options {
            channels: 1,
            latent: 100,
            width: 64,
            batch_norm: true,
            dropout: 0.3,
            d_steps: 1,
            generator_loss: GeneratorLoss::NonSaturating,
            d_stats_in_g_step: preset.is_published(),
            targets: Targets::HARD,
            g: options::adam_of_dcgan(2e-4),
            d: options::adam_of_dcgan(2e-4),
        };
        (settings, options)
    }

    fn data(o: &Options) -> Vec<DataKind> {
        vec![DataKind::Images(ImageSize::of(o.channels, 28))]
    }

    fn batches_a_step(options: &Options) -> u64 {
        options.d_steps
    }

    fn generator(o: &Options, init: &Initialiser) -> Generator {
        let size = Size {
            latent: o.latent,
            width: o.width,
            batch_norm: o.batch_norm,
        };
        Generator {
            net: generator(o.channels, size, init),
            latent: o.latent,
        }
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, |init| {
                discriminator(o.channels, o.width, o.batch_norm, o.dropout, init)
            }),
            options: o.clone(),
        }
    }
}

impl Recipe for Dcgan {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let (train, mut report) = (step.train(), Report::new());
        let fake = step.repeat(o.d_steps, |step| {
            let real = step.batch(0).images;
            let fake = g.forward(&step.noise(&[real.shape()[0], o.latent]), train);
            let real_logits = d.forward(&real, train);
            let fake_logits = d.forward(&fake.detach(), train);
            let on_real = bce_with_logits(&real_logits, o.targets.real);
            let on_fake = bce_with_logits(&fake_logits, o.targets.fake);
            let d_loss = &on_real + &on_fake;
            step.update(d, &d_loss);
            report.discriminator(&d_loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
            fake
        });
        let fake_logits = d.forward(&fake, train.moving_stats(o.d_stats_in_g_step));
        report.g_turn(&fake_logits);
        let g_loss = o.generator_loss.of(&fake_logits, &o.targets);
        step.update(g, &g_loss);
        report.generator(&g_loss, &fake);
        report
    }

    parts!();
}

state!(Dcgan);
