//! Lines over axes.

use super::Ink;
use super::axis::Axis;
use super::frame::{Frame, spread};
use super::svg::{Anchor, LETTER, Svg, WIDTH, width};
use std::ops::Range;

const HEIGHT: f64 = 280.0;
const DASHES: [&str; 5] = ["", "7 3", "2 3", "9 3 2 3", "1 4"];
/// How much wider a name is than plain text.
const BOLD: f64 = 1.1;
/// What stands on a line has paper around it.
const HALO: &str = r#"stroke="var(--bg)" stroke-width="4" paint-order="stroke""#;

/// A line of a chart.
#[derive(Clone, Debug)]
pub struct Line {
    name: String,
    ink: Ink,
    points: Vec<[f64; 2]>,
    dots: bool,
    steps: bool,
}

impl Line {
    /// A line through `points`, whose x grows; where a value is not finite, it is broken.
    pub fn new(name: &str, ink: Ink, points: Vec<[f64; 2]>) -> Self {
        Self {
            name: name.to_owned(),
            ink,
            points,
            dots: false,
            steps: false,
        }
    }

    /// A function's curve, at 121 places of `across`.
    pub fn of(name: &str, ink: Ink, across: Range<f64>, f: impl Fn(f64) -> f64) -> Self {
        let at = |i: i32| across.start + (across.end - across.start) * f64::from(i) / 120.0;
        Self::new(name, ink, (0..=120).map(at).map(|x| [x, f(x)]).collect())
    }

    /// Its points are marked.
    #[must_use]
    pub fn dots(mut self) -> Self {
        self.dots = true;
        self
    }

    /// It goes level to the next point and then up or down, as a histogram's outline does.
    #[must_use]
    pub fn steps(mut self) -> Self {
        self.steps = true;
        self
    }

    /// The corners of what is drawn.
    fn corners(&self) -> Vec<[f64; 2]> {
        let level = |pair: &[[f64; 2]]| [pair[0], [pair[1][0], pair[0][1]]];
        match self.steps {
            true => self
                .points
                .windows(2)
                .flat_map(level)
                .chain(self.points.last().copied())
                .collect(),
            false => self.points.clone(),
        }
    }
}

/// Lines over two axes, with their names at their ends.
#[derive(Clone, Debug)]
pub struct Chart {
    alt: String,
    x: Axis,
    y: Axis,
    lines: Vec<Line>,
    levels: Vec<(f64, String)>,
}

impl Chart {
    /// No lines yet; `alt` is a sentence that says what is seen.
    pub fn new(alt: &str) -> Self {
        Self {
            alt: alt.to_owned(),
            x: Axis::default(),
            y: Axis::default(),
            lines: Vec::new(),
            levels: Vec::new(),
        }
    }

    /// What the horizontal axis is of, with its unit.
    #[must_use]
    pub fn x(mut self, title: &str) -> Self {
        self.x.title = title.to_owned();
        self
    }

    /// What the vertical axis is of, with its unit.
    #[must_use]
    pub fn y(mut self, title: &str) -> Self {
        self.y.title = title.to_owned();
        self
    }

    /// What the horizontal axis spans; all points, if this is not said.
    #[must_use]
    pub fn across(mut self, span: Range<f64>) -> Self {
        self.x.span = Some(span);
        self
    }

    /// What the vertical axis spans; a little more than all points, if this is not said. Lines end at its border.
    #[must_use]
    pub fn up(mut self, span: Range<f64>) -> Self {
        self.y.span = Some(span);
        self
    }

    /// The horizontal axis is of logarithms.
    #[must_use]
    pub fn log_x(mut self) -> Self {
        self.x.log = true;
        self
    }

    /// The vertical axis is of logarithms.
    #[must_use]
    pub fn log_y(mut self) -> Self {
        self.y.log = true;
        self
    }

    /// A dotted level line to measure by, with its name above its right end.
    #[must_use]
    pub fn level(mut self, y: f64, name: &str) -> Self {
        self.levels.push((y, name.to_owned()));
        self
    }

    /// One more line.
    #[must_use]
    pub fn line(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    fn frame(&self) -> Frame {
        let all = |i: usize| {
            self.lines
                .iter()
                .flat_map(move |line| line.points.iter().map(move |point| point[i]))
        };
        let levels = self.levels.iter().map(|(y, _)| *y);
        let (x, y) = (
            self.x.spans(all(0), 0.0),
            self.y.spans(all(1).chain(levels), 0.05),
        );
        let numbers = self
            .y
            .ticks(&y)
            .iter()
            .map(|(_, text)| width(text))
            .fold(0.0, f64::max);
        let names = self
            .lines
            .iter()
            .map(|line| BOLD * width(&line.name))
            .fold(0.0, f64::max);
        let below = if self.x.title.is_empty() { 24.0 } else { 42.0 };
        let above = if self.y.title.is_empty() { 10.0 } else { 28.0 };
        Frame {
            x,
            y,
            left: numbers + 8.0,
            right: WIDTH - 12.0 - names,
            top: above,
            floor: HEIGHT - below,
        }
    }

    /// The figure.
    pub fn svg(self) -> String {
        let frame = self.frame();
        let mut svg = Svg::new(&self.alt, HEIGHT);
        self.axes(&frame, &mut svg);
        for (y, name) in &self.levels {
            let [_, y] = frame.at([frame.x.start, self.y.place(*y)]);
            let attributes = r#"stroke="var(--ink-3)" stroke-dasharray="1 3""#;
            svg.straight([frame.left, y], [frame.right, y], attributes);
            svg.text(
                name,
                [frame.right - 4.0, y - 9.0],
                Anchor::End,
                &format!(r#"fill="var(--ink-2)" {HALO}"#),
            );
        }
        let mut ends = Vec::new();
        for (i, line) in self.lines.iter().enumerate() {
            let placed = |[x, y]: [f64; 2]| frame.at([self.x.place(x), self.y.place(y)]);
            let parts = frame.inside(&line.corners().into_iter().map(placed).collect::<Vec<_>>());
            draw(line, i, &parts, &mut svg);
            if line.dots {
                let points = line.points.iter().copied().map(placed);
                points
                    .filter(|[_, y]| frame.holds(*y))
                    .for_each(|point| mark(i, point, line.ink, &mut svg));
            }
            ends.extend(
                parts
                    .last()
                    .and_then(|part| part.last())
                    .map(|end| (end[1], line)),
            );
        }
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut places: Vec<f64> = ends.iter().map(|(y, _)| *y).collect();
        spread(&mut places, frame.floor);
        for (y, (_, line)) in places.into_iter().zip(&ends) {
            let attributes = format!(r#"fill="{}" font-weight="600""#, line.ink.css());
            svg.text(
                &line.name,
                [frame.right + 6.0, y],
                Anchor::Start,
                &attributes,
            );
        }
        svg.finish()
    }

    fn axes(&self, frame: &Frame, svg: &mut Svg) {
        let grey = r#"fill="var(--ink-3)""#;
        for (value, text) in self.y.ticks(&frame.y) {
            let [_, y] = frame.at([frame.x.start, value]);
            svg.straight([frame.left, y], [frame.right, y], r#"stroke="var(--hair)""#);
            svg.text(&text, [frame.left - 6.0, y], Anchor::End, grey);
        }
        svg.straight(
            [frame.left, frame.floor],
            [frame.right, frame.floor],
            r#"stroke="var(--edge)""#,
        );
        for (value, text) in self.x.ticks(&frame.x) {
            let [x, _] = frame.at([value, frame.y.start]);
            svg.straight(
                [x, frame.floor],
                [x, frame.floor + 4.0],
                r#"stroke="var(--edge)""#,
            );
            svg.text(&text, [x, frame.floor + 14.0], Anchor::Middle, grey);
        }
        svg.text(&self.y.title, [0.0, LETTER - 4.0], Anchor::Start, grey);
        svg.text(
            &self.x.title,
            [frame.right, HEIGHT - 9.0],
            Anchor::End,
            grey,
        );
    }
}

fn draw(line: &Line, number: usize, parts: &[Vec<[f64; 2]>], svg: &mut Svg) {
    let of = |part: &Vec<[f64; 2]>| {
        let points: Vec<String> = part.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
        format!("M{}", points.join("L"))
    };
    let path: String = parts.iter().map(of).collect();
    let dash = DASHES[number % DASHES.len()];
    let dash = if dash.is_empty() {
        String::new()
    } else {
        format!(r#" stroke-dasharray="{dash}""#)
    };
    let ink = line.ink.css();
    svg.add(&format!(r#"<path d="{path}" fill="none" stroke="{ink}" stroke-width="1.8" stroke-linejoin="round"{dash}/>"#));
}

/// A mark on a line: discs, squares, rings.
fn mark(number: usize, [x, y]: [f64; 2], ink: Ink, svg: &mut Svg) {
    let ink = ink.css();
    svg.add(&match number % 3 {
        0 => format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{ink}"/>"#),
        1 => format!(r#"<rect x="{:.1}" y="{:.1}" width="7" height="7" fill="{ink}"/>"#, x - 3.5, y - 3.5),
        _ => format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="var(--bg)" stroke="{ink}" stroke-width="1.5"/>"#),
    });
}
