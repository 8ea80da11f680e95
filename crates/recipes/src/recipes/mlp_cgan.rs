//! `mlp-cgan`: the fully connected networks of `mlp`, told the class by its one-hot code beside noise and pixels (after
//! Mirza & Osindero, arXiv:1411.1784).

use super::mlp::bn_eps;
use super::{by_class, trained};
use crate::batch::Batch;
use crate::discriminator::{Discriminator, first};
use crate::nets::SLOPE;
use crate::nets::conditional::ClassGenerator;
use crate::nets::mlp::generator;
use crate::options;
use crate::{About, Preset, Recipe, Report, Settings, Step, System, Wanted, Words};
use detach_nn::{
    Dropout, Flatten, Initialiser, LeakyReLU, Linear, Mode, Module, Name, Network, Optim, Scope,
    Sequential, Slot, State, Trained, Untraced, Value,
};
use detach_tensor::Tensor;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    latent: usize,
    g_widths: Vec<usize>,
    d_widths: Vec<usize>,
    /// How many classes there are: the data's labels are 0 to one less.
    classes: usize,
    bn_eps: f64,
    /// Probability of leaving out a unit of D, from its second layer on.
    dropout: f64,
    g: Optim,
    d: Optim,
}

impl options::Options for Options {
    fn check(&self) -> Result<(), String> {
        options::require_sizes("latent", &[self.latent])?;
        options::require_sizes("g-widths", &self.g_widths)?;
        options::require_sizes("d-widths", &self.d_widths)?;
        options::require_bn_eps(self.bn_eps)?;
        options::require_dropout(self.dropout)?;
        options::require_classes(self.classes)?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// Pixels and one-hot class side by side to a number each, `[N, 1]`.
struct Judge {
    net: Sequential,
    classes: usize,
}

impl Judge {
    fn new(o: &Options, init: &Initialiser) -> Self {
        let mut net = Sequential::new();
        let mut from = 28 * 28 + o.classes;
        for (i, &width) in o.d_widths.iter().enumerate() {
            net = net.push(Linear::new(from, width, init));
            if i > 0 {
                net = net.push(Dropout::new(o.dropout));
            }
            net = net.push(LeakyReLU(SLOPE));
            from = width;
        }
        Self {
            net: net.push(Linear::new(from, 1, init)),
            classes: o.classes,
        }
    }

    fn input(&self, x: &Tensor, y: &Tensor) -> Tensor {
        let n = x.shape()[0];
        let pixels = x.reshape(&[n, x.len() / n]);
        Tensor::concat(&[&pixels, &y.one_hot(self.classes)], 1)
    }

    fn forward(&self, x: &Tensor, y: &Tensor, mode: Mode<'_>) -> Tensor {
        self.net.forward(&self.input(x, y), mode)
    }
}

impl Discriminator for Judge {
    fn answers(&self, batch: &Batch, mode: Mode<'_>) -> Tensor {
        first(&self.forward(&batch.images, &batch.labels(), mode))
    }
}

impl State for Judge {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.net.visit(path, f);
    }
}

impl Network for Judge {
    fn describe(&self) -> String {
        self.net.describe()
    }

    fn outline(&self, input: &Tensor) -> Vec<(String, Vec<usize>)> {
        let classes = Wanted::in_turn(self.classes, input.shape()[0], input.kind());
        self.net.outline(&self.input(input, &classes))
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let pixels = Flatten.trace(x, scope)?;
        let y = scope.classes("y");
        let class = scope.one_hot(&y, self.classes);
        let input = scope.concat(&[&pixels, &class]);
        self.net.trace(&input, scope)
    }
}

/// The recipe in training.
pub(crate) struct MlpCgan {
    g: Trained<ClassGenerator>,
    d: Trained<Judge>,
    options: Options,
}

impl System for MlpCgan {
    const ABOUT: About = About {
        name: "mlp-cgan",
        summary: "fully connected `cgan`, with squared distances; fast, and its classes come slowly",
        step: "G on noise and classes that are drawn; then D on reals with their classes + D on the fakes made before G's \
               update, with theirs",
        losses: &[
            "D: ½E(D(x, y) − 1)² + ½E D(G(z, ŷ), ŷ)²",
            "G: E(D(G(z, ŷ), ŷ) − 1)²",
        ],
        sources: &[
            "of PyTorch-GAN's `cgan`: D, order, losses, Adam 2e-4 with betas 0.5 and 0.999, batches of 64, 200 epochs",
            "our choice: one-hot classes instead of ten learnt numbers for each, images of 28 pixels instead of 32, a picture of \
             ten rows of one point of noise each, a column a class, every epoch",
        ],
        detach: "G's update has used the fakes' graph, and D gets them detached",
        notes: &[
            "BatchNorm1d(n, 0.8) sets eps, not momentum, as in `mlp`; `fixed` uses 1e-5 (bn-eps = 1e-5).",
            "The classes of the fakes are drawn, all equally likely; they are not those of the batch.",
            "Pictures are taken in train mode (the batch's own statistics); `fixed` takes them in eval mode.",
        ],
        log: None,
        zh: Words {
            summary: "全连接的 `cgan`，用平方距离；很快，但类别学得慢",
            step: "G 用噪声和随机抽取的类别；然后 D 学带类别的真样本与 G 更新之前生成的、带各自类别的假样本",
            losses: &[
                "判别器：½E(D(x, y) − 1)² + ½E D(G(z, ŷ), ŷ)²",
                "生成器：E(D(G(z, ŷ), ŷ) − 1)²",
            ],
            sources: &[
                "来自 PyTorch-GAN 的 `cgan`：D、顺序、损失、Adam 2e-4（betas 0.5 与 0.999）、批大小 64、200 个 \
                 epoch",
                "我们的选择：用 one-hot 类别代替每类十个学到的数、图像为 28 像素而不是 32、每个 epoch 一张图：\
                 十行，每行一个噪声点，每列一个类别",
            ],
            detach: "G 的更新已经用掉了假样本的计算图，D 拿到的是 detach 后的假样本",
            notes: &[
                "BatchNorm1d(n, 0.8) 设的是 eps，不是 momentum，与 `mlp` 相同；`fixed` 用 1e-5（bn-eps = 1e-5）。",
                "假样本的类别是随机抽取的，各类机会相等；它们不是该批的类别。",
                "图片在 train 模式下取（用该批自身的统计量）；`fixed` 在 eval 模式下取。",
            ],
        },
    };
    type Options = Options;
    type Generator = ClassGenerator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let options = Options {
            latent: 100,
            g_widths: vec![128, 256, 512, 1024],
            d_widths: vec![512, 512, 512],
            classes: 10,
            bn_eps: bn_eps(preset),
            dropout: 0.4,
            g: options::adam_of_dcgan(2e-4),
            d: options::adam_of_dcgan(2e-4),
        };
        (by_class(preset, Settings::of_epochs(200)), options)
    }

    fn classes(o: &Options) -> Option<usize> {
        Some(o.classes)
    }

    fn generator(o: &Options, init: &Initialiser) -> ClassGenerator {
        let inputs = o.classes + o.latent;
        ClassGenerator {
            net: generator(inputs, &o.g_widths, Some(o.bn_eps), init),
            latent: o.latent,
            classes: o.classes,
        }
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, |init| Judge::new(o, init)),
            options: o.clone(),
        }
    }
}

impl Recipe for MlpCgan {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let (train, mut report) = (step.train(), Report::new());
        let batch = step.batch(0);
        let (n, real, labels) = (batch.len(), &batch.images, batch.labels());
        let z = step.noise(&[n, o.latent]);
        let wanted = step.classes(n, o.classes);
        let fake = g.forward(&z, &wanted, train);
        let g_loss = (d.forward(&fake, &wanted, train) - 1.0).square().mean();
        step.update(g, &g_loss);
        report.generator(&g_loss, &fake);
        let on_real = d.forward(real, &labels, train);
        let on_fake = d.forward(&fake.detach(), &wanted, train);
        let d_loss = ((&on_real - 1.0).square().mean() + on_fake.square().mean()) * 0.5;
        step.update(d, &d_loss);
        report.critic(&d_loss, [&on_real, &on_fake]);
        report
    }

    parts!();
}

state!(MlpCgan);
