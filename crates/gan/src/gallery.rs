//! Samples as pictures: grids of images, histograms of numbers.

use crate::histogram::Histogram;
use crate::picture::{Grid, Image};
use crate::recipes::Recipe;
use crate::settings::{PictureSource, Pictures, SampleMode};
use crate::trainer::generate;
use detach_tensor::{Kind, Random, Stream, Tensor};

/// Digits are 28 pixels high; twice that is comfortable to look at.
const SCALE: usize = 2;

/// A picture of samples: a grid of `[N, C, H, W]` with so many columns, or the histogram
/// of `[N, 1]`.
pub fn draw(samples: &Tensor, columns: usize) -> Image {
    let values = samples.to_vec::<f32>();
    match *samples.shape() {
        [n, c, h, w] => Grid::new(&values, [n, c, h, w])
            .columns(columns)
            .scale(SCALE)
            .render(),
        _ => Histogram::default().render(&values),
    }
}

/// Noise `[n, latent]` of the sample stream, which training never draws from.
pub fn noise(seed: u64, draw: u64, n: usize, recipe: &dyn Recipe, kind: Kind) -> Tensor {
    let random = Random::new(seed, Stream::Sample).at(draw);
    random.normal(&[n, recipe.pair().latent], kind)
}

/// The picture that is due after `step` steps; `fake` are that step's fakes.
pub fn due(settings: &Pictures, seed: u64, step: u64, recipe: &dyn Recipe, fake: &Tensor) -> Image {
    let n = settings.rows * settings.columns;
    let draw_number = match settings.source {
        PictureSource::Fixed => 0,
        PictureSource::Fresh => step,
        PictureSource::Fakes => {
            let shown = fake.slice(0, 0, n.min(fake.shape()[0]));
            return draw(&shown, settings.columns);
        }
    };
    let z = noise(seed, draw_number, n, recipe, fake.kind());
    draw(&generate(recipe, &z, settings.mode), settings.columns)
}

/// What training looks like now: 64 samples of fixed noise, or 1,000 numbers.
pub fn preview(seed: u64, recipe: &dyn Recipe, mode: SampleMode, kind: Kind) -> Image {
    let few = generate(recipe, &noise(seed, 0, 2, recipe, kind), mode);
    let n = if few.shape().len() == 4 { 64 } else { 1000 };
    draw(&generate(recipe, &noise(seed, 0, n, recipe, kind), mode), 8)
}
