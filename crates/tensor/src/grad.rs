//! The whole autograd engine.
//!
//! Reverse mode, as a chain rule over a list: visit the nodes between the loss and
//! what is asked for, newest first; each node's op turns the gradient of its output
//! into the gradients of its inputs; gradients that meet at a node are added.
//!
//! For those who arrive from elsewhere:
//!
//! | PyTorch / Keras | here |
//! |---|---|
//! | `loss.backward()`, then `p.grad` | `grad(&loss, &[&p], false)` returns it |
//! | `zero_grad()` | nothing to zero: nothing is stored |
//! | `requires_grad = False`, `trainable = False` | leave it out of `wrt` |
//! | `retain_graph=True` | keep the loss; the graph lives as long as it does |
//! | `create_graph=True` | `create_graph = true` |
//! | `torch.no_grad()` | `detach()` |

use crate::Tensor;
use crate::tensor::{Made, Node};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

/// ∂`loss`/∂`w` for each `w` of `wrt`, in order.
///
/// The pass touches only nodes on a path from `loss` to some `w`. A `w` that the
/// loss does not depend on gets zeros.
///
/// With `create_graph` the gradients are tensors that can be differentiated again;
/// without it they are constants: **that is all `detach` is**, the rules run on
/// detached tensors, so nothing they do is recorded.
///
/// # Panics
/// When the loss is not a scalar, a `w` is a constant, or a value that a rule needs
/// has been overwritten since.
///
/// ```
/// # use detach_tensor::{grad, Array, Tensor};
/// let w = Tensor::variable(Array::from_slice(&[2.0_f32, -1.0], &[2]));
/// let loss = w.square().sum();
/// assert_eq!(grad(&loss, &[&w], false)[0].to_vec::<f32>(), [4.0, -2.0]);
/// ```
#[track_caller]
pub fn grad(loss: &Tensor, wrt: &[&Tensor], create_graph: bool) -> Vec<Tensor> {
    assert_eq!(
        loss.len(),
        1,
        "grad: the loss must be a scalar, but its shape is {:?}; take its mean or sum",
        loss.shape()
    );
    vjp(loss, &loss.full_like(1.0), wrt, create_graph)
}

/// The gradient of ⟨`dy`, `y`⟩: what [`grad`] is for a loss, for any output `y` and
/// the gradient `dy` that arrives there.
///
/// # Panics
/// As [`grad`], and when `dy` has another shape than `y`.
#[track_caller]
pub fn vjp(y: &Tensor, dy: &Tensor, wrt: &[&Tensor], create_graph: bool) -> Vec<Tensor> {
    assert_eq!(y.shape(), dy.shape(), "vjp: the gradient of another shape");
    let targets: Vec<u64> = wrt.iter().map(|w| target_id(w)).collect();
    let mut gradients: HashMap<u64, Tensor> = HashMap::new();
    if let Some(node) = y.node() {
        gradients.insert(node.id, dy.clone());
    }
    let needed = needed(y, &targets);
    let view = |x: &Tensor| if create_graph { x.clone() } else { x.detach() };

    for node in needed.values().rev() {
        let Some(made) = &node.made else { continue };
        let arrived = match targets.contains(&node.id) {
            true => gradients.get(&node.id).cloned(),
            false => gradients.remove(&node.id),
        };
        let Some(dy) = arrived else { continue };
        let inputs: Vec<Tensor> = made.inputs.iter().map(view).collect();
        let output = view(&Tensor::of_node(node, &made.output));
        for (arg, input) in made.inputs.iter().enumerate() {
            let Some(id) = input
                .node()
                .map(|n| n.id)
                .filter(|id| needed.contains_key(id))
            else {
                continue;
            };
            let Some(dx) = made.op.grad(arg, &inputs, &output, &view(&dy)) else {
                continue;
            };
            debug_assert_eq!(
                dx.shape(),
                input.shape(),
                "{}: argument {arg}",
                made.op.name()
            );
            let dx = view(&dx);
            let sum = match gradients.remove(&id) {
                Some(earlier) => &earlier + &dx,
                None => dx,
            };
            gradients.insert(id, sum);
        }
    }
    let zeros = |w: &Tensor| w.full_like(0.0);
    let found = |(id, w): (&u64, &&Tensor)| gradients.get(id).cloned().unwrap_or_else(|| zeros(w));
    targets.iter().zip(wrt).map(found).collect()
}

#[track_caller]
fn target_id(w: &Tensor) -> u64 {
    let node = w.node();
    node.unwrap_or_else(|| {
        panic!(
            "grad: with respect to a constant {:?}; it was detached, or never was a variable",
            w.shape()
        )
    })
    .id
}

/// The nodes on paths from `y` to the targets, by id.
pub(crate) fn needed(y: &Tensor, targets: &[u64]) -> BTreeMap<u64, Rc<Node>> {
    let Some(oldest) = targets.iter().min() else {
        return BTreeMap::new();
    };
    // All ancestors of `y` that could lead to a target: ids only grow along edges,
    // so nothing older than the oldest target does.
    let mut ancestors: BTreeMap<u64, &Rc<Node>> = BTreeMap::new();
    let mut pending: Vec<&Rc<Node>> = y.node().into_iter().collect();
    while let Some(node) = pending.pop() {
        if node.id < *oldest || ancestors.insert(node.id, node).is_some() {
            continue;
        }
        pending.extend(inputs_of(node));
    }
    // Oldest first, a node is needed if it is a target or one of its inputs is needed.
    let mut leads: HashSet<u64> = targets.iter().copied().collect();
    let reaches = |(&id, node): (&u64, &Rc<Node>), leads: &mut HashSet<u64>| {
        if inputs_of(node).any(|input| leads.contains(&input.id)) {
            leads.insert(id);
        }
    };
    for (id, node) in &ancestors {
        reaches((id, node), &mut leads);
    }
    ancestors
        .into_iter()
        .filter(|(id, _)| leads.contains(id))
        .map(|(id, node)| (id, Rc::clone(node)))
        .collect()
}

fn inputs_of(node: &Node) -> impl Iterator<Item = &Rc<Node>> {
    let inputs = node.made.iter().flat_map(|made: &Made| &made.inputs);
    inputs.filter_map(Tensor::node)
}
