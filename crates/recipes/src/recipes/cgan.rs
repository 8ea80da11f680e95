//! `cgan`: samples of a class that is asked for (Mirza & Osindero, arXiv:1411.1784).

use super::{by_class, trained};
use crate::nets::conditional::{ClassDiscriminator, ClassGenerator, Projection};
use crate::nets::dcgan::Size;
use crate::options::{self, Targets};
use crate::{About, Preset, Recipe, Report, Settings, Step, System, Words};
use detach_nn::loss::bce_with_logits;
use detach_nn::{Initialiser, Optim, Trained};
use serde::{Deserialize, Serialize};

/// How D is told a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub(crate) enum Condition {
    /// ⟨E[y], h⟩ is added to the logit.
    Projection,
    /// A channel a class beside the image.
    Planes,
}

impl TryFrom<String> for Condition {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match name.as_str() {
            "projection" => Ok(Self::Projection),
            "planes" => Ok(Self::Planes),
            "classifier" => Err("a D that says the class itself is the recipe `acgan`".to_owned()),
            _ => Err(format!(
                "condition must be projection or planes, and not `{name}`"
            )),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    latent: usize,
    width: usize,
    /// How many classes there are: the data's labels are 0 to one less.
    classes: usize,
    condition: Condition,
    batch_norm: bool,
    /// Whether G's update moves the running statistics of D's BatchNorm.
    d_stats_in_g_step: bool,
    targets: Targets,
    g: Optim,
    d: Optim,
}

impl options::Options for Options {
    fn check(&self) -> Result<(), String> {
        options::require_sizes("latent", &[self.latent])?;
        options::require_sizes("width", &[self.width])?;
        options::require_classes(self.classes)?;
        self.targets.check()?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// The recipe in training.
pub(crate) struct Cgan {
    g: Trained<ClassGenerator>,
    d: Trained<ClassDiscriminator>,
    options: Options,
}

impl System for Cgan {
    const ABOUT: About = About {
        name: "cgan",
        summary: "digits of a class that is asked for: `gan sample RUN --digit 7`",
        step: "D on reals with their classes + D on detached fakes with classes that are drawn, one step; G on fresh noise \
               and classes through the updated D",
        losses: &[
            "D: BCE(D(x, y), 0.9) + BCE(D(G(z, ŷ), ŷ), 0.1)",
            "G: BCE(D(G(z′, ŷ′), ŷ′), 0.9)",
        ],
        sources: &[
            "of the paper: both networks are told the class; of `dcgan-light`: networks, labels, optimisers, batches",
            "our choice: D is told by a projection (Miyato & Koyama, arXiv:1802.05637) of all its features, 50 epochs, a \
             picture of ten rows of one point of noise each, a column a class, every epoch",
        ],
        detach: "the fakes that D learns from are detached as soon as they are made; G's update names G alone",
        notes: &[
            "condition is projection (⟨E[y], h⟩ is added to D's logit) or planes (a channel a class beside the image, the \
             plain concatenation, which learns classes more slowly).",
            "A D that ignores the class makes good digits of the wrong class, with the same losses: look at the columns.",
            "The classes of the fakes are drawn, all equally likely; they are not those of the batch.",
            "Pictures are taken in train mode (the batch's own statistics) as `dcgan-light` has them; `fixed` takes them in eval \
             mode, and leaves the running statistics of D alone in G's update (d-stats-in-g-step = false).",
        ],
        log: None,
        zh: Words {
            summary: "按要求的类别生成数字：`gan sample RUN --digit 7`",
            step: "D 学带类别的真样本与 detach 后、类别随机抽取的假样本，做一次更新；G 用新的噪声和类别，经过更\
                   新后的 D",
            losses: &[
                "判别器：BCE(D(x, y), 0.9) + BCE(D(G(z, ŷ), ŷ), 0.1)",
                "生成器：BCE(D(G(z′, ŷ′), ŷ′), 0.9)",
            ],
            sources: &[
                "来自论文：两个网络都被告知类别；来自 `dcgan-light`：网络、标签、优化器、批",
                "我们的选择：D 通过对其全部特征的投影得知类别（Miyato & Koyama，arXiv:1802.05637）、50 个 epoch、\
                 每个 epoch 一张图：十行，每行一个噪声点，每列一个类别",
            ],
            detach: "D 所学的假样本一生成就被 detach；G 的更新只对 G 求梯度",
            notes: &[
                "condition 可取 projection（把 ⟨E[y], h⟩ 加到 D 的 logit 上）或 planes（在图像旁边每个类别一个\
                 通道，即普通的拼接，学类别更慢）。",
                "忽略类别的 D 也会带出质量好但类别错的数字，损失却相同：请看各列。",
                "假样本的类别是随机抽取的，各类机会相等；它们不是该批的类别。",
                "图片在 train 模式下取（用该批自身的统计量），与 `dcgan-light` 相同；`fixed` 在 eval 模式下取，\
                 并在 G 的更新中不动 D 的运行统计量（d-stats-in-g-step = false）。",
            ],
        },
    };
    type Options = Options;
    type Generator = ClassGenerator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let options = Options {
            latent: 100,
            width: 64,
            classes: 10,
            condition: Condition::Projection,
            batch_norm: true,
            d_stats_in_g_step: preset.is_published(),
            targets: Targets::SMOOTH,
            g: options::adam_of_dcgan(2e-4),
            d: options::adam_of_dcgan(2e-4),
        };
        (by_class(preset, Settings::of_epochs(50)), options)
    }

    fn classes(o: &Options) -> Option<usize> {
        Some(o.classes)
    }

    fn generator(o: &Options, init: &Initialiser) -> ClassGenerator {
        let size = Size {
            latent: o.latent,
            width: o.width,
            batch_norm: o.batch_norm,
        };
        ClassGenerator::light(size, o.classes, init)
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        let d = |init: &Initialiser| match o.condition {
            Condition::Projection => {
                let net = Projection::new(o.width, o.batch_norm, o.classes, init);
                ClassDiscriminator::Projection(Box::new(net))
            }
            Condition::Planes => ClassDiscriminator::planes(o.width, o.batch_norm, o.classes, init),
        };
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, d),
            options: o.clone(),
        }
    }
}

impl Recipe for Cgan {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let (train, mut report) = (step.train(), Report::new());
        let batch = step.batch(0);
        let (n, real, labels) = (batch.len(), &batch.images, batch.labels());
        let z = step.noise(&[n, o.latent]);
        let wanted = step.classes(n, o.classes);
        let fake = g.forward(&z, &wanted, train).detach();
        let real_logits = d.forward(real, &labels, train);
        let fake_logits = d.forward(&fake, &wanted, train);
        let on_real = bce_with_logits(&real_logits, o.targets.real);
        let on_fake = bce_with_logits(&fake_logits, o.targets.fake);
        let d_loss = &on_real + &on_fake;
        step.update(d, &d_loss);
        report.discriminator(&d_loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
        let z = step.noise(&[n, o.latent]);
        let wanted = step.classes(n, o.classes);
        let fake = g.forward(&z, &wanted, train);
        let fake_logits = d.forward(&fake, &wanted, train.moving_stats(o.d_stats_in_g_step));
        let g_loss = bce_with_logits(&fake_logits, o.targets.generator);
        step.update(g, &g_loss);
        report.generator(&g_loss, &fake);
        report
    }

    parts!();
}

state!(Cgan);
