//! A plot on a canvas: axes with numbers, bars, the density over them.

use super::{BAR, CURVE};
use crate::show::canvas::{ADVANCE, AXIS, Canvas, Color, GRID, NUMBER, PAPER, TITLE, width};
use detach_recipes::theory::normal;
use std::ops::Range;

/// Steps of the vertical axis.
const STEPS: i32 = 5;
/// Width of the curve in pixels.
const STROKE: f64 = 2.0;
/// Between an axis and its numbers, in pixels.
const GAP: f64 = 8.0;

/// Where a plot stands and what it spans.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    /// The pixels that `-range..range` maps to.
    pub(super) x: Range<f64>,
    /// The pixels that `0..top` maps to: from the floor upwards, so it ends smaller.
    pub(super) y: Range<f64>,
    /// The horizontal axis spans `-range..range`.
    pub(super) range: f64,
    /// Where the vertical axis ends.
    pub(super) top: f64,
}

impl Plot {
    /// The pixel column of a value.
    pub(super) fn x(&self, value: f64) -> f64 {
        let share = (value + self.range) / (2.0 * self.range);
        self.x.start + share * (self.x.end - self.x.start)
    }

    /// The pixel row of a density.
    pub(super) fn y(&self, density: f64) -> f64 {
        self.y.start + density / self.top * (self.y.end - self.y.start)
    }

    fn tick(&self, step: i32) -> f64 {
        self.top * f64::from(step) / f64::from(STEPS)
    }

    /// Everything of `samples` that stands in the plot and under it.
    pub(super) fn draw(&self, samples: &[f32], bins: usize, canvas: &mut Canvas) {
        self.grid(canvas);
        self.bars(&densities(samples, self.range, bins), canvas);
        self.horizontal_axis(canvas);
        self.curve(canvas);
        self.arrows(samples, canvas);
    }

    /// What is under the bars: a line for each number of the vertical axis.
    fn grid(&self, canvas: &mut Canvas) {
        for step in 1..=STEPS {
            canvas.horizontal(self.y(self.tick(step)), self.x.clone(), GRID);
        }
    }

    /// A bar for each of `densities`, of equal width across the plot. What is higher than the
    /// plot is broken at its end, and the highest says how high it is.
    fn bars(&self, densities: &[f64], canvas: &mut Canvas) {
        let width = (self.x.end - self.x.start) / densities.len() as f64;
        // Bars touch when they are too thin to stand apart.
        let gap = if width > 4.0 { 1.0 } else { 0.0 };
        let left = |bin: usize| self.x.start + bin as f64 * width;
        for (bin, &density) in densities.iter().enumerate() {
            let columns = left(bin)..left(bin + 1) - gap;
            let rows = self.y(density).max(self.y.end)..self.y.start;
            canvas.rectangle(columns.clone(), rows, BAR);
            if density > self.top {
                canvas.rectangle(columns, self.y.end + 6.0..self.y.end + 8.0, PAPER);
            }
        }
        let peak = densities.iter().copied().fold(0.0, f64::max);
        if peak > self.top {
            self.peak(peak, densities, canvas);
        }
    }

    /// How high the highest bar is, beside the bars that reach up to that text.
    fn peak(&self, peak: f64, densities: &[f64], canvas: &mut Canvas) {
        let text = format!("peak {}", number(peak, 2));
        let middle = self.y.end + 12.0;
        let high = |density: &f64| self.y(*density) < middle + GAP;
        let edge = |bin: Option<usize>| {
            let share = bin.unwrap_or(0) as f64 / densities.len() as f64;
            self.x.start + share * (self.x.end - self.x.start)
        };
        let left = edge(densities.iter().position(high)) - GAP;
        let right = edge(densities.iter().rposition(high).map(|bin| bin + 1)) + GAP;
        let fits = right + width(&text) as f64 <= self.x.end;
        let (x, align) = if fits { (right, 0.0) } else { (left, 1.0) };
        canvas.text(&text, [x, middle], align, NUMBER);
    }

    /// The horizontal axis, with a tick and a number at every step of 1, 2, 5, 10, …, as
    /// narrow as the numbers allow.
    fn horizontal_axis(&self, canvas: &mut Canvas) {
        const TICK: f64 = 4.0;
        let floor = self.y.start;
        canvas.horizontal(floor, self.x.clone(), AXIS);
        let widest = width(&number(-self.range, 0)) as f64;
        let step = series()
            .skip(1)
            .find(|step| self.x(*step) - self.x(0.0) >= widest + 2.0 * GAP)
            .unwrap_or(f64::MAX);
        let count = (self.range / step).floor() as i32;
        for value in (-count..=count).map(|index| f64::from(index) * step) {
            let x = self.x(value).min(self.x.end - 1.0);
            canvas.vertical(x, floor..floor + TICK, AXIS);
            let at = [x + 0.5, floor + TICK + GAP + 3.0];
            canvas.text(&number(value, 0), at, 0.5, NUMBER);
        }
    }

    /// The numbers of the vertical axis, and their name at the height `y`.
    pub(super) fn vertical_axis(&self, y: f64, canvas: &mut Canvas) {
        canvas.text("density", [12.0, y], 0.0, NUMBER);
        for (step, text) in (0..).zip(labels(self.top)) {
            let at = [self.x.start - GAP, self.y(self.tick(step)).round() + 0.5];
            canvas.text(&text, at, 1.0, NUMBER);
        }
    }

    /// The density of N(0, 1), as a polyline with a point at every half pixel: finer than the eye.
    fn curve(&self, canvas: &mut Canvas) {
        let count = (2.0 * (self.x.end - self.x.start)).ceil() as usize;
        let points: Vec<[f64; 2]> = (0..=count)
            .map(|index| {
                let value = self.range * (2.0 * index as f64 / count as f64 - 1.0);
                [self.x(value), self.y(normal(value))]
            })
            .collect();
        canvas.curve(&points, STROKE, CURVE);
    }

    /// Arrows beside the plot where `samples` reach beyond its range.
    fn arrows(&self, samples: &[f32], canvas: &mut Canvas) {
        // Between the numbers 0 and the next of the vertical axis.
        let middle = self.y.start - 0.1 * (self.y.start - self.y.end);
        let (edges, range) = (&self.x, self.range as f32);
        for (side, edge) in [(-1.0, edges.start - 3.0), (1.0, edges.end + 3.0)] {
            if samples.iter().any(|sample| side * sample > range) {
                canvas.arrow([edge, middle], 4.0, f64::from(side), BAR);
            }
        }
    }

    /// `text` centered over the plot at the height `y`, cut to the room there.
    pub(super) fn title(&self, text: &str, y: f64, canvas: &mut Canvas) {
        let room = (self.x.end - self.x.start - 5.0 * GAP) as usize / ADVANCE;
        let text: String = text.chars().take(room).collect();
        let middle = (self.x.start + self.x.end) / 2.0;
        canvas.text(&text, [middle, y], 0.5, TITLE);
    }
}

/// The height of each of `bins` bars across `-range..=range`.
pub(super) fn densities(samples: &[f32], range: f64, bins: usize) -> Vec<f64> {
    let width = 2.0 * range / bins as f64;
    let mut counts = vec![0_u64; bins];
    for &sample in samples {
        let x = f64::from(sample);
        if x.abs() <= range {
            let bin = ((x + range) / width) as usize;
            counts[bin.min(bins - 1)] += 1;
        }
    }
    let unit = samples.len().max(1) as f64 * width;
    counts.iter().map(|&count| count as f64 / unit).collect()
}

/// The highest bar.
pub(super) fn peak(samples: &[f32], range: f64, bins: usize) -> f64 {
    let densities = densities(samples, range, bins);
    densities.into_iter().fold(0.0, f64::max)
}

/// 0.5, 1, 2, 5, 10, 20, …
fn series() -> impl Iterator<Item = f64> {
    let steps = [0.5, 1.0, 2.0].into_iter().cycle();
    steps
        .zip(0_i32..)
        .map(|(step, index)| step * 10_f64.powi(index / 3))
        .take_while(|step| step.is_finite())
}

/// The end of a vertical axis that `height` fits under: 0.5, 1, 2, 5, 10, …
pub(super) fn top(height: f64) -> f64 {
    series().find(|top| *top >= height).unwrap_or(f64::MAX)
}

/// The numbers of a vertical axis that ends at `top`, from 0 on.
pub(super) fn labels(top: f64) -> Vec<String> {
    let step = top / f64::from(STEPS);
    let decimals = if step < 1.0 { 1 } else { 0 };
    (0..=STEPS)
        .map(|index| match index {
            0 => number(0.0, 0),
            _ => number(step * f64::from(index), decimals),
        })
        .collect()
}

/// A number with a minus sign, not a hyphen.
fn number(value: f64, decimals: usize) -> String {
    // 0 has no sign.
    format!("{:.decimals$}", value + 0.0).replace('-', "−")
}

/// What bars and curve are, in a row that ends at `right`: a bar's color and the curve's line,
/// with a word each.
pub(super) fn legend([right, y]: [f64; 2], canvas: &mut Canvas) {
    let entry = |canvas: &mut Canvas, right: f64, text: &str, mark: [f64; 2], color: Color| {
        let left = right - width(text) as f64 - GAP;
        let [width, height] = mark;
        canvas.text(text, [right, y], 1.0, TITLE);
        let top = (y - height / 2.0).round();
        canvas.rectangle(left - width..left, top..top + height, color);
        left - width
    };
    let left = entry(canvas, right, "N(0, 1)", [20.0, STROKE], CURVE);
    entry(canvas, left - 3.0 * GAP, "samples", [12.0, 10.0], BAR);
}
