//! Matrix multiplication as a plain loop.

use super::matrix::Matrix;
use crate::{Buffer, Device, Real};
use rayon::prelude::*;

/// Multiplications from which on a product's rows are worth sharing out. Below it, a thread
/// takes whole products of a batch, as many as come to this.
const LARGE: usize = 1 << 15;

/// `count` products of one shape, one behind the other in `out`.
pub(super) fn gemm_all<'a, T: Real>(
    count: usize,
    product: impl Fn(usize) -> (Matrix<'a, T>, Matrix<'a, T>) + Sync,
    out: &mut [T],
) {
    if out.is_empty() {
        return;
    }
    let (a, b) = product(0);
    let ([m, k], n) = (a.shape, b.shape[1]);
    let one = |(i, out): (usize, &mut [T])| {
        let (a, b) = product(i);
        gemm(a, b, out);
    };
    let products = out.chunks_exact_mut(m * n).enumerate();
    let work = m * n * k.max(1);
    if work >= LARGE || count * work < LARGE {
        return products.for_each(one);
    }
    let group = LARGE.div_ceil(work);
    let groups = out.par_chunks_mut(group * m * n).enumerate();
    groups.for_each(|(g, out)| {
        let products = out.chunks_exact_mut(m * n).enumerate();
        products.for_each(|(i, out)| one((g * group + i, out)));
    });
}

/// `out[i, j] = sum over p of a[i, p] * b[p, j]`, `out` row-major.
///
/// The loop over `j` is innermost because it runs along neighbours in both `b`
/// and `out`; a `b` stored otherwise is copied first.
pub(crate) fn gemm<T: Real>(a: Matrix<'_, T>, b: Matrix<'_, T>, out: &mut [T]) {
    let [k, n] = b.shape;
    if out.is_empty() {
        return;
    }
    if k > 0 && b.row(0).is_none() {
        let mut copy = Buffer::scratch(Device::Cpu, T::DTYPE, k * n);
        let copy = copy.as_mut_slice::<T>();
        for (p, row) in copy.chunks_exact_mut(n).enumerate() {
            for (j, x) in row.iter_mut().enumerate() {
                *x = b.at(p, j);
            }
        }
        return gemm(a, Matrix::row_major(copy, k, n), out);
    }
    let row = |(i, out): (usize, &mut [T])| {
        out.fill(T::ZERO);
        for p in 0..k {
            let a = a.at(i, p);
            let b = b.row(p).unwrap_or_default();
            for (out, &b) in out.iter_mut().zip(b) {
                *out += a * b;
            }
        }
    };
    match out.len() * k < LARGE {
        true => out.chunks_mut(n).enumerate().for_each(row),
        false => out.par_chunks_mut(n).enumerate().for_each(row),
    }
}
