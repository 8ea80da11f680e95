//! A step for Graphviz.

use super::Level;
use super::graph::{Call, Layer, Node, StepGraph, TurnGraph};
use super::words;
use std::fmt::Write as _;

/// Colours on white, as the pages' in light.
const COLOURS: [(&str, &str); 3] = [("g", "#b04d08"), ("d", "#1d5cbc"), ("ink", "#1b1d21")];

fn colour(class: &str) -> &'static str {
    let found = COLOURS.iter().find(|(of, _)| *of == class);
    found.map_or("#1b1d21", |(_, colour)| colour)
}

/// The step as a graph in the DOT language: a cluster for each turn and in it for each call; an edge for each value, dashed
/// where it is detached, as thick as the gradient that comes back is large.
pub fn dot(step: &StepGraph, level: Level) -> String {
    let mut out = format!(
        "digraph step {{\n  label={}; labelloc=t; rankdir=LR; fontname=\"sans-serif\";\n  \
         node [shape=box, fontname=\"sans-serif\", fontsize=10]; edge [fontname=\"sans-serif\", fontsize=9];\n",
        quoted(&format!("{}, step {}", step.name, step.step))
    );
    for (number, turn) in step.turns.iter().enumerate() {
        let drawn = Drawn {
            turn,
            number,
            level,
        };
        out += &drawn.cluster();
    }
    out + "}\n"
}

/// A text as DOT takes it.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}

struct Drawn<'a> {
    turn: &'a TurnGraph,
    number: usize,
    level: Level,
}

impl Drawn<'_> {
    fn cluster(&self) -> String {
        let (turn, number) = (self.turn, self.number);
        let class = words::class(Some(&turn.who));
        let label = format!("{}, loss {:.4}", turn.name, turn.loss);
        let mut out = String::new();
        let _ = writeln!(
            out,
            "  subgraph cluster_{number} {{\n    label={}; color=\"{}\";",
            quoted(&label),
            colour(class)
        );
        for (place, call) in turn.calls.iter().enumerate() {
            out += &self.call(place, call);
        }
        for (place, node) in turn.nodes.iter().enumerate() {
            if node.op.is_none() && self.level == Level::Ops {
                let _ = writeln!(
                    out,
                    "    {} [{}, shape=ellipse];",
                    self.name(place),
                    attributes(node)
                );
            }
        }
        for ((from, to, cut), thickness) in self.edges() {
            let cut = match cut {
                true => ", style=dashed, label=\"detach\"",
                false => "",
            };
            let _ = writeln!(
                out,
                "    {from} -> {to} [penwidth={thickness:.1}, color=\"{}\"{cut}];",
                colour(if thickness > 1.0 { class } else { "ink" })
            );
        }
        out + "  }\n"
    }

    fn call(&self, place: usize, call: &Call) -> String {
        let class = words::class(call.network.as_deref());
        let label = format!("{} {}", words::call(call), words::input(self.turn, call));
        let mut out = format!(
            "    subgraph cluster_{}_{place} {{\n      label={}; color=\"{}\"; fontcolor=\"{}\";\n",
            self.number,
            quoted(&label),
            colour(class),
            colour(class)
        );
        for (number, layer) in call.layers.iter().enumerate() {
            match self.level {
                Level::Layers => {
                    let label = layer_label(call, layer);
                    let _ = writeln!(out, "      {} [label={label}];", self.box_of(place, number));
                }
                Level::Ops => {
                    for node in &layer.nodes {
                        let attributes = attributes(&self.turn.nodes[*node]);
                        let _ = writeln!(out, "      {} [{attributes}];", self.name(*node));
                    }
                }
            }
        }
        out + "    }\n"
    }

    fn name(&self, node: usize) -> String {
        format!("t{}n{node}", self.number)
    }

    fn box_of(&self, call: usize, layer: usize) -> String {
        format!("t{}c{call}l{layer}", self.number)
    }

    /// The box that a node is drawn in; of layers, leaves have none.
    fn boxed(&self, node: usize) -> Option<String> {
        if self.level == Level::Ops {
            return Some(self.name(node));
        }
        for (call, of) in self.turn.calls.iter().enumerate() {
            if let Some(layer) = of
                .layers
                .iter()
                .position(|layer| layer.nodes.contains(&node))
            {
                return Some(self.box_of(call, layer));
            }
        }
        None
    }

    /// Edges between boxes, each once, and how thick they are.
    fn edges(&self) -> Vec<((String, String, bool), f64)> {
        let mut edges: Vec<((String, String, bool), f64)> = Vec::new();
        for edge in &self.turn.edges {
            let (Some(from), Some(to)) = (self.boxed(edge.from), self.boxed(edge.to)) else {
                continue;
            };
            let back = self.turn.nodes[edge.from].back.and_then(|back| back.norm);
            let thickness = match (edge.cut, back) {
                (false, Some(norm)) => words::thickness(norm, 1.5, 6.0),
                _ => 1.0,
            };
            let one = (from, to, edge.cut);
            let is_inside = one.0 == one.1;
            match edges.iter_mut().find(|(known, _)| *known == one) {
                Some((_, known)) => *known = known.max(thickness),
                None if is_inside => {}
                None => edges.push((one, thickness)),
            }
        }
        edges
    }
}

fn layer_label(call: &Call, layer: &Layer) -> String {
    let back = layer.back.and_then(|back| back.norm);
    quoted(&format!(
        "{}\n{}\n{} FLOP, {}\n‖y‖ {}, ‖dy‖ {}",
        words::layer(call, layer),
        words::shape(&layer.shape),
        words::flops(layer.forward.flops),
        words::bytes(layer.bytes),
        words::norm(Some(layer.norm)),
        words::norm(back)
    ))
}

fn attributes(node: &Node) -> String {
    let back = node.back.and_then(|back| back.norm);
    let label = format!(
        "{} {}\n{}\n‖·‖ {}, ‖∂‖ {}",
        words::node(node),
        node.geometry,
        words::shape(&node.shape),
        words::norm(Some(node.norm)),
        words::norm(back)
    );
    let dim = match node.back {
        Some(_) => "",
        None => ", color=\"#7f838b\", fontcolor=\"#656a73\"",
    };
    format!("label={}{dim}", quoted(&label))
}
