//! Matrix multiplication.
//!
//! ```text
//! out[i, j] = sum over p of a[i, p] * b[p, j]
//! ```
//!
//! The operands may be any views: a transposed weight or a broadcast row costs
//! no copy. With three dimensions, the first counts independent products.

pub(crate) mod cpu;
pub(crate) mod matrix;
mod reference;
#[cfg(test)]
mod tests;

use crate::{Buffer, DType, Device, Real, Variant, View};
use matrix::Matrix;
use rayon::prelude::*;

/// What runs on the CPU: [`Variant::Reference`], then [`Variant::Fast`].
pub const VARIANTS: &[&str] = &["reference", "blocked matrixmultiply"];

/// `a` `[M, K]` times `b` `[K, N]`, or `[B, M, K]` times `[B, K, N]`, into the
/// contiguous `out`.
///
/// # Panics
/// When the shapes do not fit, the operands differ in type or device, or `out`
/// has another number of elements.
#[track_caller]
pub fn gemm(a: View<'_>, b: View<'_>, out: &mut Buffer) {
    gemm_with(Variant::Fast, a, b, out);
}

/// [`gemm`] by the implementation named.
///
/// # Panics
/// As [`gemm`].
#[track_caller]
pub fn gemm_with(variant: Variant, a: View<'_>, b: View<'_>, out: &mut Buffer) {
    let len = check(a, b, out);
    if out.is_empty() {
        return;
    }
    match (out.device(), out.dtype(), variant) {
        (Device::Cpu, DType::F32, Variant::Fast) => {
            let out = out.as_mut_slice();
            if out.len() == len {
                return cpu::gemm(matrix(a, 0), matrix(b, 0), out);
            }
            let products = out.par_chunks_mut(len).enumerate();
            products.for_each(|(i, out)| cpu::gemm(matrix(a, i), matrix(b, i), out));
        }
        (Device::Cpu, dtype, _) => crate::dispatch!(dtype, T => {
            for (i, out) in out.as_mut_slice::<T>().chunks_mut(len).enumerate() {
                reference::gemm(matrix(a, i), matrix(b, i), out);
            }
        }),
    }
}

/// Product `i` of a batch's operand, or the only one.
fn matrix<'a, T: Real>(x: View<'a>, i: usize) -> Matrix<'a, T> {
    let (shape, strides) = (x.layout.shape(), x.layout.strides());
    let first = x.layout.offset() + if shape.len() == 3 { i * strides[0] } else { 0 };
    let data = x.buffer.as_slice();
    let (rows, columns) = (shape.len() - 2, shape.len() - 1);
    Matrix::new(
        &data[first.min(data.len())..],
        [shape[rows], shape[columns]],
        [strides[rows], strides[columns]],
    )
}

/// Checks the operands and returns the number of elements of one product.
#[track_caller]
fn check(a: View<'_>, b: View<'_>, out: &Buffer) -> usize {
    let (left, right) = (a.layout.shape(), b.layout.shape());
    let fit = match (left, right) {
        ([_, k], [l, _]) => k == l,
        ([count, _, k], [other, l, _]) => count == other && k == l,
        _ => false,
    };
    assert!(
        fit,
        "gemm: {left:?} times {right:?}; [M, K] times [K, N] or [B, M, K] times [B, K, N] fit"
    );
    for x in [a.buffer, b.buffer] {
        let (kind, of_out) = ((x.dtype(), x.device()), (out.dtype(), out.device()));
        assert_eq!(kind, of_out, "gemm: type and device of input and output");
    }
    let len = left[left.len() - 2] * right[right.len() - 1];
    let batch = if left.len() == 3 { left[0] } else { 1 };
    assert_eq!(
        out.len(),
        batch * len,
        "gemm: {left:?} times {right:?} into another number of elements"
    );
    len
}
