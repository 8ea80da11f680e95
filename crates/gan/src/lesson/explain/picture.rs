//! The picture of a turn: forward above in thin ink, backward below as a ribbon in the colour of whose loss it is.

use super::Level;
use super::boxes::{Boxed, boxes, fitted};
use super::draw::Drawing;
use super::graph::{Kind, Place, TurnGraph};
use super::lanes::lanes;
use super::words;

/// A box of a layer or an op, of one that is behind a cut, and the space between two.
const BOX: [f64; 2] = [80.0, 54.0];
const NARROW: f64 = 14.0;
const GAP: f64 = 6.0;
/// From the top of a row to its boxes, to the middle of its ribbon, and to the next row.
const TOP: f64 = 30.0;
const RIBBON: f64 = TOP + BOX[1] + 38.0;
const ROW: f64 = RIBBON + 48.0;
/// Where rows begin, and what the loss takes.
const LEFT: f64 = 64.0;
const LOSS: [f64; 2] = [88.0, 40.0];
const PILL: [f64; 2] = [66.0, 24.0];
/// A picture and its size.
pub(super) struct Picture {
    pub(super) size: [f64; 2],
    pub(super) body: String,
    /// What is to be seen, in a sentence.
    pub(super) alt: String,
}

/// The picture of a turn; boxes stand for the rows of a page's table.
pub(super) fn picture(turn: &TurnGraph, number: usize, level: Level) -> Picture {
    let rows = lanes(turn);
    let mut plan = Plan {
        turn,
        number,
        level,
        class: words::class(Some(&turn.who)),
        drawing: Drawing::default(),
    };
    let ends: Vec<f64> = rows.iter().map(|row| plan.width(row)).collect();
    let loss = ends.iter().copied().fold(LEFT, f64::max) + 22.0;
    for (row, calls) in rows.iter().enumerate() {
        plan.row(row as f64 * ROW, calls, loss);
    }
    plan.loss(loss, rows.len());
    Picture {
        size: [loss + LOSS[0] + 16.0, ROW * rows.len().max(1) as f64],
        body: plan.drawing.done(),
        alt: alt(turn, &rows),
    }
}

/// What a picture shows, in a sentence.
fn alt(turn: &TurnGraph, rows: &[Vec<usize>]) -> String {
    let ways = rows.iter().map(|row| {
        let calls = row.iter().map(|call| &turn.calls[*call]);
        let first = calls
            .clone()
            .next()
            .map_or_else(String::new, |call| words::input(turn, call));
        let way: Vec<String> = calls.map(words::call).collect();
        format!("{} {first}", way.join(", then "))
    });
    let ways: Vec<String> = ways.collect();
    let cuts: Vec<String> = turn.cuts.iter().map(words::spared).collect();
    let cut = match cuts.is_empty() {
        true => String::new(),
        false => format!(" Detached on the way: {}.", cuts.join("; ")),
    };
    format!(
        "{}: {}; to a loss of {:.3}. The gradient comes back over {} nodes.{cut}",
        turn.name,
        ways.join("; "),
        turn.loss,
        turn.walked.nodes
    )
}

struct Plan<'a> {
    turn: &'a TurnGraph,
    number: usize,
    level: Level,
    /// Whose loss it is.
    class: &'static str,
    drawing: Drawing,
}

/// Where a box is, for the ribbon below.
struct Stop {
    x: f64,
    width: f64,
    back: Option<f64>,
    gradient: Option<f64>,
    is_beside: bool,
}

impl Stop {
    /// Half of the ribbon's thickness.
    fn half(&self) -> f64 {
        words::thickness(self.back.unwrap_or(0.0), 2.0, 14.0) / 2.0
    }
}

impl Plan<'_> {
    /// What a call's boxes take, and the space before it: a pill where its input is detached.
    fn call_width(&self, place: usize) -> [f64; 2] {
        let call = &self.turn.calls[place];
        let each = match call.place {
            Place::Behind => NARROW + 3.0,
            _ => BOX[0] + GAP,
        };
        let before = match self.turn.cut_into(place) {
            Some(_) => PILL[0] + 28.0,
            None => 26.0,
        };
        [
            before,
            boxes(self.turn, [self.number, place], self.level).len() as f64 * each + GAP,
        ]
    }

    /// Where a row's last call ends.
    fn width(&self, calls: &[usize]) -> f64 {
        let widths = calls
            .iter()
            .map(|call| self.call_width(*call).iter().sum::<f64>());
        LEFT + widths.sum::<f64>()
    }

    fn row(&mut self, y: f64, calls: &[usize], loss: f64) {
        let middle = y + TOP + BOX[1] / 2.0;
        let first = calls.first().map(|call| &self.turn.calls[*call]);
        let input = first.map_or_else(String::new, |call| words::input(self.turn, call));
        let input = input.strip_prefix("of ").unwrap_or(&input).to_owned();
        let way = match y > 0.0 {
            false => vec![[LEFT - 24.0, middle], [loss, middle]],
            true => {
                let x = loss + LOSS[0] * 0.3;
                vec![
                    [LEFT - 24.0, middle],
                    [x, middle],
                    [x, TOP + BOX[1] / 2.0 + LOSS[1] / 2.0 + 1.0],
                ]
            }
        };
        self.drawing.line("way", &way);
        self.arrow(&way);
        self.drawing.circle("input", [LEFT - 30.0, middle], 6.0);
        self.drawing
            .text("mid small", [LEFT - 30.0, middle - 14.0], &input);
        let mut x = LEFT;
        let mut stops: Vec<Stop> = Vec::new();
        let mut cut = None;
        for place in calls {
            let [before, width] = self.call_width(*place);
            if self.turn.cut_into(*place).is_some() {
                cut = Some((*place, x + before / 2.0, stops.len()));
                self.pill([x + before / 2.0, middle]);
            }
            x += before;
            stops.extend(self.call([x, y], width, *place));
            x += width;
        }
        // The ribbon is severed where it would have gone on.
        let leads = |first: usize| {
            let mut on_the_way = stops.iter().skip(first).filter(|stop| !stop.is_beside);
            on_the_way.next().is_some_and(|stop| stop.back.is_some())
        };
        let severed = cut.filter(|(_, _, first)| leads(*first));
        self.ribbon(y, &stops, (severed.map(|(_, x, _)| x), loss));
        if let Some((place, x, first)) = cut {
            self.severed([x, y], first > 0, place);
        }
    }

    /// The head of an arrow at the end of a way.
    fn arrow(&mut self, way: &[[f64; 2]]) {
        let (Some([x, y]), Some([_, before])) = (way.last(), way.iter().rev().nth(1)) else {
            return;
        };
        let points = match (before - y).abs() < 1.0 {
            true => [[x - 7.0, y - 4.0], [x - 1.0, *y], [x - 7.0, y + 4.0]],
            false => [[x - 4.0, y + 7.0], [*x, y + 1.0], [x + 4.0, y + 7.0]],
        };
        self.drawing.area("head-of-way", &points);
    }

    fn pill(&mut self, [x, y]: [f64; 2]) {
        self.drawing
            .rect("pill", [x - PILL[0] / 2.0, y - PILL[1] / 2.0], PILL);
        self.drawing.text("mid on-pill", [x, y + 4.0], ".detach()");
    }

    /// A call: its name, its frame and its boxes.
    fn call(&mut self, [x, y]: [f64; 2], width: f64, place: usize) -> Vec<Stop> {
        let call = &self.turn.calls[place];
        let class = words::class(call.network.as_deref());
        let is_behind = call.place == Place::Behind;
        let boxes = boxes(self.turn, [self.number, place], self.level);
        let mut alike = self
            .turn
            .calls
            .iter()
            .filter(|other| other.network == call.network);
        let is_asked = alike.any(|call| call.layers.iter().any(|layer| layer.gradient.is_some()));
        let reads = call.kind == Kind::Network && call.network.is_some();
        let frame = match (is_behind, is_asked || !reads) {
            (true, _) => "frame dim",
            (false, true) => "frame",
            (false, false) => "frame unasked",
        };
        let name = match call.kind {
            Kind::Network => format!("{} {}", words::mark(class), words::call(call)),
            Kind::Gradient => call
                .network
                .as_deref()
                .map_or_else(|| "∇".to_owned(), |it| format!("∇{}", words::letter(it))),
            Kind::Between | Kind::Loss => "ops".to_owned(),
        };
        self.drawing
            .text(&format!("name k-{class}"), [x, y + TOP - 10.0], &name);
        self.drawing
            .rect(frame, [x, y + TOP - 3.0], [width, BOX[1] + 6.0]);
        let each = if is_behind { NARROW } else { BOX[0] };
        let gap = if is_behind { 3.0 } else { GAP };
        let mut stops = Vec::new();
        for (i, boxed) in boxes.into_iter().enumerate() {
            let at = x + gap + i as f64 * (each + gap);
            self.boxed([at, y + TOP], each, &boxed, is_behind);
            stops.push(Stop {
                x: at,
                width: each,
                back: boxed.back,
                gradient: boxed.gradient,
                is_beside: boxed.is_beside,
            });
        }
        if reads && !is_asked && !is_behind {
            // Below the numbers of the ribbon, where there is one.
            let is_passed = stops.iter().any(|stop| stop.back.is_some());
            let below = if is_passed { 36.0 } else { -14.0 };
            let under = [x + width / 2.0, y + RIBBON + below];
            self.drawing
                .text("mid small", under, "weights not asked for");
        }
        stops
    }

    fn boxed(&mut self, [x, y]: [f64; 2], width: f64, boxed: &Boxed, is_narrow: bool) {
        self.drawing
            .group("layer", [&boxed.title, &boxed.row], |drawing| {
                drawing.rect(
                    if is_narrow { "box dim" } else { "box" },
                    [x, y],
                    [width, BOX[1]],
                );
                if is_narrow {
                    return;
                }
                let lines: Vec<&String> =
                    boxed.lines.iter().filter(|line| !line.is_empty()).collect();
                let first = y + BOX[1] / 2.0 + 4.0 - 7.0 * (lines.len() as f64 - 1.0);
                for (i, line) in lines.into_iter().enumerate() {
                    let class = if i == 0 { "mid what" } else { "mid small" };
                    drawing.text(
                        class,
                        [x + width / 2.0, first + 14.0 * i as f64],
                        &fitted(line),
                    );
                }
            });
    }

    /// The gradient's way back below a row, from the loss to where it ends.
    fn ribbon(&mut self, y: f64, stops: &[Stop], (cut, loss): (Option<f64>, f64)) {
        let middle = y + RIBBON;
        let reached: Vec<&Stop> = stops.iter().filter(|stop| stop.back.is_some()).collect();
        let Some((first, last)) = reached.first().zip(reached.last()) else {
            return;
        };
        let bus = loss + LOSS[0] * 0.72;
        let end = cut.unwrap_or(first.x + first.width / 2.0);
        // Each value's gradient has one size all the way from who reads it to who made it.
        let mut edge: Vec<(f64, f64)> = vec![(end, first.half())];
        for stop in &reached {
            let next = reached.iter().find(|other| other.x > stop.x);
            edge.push((stop.x + stop.width, stop.half()));
            edge.push((next.map_or(bus, |next| next.x), stop.half()));
        }
        let above = edge.iter().map(|(x, half)| [*x, middle - half]);
        let below = edge.iter().rev().map(|(x, half)| [*x, middle + half]);
        let ribbon = format!("ribbon k-{}", self.class);
        let outline: Vec<[f64; 2]> = above.chain(below).collect();
        self.drawing.area(&ribbon, &outline);
        let (top, half) = (TOP + (BOX[1] + LOSS[1]) / 2.0, last.half());
        let sides = [[bus - half, top], [bus + half, top]];
        let ends = [[bus + half, middle + half], [bus - half, middle + half]];
        self.drawing.area(&ribbon, &[sides, ends].concat());
        self.bars(middle, stops, first.half());
        for stop in reached {
            let (x, under) = (stop.x + stop.width + GAP / 2.0, middle + 20.0);
            let chevron = [
                [x + 2.0, middle - 3.0],
                [x - 2.0, middle],
                [x + 2.0, middle + 3.0],
            ];
            self.drawing.line("chevron", &chevron);
            let number = format!("mid number k-{}", self.class);
            let at = [stop.x + stop.width / 2.0, under];
            self.drawing.text(&number, at, &words::norm(stop.back));
        }
    }

    /// What the gradient leaves at parameters, on a ribbon that is so thick where it ends.
    fn bars(&mut self, middle: f64, stops: &[Stop], mut half: f64) {
        let class = format!("bar k-{}", self.class);
        for stop in stops {
            if stop.back.is_some() {
                half = stop.half();
            }
            if let Some(gradient) = stop.gradient {
                let height = words::thickness(gradient, 3.0, 22.0);
                let at = [stop.x + stop.width / 2.0 - 5.0, middle - half - height];
                self.drawing.rect(&class, at, [10.0, height]);
            }
        }
    }

    /// Two strokes through the ribbon, and what is not walked beyond, where that stands in this row.
    fn severed(&mut self, [x, y]: [f64; 2], has_beyond: bool, place: usize) {
        let middle = y + RIBBON;
        let under = y + TOP + (BOX[1] + PILL[1]) / 2.0;
        self.drawing
            .line("spared", &[[x, under], [x, middle - 14.0]]);
        let strokes =
            [x - 4.0, x + 4.0].map(|at| [[at - 4.0, middle + 14.0], [at + 4.0, middle - 14.0]]);
        for class in ["stroke-halo", "stroke"] {
            strokes
                .iter()
                .for_each(|stroke| self.drawing.line(class, stroke));
        }
        self.drawing.text("mid cut", [x, middle + 29.0], "cut");
        let Some(cut) = self.turn.cut_into(place).filter(|_| has_beyond) else {
            return;
        };
        self.drawing
            .line("spared", &[[LEFT, middle], [x - 8.0, middle]]);
        for (line, text) in words::spared(cut).splitn(2, ", ").enumerate() {
            let at = [LEFT - 38.0, middle + 16.0 + 14.0 * line as f64];
            self.drawing.text("small", at, text);
        }
    }

    fn loss(&mut self, x: f64, rows: usize) {
        let y = TOP + BOX[1] / 2.0 - LOSS[1] / 2.0;
        if rows == 0 {
            self.drawing
                .text("small", [LEFT, y + 24.0], "a loss of numbers alone");
        }
        let who = self.turn.who.to_uppercase();
        self.drawing.text(
            "mid small",
            [x + LOSS[0] / 2.0, y - 8.0],
            &format!("{who}'s loss"),
        );
        self.drawing
            .rect(&format!("loss k-{}", self.class), [x, y], LOSS);
        let value = format!("{:.4}", self.turn.loss);
        self.drawing.text(
            "mid on-loss",
            [x + LOSS[0] / 2.0, y + LOSS[1] / 2.0 + 5.0],
            &value,
        );
    }
}
