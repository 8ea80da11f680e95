//! The fast `f32` path: one compiled loop for every function.

use super::{Binary, Unary};
use super::{fastmath, trig};
use crate::parallel::{CHUNK, for_each_chunk};
use crate::simd::simd;
use crate::walk::Walk;

trait Map1: Fn(f32) -> f32 + Copy + Send + Sync {}
impl<F: Fn(f32) -> f32 + Copy + Send + Sync> Map1 for F {}

trait Map2: Fn(f32, f32) -> f32 + Copy + Send + Sync {}
impl<F: Fn(f32, f32) -> f32 + Copy + Send + Sync> Map2 for F {}

/// `walk` is over (output, x); `out` is its elements in memory order.
pub(super) fn unary(op: Unary, x: &[f32], walk: &Walk<2>, out: &mut [f32]) {
    // The choice is made out here, once: every arm is its own loop, with the
    // function inlined into it.
    macro_rules! go {
        (|$x:ident| $body:expr) => {
            map1(
                #[inline(always)]
                move |$x: f32| $body,
                x,
                walk,
                out,
            )
        };
    }
    match op {
        Unary::Neg => go!(|x| -x),
        Unary::Exp => go!(|x| fastmath::exp(x)),
        Unary::Ln => go!(|x| fastmath::ln(x)),
        Unary::Ln1p => go!(|x| fastmath::ln_1p(x)),
        Unary::Sqrt => go!(|x| x.sqrt()),
        Unary::Recip => go!(|x| 1.0 / x),
        Unary::Abs => go!(|x| x.abs()),
        Unary::Sign => go!(|x| flag(x > 0.0) - flag(x < 0.0)),
        Unary::Tanh => go!(|x| fastmath::tanh(x)),
        Unary::Sigmoid => go!(|x| fastmath::sigmoid(x)),
        Unary::Softplus => go!(|x| fastmath::softplus(x)),
        Unary::Relu => go!(|x| larger(x, 0.0)),
        Unary::LeakyRelu(slope) => {
            let slope = slope as f32;
            go!(|x| if x > 0.0 { x } else { slope * x });
        }
        Unary::Elu(alpha) => {
            let alpha = alpha as f32;
            go!(|x| {
                let below = alpha * fastmath::exp_m1_below(x);
                if x > 0.0 { x } else { below }
            });
        }
        Unary::Square => go!(|x| x * x),
        Unary::Scale(c) => {
            let c = c as f32;
            go!(|x| c * x);
        }
        Unary::Div(c) => {
            let c = c as f32;
            go!(|x| x / c);
        }
        Unary::Shift(c) => {
            let c = c as f32;
            go!(|x| x + c);
        }
        // The powers that derivatives of small powers are made of; the rest ask
        // the mathematics library, element by element.
        Unary::Pow(1.0) => go!(|x| x),
        Unary::Pow(2.0) => go!(|x| x * x),
        Unary::Pow(3.0) => go!(|x| x * x * x),
        Unary::Pow(-1.0) => go!(|x| 1.0 / x),
        Unary::Pow(p) => {
            let p = p as f32;
            go!(|x| x.powf(p));
        }
        Unary::ClampMin(c) => {
            let c = c as f32;
            go!(|x| larger(x, c));
        }
        Unary::Step => go!(|x| flag(x > 0.0)),
        Unary::Clip(low, high) => {
            let (low, high) = (low as f32, high as f32);
            go!(|x| smaller(larger(x, low), high));
        }
        Unary::Floor => go!(|x| x.floor()),
        Unary::Ceil => go!(|x| x.ceil()),
        Unary::Round => go!(|x| x.round_ties_even()),
        // Of large arguments another way to the quadrant is needed, which no vector takes.
        Unary::Sin if trig::all_small(x) => go!(|x| trig::sin_of_small(x)),
        Unary::Cos if trig::all_small(x) => go!(|x| trig::cos_of_small(x)),
        Unary::Sin => go!(|x| trig::sin(x)),
        Unary::Cos => go!(|x| trig::cos(x)),
        Unary::Erf => go!(|x| fastmath::erf(x)),
    }
}

/// `walk` is over (output, a, b).
pub(super) fn binary(op: Binary, a: &[f32], b: &[f32], walk: &Walk<3>, out: &mut [f32]) {
    macro_rules! go {
        (|$a:ident, $b:ident| $body:expr) => {
            map2(
                #[inline(always)]
                move |$a: f32, $b: f32| $body,
                a,
                b,
                walk,
                out,
            )
        };
    }
    match op {
        Binary::Add => go!(|a, b| a + b),
        Binary::Sub => go!(|a, b| a - b),
        Binary::Mul => go!(|a, b| a * b),
        Binary::Div => go!(|a, b| a / b),
        Binary::Equal => go!(|a, b| flag(a == b)),
        Binary::NotEqual => go!(|a, b| flag(a != b)),
        Binary::Less => go!(|a, b| flag(a < b)),
        Binary::LessEqual => go!(|a, b| flag(a <= b)),
        Binary::Minimum => go!(|a, b| if a < b || a.is_nan() { a } else { b }),
        Binary::Pow => go!(|a, b| a.powf(b)),
        Binary::Maximum => go!(|a, b| if a > b || a.is_nan() { a } else { b }),
        Binary::ReluGrad => go!(|dy, x| if x > 0.0 { dy } else { 0.0 }),
        Binary::LeakyReluGrad(slope) => {
            let slope = slope as f32;
            go!(|dy, x| if x > 0.0 { dy } else { slope * dy });
        }
        Binary::TanhGrad => go!(|dy, y| dy * (1.0 - y * y)),
        Binary::SigmoidGrad => go!(|dy, y| dy * y * (1.0 - y)),
        Binary::EluGrad(alpha) => {
            let alpha = alpha as f32;
            go!(|dy, y| if y > 0.0 { dy } else { dy * (y + alpha) });
        }
        Binary::ClipGrad(low, high) => {
            let (low, high) = (low as f32, high as f32);
            go!(|dy, x| if x >= low && x <= high { dy } else { 0.0 });
        }
        Binary::ClampMinGrad(c) => {
            let c = c as f32;
            go!(|dy, x| if x > c { dy } else { 0.0 });
        }
    }
}

/// 1 or 0.
#[inline(always)]
fn flag(yes: bool) -> f32 {
    f32::from(u8::from(yes))
}

/// The larger of `x` and `bound`; NaN when `x` is.
#[inline(always)]
fn larger(x: f32, bound: f32) -> f32 {
    if x <= bound { bound } else { x }
}

/// The smaller of `x` and `bound`; NaN when `x` is.
#[inline(always)]
fn smaller(x: f32, bound: f32) -> f32 {
    if x >= bound { bound } else { x }
}

/// True when the walk is one run whose steps are all 1.
pub(super) fn is_flat<const N: usize>(walk: &Walk<N>) -> bool {
    walk.axes().count() == 1 && walk.inner() == [1; N]
}

fn map1<F: Map1>(f: F, x: &[f32], walk: &Walk<2>, out: &mut [f32]) {
    let work = 2 * out.len();
    if is_flat(walk) {
        let x = &x[walk.offsets()[1]..][..out.len()];
        for_each_chunk(out, CHUNK, work, |i, out| {
            flat1(f, &x[i * CHUNK..][..out.len()], out);
        });
    } else {
        for_each_chunk(out, CHUNK, work, |i, out| {
            strided1(f, x, walk, i * CHUNK, out);
        });
    }
}

fn map2<F: Map2>(f: F, a: &[f32], b: &[f32], walk: &Walk<3>, out: &mut [f32]) {
    let work = 3 * out.len();
    if is_flat(walk) {
        let a = &a[walk.offsets()[1]..][..out.len()];
        let b = &b[walk.offsets()[2]..][..out.len()];
        for_each_chunk(out, CHUNK, work, |i, out| {
            let (start, len) = (i * CHUNK, out.len());
            flat2(f, &a[start..][..len], &b[start..][..len], out);
        });
    } else {
        for_each_chunk(out, CHUNK, work, |i, out| {
            strided2(f, a, b, walk, i * CHUNK, out);
        });
    }
}

simd! {
    fn flat1<F: Map1>(f: F, x: &[f32], out: &mut [f32]) {
        for (o, &x) in out.iter_mut().zip(x) {
            *o = f(x);
        }
    }
}

simd! {
    fn flat2<F: Map2>(f: F, a: &[f32], b: &[f32], out: &mut [f32]) {
        for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *o = f(a, b);
        }
    }
}

simd! {
    /// `out` is the walk's elements from `start` on.
    fn strided1<F: Map1>(f: F, x: &[f32], walk: &Walk<2>, start: usize, out: &mut [f32]) {
        let step = walk.inner()[1];
        let mut done = 0;
        for ([_, at], len) in walk.runs(start..start + out.len()) {
            let run = &mut out[done..done + len];
            done += len;
            match step {
                1 => {
                    for (o, &x) in run.iter_mut().zip(&x[at..at + len]) {
                        *o = f(x);
                    }
                }
                0 => run.fill(f(x[at])),
                _ => {
                    for (i, o) in run.iter_mut().enumerate() {
                        *o = f(x[at + i * step]);
                    }
                }
            }
        }
    }
}

simd! {
    /// `out` is the walk's elements from `start` on.
    fn strided2<F: Map2>(
        f: F,
        a: &[f32],
        b: &[f32],
        walk: &Walk<3>,
        start: usize,
        out: &mut [f32],
    ) {
        let [_, step_a, step_b] = walk.inner();
        let mut done = 0;
        for ([_, at_a, at_b], len) in walk.runs(start..start + out.len()) {
            let run = &mut out[done..done + len];
            done += len;
            match (step_a, step_b) {
                (1, 1) => {
                    let (a, b) = (&a[at_a..at_a + len], &b[at_b..at_b + len]);
                    for ((o, &a), &b) in run.iter_mut().zip(a).zip(b) {
                        *o = f(a, b);
                    }
                }
                (1, 0) => {
                    let (a, b) = (&a[at_a..at_a + len], b[at_b]);
                    for (o, &a) in run.iter_mut().zip(a) {
                        *o = f(a, b);
                    }
                }
                (0, 1) => {
                    let (a, b) = (a[at_a], &b[at_b..at_b + len]);
                    for (o, &b) in run.iter_mut().zip(b) {
                        *o = f(a, b);
                    }
                }
                _ => {
                    for (i, o) in run.iter_mut().enumerate() {
                        *o = f(a[at_a + i * step_a], b[at_b + i * step_b]);
                    }
                }
            }
        }
    }
}
