//! What is recorded.

use crate::info::Info;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

/// What was computed, and how.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The nodes that were made, and those that these read, by number.
    pub nodes: BTreeMap<u64, Noted>,
    /// Who was at work, in the order of beginning.
    pub scopes: Vec<Scope>,
    /// The backward passes that visited a node, in the order of beginning.
    pub walks: Vec<Walk>,
    /// Bytes of each memory that a value lay in; [`Noted::memory`] and [`Edge::memory`] count these.
    pub memories: Vec<usize>,
}

/// A node as it was when it was made, or first read.
#[derive(Clone, Debug)]
pub struct Noted {
    /// The op that made it; `None` of a leaf, and of what was made before anybody looked.
    pub op: Option<&'static str>,
    /// What that cost, and how the op is set. Rules are not in it.
    pub info: Info,
    /// Sizes of its value.
    pub shape: Vec<usize>,
    /// The norm of its value. Where one kernel does several ops, all of their nodes have the last one's value.
    pub norm: f64,
    /// Which memory its value lies in.
    pub memory: usize,
    /// What it was made of, in order. Of a leaf, where its value was taken from other nodes', one edge that says so.
    pub inputs: Vec<Edge>,
    /// How long it took from the node before it, or from when its layer began: statistics and masks are in it.
    pub time: Duration,
}

/// What a node was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The node that gradients go back to; none of a constant.
    pub node: Option<u64>,
    /// Of a constant, the nodes whose values it was computed from: there it was detached.
    pub cut_from: Vec<u64>,
    /// Which memory the value lies in.
    pub memory: usize,
}

/// A piece of work with a name, such as a layer's forward pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The names of those around it and its own, with dots between; some have none.
    pub path: String,
    /// The one around it, as a place in [`Record::scopes`].
    pub inside: Option<usize>,
    /// The nodes that were made meanwhile, by number.
    pub nodes: Range<u64>,
}

/// A backward pass.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// What it visited, in order: first the output that it began at.
    pub visits: Vec<Visit>,
}

/// A node in a backward pass.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Which.
    pub node: u64,
    /// The norm of the upstream gradient there, that of a leaf being its gradient; `None` where none arrived.
    pub norm: Option<f64>,
    /// What its rule cost.
    pub flops: u64,
    /// How long that took.
    pub time: Duration,
    /// The nodes that it made, by number: none unless the pass was to create a graph.
    pub made: Range<u64>,
}

impl Walk {
    /// Whether its rules made nodes.
    pub fn creates_graph(&self) -> bool {
        self.visits.iter().any(|visit| !visit.made.is_empty())
    }
}

impl Record {
    /// `from` and all that they were made of; with `cuts` also what lies behind a value that was detached.
    pub fn ancestors(&self, from: &[u64], cuts: bool) -> BTreeSet<u64> {
        let mut found = BTreeSet::new();
        let mut pending = from.to_vec();
        while let Some(id) = pending.pop() {
            let (true, Some(node)) = (found.insert(id), self.nodes.get(&id)) else {
                continue;
            };
            for edge in &node.inputs {
                pending.extend(edge.node);
                pending.extend(edge.cut_from.iter().filter(|_| cuts));
            }
        }
        found
    }

    /// Bytes of what the rules of these nodes may read: inputs and outputs, memory that several share counted once.
    pub fn bytes(&self, nodes: &BTreeSet<u64>) -> usize {
        let made = nodes.iter().filter_map(|id| self.nodes.get(id));
        let made = made.filter(|node| node.op.is_some());
        let read = made.flat_map(|node| {
            let inputs = node.inputs.iter().map(|edge| edge.memory);
            inputs.chain([node.memory])
        });
        let memories: BTreeSet<usize> = read.collect();
        memories.iter().map(|memory| self.memories[*memory]).sum()
    }
}
