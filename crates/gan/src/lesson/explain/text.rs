//! A step for a terminal: a table for each turn.

use super::Level;
use super::graph::{Call, Layer, Node, Place, StepGraph, TurnGraph};
use super::words;
use std::collections::BTreeMap;

/// A line of a table: whole, or in columns.
enum Line {
    Text(String),
    Row(Vec<String>),
}

/// What stands over the columns.
const HEAD: [&str; 10] = [
    "", "output", "FLOP", "bytes", "ms", "‖y‖", "‖dy‖", "FLOP", "ms", "‖dW‖",
];

/// The step as text, layer by layer or op by op.
pub fn text(step: &StepGraph, level: Level) -> String {
    let mut out = format!(
        "{}, step {}: batch of {}, seed {}\n",
        step.name, step.step, step.batch_size, step.seed
    );
    for turn in &step.turns {
        out += &of_turn(turn, level);
    }
    out
}

fn of_turn(turn: &TurnGraph, level: Level) -> String {
    let class = words::class(Some(&turn.who));
    let often = match words::often(turn) {
        often if often.is_empty() => String::new(),
        often => format!("   {often}"),
    };
    let mut out = format!(
        "\n{} {}   loss {:.4}{often}\n  forward {} in {} ms; backward {} in {} ms, over {} nodes and {}\n",
        words::mark(class),
        turn.name,
        turn.loss,
        words::operations(turn.forward.flops),
        words::ms(turn.forward.ms),
        words::operations(turn.backward.flops),
        words::ms(turn.backward.ms),
        turn.walked.nodes,
        words::bytes(turn.walked.bytes),
    );
    let mut lines = vec![Line::Row(HEAD.map(str::to_owned).into())];
    for (place, call) in turn.calls.iter().enumerate() {
        if let Some(cut) = turn.cut_into(place) {
            let spared = words::spared(cut);
            lines.push(Line::Text(format!(
                "  ✂ detach: the value passes, no gradient comes back: {spared}"
            )));
        }
        lines.push(Line::Text(header(turn, call)));
        for layer in &call.layers {
            lines.push(Line::Row(layer_row(call, layer)));
            if level == Level::Ops {
                let nodes = layer.nodes.iter().map(|node| &turn.nodes[*node]);
                lines.extend(nodes.map(|node| Line::Row(node_row(node))));
            }
        }
    }
    out += &table(&lines);
    out + &weights(turn)
}

fn header(turn: &TurnGraph, call: &Call) -> String {
    let mark = words::mark(words::class(call.network.as_deref()));
    let place = match words::place(call) {
        "" => String::new(),
        place => format!("   ({place})"),
    };
    let what = format!("{} {}", words::call(call), words::input(turn, call));
    format!("  {mark} {}{place}", what.trim_end())
}

fn layer_row(call: &Call, layer: &Layer) -> Vec<String> {
    let mut row = vec![format!("    {}", words::layer(call, layer))];
    row.extend(words::cells(
        &layer.shape,
        layer.bytes,
        (layer.forward, layer.norm),
        layer.back,
    ));
    row.push(
        layer
            .gradient
            .map_or_else(String::new, |norm| words::norm(Some(norm))),
    );
    row
}

fn node_row(node: &Node) -> Vec<String> {
    let name = format!("        {} {}", words::node(node), node.geometry);
    let mut row = vec![name.trim_end().to_owned()];
    row.extend(words::cells(
        &node.shape,
        node.bytes,
        (node.forward, node.norm),
        node.back,
    ));
    row
}

/// Each network's parameters in a line: whether they were asked for, and how large their gradient is.
fn weights(turn: &TurnGraph) -> String {
    let mut networks: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    for (name, node) in turn.parameters() {
        let network = name.split_once('.').map_or(name, |(network, _)| network);
        networks.entry(network).or_default().push(node);
    }
    let line = |(network, nodes): (&str, Vec<&Node>)| {
        let gradients = nodes.iter().filter_map(|node| node.back?.norm);
        let gradients: Vec<f64> = gradients.collect();
        let said = match (gradients.is_empty(), nodes[0].place) {
            (false, _) => {
                let squares = gradients.iter().map(|norm| norm * norm);
                let norm = squares.sum::<f64>().sqrt();
                format!(
                    "{} gradients, of norm {}",
                    gradients.len(),
                    words::norm(Some(norm))
                )
            }
            (true, Place::Behind) => "out of reach: behind the cut".to_owned(),
            (true, _) => "not asked for: no gradient of theirs is computed".to_owned(),
        };
        let mark = words::mark(words::class(Some(network)));
        format!(
            "  {mark} {}'s {} parameters: {said}\n",
            words::letter(network),
            nodes.len()
        )
    };
    networks.into_iter().map(line).collect()
}

/// Rows in columns as wide as their widest cell, the first to the left, and lines between them as they are.
fn table(lines: &[Line]) -> String {
    let mut widths = [0; HEAD.len()];
    for line in lines {
        if let Line::Row(row) = line {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
    }
    let mut out = String::new();
    for line in lines {
        let line = match line {
            Line::Text(text) => text.clone(),
            Line::Row(row) => {
                let cells = row.iter().zip(widths).enumerate();
                let cells = cells.map(|(column, (cell, width))| match column {
                    0 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                });
                cells.collect::<Vec<_>>().join("  ")
            }
        };
        out += line.trim_end();
        out.push('\n');
    }
    out
}
