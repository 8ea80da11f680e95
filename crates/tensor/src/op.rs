//! What a primitive is, and how one is applied.

use crate::info::Info;
use crate::profile::{clock, note};
use crate::tensor::Rule;
use crate::{Array, Tensor};
use std::fmt::Debug;

/// A primitive operation: a value and a derivative.
///
/// `Op: Copy`: an op is its geometry. It cannot stash a buffer, so everything a
/// derivative needs is an input, the output, or computed again.
pub trait Op: Copy + Debug + 'static {
    /// The name in messages, traces and benches.
    fn name(&self) -> &'static str;

    /// The value. It sees arrays only, so it cannot record anything.
    ///
    /// # Panics
    /// When the op does not take such shapes, at the place that applied it.
    #[track_caller]
    fn forward(&self, inputs: &[&Array]) -> Array;

    /// The derivative rule: given the upstream gradient `dy`, that of a scalar loss
    /// with respect to `output`, the gradient with respect to input `arg`.
    ///
    /// It sees tensors only, so it is itself differentiable. `None` says that the
    /// derivative is zero wherever it exists (a comparison, an index).
    fn grad(&self, arg: usize, inputs: &[Tensor], output: &Tensor, dy: &Tensor) -> Option<Tensor>;

    /// [`grad`](Self::grad) for every input that is `wanted`, in order, and `None` for the
    /// rest: what the engine calls. An op whose derivatives share work answers them here
    /// together.
    fn grads(
        &self,
        wanted: &[bool],
        inputs: &[Tensor],
        output: &Tensor,
        dy: &Tensor,
    ) -> Vec<Option<Tensor>> {
        let one = |(arg, wanted): (usize, &bool)| match wanted {
            true => self.grad(arg, inputs, output, dy),
            false => None,
        };
        wanted.iter().enumerate().map(one).collect()
    }

    /// What it costs on `inputs` of these shapes, and how it is set. One operation for each element of its `output`,
    /// unless the op says otherwise.
    fn info(&self, inputs: &[&[usize]], output: &[usize]) -> Info {
        let _ = inputs;
        Info::each(1, output)
    }
}

/// What a node keeps of an op, which it cannot know by its type.
impl<O: Op> Rule for O {
    fn name(&self) -> &'static str {
        Op::name(self)
    }
    fn grads(
        &self,
        wanted: &[bool],
        inputs: &[Tensor],
        output: &Tensor,
        dy: &Tensor,
    ) -> Vec<Option<Tensor>> {
        Op::grads(self, wanted, inputs, output, dy)
    }
    fn info(&self, inputs: &[&[usize]], output: &[usize]) -> Info {
        Op::info(self, inputs, output)
    }
}

/// Computes `op` of `inputs` and records it in the graph, unless all inputs are
/// constants.
///
/// # Panics
/// When the op does not take such shapes, or inputs differ in type or device.
#[track_caller]
pub fn apply(op: impl Op, inputs: &[&Tensor]) -> Tensor {
    assert_kinds(op.name(), inputs);
    // Six is the most inputs a fixed-arity op has; `concat` may have more.
    let arrays: Vec<&Array> = inputs.iter().map(|x| x.value()).collect();
    // No closure around it: the place of a panic is to be the caller's.
    let start = clock();
    let output = op.forward(&arrays);
    note(start, op.name(), &arrays, [&output]);
    Tensor::made_by(op, inputs, output)
}

/// # Panics
/// When operands differ in type or device.
#[track_caller]
pub(crate) fn assert_kinds(op: &str, inputs: &[&Tensor]) {
    let Some((first, rest)) = inputs.split_first() else {
        return;
    };
    for other in rest {
        let (a, b) = (first.kind(), other.kind());
        assert!(
            a == b,
            "{op}: operands of different type or device: {} on {:?} and {} on {:?}; convert one by \
             `Array::to_kind`",
            a.dtype,
            a.device,
            b.dtype,
            b.device
        );
    }
}
