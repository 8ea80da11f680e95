//! The yardstick: the `matrixmultiply` crate's single-threaded kernel inside blocks
//! that are shared out.
//!
//! `matrixmultiply`'s own threads are a second pool beside rayon's and capped at
//! four, so its `threading` feature stays off.

use super::matrix::{Matrix, MatrixMut};
use super::share::share;

/// Blocks per side: near square ones pack least.
const BLOCKS: usize = 4;

/// `out = a * b`, `out` row-major.
pub(super) fn gemm(a: Matrix<'_, f32>, b: Matrix<'_, f32>, out: &mut [f32]) {
    let (m, n) = (a.shape[0], b.shape[1]);
    let sides = [m, n].map(|side| side.div_ceil(BLOCKS).next_multiple_of(16));
    let counts = [m.div_ceil(sides[0]), n.div_ceil(sides[1])];
    let out = MatrixMut::new(out, m, n);
    share(counts[0] * counts[1], 0, |block, _| {
        let (i, j) = (block / counts[1] * sides[0], block % counts[1] * sides[1]);
        let shape = [sides[0].min(m - i), sides[1].min(n - j)];
        // SAFETY: no two blocks overlap.
        #[allow(unsafe_code)]
        let out = unsafe { out.part([i, j], shape) };
        sgemm(a.rows(i, shape[0]), b.columns(j, shape[1]), out);
    });
}

/// `out = a * b` on the calling thread.
fn sgemm(a: Matrix<'_, f32>, b: Matrix<'_, f32>, mut out: MatrixMut<'_>) {
    let ([m, k], [_, n]) = (a.shape, b.shape);
    assert_eq!(k, b.shape[0], "inner sizes of a product");
    assert_eq!(out.shape, [m, n], "shape of a product");
    let step = |stride: usize| stride as isize;
    // SAFETY: `Matrix::new` has checked that every element of a and b lies in
    // the slice it borrows, `MatrixMut` is exclusive access to [m, n] elements
    // with this row stride, and the shapes agree.
    #[allow(unsafe_code)]
    unsafe {
        matrixmultiply::sgemm(
            m,
            k,
            n,
            1.0,
            a.as_ptr(),
            step(a.strides[0]),
            step(a.strides[1]),
            b.as_ptr(),
            step(b.strides[0]),
            step(b.strides[1]),
            0.0,
            out.as_mut_ptr(),
            step(out.row_stride),
            1,
        );
    }
}
