//! `infogan`: a code beside the noise that D must be able to read off the sample, and so comes to mean something (Chen
//! et al., arXiv:1606.03657).

use super::{by_class, trained};
use crate::nets::infogan::{Code, CodeGenerator, Recogniser, Shape};
use crate::options::{self, Targets, require};
use crate::{About, Preset, Recipe, Report, Settings, Step, System, Words};
use detach_nn::loss::{bce_with_logits, cross_entropy};
use detach_nn::{Initialiser, Optim, Trained};
use detach_tensor::Tensor;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    /// Dimensions of the noise, without the code's.
    latent: usize,
    width: usize,
    /// Units of the fully connected layers.
    hidden: usize,
    /// Categories of the code.
    classes: usize,
    /// Numbers of the code.
    codes: usize,
    /// λ, how much it counts that the code is read off.
    info_weight: f64,
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
        options::require_sizes("hidden", &[self.hidden])?;
        options::require_sizes("codes", &[self.codes])?;
        options::require_classes(self.classes)?;
        require(
            self.info_weight.is_finite() && self.info_weight >= 0.0,
            "info-weight must be a number, 0 or more",
        )?;
        self.targets.check()?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

impl Options {
    fn shape(&self) -> Shape {
        Shape {
            latent: self.latent,
            classes: self.classes,
            codes: self.codes,
            width: self.width,
            hidden: self.hidden,
        }
    }

    /// Noise `[n, latent]` and a code, uniform: noise, class, numbers in this order.
    fn draw(&self, step: &mut Step<'_>, n: usize) -> (Tensor, Code) {
        let z = step.uniform(&[n, self.latent]) * 2.0 - 1.0;
        let class = step.classes(n, self.classes);
        let numbers = step.uniform(&[n, self.codes]) * 2.0 - 1.0;
        (z, Code { class, numbers })
    }
}

/// The recipe in training.
pub(crate) struct Infogan {
    g: Trained<CodeGenerator>,
    d: Trained<Recogniser>,
    options: Options,
}

impl System for Infogan {
    const ABOUT: About = About {
        name: "infogan",
        summary: "ten kinds and two directions found without labels: a code that D reads off the sample",
        step: "D on reals + D and Q on detached fakes, one step; G on fresh noise and codes through the updated D and Q",
        losses: &[
            "I(c, x) = CE(Q(x), class of c) + ½ E Σ (Q(x) − numbers of c)²",
            "D, Q: BCE(D(x), 1) + BCE(D(G(z, c)), 0) + I(c, G(z, c))",
            "G: BCE(D(G(z′, c′)), 1) + I(c′, G(z′, c′))",
        ],
        sources: &[
            "of the official code: networks (Q also has an output for the deviation of each number, which is fixed at 1), \
             62 dimensions of noise and two numbers from [−1, 1), ten classes, Adam with β₁ 0.5 and rates 1e-3 for G and 2e-4 \
             for D and Q, batches of 128, 11 epochs for its 5,000 steps",
            "our choice: images in [−1, 1] with tanh for [0, 1] with σ, PyTorch's initial weights for N(0, 0.02), a picture of \
             ten rows of one point of noise each, a column a class, every epoch",
        ],
        detach: "the fakes that D and Q learn from are detached as soon as they are made; G's update names G alone, so that Q \
                 learns in D's step",
        notes: &[
            "No label is read: which digit a class comes to be differs from seed to seed, and two of them may share one. \
             `gan sample --digit 3` asks for class 3 of the code.",
            "class_loss and code_loss are the two parts of I for G's samples: a class that says nothing costs 2.3 (ln 10), \
             numbers that say nothing 0.33 together.",
            "Pictures are taken in train mode (the batch's own statistics) as the official code has them; `fixed` takes them in \
             eval mode, and leaves the running statistics of D alone in G's update (d-stats-in-g-step = false).",
        ],
        log: None,
        zh: Words {
            summary: "不用标签就找到十个种类和两个方向：D 从样本中读出的编码",
            step: "D 学真样本 + D 与 Q 学 detach 后的假样本，做一次更新；G 用新的噪声和编码，经过更新后的 D 与 \
                   Q",
            losses: &[
                "I(c, x) = CE(Q(x), c 的类别) + ½ E Σ (Q(x) − c 的数值)²",
                "判别器与 Q：BCE(D(x), 1) + BCE(D(G(z, c)), 0) + I(c, G(z, c))",
                "生成器：BCE(D(G(z′, c′)), 1) + I(c′, G(z′, c′))",
            ],
            sources: &[
                "来自官方代码：网络（Q 还为每个数值输出一个标准差，这里固定为 1）、62 维噪声和两个取自 [−1, 1) \
                 的数值、十个类别、Adam（β₁ 0.5，G 的学习率 1e-3，D 与 Q 的 2e-4）、批大小 128、11 个 epoch 对\
                 应它的 5,000 步",
                "我们的选择：用 tanh 的 [−1, 1] 图像代替用 σ 的 [0, 1] 图像、用 PyTorch 的初始权重代替 N(0, \
                 0.02)、每个 epoch 一张图：十行，每行一个噪声点，每列一个类别",
            ],
            detach: "D 与 Q 所学的假样本一生成就被 detach；G 的更新只对 G 求梯度，所以 Q 在 D 的更新中学习",
            notes: &[
                "没有读取任何标签：一个类别最后是哪个数字，随种子而不同，也可能两个类别是同一个数字。\
                 `gan sample --digit 3` 要的是编码的类别 3。",
                "class_loss 和 code_loss 是 I 在 G 的样本上的两个部分：什么也没说的类别代价为 2.3（ln 10），什\
                 么也没说的数值合起来为 0.33。",
                "图片在 train 模式下取（用该批自身的统计量），与官方代码相同；`fixed` 在 eval 模式下取，并在 G \
                 的更新中不动 D 的运行统计量（d-stats-in-g-step = false）。",
            ],
        },
    };
    type Options = Options;
    type Generator = CodeGenerator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let options = Options {
            latent: 62,
            width: 64,
            hidden: 1024,
            classes: 10,
            codes: 2,
            info_weight: 1.0,
            d_stats_in_g_step: preset.is_published(),
            targets: Targets::HARD,
            g: options::adam_of_dcgan(1e-3),
            d: options::adam_of_dcgan(2e-4),
        };
        let settings = Settings {
            batch_size: 128,
            ..Settings::of_epochs(11)
        };
        (by_class(preset, settings), options)
    }

    fn generator(o: &Options, init: &Initialiser) -> CodeGenerator {
        CodeGenerator::new(o.shape(), init)
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, |init| Recogniser::new(o.shape(), init)),
            options: o.clone(),
        }
    }
}

/// −ln Q(c|x) but for constants, a mean over the batch: of the class, and of the numbers.
fn surprise(asked: &Code, read: &Code) -> [Tensor; 2] {
    let off = (&read.numbers - &asked.numbers).square().sum_axes(&[1]);
    let class = cross_entropy(&read.class, &asked.class);
    [class, off.mean() * 0.5]
}

impl Recipe for Infogan {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let (train, mut report) = (step.train(), Report::new());
        let real = step.batch(0).images;
        let n = real.shape()[0];
        let (z, code) = o.draw(step, n);
        let fake = g.forward(&z, &code, train).detach();
        let real_logits = d.judge(&real, train);
        let (fake_logits, read) = d.recognise(&fake, train);
        let [class_loss, code_loss] = surprise(&code, &read);
        let on_real = bce_with_logits(&real_logits, o.targets.real);
        let on_fake = bce_with_logits(&fake_logits, o.targets.fake)
            + (class_loss + code_loss) * o.info_weight;
        let d_loss = &on_real + &on_fake;
        step.update(d, &d_loss);
        report.discriminator(&d_loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
        let (z, code) = o.draw(step, n);
        let fake = g.forward(&z, &code, train);
        let (fake_logits, read) = d.recognise(&fake, train.moving_stats(o.d_stats_in_g_step));
        let [class_loss, code_loss] = surprise(&code, &read);
        let g_loss = bce_with_logits(&fake_logits, o.targets.generator)
            + (&class_loss + &code_loss) * o.info_weight;
        step.update(g, &g_loss);
        report.generator(&g_loss, &fake);
        report.scalar("class_loss", &class_loss);
        report.scalar("code_loss", &code_loss);
        report
    }

    parts!();
}

state!(Infogan);
