//! Two states of one recipe beside each other, tensor by tensor, grouped by network and layer.

use super::made::{Held, Piece, Update};
use detach_nn::{Network, layers, parameters};
use detach_recipes::Recipe;
use serde::Serialize;
use std::collections::BTreeMap;

/// What differs in a network after a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// The network: `generator`, `discriminator`, `generator.ema` of an average; `state` of what a recipe keeps besides.
    pub name: String,
    /// Norm of the difference of its weights.
    pub difference: f64,
    /// Norm of what the step changed of them, as the run made it.
    pub change: f64,
    /// Its layers, in order.
    pub layers: Vec<Layer>,
}

/// What differs in a layer after a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Where it is in its network: `3`.
    pub at: String,
    /// What it is: `Linear 100→128`; empty where that is not known.
    pub name: String,
    /// Norm of the difference of its weights.
    pub difference: f64,
    /// Norm of what the step changed of them, as the run made it.
    pub change: f64,
    /// Its weights and buffers, in order.
    pub tensors: Vec<Tensor>,
}

/// A tensor in two states.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tensor {
    /// As checkpoints call it, without the `net` of networks: `generator.0.weight`.
    pub name: String,
    /// Weight or buffer.
    pub held: Held,
    /// Whether every bit is the same.
    pub same: bool,
    /// ‖edited − run‖.
    pub difference: f64,
    /// ‖run after the step − run before it‖.
    pub change: f64,
}

/// What a recipe's networks are made of, by the path of each module that has parameters: `generator.3`.
pub(super) struct Names(BTreeMap<String, (String, String)>);

impl Names {
    /// Those of a recipe.
    pub(super) fn of(recipe: &dyn Recipe) -> Self {
        let mut names = BTreeMap::new();
        for (network, net) in recipe.networks() {
            Self::add(&mut names, network, net);
        }
        Self(names)
    }

    fn add(names: &mut BTreeMap<String, (String, String)>, network: &str, net: &dyn Network) {
        let parameters = parameters(net);
        let path = |place: &usize| module(&parameters[*place].0);
        for layer in layers(net) {
            let Some(first) = layer.parameters.first().map(path) else {
                continue;
            };
            for place in &layer.parameters {
                let known = (first.to_owned(), layer.name.clone());
                names.insert(format!("{network}.{}", path(place)), known);
            }
        }
    }

    /// Where in its network the layer is that has the module at `path`, and what it is.
    fn layer(&self, network: &str, path: &str) -> (String, String) {
        // A buffer may lie deeper than any parameter.
        let mut above = Some(path);
        while let Some(path) = above {
            if let Some(known) = self.0.get(&format!("{network}.{path}")) {
                return known.clone();
            }
            above = path.rsplit_once('.').map(|(above, _)| above);
        }
        (path.to_owned(), String::new())
    }
}

/// The path of what a tensor is of: `2` of `2.weight`; of what stands by itself, its name.
fn module(tensor: &str) -> &str {
    tensor.rsplit_once('.').map_or(tensor, |(module, _)| module)
}

/// The network that a tensor of a recipe's state belongs to, and its name there.
fn network(name: &str) -> (&str, &str) {
    let networks = [
        "generator.ema",
        "discriminator.ema",
        "generator",
        "discriminator",
    ];
    let of = |network: &&'static str| {
        let rest = name.strip_prefix(network)?.strip_prefix('.')?;
        Some((*network, rest))
    };
    networks.iter().find_map(of).unwrap_or(("state", name))
}

/// The optimiser that moves a network, by the name that a step's updates have.
pub(super) fn mover(network: &str) -> Option<&'static str> {
    match network.split('.').next() {
        Some("generator") => Some("g"),
        Some("discriminator") => Some("d"),
        _ => None,
    }
}

/// Two states after a step, and the one before it.
pub(super) struct States<'a> {
    pub(super) before: &'a [Piece],
    pub(super) run: &'a [Piece],
    pub(super) edited: &'a [Piece],
}

impl States<'_> {
    /// What differs, network by network in the order in which `updates` first moved them.
    pub(super) fn parts(&self, names: &Names, updates: &[Update]) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for run in self.run {
            let find = |piece: &&Piece| piece.name == run.name;
            let (before, edited) = (self.before.iter().find(find), self.edited.iter().find(find));
            let Some((before, edited)) = before.zip(edited) else {
                continue;
            };
            let (network, rest) = network(&run.name);
            let (at, name) = names.layer(bare(network), module(rest));
            let tensor = Tensor {
                name: run.name.clone(),
                held: run.held,
                same: run.is(edited),
                difference: distance(run, edited),
                change: distance(run, before),
            };
            let part = at_end(
                &mut parts,
                |part| part.name == network,
                || Part::of(network),
            );
            let layer = at_end(
                &mut part.layers,
                |layer| layer.at == at,
                || Layer::of(&at, &name),
            );
            layer.tensors.push(tensor);
        }
        for part in &mut parts {
            part.sum();
        }
        let moved = |part: &Part| {
            let who = mover(&part.name);
            let first = updates.iter().position(|update| Some(update.who) == who);
            first.unwrap_or(usize::MAX)
        };
        parts.sort_by_key(moved);
        parts
    }
}

/// The name of a network by itself, of its average too.
fn bare(network: &str) -> &str {
    network.split('.').next().unwrap_or(network)
}

/// The entry that is `it`, made anew where there is none.
fn at_end<T>(all: &mut Vec<T>, it: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let place = all.iter().position(it).unwrap_or(all.len());
    if place == all.len() {
        all.push(new());
    }
    &mut all[place]
}

fn distance(a: &Piece, b: &Piece) -> f64 {
    let squares = a.values.iter().zip(&b.values).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

/// The norm of what has parts of these norms.
fn norm(parts: impl Iterator<Item = f64>) -> f64 {
    parts.map(|norm| norm * norm).sum::<f64>().sqrt()
}

impl Layer {
    fn of(at: &str, name: &str) -> Self {
        Self {
            at: at.to_owned(),
            name: name.to_owned(),
            difference: 0.0,
            change: 0.0,
            tensors: Vec::new(),
        }
    }

    /// Norms of the difference and of the step's own change, of its weights or of its buffers.
    pub fn norms(&self, held: Held) -> [f64; 2] {
        let of = || self.tensors.iter().filter(|tensor| tensor.held == held);
        [
            norm(of().map(|one| one.difference)),
            norm(of().map(|one| one.change)),
        ]
    }
}

impl Part {
    fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            difference: 0.0,
            change: 0.0,
            layers: Vec::new(),
        }
    }

    fn sum(&mut self) {
        for layer in &mut self.layers {
            [layer.difference, layer.change] = layer.norms(Held::Weight);
        }
        self.difference = norm(self.layers.iter().map(|one| one.difference));
        self.change = norm(self.layers.iter().map(|one| one.change));
    }

    /// Whether every bit of it is the same.
    pub fn is_same(&self) -> bool {
        self.tensors().all(|tensor| tensor.same)
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.layers.iter().flat_map(|layer| &layer.tensors)
    }
}

/// The first tensor that differs in the order of updates: a weight, or where none does a buffer.
pub(super) fn first(parts: &[Part]) -> Option<&Tensor> {
    let differs = |held: Held| {
        let mut all = parts.iter().flat_map(Part::tensors);
        all.find(|tensor| tensor.held == held && !tensor.same)
    };
    differs(Held::Weight).or_else(|| differs(Held::Buffer))
}
