//! Numbers of several runs over their steps: a panel for each number, a curve for each run.

use super::canvas::{AXIS, Canvas, Color, GRID, NUMBER, TITLE, width};
use super::picture::Image;
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
const COLUMNS: usize = 2;
/// Sides of a panel's plot in pixels.
const PLOT: [f64; 2] = [400.0, 220.0];
/// From one plot to the next.
const PITCH: [f64; 2] = [PLOT[0] + 84.0, PLOT[1] + 66.0];
/// The upper left corner of the first plot, without the legend.
const CORNER: [f64; 2] = [72.0, 40.0];
/// Right of the last plot, and under it.
const BEYOND: [f64; 2] = [24.0, 36.0];
/// A line of the legend.
const LINE: f64 = 20.0;
const STROKE: f64 = 1.5;
/// Numbers that a vertical axis has at most.
const TICKS: f64 = 6.0;

/// A number of several runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What stands above it.
    pub title: String,
    /// For each run, in the order of the legend, the steps that have the number and what it is; none where it has none.
    pub series: Vec<Vec<(u64, f64)>>,
}

/// Draws the panels, two in a row, under one legend of the runs' names.
///
/// A horizontal axis goes from 0 to the last step of all, a vertical one around all but the most extreme hundredth of a
/// panel's values: what is beyond is drawn at its edge. A curve is at each pixel the mean of the steps there.
pub fn curves(names: &[String], panels: &[Panel]) -> Image {
    let rows = panels.len().div_ceil(COLUMNS).max(1);
    let columns = panels.len().clamp(1, COLUMNS);
    let top = CORNER[1] + LINE * names.len() as f64;
    let side = |side: usize, before: f64, count: usize| {
        (before + PITCH[side] * (count - 1) as f64 + PLOT[side] + BEYOND[side]) as u32
    };
    let mut canvas = Canvas::new(side(0, CORNER[0], columns), side(1, top, rows));
    for (run, name) in names.iter().enumerate() {
        let y = 18.0 + LINE * run as f64;
        let left = CORNER[0];
        canvas.rectangle(left..left + 20.0, y - 1.0..y + 1.0, color(run));
        canvas.text(name, [left + 28.0, y], 0.0, TITLE);
    }
    let all = || {
        panels
            .iter()
            .flat_map(|panel| panel.series.iter().flatten())
    };
    let steps = all().map(|(step, _)| *step).max().unwrap_or(1).max(1);
    for (index, panel) in panels.iter().enumerate() {
        let left = CORNER[0] + PITCH[0] * (index % COLUMNS) as f64;
        let upper = top + PITCH[1] * (index / COLUMNS) as f64;
        let plot = Plot {
            x: left..left + PLOT[0],
            y: upper + PLOT[1]..upper,
            steps,
            values: range(panel),
        };
        canvas.text(&panel.title, [left, upper - 14.0], 0.0, TITLE);
        plot.axes(&mut canvas);
        for (run, series) in panel.series.iter().enumerate() {
            plot.curve(series, color(run), &mut canvas);
        }
    }
    canvas.into_image()
}

fn color(run: usize) -> Color {
    COLORS[run % COLORS.len()]
}

/// What a panel's vertical axis spans: all of its values but the most extreme hundredth, and a little more.
fn range(panel: &Panel) -> Range<f64> {
    let values = panel.series.iter().flatten().map(|(_, value)| *value);
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

/// Where a plot stands and what it spans.
struct Plot {
    x: Range<f64>,
    /// From the floor upwards, so it ends smaller.
    y: Range<f64>,
    steps: u64,
    values: Range<f64>,
}

impl Plot {
    fn y(&self, value: f64) -> f64 {
        let share = (value - self.values.start) / (self.values.end - self.values.start);
        self.y.start + share.clamp(0.0, 1.0) * (self.y.end - self.y.start)
    }

    fn axes(&self, canvas: &mut Canvas) {
        canvas.horizontal(self.y.start, self.x.clone(), AXIS);
        for (value, text) in ticks(&self.values) {
            let y = self.y(value);
            canvas.horizontal(y, self.x.clone(), GRID);
            canvas.text(&text, [self.x.start - 8.0, y], 1.0, NUMBER);
        }
        let below = self.y.start + 16.0;
        canvas.text("0", [self.x.start, below], 0.5, NUMBER);
        let last = format!("{} steps", self.steps);
        let right = self.x.end.max(self.x.start + width(&last) as f64);
        canvas.text(&last, [right, below], 1.0, NUMBER);
    }

    /// A point at each half pixel from the first step to the last, straight between the means of a pixel's steps.
    fn curve(&self, series: &[(u64, f64)], color: Color, canvas: &mut Canvas) {
        let pixels = self.x.end - self.x.start;
        let means = means(series, self.steps as f64 / pixels);
        let at = |step: f64| self.x.start + step / self.steps as f64 * pixels;
        let means: Vec<[f64; 2]> = means
            .iter()
            .map(|[step, y]| [at(*step), self.y(*y)])
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

/// The means of `series` over stretches of so many steps: of step and value. What is not finite is left out.
fn means(series: &[(u64, f64)], stretch: f64) -> Vec<[f64; 2]> {
    let finite = series.iter().filter(|(_, value)| value.is_finite());
    let finite: Vec<[f64; 2]> = finite.map(|(step, value)| [*step as f64, *value]).collect();
    let place = |point: &[f64; 2]| (point[0] / stretch).floor();
    let mean = |points: &[[f64; 2]]| {
        [0, 1].map(|i| points.iter().map(|point| point[i]).sum::<f64>() / points.len() as f64)
    };
    let stretches = finite.chunk_by(|a, b| place(a) == place(b));
    stretches.map(mean).collect()
}

/// The numbers of an axis: multiples of a step of 1, 2 or 5 times a power of ten, with a minus sign and not a hyphen.
fn ticks(values: &Range<f64>) -> Vec<(f64, String)> {
    let span = values.end - values.start;
    let power = 10.0_f64.powf((span / TICKS).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    let step = steps.into_iter().find(|step| span / step <= TICKS);
    let step = step.unwrap_or(10.0 * power);
    let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    let text = |value: f64| match (1e-9..1e6).contains(&step) {
        true => format!("{value:.decimals$}"),
        false => format!("{value:.1e}"),
    };
    let (first, last) = ((values.start / step).ceil(), (values.end / step).floor());
    // Where numbers are so close that a step is lost in rounding, the first one has to do.
    let count = (last - first).clamp(0.0, TICKS) as usize;
    let value = |i: usize| (first + i as f64) * step + 0.0;
    (0..=count)
        .map(|i| (value(i), text(value(i)).replace('-', "−")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(series: Vec<Vec<(u64, f64)>>) -> Panel {
        Panel {
            title: "d_loss".to_owned(),
            series,
        }
    }

    /// How many pixels are of a run's colour.
    fn pixels(image: &Image, run: usize) -> usize {
        let all = image.pixels().chunks(3);
        all.filter(|pixel| *pixel == color(run)).count()
    }

    #[test]
    fn each_run_has_its_curve_in_each_panel() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let up: Vec<(u64, f64)> = (1..=100).map(|i| (i, i as f64)).collect();
        let down: Vec<(u64, f64)> = (1..=50).map(|i| (i, 100.0 - i as f64)).collect();
        let legend = curves(&names, &[]);
        let one = curves(&names, &[panel(vec![up.clone(), down.clone(), vec![]])]);
        let two = curves(&names, &[panel(vec![up, down, vec![]]), panel(vec![])]);
        for (run, is) in [true, true, false].into_iter().enumerate() {
            assert_eq!(pixels(&one, run) > pixels(&legend, run) + 100, is, "{run}");
        }
        assert!(two.width() > one.width() && two.height() == one.height());
    }

    #[test]
    fn what_cannot_be_drawn_leaves_an_empty_plot() {
        let names = ["a".to_owned()];
        for series in [
            vec![],
            vec![(1, 2.0)],
            vec![(1, f64::NAN), (2, f64::INFINITY)],
            vec![(1, 3.0), (1000, 3.0)],
            vec![(0, -1e300), (7, 1e300)],
        ] {
            curves(&names, &[panel(vec![series])]);
        }
    }

    #[test]
    fn one_extreme_value_does_not_flatten_the_rest() {
        let mut series: Vec<(u64, f64)> = (0..1000).map(|i| (i, (i % 10) as f64)).collect();
        series[500].1 = 1e9;
        assert!(range(&panel(vec![series])).end < 11.0);
    }

    #[test]
    fn stretches_are_means() {
        let series = [(1, 1.0), (2, 3.0), (11, 5.0), (12, f64::NAN)];
        assert_eq!(means(&series, 10.0), [[1.5, 2.0], [11.0, 5.0]]);
    }

    #[test]
    fn an_axis_has_few_and_round_numbers() {
        let of = |low: f64, high: f64| {
            let texts = ticks(&(low..high)).into_iter().map(|(_, text)| text);
            texts.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of(-0.03, 1.42), "0.0 0.5 1.0");
        assert_eq!(of(-0.52, 0.5), "−0.4 −0.2 0.0 0.2 0.4");
        assert_eq!(of(0.0, 5000.0), "0 1000 2000 3000 4000 5000");
        assert_eq!(of(0.0101, 0.0139), "0.011 0.012 0.013");
        for (low, high) in [(-1e300, 1e300), (1e-300, 2e-300), (1e15, 1e15 + 1.0)] {
            assert!(ticks(&(low..high)).len() <= 7);
        }
    }
}
