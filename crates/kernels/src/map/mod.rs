//! Element by element: `out[i] = f(a[i])` and `out[i] = f(a[i], b[i])`.
//!
//! The output is dense, in whatever order its layout says; operands have the
//! same shape and any strides, so a bias repeated over an image is an operand
//! whose layout has zero strides. Nothing is broadcast that a layout does not
//! repeat.
//!
//! Operands that lie like the output are one flat loop. For the rest, dimensions
//! that are contiguous in every operand are merged, and the innermost loop has a
//! version for each combination of strides 0 and 1.

mod cpu;
mod cuda;
pub(crate) mod fastmath;
mod reference;
mod select;
#[cfg(test)]
mod tests;
mod trig;

pub use select::{select, select_with};

use crate::walk::{Walk, assert_operands};
use crate::{Buffer, DType, Device, Layout, Variant, View, dispatch};

/// The implementations of this family, slowest first.
pub const VARIANTS: &[&str] = &["reference", "fast"];

/// A function of one element.
///
/// A NaN stays a NaN, except where the result is a comparison's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// −x
    Neg,
    /// eˣ
    Exp,
    /// Natural logarithm.
    Ln,
    /// ln(1 + x), with all its digits near 0.
    Ln1p,
    /// √x
    Sqrt,
    /// 1 / x
    Recip,
    /// |x|
    Abs,
    /// −1, 0 or 1.
    Sign,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e⁻ˣ), without overflow for any x.
    Sigmoid,
    /// ln(1 + eˣ) as max(x, 0) + ln(1 + e^−|x|), without overflow for any x.
    Softplus,
    /// max(x, 0)
    Relu,
    /// x where x > 0, this slope times x elsewhere.
    LeakyRelu(f64),
    /// x where x > 0, this factor times eˣ − 1 elsewhere.
    Elu(f64),
    /// x²
    Square,
    /// This factor times x.
    Scale(f64),
    /// x divided by this: a product with the reciprocal rounds twice.
    Div(f64),
    /// x plus this.
    Shift(f64),
    /// x to this power.
    Pow(f64),
    /// The larger of x and this.
    ClampMin(f64),
    /// 1 where x > 0, else 0: the derivative of [`Unary::Relu`].
    Step,
    /// The nearest number to x that is neither below the first of these nor above the second; the
    /// second, where that is below the first.
    Clip(f64, f64),
    /// The largest whole number that is not above x.
    Floor,
    /// The smallest whole number that is not below x.
    Ceil,
    /// The nearest whole number, of two the even one.
    Round,
    /// Sine of x in radians.
    Sin,
    /// Cosine of x in radians.
    Cos,
    /// The error function, 2/√π times the integral of e^−t² from 0 to x.
    Erf,
}

/// A function of two elements, `a` and `b`.
///
/// The gradients take `dy` first and then what the forward pass kept: its input
/// `x` or its output `y`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Binary {
    /// a + b
    Add,
    /// a − b
    Sub,
    /// a · b
    Mul,
    /// a / b
    Div,
    /// 1 where a = b, else 0.
    Equal,
    /// 1 where a ≠ b, else 0; a NaN differs from everything.
    NotEqual,
    /// 1 where a < b, else 0.
    Less,
    /// 1 where a ≤ b, else 0.
    LessEqual,
    /// The larger of a and b.
    Maximum,
    /// The smaller of a and b.
    Minimum,
    /// a to the power of b; 1 where b is 0.
    Pow,
    /// (dy, x): dy where x > 0, else 0.
    ReluGrad,
    /// (dy, x): dy where x > 0, else this slope times dy.
    LeakyReluGrad(f64),
    /// (dy, y): dy · (1 − y²) with y = tanh x.
    TanhGrad,
    /// (dy, y): dy · y · (1 − y) with y = sigmoid x.
    SigmoidGrad,
    /// (dy, y): dy where y > 0, else dy · (y + this factor), with y = elu x.
    EluGrad(f64),
    /// (dy, x): dy where x is above this, else 0.
    ClampMinGrad(f64),
    /// (dy, x): dy where x is not below the first of these and not above the second, else 0.
    ClipGrad(f64, f64),
}

/// `out = op(x)`.
///
/// # Panics
/// When `out_layout` is not dense or not of `x`'s shape, when types or devices
/// differ, or when a layout reaches past its buffer.
#[track_caller]
pub fn unary(op: Unary, x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    unary_with(Variant::Fast, op, x, out, out_layout);
}

/// `out = op(a, b)`.
///
/// # Panics
/// As [`unary`].
#[track_caller]
pub fn binary(op: Binary, a: View<'_>, b: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    binary_with(Variant::Fast, op, a, b, out, out_layout);
}

/// [`unary`] by the implementation of one's choice.
///
/// # Panics
/// As [`unary`].
#[track_caller]
pub fn unary_with(variant: Variant, op: Unary, x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    assert_eq!(
        x.layout.shape(),
        out_layout.shape(),
        "{op:?}: operand and output shapes"
    );
    assert_operands("map", &[x], out, out_layout);
    if out_layout.is_empty() {
        return;
    }
    match (out.device(), variant, out.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            let walk = Walk::new([out_layout, &x.layout]);
            let out = &mut out.as_mut_slice()[..out_layout.len()];
            cpu::unary(op, x.buffer.as_slice(), &walk, out);
        }
        (Device::Cpu, _, dtype) => {
            dispatch!(dtype, T => reference::unary::<T>(op, x, out, out_layout));
        }
        (Device::Cuda(device), ..) => cuda::unary(device, op, x, out, out_layout),
    }
}

/// [`binary`] by the implementation of one's choice.
///
/// # Panics
/// As [`unary`].
#[track_caller]
pub fn binary_with(
    variant: Variant,
    op: Binary,
    a: View<'_>,
    b: View<'_>,
    out: &mut Buffer,
    out_layout: &Layout,
) {
    assert_eq!(
        a.layout.shape(),
        b.layout.shape(),
        "{op:?}: shapes of the operands"
    );
    assert_eq!(
        a.layout.shape(),
        out_layout.shape(),
        "{op:?}: operand and output shapes"
    );
    assert_operands("map", &[a, b], out, out_layout);
    if out_layout.is_empty() {
        return;
    }
    match (out.device(), variant, out.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            let walk = Walk::new([out_layout, &a.layout, &b.layout]);
            let out = &mut out.as_mut_slice()[..out_layout.len()];
            cpu::binary(op, a.buffer.as_slice(), b.buffer.as_slice(), &walk, out);
        }
        (Device::Cpu, _, dtype) => {
            dispatch!(dtype, T => reference::binary::<T>(op, a, b, out, out_layout));
        }
        (Device::Cuda(device), ..) => cuda::binary(device, op, [a, b], out, out_layout),
    }
}
