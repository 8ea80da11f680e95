//! Samples of one number against the density they should have: the picture of
//! `gauss1d`.
//!
//! A bar is as high as a density: share of the samples in its bin divided by
//! the bin's width, so that bars and the curve
//! `φ(x) = exp(-x²/2) / √(2π)` cover the same area when the generator is right.

use crate::picture::Image;
use std::f64::consts::PI;
use std::ops::Range;

type Color = [u8; 3];

const PAPER: Color = [255, 255, 255];
const GRID: Color = [232, 235, 239];
const AXIS: Color = [73, 80, 92];
const BAR: Color = [130, 173, 216];
const CURVE: Color = [217, 95, 14];
/// Space around the plot, in pixels: room for ticks and for the arrows that
/// tell of samples beyond the range.
const MARGIN: f64 = 28.0;
/// Half of the curve's width in pixels.
const STROKE: f64 = 1.5;

/// How the picture is laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Histogram {
    /// Width of the picture in pixels, at least 100.
    pub width: u32,
    /// Height of the picture in pixels, at least 100.
    pub height: u32,
    /// The plot spans `[-range, range]`.
    pub range: f64,
    /// Bars across the plot.
    pub bins: usize,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            width: 720,
            height: 440,
            range: 4.0,
            bins: 40,
        }
    }
}

impl Histogram {
    /// Draws `samples` as bars behind the density of N(0, 1).
    ///
    /// Major ticks stand at whole numbers and at steps of the density. The
    /// vertical axis ends at 0.5, or at the next of 1, 2, 5, 10, … when the
    /// samples have collapsed to a higher peak. Samples beyond the range count
    /// in the total, and an arrow at that edge tells of them; NaN counts in the
    /// total only.
    ///
    /// # Panics
    /// When a side is below 100 pixels, there is no bin, or the range is not a
    /// positive number.
    #[track_caller]
    pub fn render(&self, samples: &[f32]) -> Image {
        assert!(
            self.width >= 100 && self.height >= 100,
            "a histogram needs 100x100 pixels, got {}x{}",
            self.width,
            self.height
        );
        assert!(
            self.bins > 0 && self.range > 0.0 && self.range.is_finite(),
            "a histogram needs bins and a range, got {self:?}"
        );
        let densities = self.densities(samples);
        let peak = densities.iter().copied().fold(0.0, f64::max);
        let mut canvas = Canvas {
            image: Image::filled(self.width, self.height, &PAPER),
            x: MARGIN..f64::from(self.width) - MARGIN,
            y: f64::from(self.height) - MARGIN..MARGIN,
            range: self.range,
            top: top(peak),
        };
        canvas.grid();
        canvas.bars(&densities);
        canvas.axes();
        canvas.curve();
        let range = self.range as f32;
        if samples.iter().any(|&sample| sample < -range) {
            canvas.arrow(-1.0);
        }
        if samples.iter().any(|&sample| sample > range) {
            canvas.arrow(1.0);
        }
        canvas.image
    }

    /// The height of every bar.
    fn densities(&self, samples: &[f32]) -> Vec<f64> {
        let width = 2.0 * self.range / self.bins as f64;
        let mut counts = vec![0_u64; self.bins];
        for &sample in samples {
            let x = f64::from(sample);
            if x.abs() <= self.range {
                let bin = ((x + self.range) / width) as usize;
                counts[bin.min(self.bins - 1)] += 1;
            }
        }
        let unit = samples.len().max(1) as f64 * width;
        counts.iter().map(|&count| count as f64 / unit).collect()
    }
}

/// Where the vertical axis ends: 0.5, 1, 2, 5, 10, …, with room above `peak`.
fn top(peak: f64) -> f64 {
    [0.5, 1.0, 2.0]
        .into_iter()
        .cycle()
        .zip(0_i32..)
        .map(|(step, index)| step * 10_f64.powi(index / 3))
        .find(|top| *top >= 1.04 * peak)
        .unwrap_or(f64::MAX)
}

/// The density of N(0, 1).
fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// An image with the plot's coordinates on it. `x` and `y` are the pixels that
/// `-range..range` and `0..top` map to; `y` runs upwards, so it ends smaller.
struct Canvas {
    image: Image,
    x: Range<f64>,
    y: Range<f64>,
    range: f64,
    top: f64,
}

impl Canvas {
    fn x(&self, value: f64) -> f64 {
        let share = (value + self.range) / (2.0 * self.range);
        self.x.start + share * (self.x.end - self.x.start)
    }

    fn y(&self, density: f64) -> f64 {
        self.y.start + density / self.top * (self.y.end - self.y.start)
    }

    /// Blends `color` over every pixel of `columns` × `rows` (clipped to the
    /// image) by the share of the pixel that the shape covers. `coverage` is
    /// asked at pixel centers.
    fn paint(
        &mut self,
        columns: Range<f64>,
        rows: Range<f64>,
        color: Color,
        coverage: impl Fn(f64, f64) -> f64,
    ) {
        let clip = |range: Range<f64>, side: u32| {
            let end = range.end.ceil().clamp(0.0, f64::from(side));
            (range.start.floor().max(0.0) as u32)..(end as u32)
        };
        for y in clip(rows, self.image.height()) {
            for x in clip(columns.clone(), self.image.width()) {
                let share = coverage(f64::from(x) + 0.5, f64::from(y) + 0.5);
                let pixel = self.image.pixel_mut(x, y);
                for (byte, ink) in pixel.iter_mut().zip(color) {
                    let paper = f64::from(*byte);
                    *byte = (paper + share * (f64::from(ink) - paper)).round() as u8;
                }
            }
        }
    }

    /// An upright rectangle; edges between pixels are blended.
    fn rectangle(&mut self, columns: Range<f64>, rows: Range<f64>, color: Color) {
        let overlap = |range: &Range<f64>, center: f64| {
            (range.end.min(center + 0.5) - range.start.max(center - 0.5)).clamp(0.0, 1.0)
        };
        let (wide, high) = (columns.clone(), rows.clone());
        self.paint(columns, rows, color, |x, y| {
            overlap(&wide, x) * overlap(&high, y)
        });
    }

    /// A line one pixel wide at a whole pixel, so that it is sharp.
    fn horizontal(&mut self, y: f64, columns: Range<f64>, color: Color) {
        let y = y.round();
        self.rectangle(columns, y..y + 1.0, color);
    }

    fn vertical(&mut self, x: f64, rows: Range<f64>, color: Color) {
        let x = x.round();
        self.rectangle(x..x + 1.0, rows, color);
    }

    fn grid(&mut self) {
        for tick in 1..=5 {
            let y = self.y(self.top * f64::from(tick) / 5.0);
            self.horizontal(y, self.x.clone(), GRID);
        }
    }

    fn bars(&mut self, densities: &[f64]) {
        let width = (self.x.end - self.x.start) / densities.len() as f64;
        // Bars touch when they are too thin to stand apart.
        let gap = if width > 4.0 { 1.0 } else { 0.0 };
        let floor = self.y.start;
        for (bin, &density) in densities.iter().enumerate() {
            let left = self.x.start + bin as f64 * width;
            let columns = left + gap / 2.0..left + width - gap / 2.0;
            self.rectangle(columns, self.y(density)..floor, BAR);
        }
    }

    fn axes(&mut self) {
        const MAJOR: f64 = 7.0;
        const MINOR: f64 = 4.0;
        let (left, floor) = (self.x.start.round(), self.y.start.round());
        self.horizontal(floor, left..self.x.end, AXIS);
        // Whole numbers, and halves between them while they have room.
        let halves = (2.0 * self.range).floor().min(64.0) as i32;
        for half in -halves..=halves {
            let length = if half % 2 == 0 { MAJOR } else { MINOR };
            let x = self.x(f64::from(half) / 2.0).min(self.x.end - 1.0);
            self.vertical(x, floor..floor + length, AXIS);
        }
        self.vertical(left, self.y.end..floor, AXIS);
        for tick in 0..=5 {
            let y = self.y(self.top * f64::from(tick) / 5.0);
            self.horizontal(y, left - MAJOR..left, AXIS);
        }
    }

    /// The density, as a polyline with a point at every half pixel: finer than
    /// the eye. A pixel's share follows from its distance to the line.
    fn curve(&mut self) {
        let count = (2.0 * (self.x.end - self.x.start)) as usize;
        let points: Vec<[f64; 2]> = (0..=count)
            .map(|index| {
                let value = self.range * (2.0 * index as f64 / count as f64 - 1.0);
                [self.x(value), self.y(density(value))]
            })
            .collect();
        let start = self.x.start;
        let rows = self.y(density(0.0)) - STROKE - 1.0..self.y.start + STROKE + 1.0;
        self.paint(self.x.clone(), rows, CURVE, |x, y| {
            let nearest = 2.0 * (x - start);
            let reach = 2.0 * (STROKE + 1.0);
            let first = (nearest - reach).max(0.0) as usize;
            let last = ((nearest + reach) as usize).min(count);
            let distance = points[first..=last]
                .windows(2)
                .map(|ends| distance([x, y], ends[0], ends[1]))
                .fold(f64::INFINITY, f64::min);
            (STROKE + 0.5 - distance).clamp(0.0, 1.0)
        });
    }

    /// A triangle in the margin that points away from the plot, to the left for
    /// `side` -1 and to the right for 1.
    fn arrow(&mut self, side: f64) {
        const SIZE: f64 = 7.0;
        let edge = if side < 0.0 { self.x.start } else { self.x.end };
        let middle = self.y.start - 12.0;
        let base = edge + side * 9.0;
        let tip = base + side * 1.5 * SIZE;
        let columns = base.min(tip) - 1.0..base.max(tip) + 1.0;
        let rows = middle - SIZE - 1.0..middle + SIZE + 1.0;
        let slope = (1.5_f64 * 1.5 + 1.0).sqrt();
        self.paint(columns, rows, BAR, |x, y| {
            let (along, across) = (side * (x - base), (y - middle).abs());
            // Distances inward from the base and from the two slanted edges.
            let inward = along.min((1.5 * (SIZE - across) - along) / slope);
            (inward + 0.5).clamp(0.0, 1.0)
        });
    }
}

/// Distance of a point from the segment between `a` and `b`.
fn distance(point: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let along = [b[0] - a[0], b[1] - a[1]];
    let from = [point[0] - a[0], point[1] - a[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let share = (from[0] * along[0] + from[1] * along[1]) / length;
    let share = share.clamp(0.0, 1.0);
    (from[0] - share * along[0]).hypot(from[1] - share * along[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N(0, 1) without luck: the quantiles of a fine, even grid.
    fn gaussian(count: usize) -> Vec<f32> {
        let (mut x, mut mass) = (-6.0, 0.0);
        (0..count)
            .map(|index| {
                let target = (index as f64 + 0.5) / count as f64;
                while mass < target {
                    mass += density(x) * 1e-4;
                    x += 1e-4;
                }
                x as f32
            })
            .collect()
    }

    /// The highest pixel of about `color` in a column.
    fn highest(image: &Image, x: u32, color: Color) -> Option<u32> {
        (0..image.height()).find(|&y| {
            let pixel = image.pixel(x, y);
            pixel.iter().zip(color).all(|(&a, b)| a.abs_diff(b) < 24)
        })
    }

    #[test]
    fn bars_are_densities() {
        let bars = Histogram::default().densities(&gaussian(20_000));
        let area: f64 = bars.iter().sum::<f64>() * 0.2;
        assert!((area - 1.0).abs() < 2e-4, "{area}");
        for (bin, bar) in bars.iter().enumerate() {
            let center = -3.9 + 0.2 * bin as f64;
            assert!((bar - density(center)).abs() < 4e-3, "{center}: {bar}");
        }
    }

    #[test]
    fn what_is_beyond_the_range_counts_in_the_total() {
        let layout = Histogram {
            range: 1.0,
            bins: 2,
            ..Histogram::default()
        };
        let bars = layout.densities(&[-0.5, 0.0, 0.5, 1.0, 9.0, -9.0, f32::NAN, f32::INFINITY]);
        assert_eq!(bars, [0.125, 0.375]);
        assert_eq!(layout.densities(&[]), [0.0, 0.0]);
    }

    #[test]
    fn the_axis_makes_room_for_a_collapse() {
        assert_eq!(top(0.0), 0.5);
        assert_eq!(top(0.47), 0.5);
        assert_eq!(top(0.5), 1.0);
        assert_eq!(top(4.0), 5.0);
        assert_eq!(top(99.0), 200.0);
    }

    #[test]
    fn the_curve_is_where_the_density_is() {
        let image = Histogram::default().render(&[]);
        let (bottom, top) = (440.0 - MARGIN, MARGIN);
        for value in [-2.0, -1.0, 0.0, 0.5, 3.0] {
            let x = MARGIN + (value + 4.0) / 8.0 * (720.0 - 2.0 * MARGIN);
            let y = bottom - density(value) / 0.5 * (bottom - top);
            let found = highest(&image, x as u32, CURVE).expect("the curve crosses every column");
            // The stroke's upper edge lies above its middle, more so on a slope.
            assert!(
                (y - 5.0..=y).contains(&f64::from(found)),
                "{value}: {found} {y}"
            );
        }
    }

    #[test]
    fn bars_reach_the_curve_when_the_samples_are_right() {
        let image = Histogram::default().render(&gaussian(20_000));
        // The middle of the bin from 0.6 to 0.8, and a bar that is 0.
        let x = |value: f64| (MARGIN + (value + 4.0) / 8.0 * 664.0) as u32;
        let bar = highest(&image, x(0.7), BAR).unwrap();
        let curve = highest(&image, x(0.7), CURVE).unwrap();
        assert!((1..=8).contains(&(bar - curve)), "{bar} {curve}");
        let image = Histogram::default().render(&[0.1; 100]);
        // All in a bin of width 0.2: a density of 5 on an axis that ends at 10.
        assert_eq!(highest(&image, x(0.1), BAR), Some(220));
        assert_eq!(highest(&image, x(0.9), BAR), None);
    }

    #[test]
    fn arrows_tell_of_samples_beyond_the_range() {
        let arrow =
            |samples: &[f32], x| highest(&Histogram::default().render(samples), x, BAR).is_some();
        let (left, right) = (28 - 12, 720 - 28 + 12);
        assert_eq!([arrow(&[-9.0], left), arrow(&[-9.0], right)], [true, false]);
        assert_eq!([arrow(&[9.0], left), arrow(&[9.0], right)], [false, true]);
        assert_eq!([arrow(&[0.0], left), arrow(&[f32::NAN], right)], [false; 2]);
    }
}
