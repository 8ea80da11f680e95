//! `began`: a discriminator that is an autoencoder, in balance with its generator (Berthelot et al.,
//! arXiv:1703.10717).

use super::trained;
use crate::nets::autoencoder::{Shape, autoencoder, decoder};
use crate::options::{self, require, require_side};
use crate::sampler::{Input, trace_uniform_of, uniform_of};
use crate::settings::{InitScheme, Sampling};
use crate::{
    About, DataKind, Preset, Recipe, Report, Sampler, Settings, Step, System, Wanted, Words,
};
use detach_nn::{
    Initialiser, Mode, Module, Name, Network, Optim, Param, Scope, Sequential, Slot, State,
    Trained, Untraced, Value, gradients,
};
use detach_tensor::{Array, Tensor};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Options {
    /// 28 for grey images, 64 for RGB.
    size: usize,
    latent: usize,
    /// Filters of every convolution, or of the first level.
    filters: usize,
    /// γ, the ratio L(G(z)) / L(x) that k works towards: less is less diverse and sharper.
    gamma: f64,
    /// λ, how fast k moves.
    k_rate: f64,
    g: Optim,
    d: Optim,
}

impl options::Options for Options {
    fn check(&self) -> Result<(), String> {
        require_side(self.size)?;
        options::require_sizes("latent", &[self.latent])?;
        options::require_sizes("filters", &[self.filters])?;
        require(
            self.gamma > 0.0 && self.gamma <= 1.0,
            "gamma must be in (0, 1]: the ratio of two errors, the generator's and the data's",
        )?;
        require(
            self.k_rate > 0.0 && self.k_rate <= 1.0,
            "k-rate must be in (0, 1]",
        )?;
        options::require_optims(&[("g", &self.g), ("d", &self.d)])
    }
}

impl Options {
    fn shape(&self) -> Shape {
        Shape {
            side: self.size,
            code: self.latent,
            filters: self.filters,
        }
    }
}

/// The decoder, whose codes are uniform in [−1, 1).
pub(crate) struct Decoder {
    net: Sequential,
    latent: usize,
}

impl State for Decoder {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.net.visit(path, f);
    }
}

impl Network for Decoder {
    fn describe(&self) -> String {
        self.net.describe()
    }

    fn outline(&self, input: &Tensor) -> Vec<(String, Vec<usize>)> {
        self.net.outline(input)
    }

    /// Of normal noise, as [`sample`](Sampler::sample) takes it.
    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let codes = trace_uniform_of(x, scope);
        self.net.trace(&codes, scope)
    }
}

impl Sampler for Decoder {
    fn input(&self) -> Input {
        Input::Noise {
            latent: self.latent,
        }
    }

    fn sample(&self, x: &Tensor, wanted: &Wanted, mode: Mode<'_>) -> Tensor {
        assert!(
            wanted.classes.is_none(),
            "a generator without classes was asked for some"
        );
        self.net.forward(&uniform_of(x), mode)
    }
}

/// The recipe in training.
pub(crate) struct Began {
    g: Trained<Decoder>,
    d: Trained<Sequential>,
    /// How much D's error on fakes counts, `[]`: on the device, as the step itself moves it.
    k: Param,
    options: Options,
}

impl System for Began {
    const ABOUT: About = About {
        name: "began",
        summary: "D is an autoencoder, and k balances what it does for reals against fakes",
        step: "D on L(x) − k·L(G(z)), G on L(G(z)), both gradients before either moves; then k",
        losses: &[
            "L(v): mean |D(v) − v|",
            "D: L(x) − k·L(G(z))",
            "G: L(G(z)), by both places that G(z) stands in",
            "k ← k + λ(γ·L(x) − L(G(z))), held in [0, 1]",
        ],
        sources: &[
            "of the paper: the losses, k from 0 with λ 0.001, γ 0.5, z uniform in [−1, 1], 64-dimensional codes, batches of 16, \
             Adam 1e-4, 3×3 convolutions with ELU, nearest-neighbour upsampling",
            "our choice: 16 filters and three levels at 28×28 (four of the paper's at 64×64 with size = 64 filters = 64), betas 0.5 \
             and 0.999, Keras' initial weights, 20 epochs without short batches (the official code's queue makes none), \
             an 8×8 picture from 64 fixed codes every epoch",
        ],
        detach: "nothing is: one graph of D(G(z)) serves both, and each gradient is with respect to one network's weights alone",
        notes: &[
            "k stays at 0 until G's images are easier for D than γ times the data: hundreds of steps. `fixed` helps it off with \
             gamma = 0.75, g.lr = 0.0002, d.lr = 0.0002.",
            "convergence = L(x) + |γ·L(x) − L(G(z))|, the paper's M, falls as training gets on.",
            "The published rate is halved every 100,000 steps (schedule = step:27:0.5); 20 epochs end before that.",
            "Images leave [−1, 1]: pictures clamp them.",
        ],
        log: None,
        zh: Words {
            summary: "D 是自编码器，k 平衡它为真样本和假样本所做的",
            step: "D 沿 L(x) − k·L(G(z))，G 沿 L(G(z))，两个梯度都在任何一方移动之前求出；然后是 k",
            losses: &[
                "L(v)：|D(v) − v| 的平均",
                "判别器：L(x) − k·L(G(z))",
                "生成器：L(G(z))，经过 G(z) 出现的两个位置",
                "k ← k + λ(γ·L(x) − L(G(z)))，限制在 [0, 1] 内",
            ],
            sources: &[
                "来自论文：损失、从 0 开始的 k 与 λ 0.001、γ 0.5、[−1, 1] 上均匀分布的 z、64 维编码、批大小 16、\
                 Adam 1e-4、带 ELU 的 3×3 卷积、最近邻上采样",
                "我们的选择：28×28 上 16 个滤波器、三层（论文在 64×64 上是四层：size = 64 filters = 64）、betas \
                 0.5 与 0.999、Keras 的初始权重、20 个 epoch 且没有不足的批（官方代码的队列不产生这样的批）、每\
                 个 epoch 用 64 个固定编码画一张 8×8 的图",
            ],
            detach: "没有任何东西被 detach：D(G(z)) 的同一个计算图供两者使用，每个梯度只对一个网络的权重求",
            notes: &[
                "k 停在 0，直到 G 的图像对 D 来说比数据的 γ 倍还容易：要几百步。`fixed` 帮它起步：gamma = 0.75、\
                 g.lr = 0.0002、d.lr = 0.0002。",
                "convergence = L(x) + |γ·L(x) − L(G(z))|，即论文中的 M，随训练推进而下降。",
                "发表的学习率每 100,000 步减半（schedule = step:27:0.5）；20 个 epoch 在那之前就结束。",
                "图像会超出 [−1, 1]：画图时截断。",
            ],
        },
    };
    type Options = Options;
    type Generator = Decoder;

    fn preset(preset: Preset) -> (Settings, Options) {
        let (gamma, lr) = match preset {
            Preset::AsPublished => (0.5, 1e-4),
            Preset::Fixed => (0.75, 2e-4),
        };
        let settings = Settings {
            batch_size: 16,
            init: InitScheme::Keras,
            sampling: Sampling::Shuffled { drop_last: true },
            ..Settings::of_epochs(20)
        };
        let options = Options {
            size: 28,
            latent: 64,
            filters: 16,
            gamma,
            k_rate: 1e-3,
            g: options::adam_of_dcgan(lr),
            d: options::adam_of_dcgan(lr),
        };
        (settings, options)
    }

    fn data(o: &Options) -> Vec<DataKind> {
        vec![DataKind::of_side(o.size)]
    }

    fn generator(o: &Options, init: &Initialiser) -> Decoder {
        Decoder {
            net: decoder(Sequential::new(), o.shape(), init),
            latent: o.latent,
        }
    }

    fn build(o: &Options, init: &Initialiser) -> Self {
        Self {
            g: trained(&o.g, init, |init| Self::generator(o, init)),
            d: trained(&o.d, init, |init| autoencoder(o.shape(), init)),
            k: Param::buffer(Array::zeros(&[], init.kind())),
            options: o.clone(),
        }
    }
}

impl Recipe for Began {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self {
            g,
            d,
            k,
            options: o,
        } = self;
        let (train, mut report) = (step.train(), Report::new());
        let real = step.batch(0).images;
        let codes = step.uniform(&[real.shape()[0], o.latent]) * 2.0 - 1.0;
        let fake = g.net.net.forward(&codes, train);
        let error = |v: &Tensor| (d.forward(v, train) - v).abs().mean();
        let (on_real, on_fake) = (error(&real), error(&fake));
        let d_loss = &on_real - k.get() * &on_fake;
        let (d_gradients, g_gradients) = (gradients(&d_loss, &d.net), gradients(&on_fake, &g.net));
        step.tell(&d_loss);
        step.tell(&on_fake);
        step.apply(d, &d_gradients);
        step.apply(g, &g_gradients);
        let balance = (&on_real * o.gamma - &on_fake).detach();
        let next = (k.get() + &balance * o.k_rate).clip(0.0, 1.0);
        k.set("began's balance", next.value());
        report.scalar("d_loss", &d_loss);
        report.scalar("real_error", &on_real);
        report.scalar("fake_error", &on_fake);
        report.scalar("k", &next);
        report.scalar("convergence", &(&on_real + balance.abs()));
        report.generator(&on_fake, &fake);
        report
    }

    parts!();
}

impl State for Began {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.g.visit(path.dot("generator"), f);
        self.d.visit(path.dot("discriminator"), f);
        f(path.dot("k"), Slot::Buffer(&self.k));
    }
}
