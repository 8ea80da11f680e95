//! Samples as pictures: grids of images, histograms of numbers.

use super::histogram::{Histogram, Panel, figure};
use super::picture::{Grid, Image, Tiles};
use crate::export::npy;
use anyhow::Result;
use detach_recipes::Trainer;
use detach_recipes::session::sample;
use detach_recipes::settings::Scaling;
use detach_tensor::Tensor;
use std::path::{Path, PathBuf};

/// Digits are 28 pixels high; twice that is comfortable to look at.
fn scale(height: usize) -> usize {
    if height < 56 { 2 } else { 1 }
}

/// A picture of samples: a grid of `[N, C, H, W]` with so many columns, its values scaled as said, or
/// the histogram of `[N, 1]`.
pub fn draw(samples: &Tensor, columns: usize, scaling: Scaling) -> Image {
    match *samples.shape() {
        [n, c, h, w] => Grid::new(&scaled(samples, scaling), [n, c, h, w])
            .columns(columns)
            .scale(scale(h))
            .render(),
        _ => Histogram::default().render("", &samples.to_vec::<f32>()),
    }
}

/// The values of images `[N, C, H, W]` as a picture shows them, in [-1, 1].
pub fn scaled(samples: &Tensor, scaling: Scaling) -> Vec<f32> {
    let mut values = samples.to_vec::<f32>();
    let pixels = samples.shape()[1..].iter().product();
    rescale(&mut values, pixels, scaling);
    values
}

/// The layout of a near-square picture of `[N, C, H, W]` samples, each of the size that [`draw`] gives it.
pub fn tiles(dims: [usize; 4]) -> Tiles {
    Tiles::new(dims).scale(scale(dims[2]))
}

/// Brings `values`, images of `pixels` numbers each, to [-1, 1] as `scaling` says.
fn rescale(values: &mut [f32], pixels: usize, scaling: Scaling) {
    match scaling {
        Scaling::Fixed => {}
        // [0, 1] is what is shown; below is black.
        Scaling::Clamp => values.iter_mut().for_each(|x| *x = 2.0 * x.max(0.0) - 1.0),
        Scaling::Grid => stretch(values),
        Scaling::Each => values.chunks_mut(pixels).for_each(stretch),
    }
}

/// The least value to −1, the greatest to 1; where all are equal, to −1.
fn stretch(values: &mut [f32]) {
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = (most - least).max(f32::MIN_POSITIVE);
    for x in values {
        *x = 2.0 * (*x - least) / range - 1.0;
    }
}

/// The snapshots of numbers in `folder`, `step-….npy`, up to the one of `step`, as one figure. A title is the
/// iteration, counted from 0 as loops do.
///
/// # Errors
/// When one cannot be read.
pub fn snapshots(folder: &Path, step: u64) -> Result<Image> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name
            .strip_prefix("step-")
            .and_then(|n| n.strip_suffix(".npy"));
        let number: Option<u64> = number.and_then(|n| n.parse().ok());
        // A run that was killed may have left some of steps that it will do again.
        found.extend(
            number
                .filter(|n| (1..=step).contains(n))
                .map(|n| (n, entry.path())),
        );
    }
    found.sort();
    let panel = |(step, path): (u64, PathBuf)| {
        Ok(Panel {
            title: format!("iteration {}", step - 1),
            samples: npy::read(&path)?.values,
        })
    };
    let panels: Vec<Panel> = found.into_iter().map(panel).collect::<Result<_>>()?;
    Ok(figure(&panels))
}

/// What training looks like now: 8 × 8 samples of fixed noise, or 1,000 numbers. Where there are a few classes, a column is one
/// and a row one point of noise.
pub fn preview(trainer: &Trainer) -> Image {
    const SIDE: usize = 8;
    const MOST_CLASSES: usize = 20;
    let pictures = &trainer.setup().settings.pictures;
    let classes = trainer.recipe().sampler().input().classes();
    let columns = classes.filter(|n| *n <= MOST_CLASSES).unwrap_or(SIDE);
    let n = match sample(trainer, 0, 2, pictures.mode).shape().len() {
        4 => SIDE * columns,
        _ => 1000,
    };
    let samples = sample(trainer, 0, n, pictures.mode);
    draw(&samples, columns, pictures.scaling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalings() {
        let values = [-0.5, 0.0, 0.5, 0.25, 0.5, 0.75];
        let scaled = |scaling| {
            let mut values = values;
            rescale(&mut values, 3, scaling);
            values
        };
        assert_eq!(scaled(Scaling::Fixed), values);
        assert_eq!(scaled(Scaling::Each), [-1.0, 0.0, 1.0, -1.0, 0.0, 1.0]);
        assert_eq!(scaled(Scaling::Clamp), [-1.0, -1.0, 0.0, -0.5, 0.0, 0.5]);
        let grid = scaled(Scaling::Grid);
        assert_eq!((grid[0], grid[5]), (-1.0, 1.0));
        assert!((grid[3] - 0.2).abs() < 1e-6, "{grid:?}");
        let mut flat = [0.3; 4];
        rescale(&mut flat, 4, Scaling::Each);
        assert_eq!(flat, [-1.0; 4]);
    }
}
