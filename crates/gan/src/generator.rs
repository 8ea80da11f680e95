//! A run's generator: found, filled with the newest weights, and asked for samples.

use crate::run::{Config, Lock, Run};
use anyhow::{Context, Result, bail};
use detach_nn::{Checkpoint, Mode};
use detach_recipes::checkpoint::{check_checkpoint, upgrade, version};
use detach_recipes::sampler::mode_of;
use detach_recipes::{DataKind, Generates, SampleMode, Setup, Wanted};
use detach_tensor::{Kind, Tensor};
use std::path::Path;

/// Samples of one draw of noise. Part of the result where BatchNorm uses the batch's own
/// statistics.
const CHUNK: usize = 64;
/// Samples generated at once where each is on its own: as few as keep the kernels busy,
/// since memory that a process touches for the first time is dear.
const PIECE: usize = 16;

/// A run and its generator.
pub struct TrainedGenerator {
    /// The run.
    pub run: Run,
    /// Its recipe and settings.
    pub setup: Setup,
    /// What it was trained on.
    pub data: DataKind,
    net: Box<dyn Generates>,
    kind: Kind,
}

/// Samples and what they were made of.
#[derive(Clone, Debug)]
pub struct Samples {
    /// The noise `[N, latent]`, in row-major order.
    pub noise: Vec<f32>,
    /// The samples' shape, `[N, …]`.
    pub shape: Vec<usize>,
    /// The samples, in row-major order.
    pub values: Vec<f32>,
}

impl TrainedGenerator {
    /// The run at `path` with the newest weights, on the kind's device. Of the checkpoint only the
    /// generator is read, a third of it or less: its average where one is kept.
    ///
    /// # Errors
    /// When the run or its newest checkpoint cannot be used.
    pub fn open(path: &Path, kind: Kind) -> Result<Self> {
        let run = Run::open(path)?;
        let Config { recipe, .. } = run.config()?;
        let setup = run.config()?.setup()?;
        let Some(newest) = run.newest() else {
            let dir = run.dir().display();
            match Lock::holder(run.dir()) {
                Some(by) => bail!(
                    "{dir} has no checkpoint yet; {by} trains it, and saves one in a minute or less"
                ),
                None => bail!("{dir} has no checkpoint yet"),
            }
        };
        let net = setup.generator(kind)?;
        fill(&*net, &newest, &recipe).map_err(|error| run.without_newest(&error))?;
        let data = setup.data()?;
        Ok(Self {
            run,
            data: data[0],
            setup,
            net,
            kind,
        })
    }

    /// Dimensions of the noise.
    ///
    /// # Panics
    /// When it makes samples of something else.
    pub fn latent(&self) -> usize {
        self.net.input().latent().expect("a generator of noise")
    }

    /// Noise `[n, latent]`: the draw of this number.
    pub fn noise(&self, seed: u64, draw: u64, n: usize) -> Tensor {
        self.net.input().noise(seed, draw, n, self.kind)
    }

    /// Samples from noise `[n, latent]`, detached.
    pub fn generate(&self, z: &Tensor, mode: Mode<'_>) -> Tensor {
        self.net
            .sample(&z.detach(), &Wanted::default(), mode)
            .detach()
    }

    /// `count` samples of a seed. Sample 7 is the same however many are asked for.
    pub fn many(&self, seed: u64, count: usize, mode: SampleMode) -> Samples {
        let piece = match mode {
            SampleMode::Eval => PIECE,
            SampleMode::Batch => CHUNK,
        };
        let (mut noise, mut values, mut shape) = (Vec::new(), Vec::new(), Vec::new());
        for start in (0..count).step_by(piece) {
            // Whole chunks and pieces always.
            let (chunk, place) = (start / CHUNK, start % CHUNK);
            let z = self.noise(seed, chunk as u64, CHUNK);
            let z = z.slice(0, place, piece);
            let samples = self.generate(&z, mode_of(mode));
            let n = piece.min(count - start);
            noise.extend(z.slice(0, 0, n).to_vec::<f32>());
            values.extend(samples.slice(0, 0, n).to_vec::<f32>());
            shape = samples.shape().to_vec();
        }
        shape[0] = count;
        Samples {
            noise,
            shape,
            values,
        }
    }
}

/// Reads the generator's weights.
fn fill(net: &dyn Generates, path: &Path, recipe: &str) -> Result<()> {
    let cannot_use = || format!("cannot use the checkpoint {}", path.display());
    // Before there were averages, the names were shorter.
    let mut checkpoint = Checkpoint::load_part(path, "generator.ema")?;
    check_checkpoint(recipe, &checkpoint).with_context(cannot_use)?;
    let mut part = "generator.ema";
    if checkpoint.names().next().is_none() {
        let old = version(&checkpoint)? == 0;
        part = "generator.net";
        checkpoint = Checkpoint::load_part(path, if old { "generator" } else { part })?;
        if old {
            upgrade(&mut checkpoint);
        }
    }
    checkpoint.restore(part, net).with_context(cannot_use)
}

/// n points α·z₂ + (1 − α)·z₁ with α from 0 to 1, `[n, latent]`.
pub fn line(z1: &Tensor, z2: &Tensor, n: usize) -> Tensor {
    let points: Vec<Tensor> = (0..n)
        .map(|i| {
            let alpha = i as f64 / (n - 1) as f64;
            z2 * alpha + z1 * (1.0 - alpha)
        })
        .collect();
    Tensor::concat(&points.iter().collect::<Vec<_>>(), 0)
}

/// n × n points between four corners `[4, latent]`.
pub fn grid(corners: &Tensor, n: usize) -> Tensor {
    let corner = |i| corners.slice(0, i, 1);
    let left = line(&corner(0), &corner(2), n);
    let right = line(&corner(1), &corner(3), n);
    let rows: Vec<Tensor> = (0..n)
        .map(|i| line(&left.slice(0, i, 1), &right.slice(0, i, 1), n))
        .collect();
    Tensor::concat(&rows.iter().collect::<Vec<_>>(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_tensor::Array;

    #[test]
    fn walks_reach_their_ends() {
        let corners = Array::from_slice(&[0.0_f32, 1.0, 10.0, 11.0], &[4, 1]);
        let points = grid(&Tensor::constant(corners), 3).to_vec::<f32>();
        assert_eq!(points, [0.0, 0.5, 1.0, 5.0, 5.5, 6.0, 10.0, 10.5, 11.0]);
    }
}
