//! The plain loop, for either type and any strides.

use super::{Binary, Unary};
use crate::walk::offsets;
use crate::{Buffer, Layout, Real, View};

pub(super) fn unary<T: Real>(op: Unary, x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    let (xs, out) = (x.buffer.as_slice::<T>(), out.as_mut_slice::<T>());
    for (o, x) in offsets(out_layout).zip(offsets(&x.layout)) {
        out[o] = unary_at(op, xs[x]);
    }
}

pub(super) fn binary<T: Real>(
    op: Binary,
    a: View<'_>,
    b: View<'_>,
    out: &mut Buffer,
    out_layout: &Layout,
) {
    let out = out.as_mut_slice::<T>();
    let (xs, ys) = (a.buffer.as_slice::<T>(), b.buffer.as_slice::<T>());
    let places = offsets(&a.layout).zip(offsets(&b.layout));
    for (o, (a, b)) in offsets(out_layout).zip(places) {
        out[o] = binary_at(op, xs[a], ys[b]);
    }
}

fn unary_at<T: Real>(op: Unary, x: T) -> T {
    let (zero, one) = (T::ZERO, T::ONE);
    match op {
        Unary::Neg => -x,
        Unary::Exp => x.exp(),
        Unary::Ln => x.ln(),
        Unary::Ln1p => x.ln_1p(),
        Unary::Sqrt => x.sqrt(),
        Unary::Recip => one / x,
        Unary::Abs => x.abs(),
        Unary::Sign => flag::<T>(x > zero) - flag(x < zero),
        Unary::Tanh => x.tanh(),
        Unary::Sigmoid => {
            let z = (-x.abs()).exp();
            if x < zero {
                z / (one + z)
            } else {
                one / (one + z)
            }
        }
        Unary::Softplus => larger(x, zero) + (-x.abs()).exp().ln_1p(),
        Unary::Relu => larger(x, zero),
        Unary::LeakyRelu(slope) => {
            if x > zero {
                x
            } else {
                T::of(slope) * x
            }
        }
        Unary::Elu(_) if x > zero => x,
        Unary::Elu(alpha) => T::of(alpha) * x.exp_m1(),
        Unary::Square => x * x,
        Unary::Scale(c) => T::of(c) * x,
        Unary::Div(c) => x / T::of(c),
        Unary::Shift(c) => x + T::of(c),
        Unary::Pow(p) => x.powf(T::of(p)),
        Unary::ClampMin(c) => larger(x, T::of(c)),
        Unary::Step => flag(x > zero),
        Unary::Clip(low, high) => smaller(larger(x, T::of(low)), T::of(high)),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Erf => x.erf(),
    }
}

fn binary_at<T: Real>(op: Binary, a: T, b: T) -> T {
    let (zero, one) = (T::ZERO, T::ONE);
    match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Equal => flag(a == b),
        Binary::NotEqual => flag(a != b),
        Binary::Less => flag(a < b),
        Binary::LessEqual => flag(a <= b),
        Binary::Maximum if a > b || a.f64().is_nan() => a,
        Binary::Maximum => b,
        Binary::Minimum if a < b || a.f64().is_nan() => a,
        Binary::Minimum => b,
        Binary::Pow => a.powf(b),
        Binary::ReluGrad if b > zero => a,
        Binary::ReluGrad => zero,
        Binary::LeakyReluGrad(_) if b > zero => a,
        Binary::LeakyReluGrad(slope) => T::of(slope) * a,
        Binary::TanhGrad => a * (one - b * b),
        Binary::SigmoidGrad => a * b * (one - b),
        Binary::EluGrad(_) if b > zero => a,
        Binary::EluGrad(alpha) => a * (b + T::of(alpha)),
        Binary::ClipGrad(low, high) if b >= T::of(low) && b <= T::of(high) => a,
        Binary::ClipGrad(..) => zero,
        Binary::ClampMinGrad(c) if b > T::of(c) => a,
        Binary::ClampMinGrad(_) => zero,
    }
}

/// 1 or 0.
fn flag<T: Real>(yes: bool) -> T {
    if yes { T::ONE } else { T::ZERO }
}

/// The larger of `x` and `bound`; NaN when `x` is.
fn larger<T: Real>(x: T, bound: T) -> T {
    if x <= bound { bound } else { x }
}

/// The smaller of `x` and `bound`; NaN when `x` is.
fn smaller<T: Real>(x: T, bound: T) -> T {
    if x >= bound { bound } else { x }
}
