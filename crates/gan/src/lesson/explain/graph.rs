//! A step as data.

use serde::Serialize;
use std::iter::Sum;

/// A step, turn by turn in the order in which they came.
#[derive(Clone, Debug, Serialize)]
pub struct StepGraph {
    /// Of this form, 1.
    pub version: u32,
    /// The recipe, or the run.
    pub name: String,
    /// The step's number, from 1.
    pub step: u64,
    /// Images in a batch.
    pub batch_size: usize,
    /// The seed of weights and draws.
    pub seed: u64,
    /// Its turns.
    pub turns: Vec<TurnGraph>,
}

/// A loss, what it was made of, and the backward pass from it.
#[derive(Clone, Debug, Serialize)]
pub struct TurnGraph {
    /// Whose optimiser moved: `d` or `g`.
    pub who: String,
    /// What it is called: `D's turn`, or `D's turn 1` where there are others.
    pub name: String,
    /// How many turns in a row were of the same ops and shapes; this is the first of them.
    pub times: usize,
    /// The loss.
    pub loss: f64,
    /// What was computed forward in this turn.
    pub forward: Cost,
    /// What the rules of its backward pass computed.
    pub backward: Cost,
    /// What that pass visited, and the bytes that its rules may read.
    pub walked: Extent,
    /// What the loss was computed from, oldest first; behind a cut, too.
    pub nodes: Vec<Node>,
    /// What was made of what.
    pub edges: Vec<Edge>,
    /// The nodes that ops made, by who called them; the loss last.
    pub calls: Vec<Call>,
    /// Where a value passes and no gradient comes back, as far as that spares anything.
    pub cuts: Vec<Cut>,
}

/// What something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Floating-point operations; see [`Info::flops`](detach_tensor::Info::flops).
    pub flops: u64,
    /// Milliseconds.
    pub ms: f64,
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            flops: sum.flops + part.flops,
            ms: sum.ms + part.ms,
        })
    }
}

/// A part of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// Its nodes, leaves included.
    pub nodes: usize,
    /// Bytes of the values that their rules may read, memory that several share counted once.
    pub bytes: usize,
}

/// Where a node is, seen from a turn's loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Made in this turn, and the loss depends on it.
    Here,
    /// The same, made before this turn.
    Earlier,
    /// Behind a cut: its value reached the loss, and no gradient can reach it.
    Behind,
}

/// A vertex of the graph.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// The op that made it; none of a leaf.
    pub op: Option<&'static str>,
    /// The parameter that it is: the network and PyTorch's name, `discriminator.0.weight`.
    pub parameter: Option<String>,
    /// How the op is set.
    pub geometry: String,
    /// How many values it was made of: constants, which no edge comes from, are among them.
    pub operands: usize,
    /// Sizes of its value.
    pub shape: Vec<usize>,
    /// Bytes of the memory that its value lies in.
    pub bytes: usize,
    /// Which memory that is: nodes of one number share it.
    pub memory: usize,
    /// The norm of its value.
    pub norm: f64,
    /// What making it took.
    pub forward: Cost,
    /// Where it is.
    pub place: Place,
    /// What the backward pass did at it, where it came there.
    pub back: Option<Back>,
}

/// What a backward pass did at a node, or at a layer's output.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Back {
    /// The norm of the upstream gradient; none where no gradient arrived.
    pub norm: Option<f64>,
    /// What the rule took, or all of the layer's rules.
    pub cost: Cost,
}

/// A value that a node was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Whose value, as a place in [`TurnGraph::nodes`].
    pub from: usize,
    /// Who was made of it.
    pub to: usize,
    /// Whether it was detached: then no gradient goes back.
    pub cut: bool,
}

/// What a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A network's forward pass.
    Network,
    /// A backward pass whose gradient the loss is made of.
    Gradient,
    /// What is made of values on their way into a network.
    Between,
    /// From the networks' answers to the loss.
    Loss,
}

/// Nodes that belong together: one forward pass of a network, for one.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// What it is.
    pub kind: Kind,
    /// The network whose parameters it reads: `generator`, `discriminator`.
    pub network: Option<String>,
    /// Where its nodes are.
    pub place: Place,
    /// Calls that its input comes from; none where that is numbers alone.
    pub from: Vec<From>,
    /// Its layers, in order; of what is no network's, one.
    pub layers: Vec<Layer>,
}

/// Where a call has something from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct From {
    /// The call, as a place in [`TurnGraph::calls`].
    pub call: usize,
    /// Whether that was detached.
    pub cut: bool,
}

/// A layer in a call.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// Its path in the network, as parameters have it: `3`.
    pub path: String,
    /// What it is, with the activation that it took over: `Conv 1→64, LeakyReLU 0.2`.
    pub name: String,
    /// Its nodes, as places in [`TurnGraph::nodes`].
    pub nodes: Vec<usize>,
    /// The shape of what it gives.
    pub shape: Vec<usize>,
    /// Bytes of what its nodes leave, memory that several share counted once.
    pub bytes: usize,
    /// The norm of what it gives.
    pub norm: f64,
    /// What it took.
    pub forward: Cost,
    /// The upstream gradient of what it gives, and what its rules took; none where the backward pass did not come.
    pub back: Option<Back>,
    /// The norm of the gradient of its parameters, where they were asked for; several calls share it.
    pub gradient: Option<f64>,
}

/// A value that was detached.
#[derive(Clone, Debug, Serialize)]
pub struct Cut {
    /// Whose value, as a place in [`TurnGraph::nodes`].
    pub from: usize,
    /// Who was made of it.
    pub to: Vec<usize>,
    /// What is behind it and nowhere else: not walked, and not kept for this loss.
    pub spared: Extent,
    /// The networks whose parameters are behind it.
    pub whose: Vec<String>,
}

impl TurnGraph {
    /// Its parameters, of all networks, in the order of nodes.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Node)> {
        let named = |node: &'_ Node| node.parameter.is_some();
        let nodes = self.nodes.iter().filter(move |node| named(node));
        nodes.filter_map(|node| Some((node.parameter.as_deref()?, node)))
    }

    /// Whether a node is made of parameters alone, such as a weight that was transposed: beside the way of values.
    pub fn is_of_parameters(&self, node: usize) -> bool {
        if self.nodes[node].parameter.is_some() {
            return true;
        }
        let inputs = self.edges.iter().filter(|edge| edge.to == node);
        let of_parameters = inputs.filter(|edge| !edge.cut && self.is_of_parameters(edge.from));
        let operands = self.nodes[node].operands;
        operands > 0 && of_parameters.count() == operands
    }

    /// The cut through which a call has a value, if there is one.
    pub fn cut_into(&self, call: usize) -> Option<&Cut> {
        let of_call = |node: &usize| {
            let layers = self.calls[call].layers.iter();
            layers.flat_map(|layer| &layer.nodes).any(|own| own == node)
        };
        let reaches = |to: &usize| {
            // By a leaf, where what is detached was made a variable of.
            let beyond = self.edges.iter().filter(|edge| edge.from == *to);
            of_call(to) || beyond.map(|edge| edge.to).any(|to| of_call(&to))
        };
        self.cuts.iter().find(|cut| cut.to.iter().any(reaches))
    }
}
