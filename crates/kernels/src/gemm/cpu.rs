//! `f32` matrix multiplication on the host: `matrixmultiply`'s single-threaded
//! kernel (AVX-512, AVX2 + FMA or NEON, found at run time) inside our own blocks.
//!
//! `matrixmultiply`'s own threads are a second pool beside rayon's and capped at
//! four, so its `threading` feature stays off. An element of the result is
//! summed in an order that depends on `k` alone, never on the block it is in, so
//! the blocks decide speed and not bits.

use super::matrix::{Matrix, MatrixMut};
use crate::{Buffer, DType, Device};
use rayon::prelude::*;

/// Below this many multiplications a block is not worth a thread's attention.
const MIN_BLOCK_WORK: usize = 1 << 20;
/// Block edges are multiples of every micro-kernel's tile (8 or 16 wide).
const TILE: usize = 16;
/// More blocks would balance better, and pack their operands more often.
const MAX_BLOCKS: usize = 8;
/// Results of at most this many elements are summed over `k` in chunks of
/// [`SPLIT_K`] at a time, since there are too few of them to share out.
const SMALL_RESULT: usize = 64 * 64;
/// A multiple of `matrixmultiply`'s own step along `k`.
const SPLIT_K: usize = 4096;

/// `out = a * b` with all of rayon's threads, `out` row-major.
pub(crate) fn gemm(a: Matrix<'_, f32>, b: Matrix<'_, f32>, out: &mut [f32]) {
    let ([m, k], n) = (a.shape, b.shape[1]);
    if m * n <= SMALL_RESULT && k >= 2 * SPLIT_K {
        return split_k(a, b, out);
    }
    let [rows, columns] = block(m, n, k);
    let blocks = MatrixMut::new(out, m, n).blocks(rows, columns);
    let one = |([i, j], out): ([usize; 2], MatrixMut<'_>)| {
        let [rows, columns] = out.shape;
        multiply(a.rows(i, rows), b.columns(j, columns), out);
    };
    if blocks.len() == 1 {
        blocks.into_iter().for_each(one);
    } else {
        blocks.into_par_iter().for_each(one);
    }
}

/// The size of the rectangles that an `[m, n]` result is shared out in: the
/// longer side is halved as long as that is worth it, which keeps them near
/// square and what each must pack small.
fn block(m: usize, n: usize, k: usize) -> [usize; 2] {
    let mut block = [m, n];
    let mut count = 1;
    while count < MAX_BLOCKS {
        let work = block.map(|edge| edge.next_multiple_of(8));
        let side = usize::from(block[1] > block[0]);
        let half = block[side].div_ceil(2).next_multiple_of(TILE);
        if work[0] * work[1] * k < 2 * MIN_BLOCK_WORK || half >= block[side] {
            break;
        }
        block[side] = half;
        count *= 2;
    }
    block.map(|edge| edge.max(1))
}

/// `out = a * b` for a long `k` and a small `out`: one partial result for each
/// [`SPLIT_K`] of `k`, added in order.
fn split_k(a: Matrix<'_, f32>, b: Matrix<'_, f32>, out: &mut [f32]) {
    let ([m, k], n) = (a.shape, b.shape[1]);
    let len = m * n;
    if len == 0 {
        return;
    }
    let mut partials = Buffer::scratch(Device::Cpu, DType::F32, k.div_ceil(SPLIT_K) * len);
    let partials = partials.as_mut_slice::<f32>();
    let chunks = partials.par_chunks_mut(len).enumerate();
    chunks.for_each(|(i, out)| {
        let start = i * SPLIT_K;
        let len = SPLIT_K.min(k - start);
        let (a, b) = (a.columns(start, len), b.rows(start, len));
        multiply(a, b, MatrixMut::new(out, m, n));
    });
    sum_rows(partials, out);
}

/// `out[j] = sum over i of parts[i, j]`, in the order of i.
pub(crate) fn sum_rows(parts: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    for part in parts.chunks_exact(out.len()) {
        for (out, x) in out.iter_mut().zip(part) {
            *out += x;
        }
    }
}

/// `out = a * b` on the calling thread.
pub(crate) fn multiply(a: Matrix<'_, f32>, b: Matrix<'_, f32>, mut out: MatrixMut<'_>) {
    let [m, n] = out.shape;
    if m > 1 && n == 1 && out.row_stride == 1 {
        return multiply(b.t(), a.t(), MatrixMut::new(out.into_slice(), 1, m));
    }
    if m != 1 || !row_times_matrix(a, b, out.row(0)) {
        sgemm(a, b, 0.0, out);
    }
}

/// `out = out + a * b` on the calling thread.
pub(crate) fn multiply_add(a: Matrix<'_, f32>, b: Matrix<'_, f32>, out: MatrixMut<'_>) {
    sgemm(a, b, 1.0, out);
}

/// `out = a * b` for an `a` of one row, where `matrixmultiply` would fill seven
/// of eight rows of its tiles with zeros. False when the strides do not suit.
fn row_times_matrix(a: Matrix<'_, f32>, b: Matrix<'_, f32>, out: &mut [f32]) -> bool {
    let [k, n] = b.shape;
    if k == 0 || n == 0 {
        return false;
    }
    if let (Some(a), Some(_)) = (a.row(0), b.t().row(0)) {
        for (j, out) in out.iter_mut().enumerate() {
            *out = b.t().row(j).map_or(0.0, |b| dot(a, b));
        }
        return true;
    }
    if b.row(0).is_none() {
        return false;
    }
    out.fill(0.0);
    for p in 0..k {
        let a = a.at(0, p);
        let b = b.row(p).unwrap_or_default();
        for (out, b) in out.iter_mut().zip(b) {
            *out += a * b;
        }
    }
    true
}

/// The scalar product, in 32 interleaved sums.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 32;
    let mut sums = [0.0_f32; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = (a.remainder().iter().zip(b.remainder()))
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a.zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
    }
    sums[0] + rest
}

/// `out = a * b + beta * out`; `out` is not read when `beta` is 0.
fn sgemm(a: Matrix<'_, f32>, b: Matrix<'_, f32>, beta: f32, mut out: MatrixMut<'_>) {
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
            beta,
            out.as_mut_ptr(),
            step(out.row_stride),
            1,
        );
    }
}
