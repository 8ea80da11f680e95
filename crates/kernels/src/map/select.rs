//! A choice between two operands, element by element.

use super::cpu::is_flat;
use super::cuda;
use crate::parallel::{CHUNK, for_each_chunk};
use crate::simd::simd;
use crate::walk::{Walk, assert_operands, offsets};
use crate::{Buffer, DType, Device, Layout, Real, Variant, View, dispatch};

/// `out = condition ≠ 0 ? a : b`, operands being `[condition, a, b]`. What is not chosen is not
/// computed with: a NaN there does not show. A condition that is NaN is not 0.
///
/// # Panics
/// As [`unary`](super::unary).
#[track_caller]
pub fn select(operands: [View<'_>; 3], out: &mut Buffer, out_layout: &Layout) {
    select_with(Variant::Fast, operands, out, out_layout);
}

/// [`select`] by the implementation of one's choice.
///
/// # Panics
/// As [`select`].
#[track_caller]
pub fn select_with(
    variant: Variant,
    operands: [View<'_>; 3],
    out: &mut Buffer,
    out_layout: &Layout,
) {
    for x in &operands {
        assert_eq!(
            x.layout.shape(),
            out_layout.shape(),
            "select: operand and output shapes"
        );
    }
    assert_operands("select", &operands, out, out_layout);
    if out_layout.is_empty() {
        return;
    }
    match (out.device(), variant, out.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            let [condition, a, b] = &operands;
            let walk = Walk::new([out_layout, &condition.layout, &a.layout, &b.layout]);
            let out = &mut out.as_mut_slice()[..out_layout.len()];
            fast(operands.map(|x| x.buffer.as_slice()), &walk, out);
        }
        (Device::Cpu, _, dtype) => {
            dispatch!(dtype, T => reference::<T>(operands, out, out_layout));
        }
        (Device::Cuda(device), ..) => cuda::select(device, operands, out, out_layout),
    }
}

fn reference<T: Real>([condition, a, b]: [View<'_>; 3], out: &mut Buffer, out_layout: &Layout) {
    let out = out.as_mut_slice::<T>();
    let [conditions, xs, ys] = [condition, a, b].map(|x| x.buffer.as_slice::<T>());
    let places = offsets(&a.layout).zip(offsets(&b.layout));
    let places = offsets(&condition.layout).zip(places);
    for (o, (condition, (a, b))) in offsets(out_layout).zip(places) {
        out[o] = if conditions[condition] != T::ZERO {
            xs[a]
        } else {
            ys[b]
        };
    }
}

/// `walk` is over (output, condition, a, b).
fn fast(operands: [&[f32]; 3], walk: &Walk<4>, out: &mut [f32]) {
    let work = 4 * out.len();
    if is_flat(walk) {
        let [_, starts @ ..] = walk.offsets();
        let [condition, a, b] = [0, 1, 2].map(|k| &operands[k][starts[k]..][..out.len()]);
        for_each_chunk(out, CHUNK, work, |i, out| {
            let (start, len) = (i * CHUNK, out.len());
            let operands = [condition, a, b].map(|x| &x[start..][..len]);
            flat(operands, out);
        });
    } else {
        for_each_chunk(out, CHUNK, work, |i, out| {
            strided(operands, walk, i * CHUNK, out);
        });
    }
}

simd! {
    fn flat(operands: [&[f32]; 3], out: &mut [f32]) {
        let [condition, a, b] = operands;
        for (((o, &condition), &a), &b) in out.iter_mut().zip(condition).zip(a).zip(b) {
            *o = if condition != 0.0 { a } else { b };
        }
    }
}

simd! {
    /// `out` is the walk's elements from `start` on.
    fn strided(operands: [&[f32]; 3], walk: &Walk<4>, start: usize, out: &mut [f32]) {
        let [_, of_condition, of_a, of_b] = walk.inner();
        let [condition, a, b] = operands;
        let mut done = 0;
        for ([_, at_condition, at_a, at_b], len) in walk.runs(start..start + out.len()) {
            let run = &mut out[done..done + len];
            done += len;
            for (i, o) in run.iter_mut().enumerate() {
                // Both are read, so that the choice is no branch.
                let (a, b) = (a[at_a + i * of_a], b[at_b + i * of_b]);
                *o = if condition[at_condition + i * of_condition] != 0.0 { a } else { b };
            }
        }
    }
}
