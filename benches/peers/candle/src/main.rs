//! The `dcgan` training step in candle: networks, losses and order as in
//! `crates/gan/src/recipes/dcgan.rs`. candle has no Adam without weight decay, so
//! AdamW's is 0; it has dropout by element only, so channels are dropped by a mask.
//!
//!     echo '5 step dcgan 64' | cargo run --release -- --threads 2

#[path = "../../../src/protocol.rs"]
mod protocol;

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::{
    AdamW, BatchNorm, Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig, Linear, Module,
    ModuleT, Optimizer, ParamsAdamW, VarBuilder, VarMap, batch_norm, conv_transpose2d, conv2d,
    linear, ops,
};
use protocol::{Case, flag, peak_memory, serve};

const LATENT: usize = 100;
const KEEP: f64 = 0.7;

struct Generator {
    linear: Linear,
    norms: [BatchNorm; 3],
    ups: [ConvTranspose2d; 2],
    out: Conv2d,
}

struct Discriminator {
    down_1: Conv2d,
    down_2: Conv2d,
    norm: BatchNorm,
    linear: Linear,
}

fn up(a: usize, b: usize, vars: VarBuilder<'_>) -> Result<ConvTranspose2d> {
    let config = ConvTranspose2dConfig {
        stride: 2,
        padding: 1,
        ..Default::default()
    };
    conv_transpose2d(a, b, 4, config, vars)
}

fn conv(a: usize, b: usize, kernel: usize, vars: VarBuilder<'_>) -> Result<Conv2d> {
    let config = Conv2dConfig {
        stride: if kernel == 4 { 2 } else { 1 },
        padding: 1,
        ..Default::default()
    };
    conv2d(a, b, kernel, config, vars)
}

impl Generator {
    fn new(vars: &VarBuilder<'_>) -> Result<Self> {
        let norm = |n, name: &str| batch_norm(n, 1e-5, vars.pp(name));
        Ok(Self {
            linear: linear(LATENT, 12544, vars.pp("linear"))?,
            norms: [norm(12544, "n0")?, norm(128, "n1")?, norm(64, "n2")?],
            ups: [up(256, 128, vars.pp("u1"))?, up(128, 64, vars.pp("u2"))?],
            out: conv(64, 1, 3, vars.pp("out"))?,
        })
    }

    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        let x = self.norms[0].forward_t(&self.linear.forward(z)?, true)?;
        let mut x = x.relu()?.reshape((z.dim(0)?, 256, 7, 7))?;
        for (up, norm) in self.ups.iter().zip(&self.norms[1..]) {
            x = norm.forward_t(&up.forward(&x)?, true)?.relu()?;
        }
        self.out.forward(&x)?.tanh()
    }
}

impl Discriminator {
    fn new(vars: &VarBuilder<'_>) -> Result<Self> {
        Ok(Self {
            down_1: conv(1, 64, 4, vars.pp("d1"))?,
            down_2: conv(64, 128, 4, vars.pp("d2"))?,
            norm: batch_norm(128, 1e-5, vars.pp("n"))?,
            linear: linear(6272, 1, vars.pp("linear"))?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = ops::leaky_relu(&self.down_1.forward(x)?, 0.2)?;
        let x = self.down_2.forward(&dropout_2d(&x)?)?;
        let x = ops::leaky_relu(&self.norm.forward_t(&x, true)?, 0.2)?;
        self.linear.forward(&dropout_2d(&x)?.flatten_from(1)?)
    }
}

fn dropout_2d(x: &Tensor) -> Result<Tensor> {
    let (n, channels, _, _) = x.dims4()?;
    let random = Tensor::rand(0f32, 1f32, (n, channels, 1, 1), x.device())?;
    let mask = random.lt(KEEP)?.to_dtype(DType::F32)?;
    x.broadcast_mul(&(mask / KEEP)?)
}

/// The mean of softplus(−logits) where the label is 1, of softplus(logits) where it is 0;
/// softplus(x) = max(x, 0) + ln(1 + exp(−|x|)).
fn loss_of(logits: &Tensor, is_real: bool) -> Result<Tensor> {
    let x = if is_real {
        logits.neg()?
    } else {
        logits.clone()
    };
    let tail = (x.abs()?.neg()?.exp()? + 1.0)?.log()?;
    (x.relu()? + tail)?.mean(D::Minus1)?.mean_all()
}

struct Pair {
    g: Generator,
    d: Discriminator,
    g_adam: AdamW,
    d_adam: AdamW,
    reals: Tensor,
    batch: usize,
}

impl Pair {
    fn new(batch: usize) -> Result<Self> {
        let (g_vars, d_vars) = (VarMap::new(), VarMap::new());
        let builder = |vars| VarBuilder::from_varmap(vars, DType::F32, &Device::Cpu);
        let adam = |vars: &VarMap| {
            let config = ParamsAdamW {
                lr: 2e-4,
                beta1: 0.5,
                beta2: 0.999,
                eps: 1e-8,
                weight_decay: 0.0,
            };
            // Running statistics are variables of candle's too; they have no gradient.
            AdamW::new(vars.all_vars(), config)
        };
        Ok(Self {
            g: Generator::new(&builder(&g_vars))?,
            d: Discriminator::new(&builder(&d_vars))?,
            g_adam: adam(&g_vars)?,
            d_adam: adam(&d_vars)?,
            reals: Tensor::rand(-1f32, 1f32, (batch, 1, 28, 28), &Device::Cpu)?,
            batch,
        })
    }

    fn step(&mut self) -> Result<()> {
        let z = Tensor::randn(0f32, 1f32, (self.batch, LATENT), &Device::Cpu)?;
        let fake = self.g.forward(&z)?;
        let on_real = loss_of(&self.d.forward(&self.reals)?, true)?;
        let on_fake = loss_of(&self.d.forward(&fake.detach())?, false)?;
        self.d_adam.backward_step(&(on_real + on_fake)?)?;
        let loss = loss_of(&self.d.forward(&fake)?, true)?;
        self.g_adam.backward_step(&loss)
    }
}

fn prepare(words: &[&str]) -> std::result::Result<Case<'static>, String> {
    match words {
        ["step", "dcgan", batch] => {
            let batch = batch.parse().map_err(|_| "no batch size")?;
            let mut pair = Pair::new(batch).map_err(|error| error.to_string())?;
            Ok(Case::Timed(Box::new(move || {
                pair.step().expect("the shapes fit");
            })))
        }
        ["memory"] => Ok(Case::Value(Box::new(peak_memory))),
        ["info"] => Ok(Case::Text("candle 0.11.1".to_owned())),
        _ => Err(format!("`{}` is not a case of candle's", words.join(" "))),
    }
}

fn main() -> std::io::Result<()> {
    let threads = flag("--threads", 0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global().expect("the first to start the threads");
    serve(|runs| runs(), prepare)
}
