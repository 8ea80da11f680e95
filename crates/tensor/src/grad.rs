//! The whole autograd engine.
//!
//! Reverse mode, as a chain rule over a list: visit the nodes between the loss and
//! what is asked for, newest first; each node's op turns the gradient of its output
//! into the gradients of its inputs; gradients that meet at a node are added.
//!
//! Coming from PyTorch or Keras:
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
use crate::recorder::visit;
use crate::stale::RunningRule;
use crate::tensor::{Made, Node};
use std::collections::BTreeMap;
use std::panic::Location;
use std::rc::Rc;

/// ∂`loss`/∂`w` for each `w` of `wrt`, in order.
///
/// The pass touches only nodes on a path from `loss` to some `w`. A `w` that the loss does not depend on gets zeros, as a linear
/// function's second derivative does. Where they surprise, a `detach` has cut the way: [`trace::pass`](crate::trace::pass) is empty.
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
    assert!(
        loss.len() == 1,
        "grad: the loss must be a scalar, but its shape is {:?}; take its mean or sum",
        loss.shape()
    );
    vjp(loss, &loss.full_like(1.0), wrt, create_graph)
}

/// The gradient of ⟨`dy`, `y`⟩: what [`grad`] is for a loss, for any output `y` and
/// its upstream gradient `dy`.
///
/// # Panics
/// As [`grad`], and when `dy` has another shape than `y`.
#[track_caller]
pub fn vjp(y: &Tensor, dy: &Tensor, wrt: &[&Tensor], create_graph: bool) -> Vec<Tensor> {
    assert!(
        y.shape() == dy.shape(),
        "vjp: a gradient {:?} for an output {:?}: their shapes must agree",
        dy.shape(),
        y.shape()
    );
    // One that was overwritten is the caller's, and no rule's operand.
    drop(dy.value().read());
    let targets = target_ids(wrt);
    let needed = needed(y, &targets);
    let view = |x: &Tensor| if create_graph { x.clone() } else { x.detach() };
    let at = Location::caller();
    let mut gradients: BTreeMap<u64, Tensor> = BTreeMap::new();
    gradients.extend(y.node().map(|node| (node.id, view(dy))));

    // Newest first: every user of a value has added its part before the value's own
    // node passes the sum on.
    for (id, node) in needed.iter().rev() {
        // A target's sum is an answer, and kept; any other is read here for the last time.
        let sum = match targets.contains(id) {
            true => gradients.get(id).cloned(),
            false => gradients.remove(id),
        };
        visit(&needed, *id, sum.as_ref().map(Tensor::value));
        let (Some(made), Some(dy)) = (&node.made, sum) else {
            continue;
        };
        let inputs: Vec<Tensor> = made.inputs.iter().map(view).collect();
        let output = view(&Tensor::of_node(node, &made.output));
        let lead = |x: &Tensor| Some(x.node()?.id).filter(|to| needed.contains_key(to));
        let to: Vec<Option<u64>> = made.inputs.iter().map(lead).collect();
        let wanted: Vec<bool> = to.iter().map(Option::is_some).collect();
        let rule = RunningRule::of(made.op.name(), at);
        let answers = rule.run(|| made.op.grads(&wanted, &inputs, &output, &dy));
        for (to, dx) in to.into_iter().zip(answers) {
            if let (Some(to), Some(dx)) = (to, dx) {
                add_to(&mut gradients, to, view(&dx));
            }
        }
    }
    let found = |(id, w): (&u64, &&Tensor)| match gradients.get(id) {
        Some(sum) => sum.clone().taken_at(at),
        None => w.full_like(0.0).taken_at(at),
    };
    targets.iter().zip(wrt).map(found).collect()
}

fn add_to(gradients: &mut BTreeMap<u64, Tensor>, id: u64, dx: Tensor) {
    let sum = match gradients.remove(&id) {
        Some(earlier) => &earlier + &dx,
        None => dx,
    };
    gradients.insert(id, sum);
}

/// The nodes of what is asked for.
///
/// # Panics
/// When one is a constant.
#[track_caller]
pub(crate) fn target_ids(wrt: &[&Tensor]) -> Vec<u64> {
    let mut ids = Vec::with_capacity(wrt.len());
    for w in wrt {
        let Some(node) = w.node() else { w.refuse() };
        ids.push(node.id);
    }
    ids
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
    // Oldest first, a node is needed if it is a target or an input of its is needed.
    let mut out: BTreeMap<u64, Rc<Node>> = BTreeMap::new();
    for (id, node) in ancestors {
        if targets.contains(&id) || inputs_of(node).any(|input| out.contains_key(&input.id)) {
            out.insert(id, Rc::clone(node));
        }
    }
    out
}

fn inputs_of(node: &Node) -> impl Iterator<Item = &Rc<Node>> {
    let inputs = node.made.iter().flat_map(|made: &Made| &made.inputs);
    inputs.filter_map(Tensor::node)
}
