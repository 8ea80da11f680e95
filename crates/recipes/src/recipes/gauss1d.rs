//! `gauss1d`: a GAN that learns a normal distribution, to be watched as histograms.

use super::trained;
use crate::figure::{Content, Curve, Figure, Look, Panel};
use crate::nets::mlp::small;
use crate::options::{self, GeneratorLoss};
use crate::settings::{PictureSource, Pictures, SampleMode, Sampling};
use crate::theory::{self, Theory, mean_and_deviation};
use crate::{About, DataKind, Generator, Preset, Recipe, Report, Settings, Step, System, Words};
use detach_nn::{Initialiser, Mode, Module, Optim, Schedule, Sequential, Trained};
use detach_tensor::{Array, Tensor};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    latent: usize,
    widths: Vec<usize>,
    d_steps: u64,
    generator_loss: GeneratorLoss,
    /// ε inside the logarithm of the loss; 0 computes it from logits.
    log_eps: f64,
    g: Optim,
    d: Optim,
}

impl options::Options for Options {
    fn check(&self) -> Result<(), String> {
        options::require_sizes("latent", &[self.latent])?;
        options::require_sizes("widths", &self.widths)?;
        options::require_d_steps(self.d_steps)?;
        options::require(
            self.log_eps.is_finite() && self.log_eps >= 0.0,
            "log-eps must be a number, 0 or more",
        )?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

impl Options {
    fn loss(&self, logits: &Tensor, label: f64) -> Tensor {
        options::log_loss(logits, label, self.log_eps)
    }
}

/// Samples that are looked at.
const LOOK: usize = 8192;
/// Curves are shown from minus this to it.
const SHOWN: f64 = 4.0;

/// The recipe in training.
pub(crate) struct Gauss1d {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    options: Options,
}

impl System for Gauss1d {
    const ABOUT: About = About {
        name: "gauss1d",
        summary: "learns N(0, 1) from samples, histograms on the way; seconds to train",
        step: "5 × D (fresh reals and fakes each), then G on fresh noise",
        losses: &[
            "D: −E log(D(x) + 1e-8) − E log(1 − D(G(z)) + 1e-8)",
            "G: −E log(D(G(z)) + 1e-8)",
        ],
        sources: &[
            "of the source: networks, loop, loss, Adam 1e-3 with betas 0.9 and 0.999, batches of 64, 5,000 iterations, ten \
             snapshots of 1,000 samples from the first iteration on, every 500",
        ],
        detach: "the fakes of D's five updates are detached as they are made; G's update names G alone",
        notes: &[
            "The published loss is −log(p + 1e-8), which biases p near 0 and 1; `fixed` computes it from logits \
             (log-eps = 0).",
            "As published G circles around the distribution for as long as it trains: after 5,000 iterations the deviation of its \
             samples was from 0.80 to 1.13, and their mean up to 0.13 from 0 (seeds 1 to 5). `fixed` comes to rest: no momentum \
             (d.beta1 and g.beta1 = 0.0), rates that fall to 0 (d.schedule and g.schedule = cosine:1), larger batches \
             (batch-size = 256), and samples from G's average (g.ema = 0.998).",
        ],
        log: None,
        zh: Words {
            summary: "从样本学习 N(0, 1)，途中画直方图；几秒钟就训练完",
            step: "5 × D（每次都用新的真样本和假样本），然后 G 用新噪声",
            losses: &[
                "判别器：−E log(D(x) + 1e-8) − E log(1 − D(G(z)) + 1e-8)",
                "生成器：−E log(D(G(z)) + 1e-8)",
            ],
            sources: &[
                "来自原教程：网络、循环、损失、Adam 1e-3（betas 0.9 与 0.999）、批大小 64、5,000 次迭代、从第一\
                 次迭代起每 500 次取 1,000 个样本的快照，共十张",
            ],
            detach: "D 的五次更新所用的假样本一生成就被 detach；G 的更新只对 G 求梯度",
            notes: &[
                "发表的损失是 −log(p + 1e-8)，在 p 接近 0 和 1 处有偏差；`fixed` 从 logit 计算（log-eps = 0）。",
                "按发表的样子，G 训练多久就绕着目标分布转多久：5,000 次迭代之后，样本的标准差从 0.80 到 1.13，\
                 均值离 0 最远 0.13（种子 1 到 5）。`fixed` 会停下来：没有动量（d.beta1 与 g.beta1 = 0.0），学\
                 习率降到 0（d.schedule 与 g.schedule = cosine:1），更大的批（batch-size = 256），样本取自 G 的\
                 平均（g.ema = 0.998）。",
            ],
        },
    };
    type Options = Options;
    type Generator = Generator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let settings = Settings {
            // One iteration is one step; there are no epochs, so one epoch holds them all.
            epochs: 1,
            batch_size: if preset.is_published() { 64 } else { 256 },
            sampling: Sampling::Endless { steps: 5000 },
            pictures: Pictures {
                rows: 1,
                columns: 1000,
                every_steps: 500,
                first: true,
                mode: SampleMode::Eval,
                source: PictureSource::Fresh,
                ..Pictures::default()
            },
            ..Settings::default()
        };
        let options = Options {
            latent: 10,
            widths: vec![50, 50],
            d_steps: 5,
            generator_loss: GeneratorLoss::NonSaturating,
            log_eps: match preset {
                Preset::AsPublished => 1e-8,
                Preset::Fixed => 0.0,
            },
            g: Optim::adam(1e-3, 0.9, 0.999),
            d: Optim::adam(1e-3, 0.9, 0.999),
        };
        if preset.is_published() {
            return (settings, options);
        }
        let at_rest = Optim {
            schedule: Schedule::Cosine { to: 1.0 },
            ..Optim::adam(1e-3, 0.0, 0.999)
        };
        let g = Optim {
            ema: 0.998,
            ..at_rest.clone()
        };
        let options = Options {
            g,
            d: at_rest,
            ..options
        };
        (settings, options)
    }

    fn data(_: &Options) -> Vec<DataKind> {
        vec![DataKind::Gaussian]
    }

    fn generator(o: &Options, init: &Initialiser) -> Generator {
        Generator {
            net: small(o.latent, &o.widths, init),
            latent: o.latent,
        }
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, |init| small(1, &o.widths, init)),
            options: o.clone(),
        }
    }
}

impl Gauss1d {
    /// G's samples `[N, 1]`, of the network that D plays against or of the one that samples are drawn from.
    fn looked_at(&self, g: &Generator, look: &Look) -> Tensor {
        let z = look.noise(&[LOOK, self.options.latent]);
        g.forward(&z.detach(), Mode::eval()).detach()
    }

    /// D and the density that it plays against beside what theory knows of them.
    fn theory(&self, look: &Look) -> Theory {
        let samples = self.looked_at(&self.g, look);
        let x = theory::grid();
        let grid = Tensor::constant(Array::from_f64(&x, &[x.len(), 1], look.kind));
        let logits = |x: &Tensor| self.d.forward(x, Mode::eval()).to_vec::<f64>();
        Theory::of_normal(&samples.to_vec::<f64>(), &logits(&grid), &logits(&samples))
    }
}

impl Recipe for Gauss1d {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self { g, d, options: o } = self;
        let (train, mut report) = (step.train(), Report::new());
        let n = step.repeat(o.d_steps, |step| {
            let real = step.batch(0).images;
            let n = real.shape()[0];
            let fake = g.forward(&step.noise(&[n, o.latent]), train).detach();
            let (real_logits, fake_logits) = (d.forward(&real, train), d.forward(&fake, train));
            let (on_real, on_fake) = (o.loss(&real_logits, 1.0), o.loss(&fake_logits, 0.0));
            let d_loss = &on_real + &on_fake;
            step.update(d, &d_loss);
            report.discriminator(&d_loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
            n
        });
        let fake = g.forward(&step.noise(&[n, o.latent]), train);
        let fake_logits = d.forward(&fake, train);
        let g_loss = match o.generator_loss {
            GeneratorLoss::NonSaturating => o.loss(&fake_logits, 1.0),
            GeneratorLoss::Saturating => -o.loss(&fake_logits, 0.0),
        };
        step.update(g, &g_loss);
        report.generator(&g_loss, &fake);
        report
    }

    fn measures(&self, look: &Look) -> Vec<(&'static str, f64)> {
        let samples = self.looked_at(self.g.best(), look).to_vec::<f64>();
        let (mean, deviation) = mean_and_deviation(&samples);
        let theory = self.theory(look);
        vec![
            ("mean", mean),
            ("deviation", deviation),
            ("jsd", theory.jsd()),
            ("value", theory.value()),
            ("value_best", theory.bound()),
            ("d_gap", theory.gap()),
        ]
    }

    fn figures(&self, look: &Look) -> Vec<Figure> {
        let theory = self.theory(look);
        let over_x = |name, y: &[f64]| {
            let points = theory::grid().into_iter().zip(y).map(|(x, y)| [x, *y]);
            Curve {
                name,
                points: points.filter(|[x, _]| x.abs() <= SHOWN).collect(),
            }
        };
        let [p, q] = theory.densities();
        let curves = vec![
            over_x("D(x)", theory.discriminator()),
            over_x("D* = p / (p + q)", &theory.best()),
            over_x("q, of the samples", q),
            over_x("p = N(0, 1)", p),
        ];
        vec![Figure {
            name: "theory",
            panels: vec![
                Panel {
                    title: "D beside the best discriminator".to_owned(),
                    content: Content::Curves(curves),
                },
                Panel {
                    title: "the value V beside 2 JSD − log 4".to_owned(),
                    content: Content::History(vec!["value", "value_best"]),
                },
            ],
        }]
    }

    parts!();
}

state!(Gauss1d);
