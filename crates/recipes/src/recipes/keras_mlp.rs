//! `keras-mlp`: the fully connected GAN of the Keras tutorials.

use super::trained;
use crate::log::{Field, PublishedLog};
use crate::nets::mlp::{keras_discriminator, keras_generator};
use crate::options::{self, GeneratorLoss, Targets};
use crate::settings::{InitScheme, PictureSource, Pictures, SampleMode, Sampling, Scaling};
use crate::{About, Generator, Preset, Recipe, Report, Settings, Step, System, Words};
use detach_nn::loss::bce_with_logits;
use detach_nn::{Initialiser, Module, Optim, OptimKind, Sequential, Trained};
use detach_tensor::Tensor;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    latent: usize,
    g_widths: Vec<usize>,
    d_widths: Vec<usize>,
    dropout: f64,
    d_steps: u64,
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
        options::require_dropout(self.dropout)?;
        options::require_d_steps(self.d_steps)?;
        self.targets.check()?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

/// The recipe in training.
pub(crate) struct KerasMlp {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    options: Options,
}

impl System for KerasMlp {
    const ABOUT: About = About {
        name: "keras-mlp",
        summary: "fully connected, dropout in D, two D updates a step; as the Keras tutorials do",
        step: "D on real, step; D on fakes, step; then G on the same noise again through D",
        losses: &[
            "D on reals: −E log D(x), an update of its own; on fakes: −E log(1 − D(G(z))), another",
            "G: −E log D(G(z)), the fakes computed again",
        ],
        sources: &[
            "of the source: networks, Adam 2e-4 with betas 0.5 and 0.999, batches of 128, 468 steps an epoch, 50 epochs, \
             5×5 pictures from fresh noise at epoch 1 and every 10, each image scaled by itself",
            "of Keras: Glorot-uniform weights, zero biases, Adam with eps 1e-7 added before the bias correction \
             (kind = \"adam-keras\"; kind = \"adam\" is PyTorch's)",
        ],
        detach: "`train_on_batch` of D sees fakes that are numbers: detached. G's update goes through D with \
                 `trainable = False`: it names G alone, and D's dropout stays on",
        notes: &[
            "`train_on_batch` twice makes two Adam steps of D a step, the second on gradients of the already moved \
             weights; G's fakes are computed again, and `trainable = False` does not turn D's dropout off. Kept.",
            "Batches are drawn with replacement: an epoch sees about 63% of the images; `fixed` shuffles \
             (sampling = \"shuffled-drop-last\").",
            "Keras: Glorot-uniform weights, zero biases, and Adam with eps 1e-7.",
        ],
        log: Some(PublishedLog {
            of: "Keras-GAN's gan.py, which has this loop of two updates of D and counts steps",
            of_zh: "Keras-GAN 的 gan.py，同样每步更新 D 两次，并且按步计数",
            format: "%d [D loss: %f, acc.: %.2f%%] [G loss: %f]",
            fields: &[
                Field::Iteration,
                Field::Number("d_loss"),
                Field::Accuracy,
                Field::Number("g_loss"),
            ],
        }),
        zh: Words {
            summary: "全连接，D 中有 dropout，每步更新 D 两次；与 Keras 教程相同",
            step: "D 学真样本，更新；D 学假样本，更新；然后 G 用同样的噪声再次经过 D",
            losses: &[
                "判别器学真样本：−E log D(x)，自成一次更新；学假样本：−E log(1 − D(G(z)))，另一次",
                "生成器：−E log D(G(z))，假样本重新计算",
            ],
            sources: &[
                "来自原教程：网络、Adam 2e-4（betas 0.5 与 0.999）、批大小 128、每个 epoch 468 步、50 个 epoch、\
                 在第 1 个 epoch 和每 10 个 epoch 用新噪声画 5×5 的图，每幅图像各自缩放",
                "来自 Keras：Glorot 均匀分布的权重、零偏置、Adam 的 eps 1e-7 在偏差校正之前加上（kind = \
                 \"adam-keras\"；kind = \"adam\" 是 PyTorch 的）",
            ],
            detach: "D 的 `train_on_batch` 看到的假样本只是数值：已经与计算图分离。G 的更新经过 \
                     `trainable = False` 的 D：只对 G 求梯度，而 D 的 dropout 仍然开着",
            notes: &[
                "两次 `train_on_batch` 使 D 每步走两次 Adam，第二次的梯度来自已经移动过的权重；G 的假样本重新计\
                 算，`trainable = False` 也不会关掉 D 的 dropout。保持原样。",
                "批是有放回抽取的：一个 epoch 只见到约 63% 的图像；`fixed` 改为洗牌（sampling = \
                 \"shuffled-drop-last\"）。",
                "Keras：Glorot 均匀分布的权重、零偏置，Adam 的 eps 为 1e-7。",
            ],
        },
    };
    type Options = Options;
    type Generator = Generator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let settings = Settings {
            epochs: 50,
            batch_size: 128,
            init: InitScheme::Keras,
            sampling: match preset {
                Preset::AsPublished => Sampling::WithReplacement,
                Preset::Fixed => Sampling::Shuffled { drop_last: true },
            },
            pictures: Pictures {
                rows: 5,
                columns: 5,
                every_epochs: 10,
                first: true,
                mode: SampleMode::Eval,
                source: PictureSource::Fresh,
                scaling: Scaling::Each,
                ..Pictures::default()
            },
            ..Settings::default()
        };
        let adam = Optim {
            kind: OptimKind::AdamKeras,
            eps: 1e-7,
            ..options::adam_of_dcgan(2e-4)
        };
        let options = Options {
            latent: 100,
            g_widths: vec![256, 512, 1024],
            d_widths: vec![1024, 512, 256],
            dropout: 0.3,
            d_steps: 1,
            generator_loss: GeneratorLoss::NonSaturating,
            targets: Targets::HARD,
            g: adam.clone(),
            d: adam,
        };
        (settings, options)
    }

    fn batches_a_step(options: &Options) -> u64 {
        options.d_steps
    }

    fn generator(o: &Options, init: &Initialiser) -> Generator {
        Generator {
            net: keras_generator(o.latent, &o.g_widths, init),
            latent: o.latent,
        }
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, |init| {
                keras_discriminator(&o.d_widths, o.dropout, init)
            }),
            options: o.clone(),
        }
    }
}

impl Recipe for KerasMlp {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let (train, mut report) = (step.train(), Report::new());
        let (z, fake) = step.repeat(o.d_steps, |step| {
            let mut train_on_batch = |step: &mut Step<'_>, x: &Tensor, label| {
                let logits = d.forward(x, train);
                let loss = bce_with_logits(&logits, label);
                step.update(d, &loss);
                (loss.detach(), logits.detach())
            };
            let real = step.batch(0).images;
            let z = step.noise(&[real.shape()[0], o.latent]);
            let fake = g.forward(&z, train).detach();
            let (on_real, real_logits) = train_on_batch(step, &real, o.targets.real);
            let (on_fake, fake_logits) = train_on_batch(step, &fake, o.targets.fake);
            let d_loss = (&on_real + &on_fake) * 0.5;
            report.discriminator(&d_loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
            (z, fake)
        });
        let g_loss = o
            .generator_loss
            .of(&d.forward(&g.forward(&z, train), train), &o.targets);
        step.update(g, &g_loss);
        report.generator(&g_loss, &fake);
        report
    }

    parts!();
}

state!(KerasMlp);
