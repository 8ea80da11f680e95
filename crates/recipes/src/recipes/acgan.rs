//! `acgan`: D says what an image is of besides whether it is real, and G wants to be understood (Odena et al.,
//! arXiv:1610.09585).

use super::{by_class, trained};
use crate::nets::conditional::ClassGenerator;
use crate::nets::dcgan::{Size, light_features};
use crate::options::{self, Targets};
use crate::{About, Preset, Recipe, Report, Settings, Step, System, Words};
use detach_nn::loss::{bce_with_logits, cross_entropy};
use detach_nn::{Conv2d, Flatten, Initialiser, Module, Optim, Sequential, Trained};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    latent: usize,
    width: usize,
    /// How many classes there are: the data's labels are 0 to one less.
    classes: usize,
    batch_norm: bool,
    /// Whether D learns the classes of fakes, too.
    classes_of_fakes: bool,
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
pub(crate) struct Acgan {
    g: Trained<ClassGenerator>,
    /// `[N, 1, 28, 28]` to the logit of being real and of each class, `[N, 1 + classes]`.
    d: Trained<Sequential>,
    options: Options,
}

impl System for Acgan {
    const ABOUT: About = About {
        name: "acgan",
        summary: "as `cgan`, but D is not told the class and says it itself",
        step: "D on reals + D on detached fakes, one step; G on fresh noise and classes through the updated D",
        losses: &[
            "D: BCE(D(x), 0.9) + BCE(D(G(z, ŷ)), 0.1) + CE(C(x), y) + CE(C(G(z, ŷ)), ŷ)",
            "G: BCE(D(G(z′, ŷ′)), 0.9) + CE(C(G(z′, ŷ′)), ŷ′)",
        ],
        sources: &[
            "of the paper: both losses, classes by one more layer on D's features; of `dcgan-light`: networks, labels, \
             optimisers, batches",
            "our choice: 50 epochs, a picture of ten rows of one point of noise each, a column a class, every epoch",
        ],
        detach: "the fakes that D learns from are detached as soon as they are made; G's update names G alone",
        notes: &[
            "As published D learns the classes of fakes, too, also while they look like nothing; `fixed` has it learn those of \
             reals alone (classes-of-fakes = false).",
            "real_class_loss and fake_class_loss say how well D tells the classes of reals, and G's samples meet theirs; 2.3 \
             (ln 10) is a guess.",
            "G is paid for samples whose class is easy to tell, so that its digits differ less than the data's.",
            "Pictures are taken in train mode (the batch's own statistics) as `dcgan-light` has them; `fixed` takes them in eval \
             mode, and leaves the running statistics of D alone in G's update (d-stats-in-g-step = false).",
        ],
        log: None,
        zh: Words {
            summary: "与 `cgan` 相同，但 D 不被告知类别，而是自己说出类别",
            step: "D 学真样本与 detach 后的假样本，做一次更新；G 用新的噪声和类别，经过更新后的 D",
            losses: &[
                "判别器：BCE(D(x), 0.9) + BCE(D(G(z, ŷ)), 0.1) + CE(C(x), y) + CE(C(G(z, ŷ)), ŷ)",
                "生成器：BCE(D(G(z′, ŷ′)), 0.9) + CE(C(G(z′, ŷ′)), ŷ′)",
            ],
            sources: &[
                "来自论文：两种损失、由 D 的特征上再加一层得到类别；来自 `dcgan-light`：网络、标签、优化器、批",
                "我们的选择：50 个 epoch、每个 epoch 一张图：十行，每行一个噪声点，每列一个类别",
            ],
            detach: "D 所学的假样本一生成就被 detach；G 的更新只对 G 求梯度",
            notes: &[
                "按发表的样子，D 也学假样本的类别，即使它们什么也不像；`fixed` 让它只学真样本的类别（\
                 classes-of-fakes = false）。",
                "real_class_loss 和 fake_class_loss 说明 D 认出真样本的类别有多准，以及 G 的样本符合自己的类别\
                 有多好；2.3（ln 10）等于瞎猜。",
                "G 因为样本的类别容易认出而得到奖励，所以它的数字之间的差别比数据中的小。",
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
            batch_norm: true,
            classes_of_fakes: preset.is_published(),
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
        let d = |init: &Initialiser| {
            light_features(1, o.width, o.batch_norm, init)
                .push(Conv2d::new(2 * o.width, 1 + o.classes, 7, init))
                .push(Flatten)
        };
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, d),
            options: o.clone(),
        }
    }
}

impl Recipe for Acgan {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let (train, mut report) = (step.train(), Report::new());
        // Whether it is real, and of which class.
        let answers = |d: &Sequential, x: &_, mode| {
            let all = d.forward(x, mode);
            (all.slice(1, 0, 1), all.slice(1, 1, o.classes))
        };
        let batch = step.batch(0);
        let (n, real, labels) = (batch.len(), &batch.images, batch.labels());
        let z = step.noise(&[n, o.latent]);
        let wanted = step.classes(n, o.classes);
        let fake = g.forward(&z, &wanted, train).detach();
        let (real_logits, real_classes) = answers(d, real, train);
        let (fake_logits, fake_classes) = answers(d, &fake, train);
        let real_class_loss = cross_entropy(&real_classes, &labels);
        let on_real = bce_with_logits(&real_logits, o.targets.real) + &real_class_loss;
        let mut on_fake = bce_with_logits(&fake_logits, o.targets.fake);
        if o.classes_of_fakes {
            on_fake = on_fake + cross_entropy(&fake_classes, &wanted);
        }
        let d_loss = &on_real + &on_fake;
        step.update(d, &d_loss);
        report.discriminator(&d_loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
        let z = step.noise(&[n, o.latent]);
        let wanted = step.classes(n, o.classes);
        let fake = g.forward(&z, &wanted, train);
        let (fake_logits, fake_classes) =
            answers(d, &fake, train.moving_stats(o.d_stats_in_g_step));
        let fake_class_loss = cross_entropy(&fake_classes, &wanted);
        let g_loss = bce_with_logits(&fake_logits, o.targets.generator) + &fake_class_loss;
        step.update(g, &g_loss);
        report.generator(&g_loss, &fake);
        report.scalar("real_class_loss", &real_class_loss);
        report.scalar("fake_class_loss", &fake_class_loss);
        report
    }

    parts!();
}

state!(Acgan);
