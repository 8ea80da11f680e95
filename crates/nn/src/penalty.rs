//! Penalties on a critic's slope: losses whose gradient is a second derivative.
//!
//! ∇D(x) is the gradient of Σ D in the samples: one for each sample, as long as D looks at each
//! by itself. Batch normalisation mixes them, so it is refused here.

use detach_tensor::trace::pass;
use detach_tensor::{Tensor, grad};

/// ∇D(x) of each of the samples `x` `[N, …]`, with a graph, so that it can be trained on.
///
/// # Panics
/// When D does not take such samples, or normalises by statistics of the batch, so that each answer depends on all of
/// them.
#[must_use]
#[track_caller]
pub fn slopes(d: impl FnOnce(&Tensor) -> Tensor, x: &Tensor) -> Tensor {
    let x = Tensor::variable(x.value().clone());
    let sum = d(&x).sum();
    let passed = pass(&sum, &[&x]).ops;
    let mixing = passed.keys().find(|op| op.starts_with("batch_norm"));
    assert!(
        mixing.is_none(),
        "a penalty on D's slope at {:?}: `{}` on the way to D's answers takes mean and variance of the whole batch, so that D's \
         answer for one sample depends on all {}, and there is no gradient of each sample by itself; build D without BatchNorm, \
         with LayerNorm in its place, or leave the penalty out",
        x.shape(),
        mixing.unwrap_or(&""),
        x.shape()[0]
    );
    grad(&sum, &[&x], true).remove(0)
}

/// Every axis but the first.
fn axes_of_one(x: &Tensor) -> Vec<usize> {
    (1..x.shape().len()).collect()
}

/// The norm of each row of `[N, …]`, over all of its other axes, `[N]`. Where a row is 0, so is its
/// gradient.
#[must_use]
#[track_caller]
pub fn norms(x: &Tensor) -> Tensor {
    let axes = axes_of_one(x);
    x.norm_axes(&axes).squeeze(&axes)
}

/// Points between reals and fakes, α·x + (1 − α)·G(z), with one α `[N, 1, …]` for each sample.
///
/// # Panics
/// When the shapes do not fit.
#[must_use]
#[track_caller]
pub fn between(real: &Tensor, fake: &Tensor, alpha: &Tensor) -> Tensor {
    let alpha = alpha.expand(real.shape());
    real * &alpha + fake * (-&alpha + 1.0)
}

/// WGAN-GP's λ·E(‖∇D(x̂)‖ − 1)² without its λ, from the [`norms`] of the [`slopes`] at points
/// [`between`] reals and fakes (Gulrajani et al., arXiv:1704.00028).
#[must_use]
#[track_caller]
pub fn gradient_penalty(norms: &Tensor) -> Tensor {
    (norms - 1.0).square().mean()
}

/// R1's (γ/2)·E‖∇D(x)‖² without its γ, from the [`slopes`] at reals; R2's from those at fakes (Mescheder
/// et al., arXiv:1801.04406).
#[must_use]
#[track_caller]
pub fn zero_centred(slopes: &Tensor) -> Tensor {
    slopes.square().sum() / (2.0 * slopes.shape()[0] as f64)
}
