//! Shapes and letters on an image, with edges between pixels blended.

mod lettering;

use super::picture::Image;
use lettering::{HEIGHT, MIDDLE, glyph};
use std::ops::Range;

pub(super) use lettering::{ADVANCE, width};

/// Red, green, blue.
pub(super) type Color = [u8; 3];

pub(super) const PAPER: Color = [255, 255, 255];
pub(super) const GRID: Color = [222, 222, 216];
pub(super) const AXIS: Color = [127, 131, 139];
/// Of an axis.
pub(super) const NUMBER: Color = [101, 106, 115];
pub(super) const TITLE: Color = [27, 29, 33];

/// An image to draw on, in pixels from the upper left corner; what reaches beyond it is cut.
pub(super) struct Canvas {
    image: Image,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self {
            image: Image::filled(width, height, &PAPER),
        }
    }

    pub(super) fn into_image(self) -> Image {
        self.image
    }

    /// Blends `color` over every pixel of `columns` × `rows` by the share of the pixel that the
    /// shape covers. `coverage` is asked at pixel centers.
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

    /// The picture with its upper left corner at whole pixels, over what is there.
    pub(super) fn picture(&mut self, picture: &Image, [left, top]: [u32; 2]) {
        for y in 0..picture
            .height()
            .min(self.image.height().saturating_sub(top))
        {
            for x in 0..picture.width().min(self.image.width().saturating_sub(left)) {
                let color = match picture.pixel(x, y) {
                    &[gray] => [gray; 3],
                    color => [color[0], color[1], color[2]],
                };
                self.image
                    .pixel_mut(left + x, top + y)
                    .copy_from_slice(&color);
            }
        }
    }

    /// An upright rectangle.
    pub(super) fn rectangle(&mut self, columns: Range<f64>, rows: Range<f64>, color: Color) {
        let overlap = |range: &Range<f64>, center: f64| {
            (range.end.min(center + 0.5) - range.start.max(center - 0.5)).clamp(0.0, 1.0)
        };
        let (wide, high) = (columns.clone(), rows.clone());
        self.paint(columns, rows, color, |x, y| {
            overlap(&wide, x) * overlap(&high, y)
        });
    }

    /// A line one pixel wide at a whole pixel, so that it is sharp.
    pub(super) fn horizontal(&mut self, y: f64, columns: Range<f64>, color: Color) {
        let y = y.round();
        self.rectangle(columns, y..y + 1.0, color);
    }

    /// As [`Canvas::horizontal`], upright.
    pub(super) fn vertical(&mut self, x: f64, rows: Range<f64>, color: Color) {
        let x = x.round();
        self.rectangle(x..x + 1.0, rows, color);
    }

    /// The line through `points`, which stand from left to right at equal distances of at most
    /// a pixel, `stroke` pixels wide. A pixel's share follows from its distance to the line.
    pub(super) fn curve(&mut self, points: &[[f64; 2]], stroke: f64, color: Color) {
        let ([start, _], [end, _]) = (points[0], points[points.len() - 1]);
        let last = points.len() - 1;
        let density = last as f64 / (end - start);
        let heights = || points.iter().map(|point| point[1]);
        let reach = stroke / 2.0 + 1.0;
        let highest = heights().fold(f64::INFINITY, f64::min) - reach;
        let lowest = heights().fold(f64::NEG_INFINITY, f64::max) + reach;
        self.paint(start..end, highest..lowest, color, |x, y| {
            let near = |x: f64| (density * (x - start)).clamp(0.0, last as f64) as usize;
            let distance = points[near(x - reach)..=near(x + reach)]
                .windows(2)
                .map(|ends| distance([x, y], ends[0], ends[1]))
                .fold(f64::INFINITY, f64::min);
            (stroke / 2.0 + 0.5 - distance).clamp(0.0, 1.0)
        });
    }

    /// A triangle with its base's middle at `[x, y]`, `size` pixels up and down, that points to
    /// the left for `side` -1 and to the right for 1.
    pub(super) fn arrow(&mut self, [base, middle]: [f64; 2], size: f64, side: f64, color: Color) {
        const SLOPE: f64 = 1.5;
        let tip = base + side * SLOPE * size;
        let columns = base.min(tip) - 1.0..base.max(tip) + 1.0;
        let rows = middle - size - 1.0..middle + size + 1.0;
        self.paint(columns, rows, color, |x, y| {
            let (along, across) = (side * (x - base), (y - middle).abs());
            // Distances inward from the base and from the two slanted edges.
            let slanted = (SLOPE * (size - across) - along) / SLOPE.hypot(1.0);
            (along.min(slanted) + 0.5).clamp(0.0, 1.0)
        });
    }

    /// `text` with the middle of its digits at the height `y`; at `x` is its left end for
    /// `align` 0, its middle for 0.5, its right end for 1. Letters stand at whole pixels, so
    /// that equal letters look equal.
    pub(super) fn text(&mut self, text: &str, [x, y]: [f64; 2], align: f64, color: Color) {
        let mut left = (x - align * width(text) as f64).round();
        let top = (y - MIDDLE).round();
        for letter in text.chars() {
            let ink = glyph(letter);
            let (columns, rows) = (left..left + ADVANCE as f64, top..top + HEIGHT as f64);
            self.paint(columns, rows, color, |x, y| {
                let (column, row) = ((x - left) as usize, (y - top) as usize);
                f64::from(ink[row * ADVANCE + column]) / 255.0
            });
            left += ADVANCE as f64;
        }
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
