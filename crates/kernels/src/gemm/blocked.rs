//! Products of matrices in blocks: which operand is packed, and how the work is shared
//! out.

use super::Activation;
use super::matrix::{Matrix, MatrixMut};
use super::pack::{pack, packed_len};
use super::share::share;
use super::transpose::{self, transpose_to};
use crate::tile::{Finish, Operands, Shape, heights, tile};
use crate::{Buffer, DType, Device};

/// Longest piece of a sum that a tile works on at a time. Of the processor it knows
/// nothing: how a sum is cut decides its bits.
const MAX_K: usize = 512;
/// Multiplications that are worth a thread's attention.
const MIN_WORK: usize = 1 << 19;
/// Blocks a product is cut into, if it is large.
const MAX_BLOCKS: usize = 16;

/// The pieces that `0..k` is summed in, nearly equal: start and length.
pub(super) fn pieces(k: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = k.div_ceil(MAX_K).max(1);
    let len = k.div_ceil(count);
    (0..count).map(move |i| (i * len, len.min(k - i * len)))
}

/// `out = act(a * b + bias)` with all of rayon's threads, `out` row-major.
pub(super) fn gemm(
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    out: MatrixMut<'_>,
    act: &Activation<'_>,
) {
    let product = Product::of(a, b, &out, act);
    product.run();
}

/// One product, its roles decided: `c` is `out`, or `out`'s transpose.
struct Product<'a> {
    a: Matrix<'a, f32>,
    b: Matrix<'a, f32>,
    out: &'a MatrixMut<'a>,
    act: &'a Activation<'a>,
    turned: bool,
}

impl<'a> Product<'a> {
    fn of(
        a: Matrix<'a, f32>,
        b: Matrix<'a, f32>,
        out: &'a MatrixMut<'a>,
        act: &'a Activation<'a>,
    ) -> Self {
        let turned = turns(a, b);
        let (a, b) = if turned { (b.t(), a.t()) } else { (a, b) };
        Self {
            a,
            b,
            out,
            act,
            turned,
        }
    }

    fn run(&self) {
        let ([m, k], n) = (self.a.shape, self.b.shape[1]);
        let work = m * n * k;
        let count = (work / MIN_WORK).clamp(1, MAX_BLOCKS);
        if packs_once(m, k, n) {
            let rows = m.div_ceil(count).next_multiple_of(16);
            let mut packed = Buffer::scratch(Device::Cpu, DType::F32, packed_len(k, n));
            let packed = packed.as_mut_slice::<f32>();
            for (p, len) in pieces(k) {
                pack(self.b.rows(p, len), &mut packed[packed_len(p, n)..]);
            }
            let scratch = if self.turned { rows * n } else { 0 };
            share(m.div_ceil(rows), scratch, |i, scratch| {
                let i = i * rows;
                self.block([i, 0], [rows.min(m - i), n], Some(packed), scratch);
            });
        } else {
            let wide = (n.div_ceil(count))
                .next_multiple_of(Shape::of_level().columns)
                .min(256);
            let scratch = panels_len(k, wide) + if self.turned { m * wide } else { 0 };
            share(n.div_ceil(wide), scratch, |j, scratch| {
                let j = j * wide;
                self.block([0, j], [m, wide.min(n - j)], None, scratch);
            });
        }
    }

    /// The block of `c` of `shape` from `start` on.
    fn block(
        &self,
        start: [usize; 2],
        shape: [usize; 2],
        packed: Option<&[f32]>,
        scratch: &mut [f32],
    ) {
        let [i, j] = start;
        let ([m, n], k) = (shape, self.a.shape[1]);
        let (a, b) = (self.a.rows(i, m), self.b.columns(j, n));
        if self.turned {
            let panels = if packed.is_some() {
                0
            } else {
                panels_len(k, n)
            };
            let (scratch, c) = scratch.split_at_mut(panels);
            let c = &mut c[..m * n];
            multiply(
                a,
                b,
                packed,
                MatrixMut::new(c, m, n),
                scratch,
                &Activation::NONE,
                false,
            );
            let finish = transpose::Finish {
                bias: self.act.bias.map(|bias| &bias[i..i + m]),
                slope: self.act.slope,
            };
            // SAFETY: no two blocks overlap.
            #[allow(unsafe_code)]
            unsafe {
                let mut out = self.out.part([j, i], [n, m]);
                transpose_to(
                    Matrix::row_major(c, m, n),
                    out.as_mut_ptr(),
                    out.row_stride,
                    &finish,
                );
            }
        } else {
            // SAFETY: no two blocks overlap.
            #[allow(unsafe_code)]
            let out = unsafe { self.out.part(start, shape) };
            let act = Activation {
                bias: self.act.bias.map(|bias| &bias[j..j + n]),
                slope: self.act.slope,
            };
            multiply(a, b, packed, out, scratch, &act, false);
        }
    }
}

/// Elements of the panels of one piece of `k`.
pub(super) fn panels_len(k: usize, n: usize) -> usize {
    packed_len(k.min(MAX_K), n).next_multiple_of(16)
}

fn turns(a: Matrix<'_, f32>, b: Matrix<'_, f32>) -> bool {
    match std::env::var("TURN").as_deref() {
        Ok("0") => false,
        Ok("1") => true,
        _ => {
            let (m, n) = (a.shape[0], b.shape[1]);
            m < n && b.row(0).is_none()
        }
    }
}

fn packs_once(m: usize, k: usize, n: usize) -> bool {
    match std::env::var("ONCE").as_deref() {
        Ok("0") => false,
        Ok("1") => true,
        _ => n < m && n * k <= 256 * 1024,
    }
}

/// `c = act(a * b + bias)`, or `c + a * b` if `add`, on the calling thread.
pub(super) fn multiply(
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    packed: Option<&[f32]>,
    mut c: MatrixMut<'_>,
    scratch: &mut [f32],
    act: &Activation<'_>,
    add: bool,
) {
    let ([_, k], n) = (a.shape, b.shape[1]);
    for (p, len) in pieces(k) {
        let panels = match packed {
            Some(packed) => &packed[packed_len(p, n)..],
            None => {
                pack(b.rows(p, len), scratch);
                &*scratch
            }
        };
        let last = p + len == k;
        let finish = Finish {
            add: add || p > 0,
            bias: match act.bias {
                Some(bias) if last => bias.as_ptr(),
                _ => std::ptr::null(),
            },
            slope: if last { act.slope } else { 1.0 },
        };
        tiles(a.columns(p, len), panels, &mut c, &finish);
    }
}

/// `c (+)= a * b` for packed panels of `b`.
fn tiles(a: Matrix<'_, f32>, panels: &[f32], c: &mut MatrixMut<'_>, finish: &Finish) {
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
            let finish = Finish {
                bias: if finish.bias.is_null() {
                    finish.bias
                } else {
                    finish.bias.wrapping_add(j)
                },
                ..*finish
            };
            // SAFETY: `a` and `c` are matrices of these shapes, `c` exclusively ours;
            // the panels are long enough and start at multiples of 64 bytes.
            #[allow(unsafe_code)]
            unsafe {
                tile(&operands, &finish);
            }
        }
    }
}
