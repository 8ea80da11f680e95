//! Softmax of rows and its logarithm, and the gradients of both.
//!
//! Each is one pass over a row that stays in the cache: its largest, the sum of its exponentials,
//! the quotients. Totals are in `f64`, in sixteen parts that are folded in one order.

use super::{Softmax, cuda};
use crate::map::fastmath;
use crate::parallel::{CHUNK, for_each_chunk};
use crate::simd::simd;
use crate::{Buffer, DType, Device, Real, Variant, dispatch};

/// `out = op(x)` of rows of `len` elements, row-major. A row of which no number is larger than −∞, or
/// that has a NaN or +∞, becomes NaN.
///
/// # Panics
/// When lengths, types or devices differ, or rows have no elements or are not whole.
#[track_caller]
pub fn softmax(op: Softmax, len: usize, x: &Buffer, out: &mut Buffer) {
    softmax_with(Variant::Fast, op, len, x, out);
}

/// The gradient `dy` of the result `y` of [`softmax`] brought back to `x`: y·(dy − Σ dy·y), of the
/// logarithm dy − eʸ·Σ dy.
///
/// # Panics
/// As [`softmax`].
#[track_caller]
pub fn softmax_grad(op: Softmax, len: usize, [dy, y]: [&Buffer; 2], out: &mut Buffer) {
    softmax_grad_with(Variant::Fast, op, len, [dy, y], out);
}

/// [`softmax`] by the implementation of one's choice.
///
/// # Panics
/// As [`softmax`].
#[track_caller]
pub fn softmax_with(variant: Variant, op: Softmax, len: usize, x: &Buffer, out: &mut Buffer) {
    assert_rows(len, &[x], out);
    match (out.device(), variant, out.dtype()) {
        _ if out.is_empty() => {}
        (Device::Cpu, Variant::Fast, DType::F32) => {
            let x: &[f32] = x.as_slice();
            each_rows(len, out.as_mut_slice(), |start, out| {
                forward(op, len, &x[start..][..out.len()], out);
            });
        }
        (Device::Cpu, _, dtype) => dispatch!(dtype, T => {
            let rows = x.as_slice::<T>().chunks_exact(len);
            let outs = out.as_mut_slice::<T>().chunks_exact_mut(len);
            rows.zip(outs).for_each(|(x, out)| plain(op, x, out));
        }),
        (Device::Cuda(device), ..) => cuda::softmax(device, op, len, x, out),
    }
}

/// [`softmax_grad`] by the implementation of one's choice.
///
/// # Panics
/// As [`softmax`].
#[track_caller]
pub fn softmax_grad_with(
    variant: Variant,
    op: Softmax,
    len: usize,
    [dy, y]: [&Buffer; 2],
    out: &mut Buffer,
) {
    assert_rows(len, &[dy, y], out);
    match (out.device(), variant, out.dtype()) {
        _ if out.is_empty() => {}
        (Device::Cpu, Variant::Fast, DType::F32) => {
            let (dy, y): (&[f32], &[f32]) = (dy.as_slice(), y.as_slice());
            each_rows(len, out.as_mut_slice(), |start, out| {
                let size = out.len();
                backward(op, len, [&dy[start..][..size], &y[start..][..size]], out);
            });
        }
        (Device::Cpu, _, dtype) => dispatch!(dtype, T => {
            let rows = y.as_slice::<T>().chunks_exact(len);
            let rows = dy.as_slice::<T>().chunks_exact(len).zip(rows);
            let outs = out.as_mut_slice::<T>().chunks_exact_mut(len);
            rows.zip(outs).for_each(|((dy, y), out)| plain_grad(op, dy, y, out));
        }),
        (Device::Cuda(device), ..) => cuda::softmax_grad(device, op, len, [dy, y], out),
    }
}

#[track_caller]
fn assert_rows(len: usize, inputs: &[&Buffer], out: &Buffer) {
    assert!(
        len > 0 && out.len().is_multiple_of(len),
        "softmax: {} elements in rows of {len}",
        out.len()
    );
    for x in inputs {
        assert_eq!(x.len(), out.len(), "softmax: operand and output lengths");
        assert_eq!(x.dtype(), out.dtype(), "softmax: operand and output types");
        assert_eq!(x.device(), out.device(), "softmax: devices");
    }
}

fn plain<T: Real>(op: Softmax, x: &[T], out: &mut [T]) {
    let lowest = T::of(f64::NEG_INFINITY);
    let largest = x
        .iter()
        .fold(lowest, |most, &x| if x > most { x } else { most });
    let sum: f64 = x.iter().map(|&x| (x - largest).exp().f64()).sum();
    for (out, &x) in out.iter_mut().zip(x) {
        *out = match op {
            Softmax::Plain => (x - largest).exp() / T::of(sum),
            Softmax::Log => x - largest - T::of(sum).ln(),
        };
    }
}

fn plain_grad<T: Real>(op: Softmax, dy: &[T], y: &[T], out: &mut [T]) {
    let pairs = || dy.iter().zip(y);
    let total: f64 = match op {
        Softmax::Plain => pairs().map(|(&dy, &y)| (dy * y).f64()).sum(),
        Softmax::Log => dy.iter().map(|dy| dy.f64()).sum(),
    };
    let total = T::of(total);
    for (out, (&dy, &y)) in out.iter_mut().zip(pairs()) {
        *out = match op {
            Softmax::Plain => y * (dy - total),
            Softmax::Log => dy - y.exp() * total,
        };
    }
}

/// Calls `f` with whole rows of `out` and where they start.
fn each_rows(len: usize, out: &mut [f32], f: impl Fn(usize, &mut [f32]) + Sync + Send) {
    let chunk = (CHUNK / len).max(1) * len;
    // An exponential is worth several elements.
    let work = 8 * out.len();
    for_each_chunk(out, chunk, work, |i, out| f(i * chunk, out));
}

simd! {
    fn forward(op: Softmax, len: usize, x: &[f32], out: &mut [f32]) {
        for (x, out) in x.chunks_exact(len).zip(out.chunks_exact_mut(len)) {
            let largest = largest(x);
            for (out, &x) in out.iter_mut().zip(x) {
                *out = fastmath::exp(x - largest);
            }
            let sum = total(out) as f32;
            match op {
                Softmax::Plain => out.iter_mut().for_each(|y| *y /= sum),
                Softmax::Log => {
                    let below = fastmath::ln(sum);
                    for (out, &x) in out.iter_mut().zip(x) {
                        *out = x - largest - below;
                    }
                }
            }
        }
    }
}

simd! {
    fn backward(op: Softmax, len: usize, operands: [&[f32]; 2], out: &mut [f32]) {
        let [dy, y] = operands.map(|x| x.chunks_exact(len));
        for ((dy, y), out) in dy.zip(y).zip(out.chunks_exact_mut(len)) {
            match op {
                Softmax::Plain => {
                    for (out, (&dy, &y)) in out.iter_mut().zip(dy.iter().zip(y)) {
                        *out = dy * y;
                    }
                    let total = total(out) as f32;
                    for (out, (&dy, &y)) in out.iter_mut().zip(dy.iter().zip(y)) {
                        *out = y * (dy - total);
                    }
                }
                Softmax::Log => {
                    let total = total(dy) as f32;
                    for (out, (&dy, &y)) in out.iter_mut().zip(dy.iter().zip(y)) {
                        *out = dy - fastmath::exp(y) * total;
                    }
                }
            }
        }
    }
}

/// Parts of a row that are folded side by side.
const LANES: usize = 16;

/// The largest number of `x`; −∞ where there is none.
#[inline(always)]
fn largest(x: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = x.as_chunks::<LANES>();
    for part in whole {
        for (most, &x) in most.iter_mut().zip(part) {
            *most = if x > *most { x } else { *most };
        }
    }
    for (most, &x) in most.iter_mut().zip(rest) {
        *most = if x > *most { x } else { *most };
    }
    most.iter().fold(
        f32::NEG_INFINITY,
        |most, &x| if x > most { x } else { most },
    )
}

#[inline(always)]
fn total(x: &[f32]) -> f64 {
    let mut sums = [0.0; LANES];
    let (whole, rest) = x.as_chunks::<LANES>();
    for part in whole {
        for (sum, &x) in sums.iter_mut().zip(part) {
            *sum += f64::from(x);
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += f64::from(x);
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layout;
    use crate::testing::{Dice, assert_close, poisoned, same_bits_on_any_threads};

    #[test]
    fn fast_is_the_reference() {
        let mut dice = Dice(51);
        for len in [1, 2, 15, 16, 17, 49, 300] {
            let layout = Layout::contiguous(&[7 * len]);
            let (x, dy) = (
                dice.buffer(DType::F32, &layout),
                dice.buffer(DType::F32, &layout),
            );
            for op in [Softmax::Plain, Softmax::Log] {
                let run = |variant| {
                    let mut out = [poisoned(DType::F32, x.len()), poisoned(DType::F32, x.len())];
                    let [y, dx] = &mut out;
                    softmax_with(variant, op, len, &x, y);
                    softmax_grad_with(variant, op, len, [&dy, y], dx);
                    out.map(|x| x.to_vec::<f64>())
                };
                let [fast, plain] = [Variant::Fast, Variant::Reference].map(run);
                for (fast, plain) in fast.iter().zip(&plain) {
                    assert_close(fast, plain, 1e-6, &format!("{op:?} of {len}"));
                }
            }
        }
    }

    #[test]
    fn extremes() {
        const INF: f32 = f32::INFINITY;
        let x = [3e38, -3e38, -INF, 0.0, -INF, -INF, 1.0, f32::NAN];
        let x = Buffer::from_slice(Device::Cpu, &x);
        for variant in [Variant::Fast, Variant::Reference] {
            let of = |op| {
                let mut y = poisoned(DType::F32, 8);
                softmax_with(variant, op, 2, &x, &mut y);
                y.to_vec::<f32>()
            };
            let (y, log) = (of(Softmax::Plain), of(Softmax::Log));
            assert_eq!(y[..4], [1.0, 0.0, 0.0, 1.0]);
            assert_eq!((log[0], log[2], log[3]), (0.0, -INF, 0.0));
            assert!(y[4..].iter().chain(&log[4..]).all(|y| y.is_nan()));
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let x = Dice(52).buffer(DType::F32, &Layout::contiguous(&[4000 * 49]));
        same_bits_on_any_threads(|| {
            let mut y = poisoned(DType::F32, x.len());
            softmax(Softmax::Plain, 49, &x, &mut y);
            let mut dx = poisoned(DType::F32, x.len());
            softmax_grad(Softmax::Plain, 49, [&x, &y], &mut dx);
            dx
        });
    }
}
