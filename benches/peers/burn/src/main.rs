//! The `dcgan` training step in burn: networks, losses and order as in
//! `crates/gan/src/recipes/dcgan.rs`, written as burn's book writes training loops.
//!
//!     echo '5 step dcgan 64' | cargo run --release -- --threads 2

#[path = "../../../src/protocol.rs"]
mod protocol;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::{leaky_relu, log_sigmoid, relu, tanh};
use burn::tensor::{Device, Distribution, Tensor};
use protocol::{Case, flag, peak_memory, serve};

const LATENT: usize = 100;
const LEARNING_RATE: f64 = 2e-4;
const KEEP: f64 = 0.7;

#[derive(Module, Debug)]
struct Generator {
    linear: Linear,
    norm_0: BatchNorm,
    up_1: ConvTranspose2d,
    norm_1: BatchNorm,
    up_2: ConvTranspose2d,
    norm_2: BatchNorm,
    out: Conv2d,
}

#[derive(Module, Debug)]
struct Discriminator {
    down_1: Conv2d,
    down_2: Conv2d,
    norm: BatchNorm,
    linear: Linear,
}

fn up(a: usize, b: usize, device: &Device) -> ConvTranspose2d {
    let config = ConvTranspose2dConfig::new([a, b], [4, 4]);
    config.with_stride([2, 2]).with_padding([1, 1]).init(device)
}

fn down(a: usize, b: usize, device: &Device) -> Conv2d {
    let config = Conv2dConfig::new([a, b], [4, 4]).with_stride([2, 2]);
    let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
    config.with_padding(padding).init(device)
}

impl Generator {
    fn new(device: &Device) -> Self {
        let out = Conv2dConfig::new([64, 1], [3, 3]);
        Self {
            linear: LinearConfig::new(LATENT, 12544).init(device),
            norm_0: BatchNormConfig::new(12544).init(device),
            up_1: up(256, 128, device),
            norm_1: BatchNormConfig::new(128).init(device),
            up_2: up(128, 64, device),
            norm_2: BatchNormConfig::new(64).init(device),
            out: out
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device),
        }
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<4> {
        let x = relu(self.norm_0.forward(self.linear.forward(z)));
        let n = x.dims()[0];
        let x = x.reshape([n, 256, 7, 7]);
        let x = relu(self.norm_1.forward(self.up_1.forward(x)));
        let x = relu(self.norm_2.forward(self.up_2.forward(x)));
        tanh(self.out.forward(x))
    }
}

impl Discriminator {
    fn new(device: &Device) -> Self {
        Self {
            down_1: down(1, 64, device),
            down_2: down(64, 128, device),
            norm: BatchNormConfig::new(128).init(device),
            linear: LinearConfig::new(6272, 1).init(device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = dropout_2d(leaky_relu(self.down_1.forward(x), 0.2));
        let x = leaky_relu(self.norm.forward(self.down_2.forward(x)), 0.2);
        self.linear.forward(dropout_2d(x).flatten(1, 3))
    }
}

/// Whole channels at once, as PyTorch's Dropout2d; burn has it by element only.
fn dropout_2d(x: Tensor<4>) -> Tensor<4> {
    let [n, channels, _, _] = x.dims();
    let kept = Distribution::Bernoulli(KEEP);
    let mask: Tensor<4> = Tensor::random([n, channels, 1, 1], kept, &x.device());
    x * (mask / KEEP)
}

/// −ln σ(logits) where the label is 1, −ln σ(−logits) where it is 0.
fn loss_of(logits: Tensor<2>, is_real: bool) -> Tensor<1> {
    let logits = if is_real { logits } else { -logits };
    -log_sigmoid(logits).mean()
}

struct Pair {
    // Optimisers take a network by value and give it back.
    g: Option<Generator>,
    d: Option<Discriminator>,
    g_adam: ModuleOptimizer,
    d_adam: ModuleOptimizer,
    reals: Tensor<4>,
    device: Device,
    batch: usize,
}

impl Pair {
    fn new(batch: usize) -> Self {
        let device = Device::flex().autodiff();
        device.seed(42);
        let adam = AdamConfig::new().with_beta_1(0.5).with_epsilon(1e-8);
        let uniform = Distribution::Uniform(-1.0, 1.0);
        Self {
            g: Some(Generator::new(&device)),
            d: Some(Discriminator::new(&device)),
            g_adam: adam.init(),
            d_adam: adam.init(),
            reals: Tensor::random([batch, 1, 28, 28], uniform, &device),
            device,
            batch,
        }
    }

    fn step(&mut self) {
        let (Some(g), Some(d)) = (self.g.take(), self.d.take()) else {
            unreachable!("put back at the end of every step");
        };
        let normal = Distribution::Normal(0.0, 1.0);
        let z = Tensor::random([self.batch, LATENT], normal, &self.device);
        let fake = g.forward(z);
        let on_real = loss_of(d.forward(self.reals.clone()), true);
        let on_fake = loss_of(d.forward(fake.clone().detach()), false);
        let gradients = GradientsParams::from_grads((on_real + on_fake).backward(), &d);
        let d = self.d_adam.step(LEARNING_RATE, d, gradients);
        let loss = loss_of(d.forward(fake), true);
        let gradients = GradientsParams::from_grads(loss.backward(), &g);
        self.g = Some(self.g_adam.step(LEARNING_RATE, g, gradients));
        self.d = Some(d);
    }
}

fn prepare(words: &[&str]) -> Result<Case<'static>, String> {
    match words {
        ["step", "dcgan", batch] => {
            let mut pair = Pair::new(batch.parse().map_err(|_| "no batch size")?);
            Ok(Case::Timed(Box::new(move || pair.step())))
        }
        ["memory"] => Ok(Case::Value(Box::new(peak_memory))),
        ["info"] => Ok(Case::Text("burn 0.22.0, flex".to_owned())),
        _ => Err(format!("`{}` is not a case of burn's", words.join(" "))),
    }
}

fn main() -> std::io::Result<()> {
    let threads = flag("--threads", 0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global().expect("the first to start the threads");
    serve(|runs| runs(), prepare)
}
