//! Batch normalisation (Ioffe & Szegedy, arXiv:1502.03167).
//!
//! Per channel, over all other axes: x̂ = (x − μ) · r with r = 1/√(σ² + ε) and the
//! biased variance σ², then y = γ·x̂ + β. With m elements per channel,
//!
//! dβ = Σ dy,  dγ = Σ dy·x̂,  dx = γ·r · (dy − dβ/m − x̂·dγ/m).
//!
//! The fused ops take two passes over memory. Each has a *composed twin* in plain
//! tensor operations, which is its golden and its second derivative.

use crate::check::Case;
use crate::op::derive;
use crate::profile::timed;
use crate::{Array, Layout, Op, Tensor, apply};
use detach_kernels::Buffer;
use detach_kernels::norm::{self, Norm};

/// y of `[x, γ, β, statistics]`. The statistics are those of `x`: an input, so that
/// forward and backward share them, but not a path for gradients (dx above is the
/// total derivative, with μ and σ² as functions of x).
#[derive(Clone, Copy, Debug)]
struct BatchNorm {
    eps: f64,
}

/// dx of `[x, γ, statistics, dy]`.
#[derive(Clone, Copy, Debug)]
struct GradInput {
    eps: f64,
}

/// `[2, C]` with dγ and dβ, of `[x, statistics, dy]`.
#[derive(Clone, Copy, Debug)]
struct GradAffine {
    eps: f64,
}

fn geometry(x: &Array, eps: f64) -> Norm {
    let channels = x.shape()[1];
    Norm {
        rows: x.len() / channels,
        channels,
        eps,
    }
}

fn result_like(x: &Array, run: impl FnOnce(&mut Buffer)) -> Array {
    let mut out = Buffer::scratch(x.kind().device, x.dtype(), x.len());
    run(&mut out);
    Array::from_buffer(out, *x.layout())
}

/// `[2, C]`: mean and biased variance of each channel of `[N, C, …]`.
pub fn batch_statistics(x: &Array) -> Array {
    let x = x.channels_last();
    let geometry = geometry(&x, 0.0);
    let statistics = || {
        let mut out = Buffer::scratch(x.kind().device, x.dtype(), 2 * geometry.channels);
        norm::stats(&geometry, &x.read(), &mut out);
        Array::from_buffer(out, Layout::contiguous(&[2, geometry.channels]))
    };
    timed("batch_statistics", &[&x], statistics, |y| [y])
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0].channels_last();
        let [gamma, beta, statistics] = [1, 2, 3].map(|i: usize| inputs[i].contiguous());
        result_like(&x, |out| {
            norm::forward(
                &geometry(&x, self.eps),
                &x.read(),
                &statistics.read(),
                &gamma.read(),
                &beta.read(),
                out,
            );
        })
    }

    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let [x, gamma, _, statistics] = [0, 1, 2, 3].map(|i: usize| &inputs[i]);
        let Self { eps } = *self;
        let affine = |row| {
            let both = apply(GradAffine { eps }, &[x, statistics, dy]);
            both.slice(0, row, 1).reshape(gamma.shape())
        };
        match arg {
            0 => Some(apply(GradInput { eps }, &[x, gamma, statistics, dy])),
            1 => Some(affine(0)),
            2 => Some(affine(1)),
            _ => None,
        }
    }
}

impl Op for GradInput {
    fn name(&self) -> &'static str {
        "batch_norm_grad"
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let [x, dy] = [0, 3].map(|i: usize| inputs[i].channels_last());
        let [gamma, statistics] = [1, 2].map(|i: usize| inputs[i].contiguous());
        result_like(&x, |out| {
            norm::grad_input(
                &geometry(&x, self.eps),
                &x.read(),
                &statistics.read(),
                &gamma.read(),
                &dy.read(),
                out,
            );
        })
    }

    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, ddx: &Tensor) -> Option<Tensor> {
        let eps = self.eps;
        let twin = move |t: &[Tensor]| composed_grad_input(&t[0], &t[1], &t[2], eps);
        let [x, gamma, dy] = [0, 1, 3].map(|i: usize| inputs[i].clone());
        let arg = match arg {
            0 | 1 => arg,
            2 => return None,
            _ => 2,
        };
        Some(derive(twin, &[x, gamma, dy], arg, ddx))
    }
}

impl Op for GradAffine {
    fn name(&self) -> &'static str {
        "batch_norm_grad_affine"
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let [x, dy] = [0, 2].map(|i: usize| inputs[i].channels_last());
        let statistics = inputs[1].contiguous();
        let geometry = geometry(&x, self.eps);
        let mut out = Buffer::scratch(x.kind().device, x.dtype(), 2 * geometry.channels);
        norm::grad_affine(
            &geometry,
            &x.read(),
            &statistics.read(),
            &dy.read(),
            &mut out,
        );
        Array::from_buffer(out, Layout::contiguous(&[2, geometry.channels]))
    }

    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dd: &Tensor) -> Option<Tensor> {
        let eps = self.eps;
        let twin = move |t: &[Tensor]| composed_grad_affine(&t[0], &t[1], eps);
        let [x, dy] = [0, 2].map(|i: usize| inputs[i].clone());
        match arg {
            0 => Some(derive(twin, &[x, dy], 0, dd)),
            1 => None,
            _ => Some(derive(twin, &[x, dy], 1, dd)),
        }
    }
}

/// All axes but the channels'.
fn batch_axes(x: &Tensor) -> Vec<usize> {
    (0..x.shape().len()).filter(|&axis| axis != 1).collect()
}

/// x̂ and r, the latter repeated to x's shape.
fn normalised(x: &Tensor, eps: f64) -> (Tensor, Tensor) {
    let axes = batch_axes(x);
    let centred = x - x.mean_axes(&axes).expand(x.shape());
    let variance = centred.square().mean_axes(&axes);
    let r = (variance + eps).sqrt().recip().expand(x.shape());
    (&centred * &r, r)
}

/// The composed twin of [`Tensor::batch_norm`], to any order of derivative.
pub fn composed_batch_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor, eps: f64) -> Tensor {
    let (xhat, _) = normalised(x, eps);
    xhat * gamma.expand_channels(x.shape()) + beta.expand_channels(x.shape())
}

fn composed_grad_input(x: &Tensor, gamma: &Tensor, dy: &Tensor, eps: f64) -> Tensor {
    let (xhat, r) = normalised(x, eps);
    let axes = batch_axes(x);
    let mean = |t: &Tensor| t.mean_axes(&axes).expand(x.shape());
    let inner = dy - mean(dy) - &xhat * mean(&(dy * &xhat));
    inner * r * gamma.expand_channels(x.shape())
}

fn composed_grad_affine(x: &Tensor, dy: &Tensor, eps: f64) -> Tensor {
    let (xhat, _) = normalised(x, eps);
    let axes = batch_axes(x);
    let row = |t: Tensor| t.sum_axes(&axes).reshape(&[1, x.shape()[1]]);
    Tensor::concat(&[&row(dy * xhat), &row(dy.clone())], 0)
}

impl Tensor {
    /// Batch normalisation of `[N, C, …]` with the batch's own statistics, scaled by
    /// `gamma` `[C]` and shifted by `beta` `[C]`; also returns those statistics,
    /// `[2, C]`: mean and biased variance.
    ///
    /// # Panics
    /// When the shapes do not fit, or there is one element per channel only (its
    /// variance is 0, as PyTorch refuses it too).
    #[must_use]
    #[track_caller]
    pub fn batch_norm(&self, gamma: &Self, beta: &Self, eps: f64) -> (Self, Array) {
        let shape = self.shape();
        let fits = shape.len() >= 2 && gamma.shape() == [shape[1]] && beta.shape() == [shape[1]];
        assert!(
            fits,
            "batch_norm: x {shape:?} with gamma {:?} and beta {:?}; expected [N, C, …], [C] and [C]",
            gamma.shape(),
            beta.shape()
        );
        assert!(
            self.len() > shape[1],
            "batch_norm: one value per channel in {shape:?}: its variance is 0; use a larger batch"
        );
        let x = self.channels_last();
        let statistics = batch_statistics(x.value());
        let constant = Self::constant(statistics.clone());
        let y = apply(BatchNorm { eps }, &[&x, gamma, beta, &constant]);
        (y, statistics)
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let fused = |t: &[Tensor]| t[0].batch_norm(&t[1], &t[2], 1e-3).0;
    let composed = |t: &[Tensor]| composed_batch_norm(&t[0], &t[1], &t[2], 1e-3);
    let inputs = |case: Case, x: &[usize]| {
        case.input(x, (-2.0, 2.0))
            .channels_last()
            .input(&x[1..2], (0.5, 1.5))
            .input(&x[1..2], (-1.0, 1.0))
    };
    vec![
        inputs(Case::new("batch_norm of images", fused), &[3, 2, 2, 3]),
        inputs(Case::new("batch_norm of rows", fused), &[6, 4]),
        inputs(Case::new("batch_norm, composed", composed), &[3, 2, 2, 3]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Random, Stream, grad, vjp};

    /// The fused forward and both orders of its derivative against the twin's.
    #[test]
    fn fused_equals_composed() {
        let random = Random::new(1, Stream::Noise);
        let draw = |shape: &[usize]| random.normal(shape, DType::F64).value().clone();
        let x = Tensor::variable(draw(&[4, 3, 5, 2]).channels_last());
        let gamma = Tensor::variable(draw(&[3]));
        let beta = Tensor::variable(draw(&[3]));
        let (dy, ddx) = (draw(&[4, 3, 5, 2]), draw(&[4, 3, 5, 2]));
        let all = |f: &dyn Fn() -> Tensor| -> Vec<Vec<f64>> {
            let y = f();
            let wrt = [&x, &gamma, &beta];
            let first = vjp(&y, &Tensor::constant(dy.clone()), &wrt, true);
            let scalar =
                (&first[0] * Tensor::constant(ddx.clone())).sum() + first[1].square().sum();
            let second = grad(&scalar, &wrt, false);
            let tensors = [vec![y], first, second].concat();
            tensors.iter().map(Tensor::to_vec::<f64>).collect()
        };
        let fused = all(&|| x.batch_norm(&gamma, &beta, 1e-5).0);
        let composed = all(&|| composed_batch_norm(&x, &gamma, &beta, 1e-5));
        for (a, b) in fused.iter().flatten().zip(composed.iter().flatten()) {
            assert!((a - b).abs() < 1e-10 * (1.0 + b.abs()), "{a} {b}");
        }
    }
}
