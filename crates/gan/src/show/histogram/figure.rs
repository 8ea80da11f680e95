//! Histograms of one run side by side.

use super::plot::{self, Plot};
use super::{Histogram, Image};
use crate::show::canvas::Canvas;

/// One histogram of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What stands above it, for example `iteration 500`; cut to the panel's width.
    pub title: String,
    /// The samples, any number of them.
    pub samples: Vec<f32>,
}

const COLUMNS: usize = 5;
/// Rows that a figure has at least, so that it keeps its size while panels come in.
const ROWS: usize = 2;
/// Sides of a panel's plot in pixels: nine columns a bar.
const PLOT: [f64; 2] = [270.0, 216.0];
/// From one plot to the next: between them are arrows, numbers and a title.
const PITCH: [f64; 2] = [PLOT[0] + 26.0, PLOT[1] + 62.0];
/// The upper left corner of the first plot.
const CORNER: [f64; 2] = [44.0, 72.0];
/// Right of the last plot, and under it.
const BEYOND: [f64; 2] = [16.0, 34.0];

/// Draws up to ten histograms as one figure of 2 × 5, row by row; more panels make more rows,
/// fewer leave places empty.
///
/// Each has 30 bins in [-3, 3], the density of N(0, 1) over them, its title and numbers under
/// it; the numbers of the vertical axis stand at the left of each row, and one legend above
/// all. The vertical axis is the same for all: it ends at 0.5, or at the next of 1, 2, 5, 10
/// when every panel has a higher peak. A panel that does not fit (an untrained generator never
/// does) has its bars broken at that end and says how high they are, so that it does not flatten
/// the others. Samples beyond the range and NaN are as in [`Histogram::render`].
pub fn figure(panels: &[Panel]) -> Image {
    let Histogram { range, bins, .. } = Histogram::default();
    let peaks = panels
        .iter()
        .map(|panel| plot::peak(&panel.samples, range, bins));
    let top = plot::top(peaks.reduce(f64::min).unwrap_or(0.0));
    let rows = panels.len().div_ceil(COLUMNS).max(ROWS);
    let [width, height] = [(0, COLUMNS), (1, rows)].map(|(side, count)| {
        let pixels = CORNER[side] + PITCH[side] * (count - 1) as f64 + PLOT[side] + BEYOND[side];
        pixels as u32
    });
    let mut canvas = Canvas::new(width, height);
    plot::legend([f64::from(width) - BEYOND[0], 22.0], &mut canvas);
    for (index, panel) in panels.iter().enumerate() {
        let left = CORNER[0] + PITCH[0] * (index % COLUMNS) as f64;
        let upper = CORNER[1] + PITCH[1] * (index / COLUMNS) as f64;
        let plot = Plot {
            x: left..left + PLOT[0],
            y: upper + PLOT[1]..upper,
            range,
            top,
        };
        let above = upper - 16.0;
        plot.title(&panel.title, above, &mut canvas);
        plot.draw(&panel.samples, bins, &mut canvas);
        if index % COLUMNS == 0 {
            plot.vertical_axis(above, &mut canvas);
        }
    }
    canvas.into_image()
}
