//! Derivatives of fused ops by their reference formula.

use crate::{Array, Info, Op, Tensor, apply, vjp};

/// Passes its input through under a new identity; see [`derive`].
#[derive(Clone, Copy, Debug)]
struct Alias;

impl Op for Alias {
    fn name(&self) -> &'static str {
        "alias"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        inputs[0].clone()
    }
    fn grad(&self, _: usize, _: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(dy.clone())
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        Info::moves()
    }
}

/// The gradient `dy` of `formula(inputs)` brought back to input `arg`: how a fused
/// op gets a derivative from its reference formula.
///
/// Inputs may depend on each other through the graph that made them; the partial
/// derivative must not follow those paths. So the formula sees aliases, and the
/// walk ends at them.
pub(super) fn derive(
    formula: impl Fn(&[Tensor]) -> Tensor,
    inputs: &[Tensor],
    arg: usize,
    dy: &Tensor,
) -> Tensor {
    let aliases: Vec<Tensor> = inputs
        .iter()
        .map(|x| match x.is_tracked() {
            true => apply(Alias, &[x]),
            false => Tensor::variable(x.value().clone()),
        })
        .collect();
    vjp(&formula(&aliases), dy, &[&aliases[arg]], true).remove(0)
}
