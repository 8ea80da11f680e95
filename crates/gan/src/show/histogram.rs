//! Samples of one number against the density they should have: the pictures of
//! `gauss1d`.
//!
//! A bar is as high as a density: share of the samples in its bin divided by
//! the bin's width, so that bars and the curve
//! `φ(x) = exp(-x²/2) / √(2π)` cover the same area when the generator is right.

mod figure;
mod plot;
#[cfg(test)]
mod tests;

pub use figure::{Panel, figure};

use crate::show::canvas::{self, Canvas, Color};
use crate::show::picture::Image;
use plot::Plot;

/// What a generator made is orange, what is real is a line of ink.
pub(super) const BAR: Color = [192, 113, 57];
const CURVE: Color = [27, 29, 33];

/// How the picture is laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Histogram {
    /// Width of the picture in pixels, at least 300.
    pub width: u32,
    /// Height of the picture in pixels, at least 200.
    pub height: u32,
    /// The plot spans `[-range, range]`, at least 1.
    pub range: f64,
    /// Bars across the plot.
    pub bins: usize,
}

impl Default for Histogram {
    /// The published one: 30 bins in [-3, 3].
    fn default() -> Self {
        Self {
            width: 720,
            height: 440,
            range: 3.0,
            bins: 30,
        }
    }
}

impl Histogram {
    /// Draws `samples` as bars behind the density of N(0, 1), under a title (which may be empty)
    /// and a legend.
    ///
    /// Numbers stand at whole values and at fifths of the vertical axis, which ends at 0.5, or
    /// at the next of 1, 2, 5, 10, … when the samples have collapsed to a higher peak. Samples
    /// beyond the range count in the total, and an arrow at that edge tells of them; NaN counts
    /// in the total only.
    ///
    /// # Panics
    /// When the picture is below 300 × 200 pixels, there is no bin, or the range is below 1 or
    /// not finite.
    #[track_caller]
    pub fn render(&self, title: &str, samples: &[f32]) -> Image {
        assert!(
            self.width >= 300 && self.height >= 200,
            "a histogram needs 300x200 pixels, got {}x{}",
            self.width,
            self.height
        );
        assert!(
            self.bins > 0 && self.range >= 1.0 && self.range.is_finite(),
            "a histogram needs bins and a range of at least 1, got {self:?}"
        );
        // With a little room above the highest bar.
        let top = plot::top(1.04 * plot::peak(samples, self.range, self.bins));
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        let digits = plot::labels(top).iter().map(String::len).max();
        let margin = 20 + canvas::ADVANCE * digits.unwrap_or(0);
        let plot = Plot {
            x: (margin as f64).max(44.0)..width - 16.0,
            y: height - 34.0..64.0,
            range: self.range,
            top,
        };
        let mut canvas = Canvas::new(self.width, self.height);
        plot.title(title, 18.0, &mut canvas);
        plot::legend([plot.x.end, 44.0], &mut canvas);
        plot.draw(samples, self.bins, &mut canvas);
        plot.vertical_axis(44.0, &mut canvas);
        canvas.into_image()
    }
}
