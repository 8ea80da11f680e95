//! One kernel, several nodes.
//!
//! A product or convolution can add its bias and apply an activation while the sum is in
//! a register. That saves passes over memory and needs no derivative rules: the graph
//! gets the nodes it would have had without, all with the final result as their value.
//! It is right because none of these rules reads what is not there any more: the product
//! looks at its inputs only, the addition at nothing, and the activations at the sign of
//! their input, which is that of their output.

use super::map::{record_activation, record_sum};
use crate::op::assert_kinds;
use crate::profile::{clock, note};
use crate::{Act, Array, Op, Tensor};
use detach_kernels::Buffer;
use detach_kernels::gemm;

/// What is done to a product or convolution as it is written: `act(product + bias)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// One value for each channel (dimension 1 of the result).
    pub bias: Option<&'a Tensor>,
    /// Applied last.
    pub act: Act,
}

/// An op of two inputs whose kernel does what follows it on its way to memory.
pub(crate) trait Fused: Op {
    /// [`Op::forward`], bias and activation at once.
    #[track_caller]
    fn run(&self, inputs: [&Array; 2], epilogue: &gemm::Epilogue<'_>) -> Array;
}

impl Epilogue<'_> {
    /// The factor of negative results, for the activations that kernels apply on their
    /// way and whose rule only asks for a sign.
    fn slope(&self) -> Option<f64> {
        match self.act {
            Act::Identity => Some(1.0),
            Act::Relu => Some(0.0),
            Act::LeakyRelu(slope) if slope > 0.0 => Some(slope),
            Act::LeakyRelu(_) | Act::Tanh => None,
        }
    }

    /// `op` of `inputs`, which makes `shape`, and what follows.
    ///
    /// # Panics
    /// When the bias has not one value for each channel, or types or devices differ.
    #[track_caller]
    pub(crate) fn apply(&self, op: impl Fused, inputs: [&Tensor; 2], shape: &[usize]) -> Tensor {
        assert_kinds(op.name(), &inputs);
        if let Some(bias) = self.bias {
            assert_kinds(op.name(), &[inputs[0], bias]);
            assert!(
                shape.len() == 2 || shape.len() == 4,
                "{}: a bias for a result {shape:?}; expected [M, N] or [N, C, H, W]",
                op.name()
            );
            assert!(
                bias.shape() == [shape[1]],
                "{}: a bias {:?} for a result {shape:?}; expected [{}], one value a channel",
                op.name(),
                bias.shape(),
                shape[1]
            );
        }
        let arrays = inputs.map(Tensor::value);
        let bias = self.bias.map(|bias| bias.value().contiguous());
        let bias = bias.as_ref().map(Array::read);
        let epilogue = gemm::Epilogue {
            bias: bias.as_deref() as Option<&Buffer>,
            slope: self.slope().unwrap_or(1.0),
        };
        // As in `apply`: the place of a panic is the caller's.
        let start = clock();
        let value = op.run(arrays, &epilogue);
        note(start, op.name(), &arrays, [&value]);
        let mut y = Tensor::made_by(op, &inputs, value);
        if let Some(bias) = self.bias {
            y = record_sum(&y, &bias.expand_channels(y.shape()));
        }
        match self.slope() {
            Some(_) => record_activation(self.act, &y),
            None => y.activate(self.act),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Random, Stream, grad};

    /// Value, first and second derivative are those of the ops one by one.
    #[test]
    fn fused_equals_one_by_one() {
        let random = Random::new(1, Stream::Noise);
        let draw =
            |shape: &[usize]| Tensor::variable(random.normal(shape, DType::F64).value().clone());
        let (x, w, bias) = (draw(&[2, 3, 6, 6]), draw(&[4, 3, 3, 3]), draw(&[4]));
        let (rows, matrix) = (draw(&[5, 3]), draw(&[3, 4]));
        let small = draw(&[2, 4, 3, 3]);
        let biases = draw(&[3]);
        for act in [Act::Identity, Act::Relu, Act::LeakyRelu(0.2), Act::Tanh] {
            let epilogue = |bias| Epilogue {
                bias: Some(bias),
                act,
            };
            let plus =
                |y: Tensor, bias: &Tensor| (&y + bias.expand_channels(y.shape())).activate(act);
            let pairs: [(Tensor, Tensor, [&Tensor; 3]); 3] = [
                (
                    x.conv2d_fused(&w, [2, 2], [1, 1], epilogue(&bias)),
                    plus(x.conv2d(&w, [2, 2], [1, 1]), &bias),
                    [&x, &w, &bias],
                ),
                (
                    small.conv_transpose2d_fused(&w, [2, 2], [1, 1], [1, 1], epilogue(&biases)),
                    plus(small.conv_transpose2d(&w, [2, 2], [1, 1], [1, 1]), &biases),
                    [&small, &w, &biases],
                ),
                (
                    rows.matmul_fused(&matrix, epilogue(&bias)),
                    plus(rows.matmul(&matrix), &bias),
                    [&rows, &matrix, &bias],
                ),
            ];
            for (fused, composed, wrt) in pairs {
                let all = |y: &Tensor| -> Vec<f64> {
                    let first = grad(&(y * y).sum(), &wrt, true);
                    let scalar = first.iter().map(|g| g.square().sum());
                    let scalar = scalar.reduce(|a, b| a + b).expect("three");
                    let second = grad(&scalar, &wrt, false);
                    let tensors = [vec![y.clone()], first, second].concat();
                    tensors.iter().flat_map(Tensor::to_vec::<f64>).collect()
                };
                for (a, b) in all(&fused).iter().zip(all(&composed)) {
                    assert!(
                        (a - b).abs() <= 1e-12 * b.abs().max(1.0),
                        "{act:?}: {a} {b}"
                    );
                }
            }
        }
    }
}
