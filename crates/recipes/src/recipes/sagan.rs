//! `sagan`: attention between far pixels, and every weight held to a largest singular value of 1
//! (Zhang et al., arXiv:1805.08318).

use super::trained;
use crate::figure::{Content, Figure, Look, Panel};
use crate::nets::dcgan::Size;
use crate::nets::sagan::{attention_maps, discriminator, generator};
use crate::options::{self, require, require_side};
use crate::{About, DataKind, Generator, Preset, Recipe, Report, Settings, Step, System, Words};
use detach_nn::{Adversarial, Initialiser, Module, Optim, Sequential, Trained};
use serde::{Deserialize, Serialize};

/// Rows and columns, as shares of the image, of the pixels whose attention is shown.
const LOOKED_FROM: [[f64; 2]; 3] = [[0.25, 0.5], [0.5, 0.5], [0.75, 0.35]];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    /// 28 for grey images, 64 for RGB.
    size: usize,
    latent: usize,
    width: usize,
    /// Whether G has batch normalisation.
    batch_norm: bool,
    loss: Adversarial,
    /// Whether each pass through D iterates towards its singular values, and not the one on reals alone.
    iterate_always: bool,
    /// Iterations of a pass that takes any.
    power_iterations: usize,
    g: Optim,
    d: Optim,
}

impl options::Options for Options {
    fn check(&self) -> Result<(), String> {
        require_side(self.size)?;
        options::require_sizes("latent", &[self.latent])?;
        options::require_sizes("width", &[self.width])?;
        options::require_sizes("power-iterations", &[self.power_iterations])?;
        require(
            self.width >= 8,
            "width must be at least 8: attention compares an eighth of the channels",
        )?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// The recipe in training.
pub(crate) struct Sagan {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    options: Options,
}

impl System for Sagan {
    const ABOUT: About = About {
        name: "sagan",
        summary: "self-attention and spectral normalisation, hinge loss, D four times as fast",
        step: "D on real + D on detached fakes, one step; G on fresh noise through the updated D",
        losses: &[
            "D: E max(0, 1 − D(x)) + E max(0, 1 + D(G(z)))",
            "G: −E D(G(z′))",
        ],
        sources: &[
            "of the paper: attention, spectral normalisation in both networks, hinge loss, Adam with betas 0 and 0.9, rates 4e-4 for \
             D and 1e-4 for G",
            "our choice: the networks of `dcgan-light` (of `dcgan64` with size = 64) instead of residual ones, attention at half the \
             images' size, no classes, 50 epochs of batches of 64, an 8×8 picture from 64 fixed points of noise every epoch",
        ],
        detach: "the fakes that D learns from are detached as soon as they are made; the singular vectors are constants to the \
                 gradient",
        notes: &[
            "PyTorch's spectral norm takes an iteration in every pass in train mode, so D's take three a step; `fixed` takes the one \
             on reals alone (iterate-always = false), as the official code keeps it.",
            "D's loss is near 0 for the first hundreds of steps and then from 1 to 1.3; 2 is undecided.",
        ],
        log: None,
        zh: Words {
            summary: "自注意力与谱归一化，hinge 损失，D 的学习率是四倍",
            step: "D 用真样本与 detach 后的假样本做一次更新；G 用新噪声，经过更新后的 D",
            losses: &[
                "判别器：E max(0, 1 − D(x)) + E max(0, 1 + D(G(z)))",
                "生成器：−E D(G(z′))",
            ],
            sources: &[
                "来自论文：注意力、两个网络中的谱归一化、hinge 损失、Adam（betas 0 与 0.9）、D 的学习率 4e-4、G \
                 的 1e-4",
                "我们的选择：用 `dcgan-light` 的网络（size = 64 时用 `dcgan64` 的）代替残差网络、在图像一半大小\
                 处做注意力、没有类别、50 个 epoch、批大小 64、每个 epoch 用 64 个固定噪声点画一张 8×8 的图",
            ],
            detach: "D 所学的假样本一生成就被 detach；奇异向量对梯度来说是常数",
            notes: &[
                "PyTorch 的谱归一化在 train 模式下每次前向都做一次迭代，所以 D 每步迭代三次；`fixed` 只保留真样\
                 本上的那一次（iterate-always = false），与官方代码相同。",
                "D 的损失在最初几百步接近 0，然后在 1 到 1.3 之间；2 表示无法判断。",
            ],
        },
    };
    type Options = Options;
    type Generator = Generator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let options = Options {
            size: 28,
            latent: 100,
            width: 64,
            batch_norm: true,
            loss: Adversarial::Hinge,
            iterate_always: preset.is_published(),
            power_iterations: 1,
            g: Optim::adam(1e-4, 0.0, 0.9),
            d: Optim::adam(4e-4, 0.0, 0.9),
        };
        (Settings::of_epochs(50), options)
    }

    fn data(o: &Options) -> Vec<DataKind> {
        vec![DataKind::of_side(o.size)]
    }

    fn generator(o: &Options, init: &Initialiser) -> Generator {
        let size = Size {
            latent: o.latent,
            width: o.width,
            batch_norm: o.batch_norm,
        };
        Generator {
            net: generator(o.size, size, init),
            latent: o.latent,
        }
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, |init| discriminator(o.size, o.width, init)),
            options: o.clone(),
        }
    }
}

impl Recipe for Sagan {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let mut report = Report::new();
        let train = step.train().with_power_iterations(o.power_iterations);
        let on_fakes = train.moving_stats(o.iterate_always);
        let real = step.batch(0).images;
        let n = real.shape()[0];
        let fake = g.forward(&step.noise(&[n, o.latent]), train).detach();
        let (on_real, on_fake) = (d.forward(&real, train), d.forward(&fake, on_fakes));
        let d_loss = o.loss.discriminator(&on_real, &on_fake);
        step.update(d, &d_loss);
        report.critic(&d_loss, [&on_real, &on_fake]);
        let fake = g.forward(&step.noise(&[n, o.latent]), train);
        let g_loss = o
            .loss
            .generator(&d.forward(&fake, on_fakes), || d.forward(&real, on_fakes));
        step.update(g, &g_loss);
        report.generator(&g_loss, &fake);
        report
    }

    fn figures(&self, look: &Look) -> Vec<Figure> {
        let z = look.noise(&[6, self.options.latent]).detach();
        let maps = attention_maps(&self.g.best().net, &z, &LOOKED_FROM);
        vec![Figure {
            name: "attention",
            panels: vec![Panel {
                title: "where G looks from the red pixel".to_owned(),
                content: Content::Images(maps, 2 * LOOKED_FROM.len()),
            }],
        }]
    }

    parts!();
}

state!(Sagan);
