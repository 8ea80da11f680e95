//! Many elements to one: sums, means, maxima and norms over any set of axes; and the softmax of rows,
//! which is made of two of them.
//!
//! The axes to reduce are those where the output has size 1:
//! `out[i, 0] = Σⱼ x[i, j]`.
//!
//! Both implementations accumulate in `f64` and finish there, so the rounding of a sum or a mean
//! of `f32` is that of its last step: the mean of equal numbers is that number.

mod cpu;
mod cuda;
mod reference;
mod softmax;
#[cfg(test)]
mod tests;

pub use softmax::{softmax, softmax_grad, softmax_grad_with, softmax_with};

use crate::walk::assert_operands;
use crate::{Buffer, DType, Device, Layout, Variant, View, dispatch};

/// The implementations of this family, slowest first.
pub const VARIANTS: &[&str] = &["reference", "fast"];

/// How elements combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum; 0 of none.
    Sum,
    /// Their sum divided by how many they are; NaN of none.
    Mean,
    /// The largest, NaN if any is; −∞ of none.
    Max,
    /// The root of the sum of their squares; 0 of none. The squares are `f64` and the root is the
    /// last step, so those of `f32` neither overflow nor vanish.
    Norm,
}

/// What [`softmax`](fn@softmax) makes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Softmax {
    /// eˣ over the row's sum of them.
    Plain,
    /// The logarithm of that: x − ln Σ eˣ.
    Log,
}

/// Sum of `x` over the axes where `out_layout` (of the same rank) has size 1.
///
/// # Panics
/// When `out_layout` is not dense, or has a size that is neither that of `x` nor
/// 1; when types or devices differ; when a layout reaches past its buffer.
#[track_caller]
pub fn sum(x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    reduce_with(Variant::Fast, Reduction::Sum, x, out, out_layout);
}

/// Maximum of `x` over the axes where `out_layout` (of the same rank) has size 1.
///
/// # Panics
/// As [`sum`].
#[track_caller]
pub fn max(x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    reduce_with(Variant::Fast, Reduction::Max, x, out, out_layout);
}

/// Mean of `x` over the axes where `out_layout` (of the same rank) has size 1.
///
/// # Panics
/// As [`sum`].
#[track_caller]
pub fn mean(x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    reduce_with(Variant::Fast, Reduction::Mean, x, out, out_layout);
}

/// Euclidean norm of `x` over the axes where `out_layout` (of the same rank) has size 1.
///
/// # Panics
/// As [`sum`].
#[track_caller]
pub fn norm(x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    reduce_with(Variant::Fast, Reduction::Norm, x, out, out_layout);
}

/// A reduction by the implementation of one's choice.
///
/// # Panics
/// As [`sum`].
#[track_caller]
pub fn reduce_with(
    variant: Variant,
    op: Reduction,
    x: View<'_>,
    out: &mut Buffer,
    out_layout: &Layout,
) {
    let (from, to) = (x.layout.shape(), out_layout.shape());
    let reduces = from.len() == to.len() && from.iter().zip(to).all(|(a, b)| a == b || *b == 1);
    assert!(reduces, "{op:?}: {from:?} does not reduce to {to:?}");
    assert_operands("reduce", &[x], out, out_layout);
    if out_layout.is_empty() {
        return;
    }
    match (out.device(), variant, out.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => cpu::reduce(op, x, out, out_layout),
        (Device::Cpu, _, dtype) => {
            dispatch!(dtype, T => reference::reduce::<T>(op, x, out, out_layout));
        }
        (Device::Cuda(device), ..) => cuda::reduce(device, op, x, out, out_layout),
    }
}

impl Reduction {
    /// The total of nothing.
    #[inline(always)]
    fn start(self) -> f64 {
        match self {
            Self::Sum | Self::Mean | Self::Norm => 0.0,
            Self::Max => f64::NEG_INFINITY,
        }
    }

    /// The result, from the total of `count` elements.
    #[inline(always)]
    fn finish(self, total: f64, count: usize) -> f64 {
        match self {
            Self::Sum | Self::Max => total,
            Self::Mean => total / count as f64,
            Self::Norm => total.sqrt(),
        }
    }
}
