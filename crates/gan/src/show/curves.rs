//! Numbers of several runs over their steps: a panel for each number, a curve for each run.

use super::canvas::{Canvas, TITLE};
use super::picture::Image;
use super::plot::{Plot, Under, color, range};

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
            across: 0.0..steps as f64,
            values: range(panel.series.iter().flatten().map(|(_, value)| *value)),
        };
        canvas.text(&panel.title, [left, upper - 14.0], 0.0, TITLE);
        plot.axes(Under::Steps(steps), &mut canvas);
        for (run, series) in panel.series.iter().enumerate() {
            let points = series.iter().map(|(step, value)| [*step as f64, *value]);
            plot.curve(&points.collect::<Vec<_>>(), color(run), &mut canvas);
        }
    }
    canvas.into_image()
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
}
