//! What stands in the boxes of a picture.

use super::Level;
use super::graph::{Call, Layer, TurnGraph};
use super::words;

/// Letters that fit into a box.
const LETTERS: usize = 13;

/// What is drawn in a box.
pub(super) struct Boxed {
    /// At most three lines.
    pub(super) lines: Vec<String>,
    pub(super) title: String,
    /// The row of the page's table that it stands for.
    pub(super) row: String,
    /// ‖dy‖ of what it gives, where the gradient came.
    pub(super) back: Option<f64>,
    /// ‖dW‖ of its parameters.
    pub(super) gradient: Option<f64>,
    /// Whether it is beside the way of values, and of their gradients.
    pub(super) is_beside: bool,
}

/// The boxes of a call, by the turn's place in the step and its own in the turn.
pub(super) fn boxes(turn: &TurnGraph, [number, place]: [usize; 2], level: Level) -> Vec<Boxed> {
    let call = &turn.calls[place];
    let layers = call.layers.iter().enumerate();
    let row = |layer: usize| format!("t{number}c{place}l{layer}");
    match level {
        Level::Layers => layers
            .map(|(i, layer)| of_layer(call, layer, row(i)))
            .collect(),
        Level::Ops => layers
            .flat_map(|(i, layer)| of_ops(turn, layer, &row(i)))
            .collect(),
    }
}

fn of_layer(call: &Call, layer: &Layer, row: String) -> Boxed {
    let back = layer.back.and_then(|back| back.norm);
    let name = words::layer(call, layer);
    let (what, taken) = layer.name.split_once(", ").unwrap_or((&layer.name, ""));
    let (kind, sizes) = what.split_once(' ').unwrap_or((what, ""));
    let lines = match layer.name.is_empty() {
        true => vec![name.clone()],
        false => vec![kind.to_owned(), sizes.to_owned(), taken.to_owned()],
    };
    Boxed {
        lines,
        title: format!(
            "{name}: {}, {} FLOP, ‖y‖ {}, ‖dy‖ {}, ‖dW‖ {}",
            words::shape(&layer.shape),
            words::flops(layer.forward.flops),
            words::norm(Some(layer.norm)),
            words::norm(back),
            words::norm(layer.gradient)
        ),
        row,
        back,
        gradient: layer.gradient,
        is_beside: false,
    }
}

/// What is made of parameters alone stands beside the way of the gradient, as a layer's parameters do.
fn of_ops(turn: &TurnGraph, layer: &Layer, row: &str) -> Vec<Boxed> {
    let op = |place: &usize| {
        let node = &turn.nodes[*place];
        let norm = node.back.and_then(|back| back.norm);
        let is_beside = turn.is_of_parameters(*place);
        let shape = words::shape(&node.shape);
        Boxed {
            title: format!(
                "{} {}: {shape}, {} FLOP, ‖y‖ {}, ‖dy‖ {}",
                words::node(node),
                node.geometry,
                words::flops(node.forward.flops),
                words::norm(Some(node.norm)),
                words::norm(norm)
            ),
            lines: vec![words::node(node), shape, node.geometry.clone()],
            row: row.to_owned(),
            back: norm.filter(|_| !is_beside),
            gradient: norm.filter(|_| is_beside),
            is_beside,
        }
    };
    layer.nodes.iter().map(op).collect()
}

/// As much of a line as fits into a box.
pub(super) fn fitted(line: &str) -> String {
    match line.chars().count() > LETTERS {
        true => line.chars().take(LETTERS - 1).chain(['…']).collect(),
        false => line.to_owned(),
    }
}
