//! `lab`: the published loops with a switch in each of their lines, to see what a line is for.
//!
//! With no switch moved a loop leaves the bits of the recipe that it is of. Recipes stay as they are published: what can be
//! moved is moved here.

mod listing;
mod nets;
mod switches;

use super::trained;
use crate::options::{self, GeneratorLoss, Targets};
use crate::recipe::{Line, Turn};
use crate::settings::SampleMode;
use crate::{About, DataKind, Generator, Preset, Recipe, Report, Settings, Step, System, Words};
use detach_nn::{Initialiser, Mode, Module, Name, Optim, Sequential, Slot, State, Trained};
use detach_tensor::Tensor;
use nets::Published;
use serde::{Deserialize, Serialize};
use switches::{DTurn, GFakes, Order, Pile, StatisticsOfD, ZeroGrad};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    /// Whose networks these are, and whose loop where no switch is moved.
    r#loop: Published,
    order: Order,
    d_turn: DTurn,
    d_steps: u64,
    /// Whether D learns from detached fakes.
    detach_d: bool,
    /// Whether G's own loss is of detached fakes: the wrong side.
    detach_g: bool,
    /// Whether D learns from detached reals, which are numbers already.
    detach_real: bool,
    g_fakes: GFakes,
    zero_grad: ZeroGrad,
    /// Whether G's backward pass leaves D's weights out.
    freeze_d: bool,
    /// Whether a backward pass leaves the graph for another.
    retain_graph: bool,
    statistics_of_d: StatisticsOfD,
    generator_loss: GeneratorLoss,
    targets: Targets,
    /// ε inside the logarithm of the loss; 0 computes it from logits.
    log_eps: f64,
    latent: usize,
    /// Of the networks: each loop's have some of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    g_widths: Option<Vec<usize>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    d_widths: Option<Vec<usize>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bn_eps: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dropout: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_relu: Option<bool>,
    g: Optim,
    d: Optim,
}

impl options::Options for Options {
    fn check(&self) -> Result<(), String> {
        options::require_sizes("latent", &[self.latent])?;
        if let Some(width) = self.width {
            options::require_sizes("width", &[width])?;
        }
        for (key, widths) in [("g-widths", &self.g_widths), ("d-widths", &self.d_widths)] {
            if let Some(widths) = widths {
                options::require_sizes(key, widths)?;
            }
        }
        self.bn_eps.map_or(Ok(()), options::require_bn_eps)?;
        self.dropout.map_or(Ok(()), options::require_dropout)?;
        options::require_d_steps(self.d_steps)?;
        options::require(
            self.log_eps.is_finite() && self.log_eps >= 0.0,
            "log-eps must be a number, 0 or more",
        )?;
        self.targets.check()?;
        switches::check(self)?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }

    /// The networks' settings are those that the loop's networks have, all of them.
    fn settled(mut self) -> Self {
        let (_, published) = self.r#loop.published();
        fn settle<T>(own: &mut Option<T>, published: Option<T>) {
            *own = match (own.take(), published) {
                (Some(own), Some(_)) => Some(own),
                (_, published) => published,
            };
        }
        settle(&mut self.width, published.width);
        settle(&mut self.g_widths, published.g_widths);
        settle(&mut self.d_widths, published.d_widths);
        settle(&mut self.bn_eps, published.bn_eps);
        settle(&mut self.dropout, published.dropout);
        settle(&mut self.last_relu, published.last_relu);
        self
    }
}

/// The recipe in training.
pub(crate) struct Lab {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    /// What backward passes have added up, of G and of D, where nobody zeroes it each turn.
    piles: Option<[Pile; 2]>,
    options: Options,
}

impl System for Lab {
    const ABOUT: About = About {
        name: "lab",
        summary: "the published loops with a switch in each line: what is a line for?",
        step: "that of the recipe named by loop, changed by the switches that were moved",
        losses: &["those of the recipe that is named by loop"],
        sources: &[
            "of the recipe that loop names: everything, where no switch is moved; then the weights are that recipe's, to the bit",
            "ours: the switches",
        ],
        detach: "detach-d is the line that recipes have; detach-g is the same word on the wrong side: G's loss then has no way to \
                 G's weights. `gan detach` shows what each of them does to one step",
        notes: &[
            "`--loop NAME` takes networks, settings and loop of dcgan-light, dcgan, dcgan64, mlp, mlp-g-first, mlp-relu, keras-mlp or \
             gauss1d; `--set` then moves a switch: order, d-turn, d-steps, detach-d, detach-g, g-fakes, zero-grad, freeze-d, \
             retain-graph, statistics-of-d.",
            "zero-grad = \"once-a-step\" and \"never\" collect gradients as PyTorch's `.grad` does: each backward pass adds to the weights \
             of both networks that it reaches, unless they are frozen or detached.",
            "`fixed` leaves D's running statistics alone in G's turn (statistics-of-d = \"kept\") and takes pictures in eval mode.",
        ],
        log: None,
        zh: Words {
            summary: "发表过的训练循环，每一行都有一个开关：这一行有什么用？",
            step: "由 loop 指名的那个配方的一步，按拨动过的开关改变",
            losses: &["由 loop 指名的那个配方的损失"],
            sources: &[
                "来自 loop 指名的配方：只要没有拨动开关，一切都是它的；权重与那个配方逐比特相同",
                "我们的：开关",
            ],
            detach: "detach-d 是各配方都有的那一行；detach-g 是同一个词放错了地方：G 的损失就没有路通向 G 的权\
                     重。`gan detach` 展示它们各自对一步的作用",
            notes: &[
                "`--loop NAME` 采用 dcgan-light、dcgan、dcgan64、mlp、mlp-g-first、mlp-relu、keras-mlp 或 \
                 gauss1d 的网络、设置和循环；然后 `--set` 拨动开关：order、d-turn、d-steps、detach-d、detach-g、\
                 g-fakes、zero-grad、freeze-d、retain-graph、statistics-of-d。",
                "zero-grad = \"once-a-step\" 与 \"never\" 像 PyTorch 的 `.grad` 那样累加梯度：每次反向传播都加\
                 到它到达的两个网络的权重上，除非它们被冻结或被 detach 隔开。",
                "`fixed` 在 G 的回合不动 D 的运行统计量（statistics-of-d = \"kept\"），并在 eval 模式下取图片。",
            ],
        },
    };
    type Options = Options;
    type Generator = Generator;

    fn preset(preset: Preset) -> (Settings, Options) {
        let (mut settings, mut options) = Published::DcganLight.published();
        settings.pictures.mode = SampleMode::of(preset);
        if !preset.is_published() {
            options.statistics_of_d = StatisticsOfD::Kept;
        }
        (settings, options)
    }

    fn leads(key: &str) -> bool {
        key == "loop"
    }

    /// A loop comes with all that it was published with.
    fn published_with(key: &str, settings: &mut Settings, options: &mut Options) {
        if key == "loop" {
            (*settings, *options) = options.r#loop.published();
        }
    }

    fn data(o: &Options) -> Vec<DataKind> {
        vec![o.r#loop.data()]
    }

    fn batches_a_step(options: &Options) -> u64 {
        options.d_steps
    }

    fn generator(o: &Options, init: &Initialiser) -> Generator {
        nets::generator(o, init)
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        let g = trained(&o.g, init, |init| nets::generator(o, init));
        let d = trained(&o.d, init, |init| nets::discriminator(o, init));
        let has_piles = o.zero_grad != ZeroGrad::EachTurn;
        Self {
            piles: has_piles.then(|| [Pile::of(&*g), Pile::of(&*d)]),
            g,
            d,
            options: o.clone(),
        }
    }
}

/// Fakes and the noise that they were made from.
struct Fakes {
    z: Tensor,
    images: Tensor,
}

impl Lab {
    fn fakes(&self, n: usize, step: &mut Step<'_>) -> Fakes {
        let z = step.noise(&[n, self.options.latent]);
        let images = self.g.forward(&z, step.train());
        Fakes { z, images }
    }

    /// What the second turn of a step sees: the fakes of the first, computed anew, or others.
    fn again(&self, fakes: Fakes, step: &mut Step<'_>) -> Fakes {
        match self.options.g_fakes {
            GFakes::Same => fakes,
            GFakes::Recomputed => Fakes {
                images: self.g.forward(&fakes.z, step.train()),
                ..fakes
            },
            GFakes::Fresh => self.fakes(fakes.images.shape()[0], step),
        }
    }

    fn d_turn(&mut self, real: &Tensor, fakes: &Fakes, step: &mut Step<'_>, report: &mut Report) {
        let o = self.options.clone();
        let train = step.train();
        let fake = match o.detach_d {
            true => fakes.images.detach(),
            false => fakes.images.clone(),
        };
        let real = &match o.detach_real {
            true => real.detach(),
            false => real.clone(),
        };
        let answer = |d: &Trained<Sequential>, x: &Tensor, label| {
            let logits = d.forward(x, train);
            let loss = o.loss(&logits, label);
            (loss, logits)
        };
        if o.d_turn == DTurn::Apart {
            let (on_real, real_logits) = answer(&self.d, real, o.targets.real);
            self.update(Turn::D, &on_real, step);
            let (on_real, real_logits) = (on_real.detach(), real_logits.detach());
            let (on_fake, fake_logits) = answer(&self.d, &fake, o.targets.fake);
            self.update(Turn::D, &on_fake, step);
            let (on_fake, fake_logits) = (on_fake.detach(), fake_logits.detach());
            let d_loss = (&on_real + &on_fake) * 0.5;
            report.discriminator(&d_loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
            return;
        }
        let (real_logits, fake_logits) =
            (self.d.forward(real, train), self.d.forward(&fake, train));
        let on_real = o.loss(&real_logits, o.targets.real);
        let on_fake = o.loss(&fake_logits, o.targets.fake);
        let mut d_loss = &on_real + &on_fake;
        if o.d_turn == DTurn::Halved {
            d_loss = d_loss * 0.5;
        }
        self.update(Turn::D, &d_loss, step);
        report.discriminator(&d_loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
    }

    fn g_turn(&mut self, fakes: &Fakes, step: &mut Step<'_>, report: &mut Report) {
        let o = &self.options;
        let fake = match o.detach_g {
            true => fakes.images.detach(),
            false => fakes.images.clone(),
        };
        let mode = match o.statistics_of_d {
            StatisticsOfD::Moved => step.train(),
            StatisticsOfD::Kept => step.train().moving_stats(false),
            StatisticsOfD::Used => Mode::eval(),
        };
        let fake_logits = self.d.forward(&fake, mode);
        let g_loss = match o.generator_loss {
            GeneratorLoss::NonSaturating => o.loss(&fake_logits, o.targets.generator),
            GeneratorLoss::Saturating => -o.loss(&fake_logits, o.targets.fake),
        };
        self.update(Turn::G, &g_loss, step);
        report.generator(&g_loss, &fakes.images);
    }

    /// A turn's backward pass, and the step of whose turn it is.
    fn update(&mut self, turn: Turn, loss: &Tensor, step: &mut Step<'_>) {
        let Self {
            g,
            d,
            piles,
            options: o,
        } = self;
        let Some([of_g, of_d]) = piles else {
            return match turn {
                Turn::D => step.update(d, loss),
                Turn::G => step.update(g, loss),
            };
        };
        step.tell(loss);
        let reaches_d = turn == Turn::D || !o.freeze_d;
        switches::backward(
            loss,
            &mut [(&*g as &dyn State, of_g, true), (&*d, of_d, reaches_d)],
        );
        match turn {
            Turn::D => step.apply(d, &of_d.sums()),
            Turn::G => step.apply(g, &of_g.sums()),
        }
    }
}

impl Recipe for Lab {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let mut report = Report::new();
        if self.options.zero_grad == ZeroGrad::OnceAStep {
            self.piles.iter().flatten().for_each(Pile::zero);
        }
        match self.options.order {
            Order::DFirst => {
                let fakes = step.repeat(self.options.d_steps, |step| {
                    let real = step.batch(0).images;
                    let fakes = self.fakes(real.shape()[0], step);
                    self.d_turn(&real, &fakes, step, &mut report);
                    fakes
                });
                let fakes = self.again(fakes, step);
                self.g_turn(&fakes, step, &mut report);
            }
            Order::GFirst => {
                let real = step.batch(0).images;
                let fakes = self.fakes(real.shape()[0], step);
                self.g_turn(&fakes, step, &mut report);
                let fakes = self.again(fakes, step);
                self.d_turn(&real, &fakes, step, &mut report);
            }
        }
        report
    }

    fn listing(&self) -> Vec<Line> {
        listing::lines(&self.options)
    }

    parts!();
}

impl State for Lab {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.g.visit(path.dot("generator"), f);
        self.d.visit(path.dot("discriminator"), f);
        if let Some([of_g, of_d]) = &self.piles {
            of_g.visit(path.dot("grad-of-generator"), f);
            of_d.visit(path.dot("grad-of-discriminator"), f);
        }
    }
}
