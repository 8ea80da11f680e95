//! `f32` matrix multiplication on the host: which of the forms a product takes.

use super::TypedEpilogue;
use super::blocked::{Right, accumulate};
use super::matrix::{Matrix, MatrixMut};
use super::share::share;
use super::{blocked, vector};
use crate::{Buffer, DType, Device};

/// Results of at most this many elements are summed over `k` in chunks of
/// [`SPLIT_K`] at a time, since there are too few of them to share out.
const SMALL_RESULT: usize = 64 * 64;
/// As long as it takes for the partial results to cost little.
const SPLIT_K: usize = 4096;
/// Multiplications from which on a product of a batch is shared out by itself.
const LARGE: usize = 1 << 22;
/// Groups that a batch of small products is shared out in, if it is large.
const GROUPS: usize = 16;

/// `out = a * b` with all of rayon's threads, `out` row-major.
pub(crate) fn gemm(a: Matrix<'_, f32>, b: Matrix<'_, f32>, out: &mut [f32]) {
    gemm_act(a, b, out, &TypedEpilogue::NONE);
}

/// `out = act(a * b + bias)` with all of rayon's threads, `out` row-major.
pub(crate) fn gemm_act(
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    out: &mut [f32],
    act: &TypedEpilogue<'_>,
) {
    let ([m, k], n) = (a.shape, b.shape[1]);
    assert_eq!(k, b.shape[0], "inner sizes of a product");
    if out.is_empty() {
        return;
    }
    if m * n <= SMALL_RESULT && k >= 2 * SPLIT_K && (m > 1 || n > 1) {
        return split_k(a, b, out, act);
    }
    let out = MatrixMut::new(out, m, n);
    if !vector::gemm(a, b, &out, act) {
        blocked::gemm(a, b, &out, act);
    }
}

/// `count` products of one shape, one behind the other in `out`.
pub(super) fn gemm_all<'a>(
    count: usize,
    product: impl Fn(usize) -> (Matrix<'a, f32>, Matrix<'a, f32>) + Sync,
    out: &mut [f32],
    act: &TypedEpilogue<'_>,
) {
    let (a, b) = product(0);
    let ([m, k], n) = (a.shape, b.shape[1]);
    let work = m * n * k;
    if count == 1 || work > LARGE {
        for (i, out) in out.chunks_exact_mut(m * n).enumerate() {
            let (a, b) = product(i);
            gemm_act(a, b, out, act);
        }
        return;
    }
    let group = (LARGE / work.max(1)).clamp(1, count.div_ceil(GROUPS));
    let rows = MatrixMut::new(out, count, m * n);
    share(
        count.div_ceil(group),
        blocked::panels_len(k, n),
        |i, scratch| {
            for i in i * group..count.min((i + 1) * group) {
                // SAFETY: no two rows overlap.
                #[allow(unsafe_code)]
                let mut row = unsafe { rows.part([i, 0], [1, m * n]) };
                let (a, b) = product(i);
                let out = MatrixMut::new(row.row(0), m, n);
                accumulate(a, Right::Plain(b, scratch), out, act, false);
            }
        },
    );
}

/// [`gemm_act`] for a long `k` and a small `out`: one partial result for each
/// [`SPLIT_K`] of `k`, added in order.
fn split_k(a: Matrix<'_, f32>, b: Matrix<'_, f32>, out: &mut [f32], act: &TypedEpilogue<'_>) {
    let ([m, k], n) = (a.shape, b.shape[1]);
    let count = k.div_ceil(SPLIT_K);
    let mut partials = Buffer::scratch(Device::Cpu, DType::F32, count * m * n);
    let partials = partials.as_mut_slice::<f32>();
    let rows = MatrixMut::new(partials, count, m * n);
    share(count, blocked::panels_len(k, n), |i, scratch| {
        let start = i * SPLIT_K;
        let len = SPLIT_K.min(k - start);
        // SAFETY: no two rows overlap.
        #[allow(unsafe_code)]
        let mut part = unsafe { rows.part([i, 0], [1, m * n]) };
        let out = MatrixMut::new(part.row(0), m, n);
        let (a, b) = (a.columns(start, len), b.rows(start, len));
        accumulate(
            a,
            Right::Plain(b, scratch),
            out,
            &TypedEpilogue::NONE,
            false,
        );
    });
    sum_rows(partials, out);
    for out in out.chunks_exact_mut(n) {
        act.finish(out, 0);
    }
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

/// Elements that [`multiply`] packs a `[k, n]` operand into, in whole cache lines.
pub(crate) fn panels_len(k: usize, n: usize) -> usize {
    blocked::panels_len(k, n)
}

/// `out = a * b` on the calling thread, or `out = out + a * b` to `add`, with the first [`panels_len`] elements of `panels`
/// to pack `b` into. Tasks that run at once must not take memory of the pool, which would then depend on their order.
pub(crate) fn multiply(
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    out: MatrixMut<'_>,
    panels: &mut [f32],
    add: bool,
) {
    accumulate(a, Right::Plain(b, panels), out, &TypedEpilogue::NONE, add);
}
