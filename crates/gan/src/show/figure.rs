//! What a recipe shows of itself, drawn: panels from left to right.

use super::canvas::{Canvas, TITLE};
use super::gallery;
use super::histogram::BAR;
use super::picture::Image;
use super::plot::{Plot, Under, color, range};
use detach_recipes::figure::{Content, Curve, Figure, Panel};
use detach_recipes::settings::Scaling;
use std::ops::Range;

/// Sides of a plot in pixels.
const PLOT: [f64; 2] = [440.0, 300.0];
/// Left of a panel's content, and above it without a legend.
const CORNER: [f64; 2] = [72.0, 40.0];
/// Right of a panel's content, and under it.
const BEYOND: [f64; 2] = [28.0, 36.0];
/// A line of a legend.
const LINE: f64 = 18.0;
const BINS: usize = 40;

/// What a number of the lines of metrics was, by its name: the steps that have it, and its values.
pub type Series<'a> = &'a dyn Fn(&str) -> Vec<(u64, f64)>;

/// Draws `figure`, with `history` for the numbers that it shows over all steps.
pub fn draw(figure: &Figure, history: Series<'_>) -> Image {
    let panels: Vec<Drawn<'_>> = figure
        .panels
        .iter()
        .map(|panel| Drawn::of(panel, history))
        .collect();
    let lines = panels
        .iter()
        .map(|panel| panel.legend.len())
        .max()
        .unwrap_or(0);
    let top = CORNER[1] + LINE * lines as f64;
    let width: f64 = panels.iter().map(Drawn::width).sum();
    let height = panels.iter().map(Drawn::height).fold(0.0, f64::max);
    let mut canvas = Canvas::new(width.max(1.0) as u32, (top + height + BEYOND[1]) as u32);
    let mut left = CORNER[0];
    for panel in &panels {
        canvas.text(panel.title, [left, 18.0], 0.0, TITLE);
        for (i, name) in panel.legend.iter().enumerate() {
            let y = 18.0 + LINE * (i + 1) as f64;
            canvas.rectangle(left..left + 20.0, y - 1.0..y + 1.0, color(i));
            canvas.text(name, [left + 28.0, y], 0.0, TITLE);
        }
        panel.draw([left, top], &mut canvas);
        left += panel.width();
    }
    canvas.into_image()
}

/// A panel in the form that it is drawn in.
struct Drawn<'a> {
    title: &'a str,
    /// The names of its curves.
    legend: Vec<&'a str>,
    form: Form,
}

enum Form {
    Curves(Vec<Vec<[f64; 2]>>, Under),
    Bars(Vec<f64>),
    Image(Image),
}

impl<'a> Drawn<'a> {
    fn of(panel: &'a Panel, history: Series<'_>) -> Self {
        let (legend, form) = match &panel.content {
            Content::Curves(curves) => curves_of(curves),
            Content::History(names) => {
                let series: Vec<_> = names.iter().map(|name| history(name)).collect();
                let last = series.iter().flatten().map(|(step, _)| *step).max();
                let points = |series: &Vec<(u64, f64)>| {
                    series.iter().map(|(x, y)| [*x as f64, *y]).collect()
                };
                let curves = series.iter().map(points).collect();
                (
                    names.clone(),
                    Form::Curves(curves, Under::Steps(last.unwrap_or(1).max(1))),
                )
            }
            Content::Histogram(values) => (Vec::new(), Form::Bars(values.clone())),
            Content::Images(images, columns) => {
                let image = gallery::draw(images, *columns, Scaling::Fixed);
                (Vec::new(), Form::Image(image))
            }
        };
        Self {
            title: &panel.title,
            legend,
            form,
        }
    }

    fn side(&self, side: usize) -> f64 {
        match &self.form {
            Form::Image(image) => f64::from([image.width(), image.height()][side]),
            Form::Curves(..) | Form::Bars(_) => PLOT[side],
        }
    }

    fn width(&self) -> f64 {
        CORNER[0] + self.side(0) + BEYOND[0]
    }

    fn height(&self) -> f64 {
        self.side(1)
    }

    fn draw(&self, [left, top]: [f64; 2], canvas: &mut Canvas) {
        let place = [left..left + PLOT[0], top + PLOT[1]..top];
        match &self.form {
            Form::Curves(curves, under) => draw_curves(curves, *under, place, canvas),
            Form::Bars(values) => draw_bars(values, place, canvas),
            Form::Image(image) => canvas.picture(image, [left as u32, top as u32]),
        }
    }
}

fn curves_of(curves: &[Curve]) -> (Vec<&str>, Form) {
    let names = curves.iter().map(|curve| curve.name).collect();
    let points = curves.iter().map(|curve| curve.points.clone());
    (names, Form::Curves(points.collect(), Under::Numbers))
}

fn draw_curves(
    curves: &[Vec<[f64; 2]>],
    under: Under,
    [x, y]: [Range<f64>; 2],
    canvas: &mut Canvas,
) {
    let all = || curves.iter().flatten();
    let across = match under {
        Under::Steps(last) => 0.0..last as f64,
        Under::Numbers => {
            let ends = all().map(|point| point[0]);
            ends.clone().fold(f64::INFINITY, f64::min)..ends.fold(f64::NEG_INFINITY, f64::max)
        }
    };
    let plot = Plot {
        x,
        y,
        across,
        values: range(all().map(|point| point[1])),
    };
    plot.axes(under, canvas);
    for (i, curve) in curves.iter().enumerate() {
        plot.curve(curve, color(i), canvas);
    }
}

/// How `values` are distributed: bars over what all but the most extreme hundredth of them span, and at least from 0 to 2, so
/// that narrow looks narrow.
fn draw_bars(values: &[f64], [x, y]: [Range<f64>; 2], canvas: &mut Canvas) {
    let span = range(values.iter().copied());
    let across = span.start.min(0.0)..span.end.max(2.0);
    let width = (across.end - across.start) / BINS as f64;
    let mut counts = [0_u32; BINS];
    for value in values.iter().filter(|value| value.is_finite()) {
        let bin = (value - across.start) / width;
        counts[(bin.max(0.0) as usize).min(BINS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let plot = Plot {
        x,
        y,
        across,
        values: 0.0..1.05 * f64::from(most),
    };
    plot.axes(Under::Numbers, canvas);
    let floor = plot.y.start;
    for (bin, count) in counts.iter().enumerate() {
        let left = plot.x(plot.across.start + bin as f64 * width);
        let right = plot.x(plot.across.start + (bin + 1) as f64 * width);
        canvas.rectangle(left..right - 1.0, plot.y(f64::from(*count))..floor, BAR);
    }
}

#[cfg(test)]
mod tests {
    use super::super::canvas::Color;
    use super::*;
    use detach_tensor::{Array, DType, Tensor};

    fn figure(contents: Vec<Content>) -> Figure {
        let panel = |content| Panel {
            title: "a panel".to_owned(),
            content,
        };
        Figure {
            name: "test",
            panels: contents.into_iter().map(panel).collect(),
        }
    }

    fn curve(name: &'static str, points: Vec<[f64; 2]>) -> Curve {
        Curve { name, points }
    }

    fn pixels(image: &Image, of: Color) -> usize {
        image
            .pixels()
            .chunks(3)
            .filter(|pixel| *pixel == of)
            .count()
    }

    #[test]
    fn each_curve_has_its_colour() {
        let line = |slope: f64| {
            (0..=100)
                .map(|i| [f64::from(i) - 50.0, slope * f64::from(i)])
                .collect()
        };
        let curves = vec![curve("up", line(1.0)), curve("down", line(-1.0))];
        let image = draw(&figure(vec![Content::Curves(curves)]), &|_| Vec::new());
        // Beyond the legend's 40 pixels.
        assert!(pixels(&image, color(0)) > 140 && pixels(&image, color(1)) > 140);
        assert_eq!(pixels(&image, color(2)), 0);
    }

    #[test]
    fn a_narrow_distribution_is_narrow() {
        let narrow = vec![1.0; 64];
        let wide = (0..64).map(|i| f64::from(i) / 32.0).collect();
        let of = |values| {
            pixels(
                &draw(&figure(vec![Content::Histogram(values)]), &|_| Vec::new()),
                BAR,
            )
        };
        // One bar of forty up to the top, or all of them.
        assert!(of(narrow) * 10 < of(wide), "a bar, and many");
    }

    #[test]
    fn panels_stand_side_by_side_and_odd_ones_do_no_harm() {
        let images = Tensor::constant(Array::zeros(&[3, 1, 28, 28], DType::F32));
        let odd = vec![
            Content::Curves(vec![]),
            Content::Curves(vec![
                curve("nothing", vec![]),
                curve("a point", vec![[1.0, 1.0]]),
            ]),
            Content::Curves(vec![curve(
                "odd",
                vec![[0.0, f64::NAN], [1.0, f64::INFINITY]],
            )]),
            Content::History(vec!["d_loss", "none"]),
            Content::Histogram(vec![f64::NAN, f64::INFINITY, -1e300, 1e300]),
            Content::Histogram(vec![]),
            Content::Images(images, 2),
        ];
        let count = odd.len() - 1;
        let image = draw(&figure(odd), &|_| Vec::new());
        assert!(f64::from(image.width()) > count as f64 * PLOT[0]);
    }
}
