//! Samples as pictures: grids of images, histograms of numbers.

use crate::histogram::Histogram;
use crate::picture::{Grid, Image};
use crate::settings::{PictureSource, Pictures, SampleMode};
use detach_nn::{Mode, Module, Sequential};
use detach_tensor::{Kind, Random, Stream, Tensor};

/// Digits are 28 pixels high; twice that is comfortable to look at.
fn scale(height: usize) -> usize {
    if height < 56 { 2 } else { 1 }
}

/// A picture of samples: a grid of `[N, C, H, W]` with so many columns, or the histogram
/// of `[N, 1]`.
pub fn draw(samples: &Tensor, columns: usize) -> Image {
    let values = samples.to_vec::<f32>();
    match *samples.shape() {
        [n, c, h, w] => Grid::new(&values, [n, c, h, w])
            .columns(columns)
            .scale(scale(h))
            .render(),
        _ => Histogram::default().render("", &values),
    }
}

/// A generator to draw samples from.
#[derive(Clone, Copy)]
pub struct Sampler<'a> {
    /// The network.
    pub g: &'a Sequential,
    /// Dimensions of its noise.
    pub latent: usize,
}

impl Sampler<'_> {
    /// Noise `[n, latent]` of the sample stream, which training never draws from.
    pub fn noise(&self, seed: u64, draw: u64, n: usize, kind: Kind) -> Tensor {
        let random = Random::new(seed, Stream::Sample).at(draw);
        random.normal(&[n, self.latent], kind)
    }

    /// Samples from noise `[n, latent]`, detached.
    pub fn generate(&self, z: &Tensor, mode: SampleMode) -> Tensor {
        let mode = match mode {
            SampleMode::Eval => Mode::eval(),
            SampleMode::Batch => Mode::batch_stats(),
        };
        self.g.forward(&z.detach(), mode).detach()
    }
}

/// The picture that is due after `step` steps; `fake` are that step's fakes.
pub fn due(
    settings: &Pictures,
    seed: u64,
    step: u64,
    sampler: Sampler<'_>,
    fake: &Tensor,
) -> Image {
    let n = settings.rows * settings.columns;
    let draw_number = match settings.source {
        PictureSource::Fixed => 0,
        PictureSource::Fresh => step,
        PictureSource::Fakes => {
            let shown = fake.slice(0, 0, n.min(fake.shape()[0]));
            return draw(&shown, settings.columns);
        }
    };
    let z = sampler.noise(seed, draw_number, n, fake.kind());
    draw(&sampler.generate(&z, settings.mode), settings.columns)
}

/// What training looks like now: 64 samples of fixed noise, or 1,000 numbers.
pub fn preview(seed: u64, sampler: Sampler<'_>, mode: SampleMode, kind: Kind) -> Image {
    let generate = |n| sampler.generate(&sampler.noise(seed, 0, n, kind), mode);
    let n = match generate(2).shape().len() {
        4 => 64,
        _ => 1000,
    };
    draw(&generate(n), 8)
}
