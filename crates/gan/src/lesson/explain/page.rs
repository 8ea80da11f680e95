//! A step as one page that loads nothing: pictures, and tables that fold by layer.

use super::Level;
use super::graph::{Back, Call, Layer, Node, StepGraph, TurnGraph};
use super::picture::{Picture, picture};
use super::svg::STYLE;
use super::words;
use crate::report::as_script;
use anyhow::{Context, Result};
use askama::Template;

/// How a page of a step looks.
const STYLES: [&str; 3] = [
    include_str!("../../../templates/base.css"),
    STYLE,
    include_str!("../../../templates/step.css"),
];
const SCRIPTS: [&str; 2] = [
    include_str!("../../../templates/charts.js"),
    include_str!("../../../templates/step.js"),
];

#[derive(Template)]
#[template(path = "step.html")]
struct Page {
    title: String,
    sentence: String,
    place: String,
    facts: String,
    turns: Vec<Turn>,
    version: &'static str,
    style: String,
    script: String,
    data: String,
}

struct Turn {
    id: String,
    class: &'static str,
    mark: &'static str,
    title: String,
    reading: String,
    said: Vec<String>,
    picture: Picture,
    /// How wide the picture is at the least, in pixels.
    least: u32,
    parts: Vec<Part>,
    parameters: Vec<[String; 4]>,
}

struct Part {
    id: String,
    class: &'static str,
    mark: &'static str,
    name: String,
    input: String,
    place: &'static str,
    cut: Option<String>,
    rows: Vec<Row>,
}

/// A layer, or an op of one.
struct Row {
    id: String,
    name: String,
    how: String,
    cells: Vec<String>,
    /// Pixels of the ribbon, where the gradient came by.
    thick: Option<String>,
    ops: Vec<Self>,
}

/// The page of a step.
///
/// # Errors
/// When it cannot be set, which no step is known to bring about.
pub fn page(step: &StepGraph) -> Result<String> {
    let page = Page {
        title: format!("{}, step {} · Detach", step.name, step.step),
        sentence: sentence(step),
        place: format!("{}, step {}", step.name, step.step),
        facts: format!("Batch of {}, seed {}.", step.batch_size, step.seed),
        turns: step.turns.iter().enumerate().map(turn).collect(),
        version: env!("CARGO_PKG_VERSION"),
        style: STYLES.concat(),
        script: SCRIPTS.concat(),
        data: as_script(step)?,
    };
    page.render().context("cannot set the page of a step")
}

/// The answer first: what is spared, or else what is done.
fn sentence(step: &StepGraph) -> String {
    let head = format!("{}, step {}", step.name, step.step);
    let cut = step
        .turns
        .iter()
        .find_map(|turn| Some((turn, turn.cuts.first()?)));
    match cut {
        Some((turn, cut)) => format!(
            "{head}: in {} detach leaves {}.",
            turn.name,
            words::spared(cut)
        ),
        None => {
            let flops = |of: fn(&TurnGraph) -> u64| step.turns.iter().map(of).sum();
            format!(
                "{head}: {} forward and {} back, and nothing is detached.",
                words::operations(flops(|turn| turn.forward.flops)),
                words::operations(flops(|turn| turn.backward.flops))
            )
        }
    }
}

fn turn((number, turn): (usize, &TurnGraph)) -> Turn {
    let class = words::class(Some(&turn.who));
    let picture = picture(turn, number, Level::Layers);
    let parts = turn.calls.iter().enumerate();
    let often = match words::often(turn) {
        often if often.is_empty() => often,
        often => format!(" · {often}"),
    };
    Turn {
        id: format!("t{number}"),
        class,
        mark: words::mark(class),
        title: turn.name.clone(),
        reading: format!(
            "loss {:.4} · forward {}, {} ms · back {}, {} ms, {} nodes, {}{often}",
            turn.loss,
            words::operations(turn.forward.flops),
            words::ms(turn.forward.ms),
            words::operations(turn.backward.flops),
            words::ms(turn.backward.ms),
            turn.walked.nodes,
            words::bytes(turn.walked.bytes)
        ),
        said: words::said(turn),
        least: (picture.size[0] * 0.86) as u32,
        picture,
        parts: parts
            .map(|(place, call)| part(turn, [number, place], call))
            .collect(),
        parameters: turn.parameters().map(parameter).collect(),
    }
}

fn parameter((name, node): (&str, &Node)) -> [String; 4] {
    let gradient = match node.back {
        Some(back) => words::norm(back.norm),
        None => "not asked for".to_owned(),
    };
    [
        name.to_owned(),
        words::shape(&node.shape),
        words::norm(Some(node.norm)),
        gradient,
    ]
}

fn part(turn: &TurnGraph, [number, place]: [usize; 2], call: &Call) -> Part {
    let class = words::class(call.network.as_deref());
    let layers = call.layers.iter().enumerate();
    Part {
        id: format!("t{number}c{place}"),
        class,
        mark: words::mark(class),
        name: words::call(call),
        input: words::input(turn, call),
        place: words::place(call),
        cut: turn.cut_into(place).map(words::spared),
        rows: layers
            .map(|(i, layer)| row(turn, format!("t{number}c{place}l{i}"), (call, layer)))
            .collect(),
    }
}

fn row(turn: &TurnGraph, id: String, (call, layer): (&Call, &Layer)) -> Row {
    let mut cells = words::cells(
        &layer.shape,
        layer.bytes,
        (layer.forward, layer.norm),
        layer.back,
    );
    cells.push(words::norm(layer.gradient));
    let ops = layer.nodes.iter().map(|node| op(&turn.nodes[*node]));
    Row {
        id,
        name: words::layer(call, layer),
        how: String::new(),
        cells,
        thick: thick(layer.back),
        ops: ops.collect(),
    }
}

fn op(node: &Node) -> Row {
    let mut cells = words::cells(
        &node.shape,
        node.bytes,
        (node.forward, node.norm),
        node.back,
    );
    cells.push(String::new());
    Row {
        id: String::new(),
        name: words::node(node),
        how: node.geometry.clone(),
        cells,
        thick: thick(node.back),
        ops: Vec::new(),
    }
}

fn thick(back: Option<Back>) -> Option<String> {
    let norm = back?.norm?;
    Some(format!("{:.0}", words::thickness(norm, 2.0, 14.0)))
}
