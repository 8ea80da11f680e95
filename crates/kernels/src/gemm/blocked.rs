//! Products in blocks of register tiles: which operand is packed, and how the work is
//! shared out.
//!
//! A tile reads its left operand where it lies and its right one from panels. Three
//! decisions follow from the shape:
//!
//! - *turned*: `outᵀ = bᵀ·aᵀ` instead, so that the smaller operand is the packed one.
//!   A layer's product `x·Wᵀ` with few rows then reads its weight once, as it is.
//! - *packed once*: a small right operand is packed before the work is shared out by
//!   rows. A large one is shared out by columns, and each block packs its own.
//! - sums are cut into pieces of at most [`MAX_K`], so that a panel stays in the cache.

use super::TypedEpilogue;
use super::caches;
use super::matrix::{Matrix, MatrixMut};
use super::pack::{pack, packed_len};
use super::share::share;
use super::transpose::{self, transpose_to};
use crate::gemm::tile::{Operands, Shape, TileEpilogue, heights, tile};
use crate::{Buffer, DType, Device};

/// Longest piece of a sum that a tile works on at a time. It knows nothing of the
/// processor: how a sum is cut decides its bits.
const MAX_K: usize = 1024;
/// Multiplications that are worth a thread's attention.
const MIN_WORK: usize = 1 << 18;
/// Blocks a product is cut into, if it is large.
const MAX_BLOCKS: usize = 16;
/// Elements of a block that is turned.
const TURNED: usize = 4096;
/// The longest step from row to row at which a right operand is as good by columns: the
/// elements that a tile reads at a time lie in few pages.
const NARROW: usize = 256;
/// Rows of a block come in multiples of it, so that all but the last are turned in
/// whole registers.
const ROWS: usize = 16;

/// The pieces that `0..k` is summed in, nearly equal: start and length. An empty sum is
/// one piece.
fn pieces(k: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = k.div_ceil(MAX_K).max(1);
    let len = k.div_ceil(count);
    (0..count).map(move |i| (i * len, len.min(k - i * len)))
}

/// Elements of the panels of one piece of `k`, in whole cache lines.
pub(super) fn panels_len(k: usize, n: usize) -> usize {
    packed_len(k.min(MAX_K), n).next_multiple_of(16)
}

/// `out = act(a * b + bias)` with all of rayon's threads, `out` row-major.
pub(super) fn gemm(
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    out: &MatrixMut<'_>,
    act: &TypedEpilogue<'_>,
) {
    let turned = turns(a, b);
    let (a, b) = if turned { (b.t(), a.t()) } else { (a, b) };
    Product {
        a,
        b,
        out,
        act,
        turned,
    }
    .run();
}

/// True when the product is better computed as `bᵀ·aᵀ`.
fn turns(a: Matrix<'_, f32>, b: Matrix<'_, f32>) -> bool {
    // An empty sum has no rows to look at.
    b.shape[0] > 0 && a.shape[0] < b.shape[1] && (b.row(0).is_none() || b.strides[0] <= NARROW)
}

/// A product whose roles are decided: `a * b` is `out`, or `out`'s transpose.
struct Product<'a> {
    a: Matrix<'a, f32>,
    b: Matrix<'a, f32>,
    out: &'a MatrixMut<'a>,
    act: &'a TypedEpilogue<'a>,
    turned: bool,
}

impl Product<'_> {
    fn run(&self) {
        let ([m, k], n) = (self.a.shape, self.b.shape[1]);
        let count = (m * n * k / MIN_WORK).clamp(1, MAX_BLOCKS);
        if n < m && n * k * size_of::<f32>() <= caches::second() {
            // A block that is turned afterwards stays in the first cache until then.
            let most = if self.turned { TURNED / n } else { m };
            self.by_rows(m.div_ceil(count).min(most).next_multiple_of(ROWS));
        } else {
            // Half of the cache for the panels of one piece.
            let width = Shape::of_level().columns;
            let most = caches::second() / (2 * size_of::<f32>() * k.clamp(1, MAX_K));
            let most = (most / width * width).max(width);
            self.by_columns(n.div_ceil(count).next_multiple_of(width).min(most));
        }
    }

    /// Packs `b`, then shares out `rows` of the product at a time.
    fn by_rows(&self, rows: usize) {
        let ([m, k], n) = (self.a.shape, self.b.shape[1]);
        let mut packed = Buffer::scratch(Device::Cpu, DType::F32, packed_len(k, n));
        let packed = packed.as_mut_slice::<f32>();
        for (p, len) in pieces(k) {
            pack(self.b.rows(p, len), &mut packed[packed_len(p, n)..]);
        }
        let scratch = if self.turned { rows * n } else { 0 };
        share(m.div_ceil(rows), scratch, |i, scratch| {
            let i = i * rows;
            let len = rows.min(m - i);
            let a = self.a.rows(i, len);
            self.block([i, 0], [len, n], scratch, |c, act| {
                accumulate(a, Right::Packed(packed), c, act, false);
            });
        });
    }

    /// Shares out `columns` of the product at a time.
    fn by_columns(&self, columns: usize) {
        let ([m, k], n) = (self.a.shape, self.b.shape[1]);
        let panels = panels_len(k, columns);
        let scratch = panels + if self.turned { m * columns } else { 0 };
        share(n.div_ceil(columns), scratch, |j, scratch| {
            let j = j * columns;
            let len = columns.min(n - j);
            let (panels, scratch) = scratch.split_at_mut(panels);
            let b = self.b.columns(j, len);
            self.block([0, j], [m, len], scratch, |c, act| {
                accumulate(self.a, Right::Plain(b, panels), c, act, false);
            });
        });
    }

    /// Computes the block of `shape` from `start` on by `multiply`, which no other
    /// thread does.
    fn block(
        &self,
        [i, j]: [usize; 2],
        [m, n]: [usize; 2],
        scratch: &mut [f32],
        multiply: impl FnOnce(MatrixMut<'_>, &TypedEpilogue<'_>),
    ) {
        if !self.turned {
            // SAFETY: no two blocks overlap.
            #[allow(unsafe_code)]
            let out = unsafe { self.out.part([i, j], [m, n]) };
            let bias = self.act.bias.map(|bias| &bias[j..j + n]);
            return multiply(out, &TypedEpilogue { bias, ..*self.act });
        }
        let c = &mut scratch[..m * n];
        multiply(MatrixMut::new(c, m, n), &TypedEpilogue::NONE);
        let finish = transpose::RowEpilogue {
            bias: self.act.bias.map(|bias| &bias[i..i + m]),
            slope: self.act.slope,
        };
        // SAFETY: no two blocks overlap.
        #[allow(unsafe_code)]
        unsafe {
            let mut out = self.out.part([j, i], [n, m]);
            let c = Matrix::row_major(c, m, n);
            transpose_to(c, out.as_mut_ptr(), out.row_stride, &finish);
        }
    }
}

/// The right operand on the calling thread.
pub(super) enum Right<'a> {
    /// As it is, and [`panels_len`] elements to pack it into.
    Plain(Matrix<'a, f32>, &'a mut [f32]),
    /// The panels of one piece of `k` behind those of the other.
    Packed(&'a [f32]),
}

/// `c = act(a * b + bias)`, or `act(c + a * b + bias)` to `add`, on the calling thread.
pub(super) fn accumulate(
    a: Matrix<'_, f32>,
    mut b: Right<'_>,
    mut c: MatrixMut<'_>,
    act: &TypedEpilogue<'_>,
    add: bool,
) {
    let (k, n) = (a.shape[1], c.shape[1]);
    assert!(
        act.bias.is_none_or(|bias| bias.len() >= n),
        "bias of a product"
    );
    for (p, len) in pieces(k) {
        let panels = match &mut b {
            Right::Packed(packed) => &packed[packed_len(p, n)..],
            Right::Plain(b, panels) => {
                pack(b.rows(p, len), panels);
                &**panels
            }
        };
        let mut finish = TileEpilogue {
            add: add || p > 0,
            ..TileEpilogue::STORE
        };
        if p + len == k {
            finish.bias = act.bias.map_or(std::ptr::null(), <[f32]>::as_ptr);
            finish.slope = act.slope;
        }
        tiles(a.columns(p, len), panels, &mut c, &finish);
    }
}

/// `c (+)= a * b` for packed panels of `b`. A tile's rows of `a` meet all panels before
/// the next rows' turn: they stay in the first cache, the panels in the second.
fn tiles(a: Matrix<'_, f32>, panels: &[f32], c: &mut MatrixMut<'_>, finish: &TileEpilogue) {
    let ([m, k], [_, n]) = (a.shape, c.shape);
    let width = Shape::of_level().columns;
    assert_eq!(c.shape[0], m, "rows of a product");
    assert!(panels.len() >= packed_len(k, n), "panels of a product");
    for (rows, i) in heights(m) {
        for j in (0..n).step_by(width) {
            let operands = Operands {
                a: a.as_ptr().wrapping_add(i * a.strides[0]),
                a_strides: a.strides,
                b: panels.as_ptr().wrapping_add(j * k),
                k,
                c: c.as_mut_ptr().wrapping_add(i * c.row_stride + j),
                c_stride: c.row_stride,
                rows,
                columns: width.min(n - j),
            };
            let bias = match finish.bias.is_null() {
                true => finish.bias,
                false => finish.bias.wrapping_add(j),
            };
            // SAFETY: `a` and `c` are matrices of these shapes, `c` exclusively ours;
            // the panels are long enough and start at multiples of 64 bytes; the bias
            // has a value for each of c's columns.
            #[allow(unsafe_code)]
            unsafe {
                tile(&operands, &TileEpilogue { bias, ..*finish });
            }
        }
    }
}
