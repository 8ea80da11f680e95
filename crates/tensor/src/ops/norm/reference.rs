//! What normalisations over a batch and over images share, and their formulas in plain tensor
//! operations.

use crate::{Act, Tensor};

/// What has a mean and a variance of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Over {
    /// Each channel: γ and β are `[C]`, statistics `[2, C]`.
    Batch,
    /// Each channel of each image: γ and β are `[N, C]`, statistics `[N, 2, C]`.
    Image,
}

/// What the three have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constants {
    pub(super) over: Over,
    pub(super) eps: f64,
    pub(super) act: Act,
}

impl Constants {
    /// The axes of x that a mean is taken over.
    pub(super) fn axes(self, x: &Tensor) -> Vec<usize> {
        let first = if self.over == Over::Batch { 0 } else { 2 };
        (first..x.shape().len()).filter(|&axis| axis != 1).collect()
    }

    /// γ or β repeated to the shape of x.
    pub(super) fn spread(self, affine: &Tensor, shape: &[usize]) -> Tensor {
        match self.over {
            Over::Batch => affine.expand_channels(shape),
            Over::Image => {
                let mut each = vec![1; shape.len()];
                each[..2].copy_from_slice(&shape[..2]);
                affine.reshape(&each).expand(shape)
            }
        }
    }

    /// The shape of γ and β put in rows, `[2, C]` or `[N, 2, C]`, with `rows` in place of 2.
    pub(super) fn rows_shape(self, x: &[usize], rows: usize) -> Vec<usize> {
        match self.over {
            Over::Batch => vec![rows, x[1]],
            Over::Image => vec![x[0], rows, x[1]],
        }
    }

    /// Row 0 or 1 of [`Self::rows_shape`], as γ and β are.
    pub(super) fn row(self, rows: &Tensor, row: usize, like: &Tensor) -> Tensor {
        let axis = rows.shape().len() - 2;
        rows.slice(axis, row, 1).reshape(like.shape())
    }
}

/// x̂ and r, the latter repeated to x's shape.
fn normalised(constants: Constants, x: &Tensor) -> (Tensor, Tensor) {
    let axes = constants.axes(x);
    let centred = x - x.mean_axes(&axes).expand(x.shape());
    let variance = centred.square().mean_axes(&axes);
    let r = (variance + constants.eps).sqrt().recip().expand(x.shape());
    (&centred * &r, r)
}

/// The reference formula of [`Tensor::batch_norm`], to any order of derivative.
pub fn reference_batch_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor, eps: f64) -> Tensor {
    reference_batch_norm_act(x, [gamma, beta], eps, Act::Identity)
}

/// The reference formula of [`Tensor::batch_norm_act`].
pub fn reference_batch_norm_act(x: &Tensor, affine: [&Tensor; 2], eps: f64, act: Act) -> Tensor {
    let over = Over::Batch;
    reference(Constants { over, eps, act }, x, affine)
}

/// The reference formula of [`Tensor::instance_norm_act`].
pub fn reference_instance_norm_act(x: &Tensor, affine: [&Tensor; 2], eps: f64, act: Act) -> Tensor {
    let over = Over::Image;
    reference(Constants { over, eps, act }, x, affine)
}

fn reference(constants: Constants, x: &Tensor, affine: [&Tensor; 2]) -> Tensor {
    let (xhat, _) = normalised(constants, x);
    let [gamma, beta] = affine.map(|affine| constants.spread(affine, x.shape()));
    (xhat * gamma + beta).activate(constants.act)
}

/// x̂, r and dz of `[x, γ, β, dy]`.
fn before_activation(constants: Constants, inputs: &[Tensor]) -> [Tensor; 3] {
    let [x, gamma, beta, dy] = [0, 1, 2, 3].map(|i: usize| &inputs[i]);
    let (xhat, r) = normalised(constants, x);
    let [gamma, beta] = [gamma, beta].map(|affine| constants.spread(affine, x.shape()));
    let z = &xhat * gamma + beta;
    let dz = z.grad_of_activation(constants.act, dy);
    [xhat, r, dz]
}

pub(super) fn reference_grad_input(constants: Constants, inputs: &[Tensor]) -> Tensor {
    let [xhat, r, dz] = before_activation(constants, inputs);
    let (shape, axes) = (xhat.shape(), constants.axes(&xhat));
    let mean = |t: &Tensor| t.mean_axes(&axes).expand(shape);
    let inner = &dz - mean(&dz) - &xhat * mean(&(&dz * &xhat));
    inner * r * constants.spread(&inputs[1], shape)
}

pub(super) fn reference_grad_affine(constants: Constants, inputs: &[Tensor]) -> Tensor {
    let [xhat, _, dz] = before_activation(constants, inputs);
    let axes = constants.axes(&xhat);
    let shape = constants.rows_shape(xhat.shape(), 1);
    let row = |t: &Tensor| t.sum_axes(&axes).reshape(&shape);
    Tensor::concat(&[&row(&(&dz * &xhat)), &row(&dz)], shape.len() - 2)
}
