//! Matrix multiplication as a plain loop.

use super::matrix::Matrix;
use crate::{Buffer, Device, Real};
use rayon::prelude::*;

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
    out.par_chunks_mut(n).enumerate().for_each(|(i, out)| {
        out.fill(T::ZERO);
        for p in 0..k {
            let a = a.at(i, p);
            let b = b.row(p).unwrap_or_default();
            for (out, &b) in out.iter_mut().zip(b) {
                *out += a * b;
            }
        }
    });
}
