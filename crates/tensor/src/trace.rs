//! What a graph and a backward pass are, as data: [`pass`] of one that might be made, [`record`] of all that are.

use crate::Tensor;
use crate::grad::{needed, target_ids};
pub use crate::recorder::{Edge, Noted, Record, Scope, Visit, Walk, record, scope};
use std::collections::BTreeMap;

/// The part of a graph that `grad(loss, wrt, …)` walks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Nodes on paths from the loss to what is asked for, leaves included.
    pub nodes: usize,
    /// Bytes of the values that those nodes' rules may read: their inputs and
    /// outputs, memory that several share counted once.
    pub bytes: usize,
    /// How many nodes each op made.
    pub ops: BTreeMap<&'static str, usize>,
    /// Who has written to one of those values since, if somebody has: a rule that reads it refuses.
    pub overwritten_by: Option<String>,
}

/// The number of the node that made a tensor, by which [`Record`] knows it; none of a constant.
pub fn node(x: &Tensor) -> Option<u64> {
    x.id()
}

/// What `grad(loss, wrt, …)` would walk.
///
/// # Panics
/// When a `w` of `wrt` is a constant.
#[track_caller]
pub fn pass(loss: &Tensor, wrt: &[&Tensor]) -> Pass {
    let nodes = needed(loss, &target_ids(wrt));
    let mut seen: Vec<&crate::Array> = Vec::new();
    let mut out = Pass {
        nodes: nodes.len(),
        ..Pass::default()
    };
    for made in nodes.values().filter_map(|node| node.made.as_ref()) {
        *out.ops.entry(made.op.name()).or_default() += 1;
        let values = made.inputs.iter().map(Tensor::value);
        for value in values.chain([&made.output]) {
            if out.overwritten_by.is_none() {
                out.overwritten_by = value.overwritten_by();
            }
            if !seen.iter().any(|other| other.shares_memory(value)) {
                seen.push(value);
                out.bytes += value.memory_bytes();
            }
        }
    }
    out
}
