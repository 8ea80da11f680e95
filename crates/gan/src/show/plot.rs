//! A plot of curves on a canvas: axes with round numbers, and a line for each series.

use super::axis::ticks;
use super::canvas::{AXIS, Canvas, Color, GRID, NUMBER, width};
use std::ops::Range;

/// Colours that are told apart in print and by most eyes (Okabe and Ito's, without yellow).
const COLORS: [Color; 7] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [27, 29, 33],
];
const STROKE: f64 = 1.5;

/// The colour of the series of a number.
pub(super) fn color(series: usize) -> Color {
    COLORS[series % COLORS.len()]
}

/// What an axis of `values` spans: all of them but the most extreme hundredth, and a little more. What is not finite
/// does not count.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let cut = values.len() / 200;
    let (Some(low), Some(high)) = (values.get(cut), values.iter().rev().nth(cut)) else {
        return 0.0..1.0;
    };
    let room = match high - low {
        0.0 => 0.5 * high.abs().max(1.0),
        span => 0.05 * span,
    };
    low - room..high + room
}

/// What stands under a plot.
#[derive(Clone, Copy, Debug)]
pub(super) enum Under {
    /// 0, and the last step.
    Steps(u64),
    /// Round numbers.
    Numbers,
}

/// Where a plot stands and what it spans.
pub(super) struct Plot {
    pub(super) x: Range<f64>,
    /// From the floor upwards, so it ends smaller.
    pub(super) y: Range<f64>,
    /// What the horizontal axis spans.
    pub(super) across: Range<f64>,
    /// What the vertical axis spans.
    pub(super) values: Range<f64>,
}

impl Plot {
    pub(super) fn x(&self, at: f64) -> f64 {
        let share = (at - self.across.start) / (self.across.end - self.across.start);
        self.x.start + share.clamp(0.0, 1.0) * (self.x.end - self.x.start)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        let share = (value - self.values.start) / (self.values.end - self.values.start);
        self.y.start + share.clamp(0.0, 1.0) * (self.y.end - self.y.start)
    }

    pub(super) fn axes(&self, under: Under, canvas: &mut Canvas) {
        canvas.horizontal(self.y.start, self.x.clone(), AXIS);
        for (value, text) in ticks(&self.values) {
            let y = self.y(value);
            canvas.horizontal(y, self.x.clone(), GRID);
            canvas.text(&text, [self.x.start - 8.0, y], 1.0, NUMBER);
        }
        let below = self.y.start + 16.0;
        match under {
            Under::Steps(last) => {
                canvas.text("0", [self.x.start, below], 0.5, NUMBER);
                let last = format!("{last} steps");
                let right = self.x.end.max(self.x.start + width(&last) as f64);
                canvas.text(&last, [right, below], 1.0, NUMBER);
            }
            Under::Numbers => {
                for (value, text) in ticks(&self.across) {
                    canvas.text(&text, [self.x(value), below], 0.5, NUMBER);
                }
            }
        }
    }

    /// A line through `points`, which stand from left to right: a point at each half pixel, straight between the means of
    /// what falls on a pixel. What is not finite is left out.
    pub(super) fn curve(&self, points: &[[f64; 2]], color: Color, canvas: &mut Canvas) {
        let pixel = (self.across.end - self.across.start) / (self.x.end - self.x.start);
        let means = means(points, pixel);
        let means: Vec<[f64; 2]> = means
            .iter()
            .map(|[x, y]| [self.x(*x), self.y(*y)])
            .collect();
        let ([first, .., last], true) = (&means[..], means.len() > 1) else {
            return;
        };
        let count = (2.0 * (last[0] - first[0])).ceil().max(1.0) as usize;
        let mut segment = 0;
        let mut points = Vec::with_capacity(count + 1);
        for index in 0..=count {
            let x = first[0] + (last[0] - first[0]) * index as f64 / count as f64;
            while segment + 2 < means.len() && means[segment + 1][0] < x {
                segment += 1;
            }
            let ([from, a], [to, b]) = (means[segment], means[segment + 1]);
            let share = ((x - from) / (to - from)).clamp(0.0, 1.0);
            points.push([x, a + share * (b - a)]);
        }
        canvas.curve(&points, STROKE, color);
    }
}

/// The means of `points` over stretches of such a length. What is not finite is left out.
fn means(points: &[[f64; 2]], stretch: f64) -> Vec<[f64; 2]> {
    let is_finite = |point: &&[f64; 2]| point[1].is_finite();
    let finite: Vec<[f64; 2]> = points.iter().filter(is_finite).copied().collect();
    let place = |point: &[f64; 2]| (point[0] / stretch).floor();
    let mean = |points: &[[f64; 2]]| {
        [0, 1].map(|i| points.iter().map(|point| point[i]).sum::<f64>() / points.len() as f64)
    };
    let stretches = finite.chunk_by(|a, b| place(a) == place(b));
    stretches.map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_extreme_value_does_not_flatten_the_rest() {
        let all = (0..1000).map(|i| if i == 500 { 1e9 } else { f64::from(i % 10) });
        assert!(range(all).end < 11.0);
    }

    #[test]
    fn stretches_are_means() {
        let points = [[1.0, 1.0], [2.0, 3.0], [11.0, 5.0], [12.0, f64::NAN]];
        assert_eq!(means(&points, 10.0), [[1.5, 2.0], [11.0, 5.0]]);
    }
}
