//! Products with a side of one: a matrix times a vector, either way round, and the
//! outer product. Each element is read once, so they run at the speed of memory.

use super::TypedEpilogue;
use super::matrix::{Matrix, MatrixMut};
use super::share::share;
use crate::simd::simd;

/// Elements of the matrix that are worth a thread's attention.
const MIN_WORK: usize = 1 << 15;
/// Blocks a product is cut into, if it is large.
const MAX_BLOCKS: usize = 16;

/// `out = act(a * b + bias)` where that has one row, one column or sums of one term,
/// in a layout that these loops read in order. False: nothing was done.
pub(super) fn gemm(
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    out: &MatrixMut<'_>,
    act: &TypedEpilogue<'_>,
) -> bool {
    let ([m, k], n) = (a.shape, b.shape[1]);
    if k == 0 {
        return false;
    }
    if k == 1 && b.row(0).is_some() {
        outer(a, b, out, act);
        return true;
    }
    // The vector, the matrix by rows, and whether the result is a column.
    let column = n == 1;
    let (x, matrix) = match (m, n) {
        (_, 1) => (b.t(), a.t()),
        (1, _) => (a, b),
        _ => return false,
    };
    let Some(x) = x.row(0) else { return false };
    if matrix.t().row(0).is_some() {
        dots(x, matrix.t(), out, act, column);
    } else if matrix.row(0).is_some() && !column {
        sums(x, matrix, out, act);
    } else {
        return false;
    }
    true
}

/// Pieces that `len` outputs of `k` multiplications each are shared out in.
fn piece(len: usize, k: usize) -> usize {
    let count = (len * k / MIN_WORK).clamp(1, MAX_BLOCKS);
    len.div_ceil(count).next_multiple_of(16)
}

/// An outer product, by rows.
fn outer(a: Matrix<'_, f32>, b: Matrix<'_, f32>, out: &MatrixMut<'_>, act: &TypedEpilogue<'_>) {
    let (m, n) = (a.shape[0], b.shape[1]);
    let (Some(b), rows) = (b.row(0), piece(m, n)) else {
        return;
    };
    share(m.div_ceil(rows), 0, |i, _| {
        for i in i * rows..m.min((i + 1) * rows) {
            // SAFETY: no two rows overlap.
            #[allow(unsafe_code)]
            let mut out = unsafe { out.part([i, 0], [1, n]) };
            let out = out.row(0);
            scale(a.at(i, 0), b, out);
            act.finish(out, 0);
        }
    });
}

/// `out[j] = sum over p of x[p] * rows[j, p]`.
fn dots(
    x: &[f32],
    rows: Matrix<'_, f32>,
    out: &MatrixMut<'_>,
    act: &TypedEpilogue<'_>,
    column: bool,
) {
    let [n, k] = rows.shape;
    let piece = piece(n, k);
    share(n.div_ceil(piece), 0, |j, _| {
        for j in j * piece..n.min((j + 1) * piece) {
            let Some(row) = rows.row(j) else { return };
            let at = if column { [j, 0] } else { [0, j] };
            // SAFETY: no two elements overlap.
            #[allow(unsafe_code)]
            let mut out = unsafe { out.part(at, [1, 1]) };
            let out = out.row(0);
            out[0] = dot(x, row);
            act.finish(out, if column { 0 } else { j });
        }
    });
}

/// `out[j] = sum over p of x[p] * matrix[p, j]`, in the order of p.
fn sums(x: &[f32], matrix: Matrix<'_, f32>, out: &MatrixMut<'_>, act: &TypedEpilogue<'_>) {
    let [k, n] = matrix.shape;
    let piece = piece(n, k);
    share(n.div_ceil(piece), 0, |j, _| {
        let j = j * piece;
        let len = piece.min(n - j);
        // SAFETY: no two pieces overlap.
        #[allow(unsafe_code)]
        let mut out = unsafe { out.part([0, j], [1, len]) };
        let out = out.row(0);
        out.fill(0.0);
        for (p, &x) in x.iter().enumerate() {
            let row = matrix.row(p).unwrap_or_default();
            add_scaled(x, &row[j..j + len], out);
        }
        act.finish(out, j);
    });
}

simd! {
    /// `out = a * x`.
    fn scale(a: f32, x: &[f32], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = a * x;
        }
    }
}

simd! {
    /// `out += a * x`.
    fn add_scaled(a: f32, x: &[f32], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out += a * x;
        }
    }
}

simd! {
    /// The scalar product, in interleaved sums.
    fn dot(a: &[f32], b: &[f32]) -> f32 {
        const LANES: usize = 128;
        let (a, rest_a) = a.as_chunks::<LANES>();
        let (b, rest_b) = b.as_chunks::<LANES>();
        let mut sums = [0.0_f32; LANES];
        for (a, b) in a.iter().zip(b) {
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
        let mut sum = sums[0];
        for (a, b) in rest_a.iter().zip(rest_b) {
            sum += a * b;
        }
        sum
    }
}
