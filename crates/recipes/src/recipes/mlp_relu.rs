//! `mlp-relu`: the fully connected GAN with ReLU in its discriminator, even before σ.

use super::mlp::{bn_eps, g_first_step, pictures};
use super::trained;
use crate::log::PYTORCH_GAN;
use crate::nets::mlp::{generator, relu_discriminator};
use crate::options::{self, GeneratorLoss, Targets};
use crate::settings::{Sampling, Scaling};
use crate::{About, Generator, Preset, Recipe, Report, Settings, Step, System, Words};
use detach_nn::{Initialiser, Optim, Sequential, Trained};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    latent: usize,
    g_widths: Vec<usize>,
    d_widths: Vec<usize>,
    batch_norm: bool,
    bn_eps: f64,
    /// A ReLU before D's σ.
    last_relu: bool,
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
        self.targets.check()?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// The recipe in training.
pub(crate) struct MlpRelu {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    options: Options,
}

impl System for MlpRelu {
    const ABOUT: About = About {
        name: "mlp-relu",
        summary: "fully connected, ReLU before σ in D: a published fault worth seeing",
        step: "G first; then D (mean of both losses) on the fakes made before G's update, detached",
        losses: &[
            "G: −E log D(G(z))",
            "D: ½(−E log D(x) − E log(1 − D(G(z))))",
        ],
        sources: &[
            "of the source: networks, order, Adam 1e-4 with betas 0.9 and 0.999, batches of 64 without the short last \
             one, 99 epochs (92,763 steps), 5×5 pictures of the step's fakes every 1,000 steps",
        ],
        detach: "G's update has used the fakes' graph; D then gets them detached. G's update names G alone: D is \
                 frozen in it",
        notes: &[
            "ReLU before σ keeps p in [0.5, 1): G's loss can never exceed 0.6931, D's never falls below 0.3466, \
             and about 32% of discriminators start fully dead; `fixed` drops that ReLU (last-relu = false).",
            "BatchNorm1d(n, 0.8) sets eps, not momentum; `fixed` uses eps 1e-5 (bn-eps = 1e-5).",
            "Pictures were published as the step's first fakes, so in train mode (the batch's own statistics), and \
             saved without scaling: what is below 0 is black; `fixed` draws the same noise each time in eval mode, \
             with -1 as black and 1 as white (pictures.source, pictures.mode, pictures.scaling).",
        ],
        log: Some(PYTORCH_GAN),
        zh: Words {
            summary: "全连接，D 的 σ 之前有 ReLU：一个值得一看的、发表过的错误",
            step: "先更新 G；再让 D（两个损失的平均）学 G 更新之前生成的、detach 后的假样本",
            losses: &[
                "生成器：−E log D(G(z))",
                "判别器：½(−E log D(x) − E log(1 − D(G(z))))",
            ],
            sources: &[
                "来自原教程：网络、顺序、Adam 1e-4（betas 0.9 与 0.999）、批大小 64（丢弃最后不足的一批）、99 \
                 个 epoch（92,763 步）、每 1,000 步一张 5×5 的图，取自该步的假样本",
            ],
            detach: "G 的更新已经用掉了假样本的计算图；之后 D 拿到的是 detach 后的假样本。G 的更新只对 G 求梯度：\
                     D 在其中被冻结",
            notes: &[
                "σ 之前的 ReLU 使 p 留在 [0.5, 1) 内：G 的损失永远不会超过 0.6931，D 的永远不会低于 0.3466，约 \
                 32% 的判别器一开始就完全失活；`fixed` 去掉这个 ReLU（last-relu = false）。",
                "BatchNorm1d(n, 0.8) 设的是 eps，不是 momentum；`fixed` 用 eps 1e-5（bn-eps = 1e-5）。",
                "发表的图片是该步的头几个假样本，所以是 train 模式（用该批自身的统计量），不经缩放就保存：低于 \
                 0 的都是黑；`fixed` 每次用同样的噪声在 eval 模式下画，-1 为黑，1 为白（pictures.source、\
                 pictures.mode、pictures.scaling）。",
            ],
        },
    };
    type Options = Options;
    type Generator = Generator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let settings = Settings {
            epochs: 99,
            batch_size: 64,
            sampling: Sampling::Shuffled { drop_last: true },
            pictures: pictures(preset, 1000, Scaling::Clamp),
            ..Settings::default()
        };
        let options = Options {
            latent: 100,
            g_widths: vec![128, 256, 512, 1024],
            d_widths: vec![512, 256, 128],
            batch_norm: true,
            bn_eps: bn_eps(preset),
            last_relu: preset.is_published(),
            generator_loss: GeneratorLoss::NonSaturating,
            targets: Targets::HARD,
            g: Optim::adam(1e-4, 0.9, 0.999),
            d: Optim::adam(1e-4, 0.9, 0.999),
        };
        (settings, options)
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
            d: trained(&o.d, init, |init| {
                relu_discriminator(&o.d_widths, o.last_relu, init)
            }),
            options: o.clone(),
        }
    }
}

impl Recipe for MlpRelu {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        g_first_step(g, d, o.latent, (o.generator_loss, &o.targets), step)
    }

    parts!();
}

state!(MlpRelu);
