//! Any convolution as a matrix product: patches of a band of positions at a time.
//!
//! With `P` the matrix of patches (a row for each small position), `Y` the small
//! image and `W` the weight as matrices,
//!
//! ```text
//! fprop: Y = P * Wt      dgrad: P = Y * W, added back      wgrad: W = Yt * P
//! ```
//!
//! A convolution of stride 1 is its own mirror image: with the weight turned around,
//! `dgrad` is an `fprop` and the other way round, so that the side with fewer channels
//! can be the one that is copied.

use super::geometry::Conv;
use super::patches::{Taps, gather, scatter};
use super::scratch::PerThread;
use crate::gemm::cpu::{multiply, panels_len, sum_rows};
use crate::gemm::matrix::{Matrix, MatrixMut};
use crate::{Buffer, DType, Device};
use rayon::prelude::*;
use std::ops::Range;

/// Positions in a band: enough to pay for packing the weight once a band.
const BAND: usize = 512;
/// Columns of patches that a band holds at a time; with [`BAND`] rows, 2 MiB.
const COLUMNS: usize = 1024;
/// Bands come in multiples of this many, to share out evenly.
const SHARES: usize = 8;
/// Weight gradients of at most this many elements are summed over the batch in
/// [`PARTS`] parts; larger ones are shared out by taps.
const SMALL_WEIGHT: usize = 1 << 16;
/// Parts of the batch that a small weight gradient is summed in.
const PARTS: usize = 16;
/// Columns a block of a weight gradient has at least, if the kernel row is wide
/// enough.
const MIN_BLOCK: usize = 128;

/// `y` from `x` and `w`.
pub(super) fn fprop(conv: &Conv, x: &[f32], w: &[f32], y: &mut [f32]) {
    match conv.mirror_if(conv.small_channels < conv.big_channels) {
        Some(mirror) => with_mirrored(conv, w, |w| scatter_products(&mirror, x, w, y)),
        None => multiply_gathered(conv, x, w, y),
    }
}

/// The gradient in `x` from `y`'s and `w`.
pub(super) fn dgrad(conv: &Conv, y: &[f32], w: &[f32], x: &mut [f32]) {
    match conv.mirror_if(conv.small_channels <= conv.big_channels) {
        Some(mirror) => with_mirrored(conv, w, |w| multiply_gathered(&mirror, y, w, x)),
        None => scatter_products(conv, y, w, x),
    }
}

/// The gradient in `w` from `x` and `y`'s.
pub(super) fn wgrad(conv: &Conv, x: &[f32], y: &[f32], w: &mut [f32]) {
    match conv.mirror_if(conv.small_channels < conv.big_channels) {
        Some(mirror) => {
            let mut turned = Buffer::scratch(Device::Cpu, DType::F32, w.len());
            let turned = turned.as_mut_slice();
            sum_products(&mirror, y, x, turned);
            turn(&mirror, turned, w);
        }
        None => sum_products(conv, x, y, w),
    }
}

impl Conv {
    /// The geometry with the images' roles exchanged, when that is `better` and
    /// exists: for stride 1 and a padding that the mirror's can complement.
    pub(super) fn mirror_if(&self, better: bool) -> Option<Self> {
        let last = |a: usize| (self.kernel[a] - 1) * self.dilation[a];
        let fits = self.stride == [1, 1] && (0..2).all(|a| self.padding[a] <= last(a));
        (better && fits).then(|| Self {
            big: self.small,
            big_channels: self.small_channels,
            small: self.big,
            small_channels: self.big_channels,
            padding: [0, 1].map(|a: usize| last(a) - self.padding[a]),
            ..*self
        })
    }
}

/// Calls `f` with the weight of the mirrored convolution.
fn with_mirrored(conv: &Conv, w: &[f32], f: impl FnOnce(&[f32])) {
    let mut turned = Buffer::scratch(Device::Cpu, DType::F32, w.len());
    let turned = turned.as_mut_slice();
    turn(conv, w, turned);
    f(turned);
}

/// The weight `[small, taps, big]` of `conv` as that of its mirror image,
/// `[big, taps reversed, small]`.
fn turn(conv: &Conv, w: &[f32], turned: &mut [f32]) {
    let (small, big) = (conv.small_channels, conv.big_channels);
    let taps = conv.kernel[0] * conv.kernel[1];
    for (b, turned) in turned.chunks_exact_mut(taps * small).enumerate() {
        for (tap, turned) in turned.chunks_exact_mut(small).rev().enumerate() {
            for (s, turned) in turned.iter_mut().enumerate() {
                *turned = w[(s * taps + tap) * big + b];
            }
        }
    }
}

/// How a pass over all small rows of the batch is cut into bands, from the
/// geometry alone.
struct Bands {
    /// Small rows in a band.
    rows: usize,
    /// Kernel rows whose patches are held at a time.
    taps: usize,
}

impl Bands {
    fn new(conv: &Conv) -> Self {
        let all = conv.batch * conv.small[0];
        let count = (all * conv.small[1])
            .div_ceil(BAND)
            .next_multiple_of(SHARES);
        let line = conv.kernel[1] * conv.big_channels;
        Self {
            rows: all.div_ceil(count),
            taps: (COLUMNS / line).clamp(1, conv.kernel[0]),
        }
    }

    /// Columns of the largest matrix of patches.
    fn width(&self, conv: &Conv) -> usize {
        self.taps * conv.kernel[1] * conv.big_channels
    }

    /// Elements of the largest matrix of patches, in whole cache lines.
    fn scratch(&self, conv: &Conv) -> usize {
        let len = self.rows * conv.small[1] * self.width(conv);
        len.next_multiple_of(16)
    }

    /// The kernel rows, some at a time.
    fn taps(&self, conv: &Conv) -> impl Iterator<Item = Taps> {
        pieces(0..conv.kernel[0], self.taps).map(|rows| Taps::rows(conv, rows))
    }
}

/// `range` in pieces of `len`, the last one possibly shorter.
fn pieces(range: Range<usize>, len: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range
        .step_by(len)
        .map(move |start| start..end.min(start + len))
}

/// `Y = P * Wt`, shared out by bands of small rows.
fn multiply_gathered(conv: &Conv, x: &[f32], w: &[f32], y: &mut [f32]) {
    let bands = Bands::new(conv);
    let w = Matrix::row_major(w, conv.small_channels, conv.patch()).t();
    let line = conv.small[1] * conv.small_channels;
    let panels = panels_len(bands.width(conv), conv.small_channels);
    PerThread::lend(panels + bands.scratch(conv), |scratch| {
        let outputs = y.par_chunks_mut(bands.rows * line).enumerate();
        outputs.for_each(|(band, y)| {
            let start = band * bands.rows;
            let rows = start..start + y.len() / line;
            let m = rows.len() * conv.small[1];
            let mut y = MatrixMut::new(y, m, conv.small_channels);
            scratch.with(|scratch| {
                let (panels, patches) = scratch.split_at_mut(panels);
                let mut column = 0;
                for taps in bands.taps(conv) {
                    let k = taps.patch(conv);
                    let patches = &mut patches[..m * k];
                    gather(conv, x, rows.clone(), &taps, patches);
                    let patches = Matrix::row_major(patches, m, k);
                    let w = w.rows(column, k);
                    multiply(patches, w, y.reborrow(), panels, column > 0);
                    column += k;
                }
            });
        });
    });
}

/// `P = Y * W`, added back to the big images, which are shared out.
fn scatter_products(conv: &Conv, y: &[f32], w: &[f32], x: &mut [f32]) {
    let bands = Bands::new(conv);
    let images = (bands.rows / conv.small[0]).max(1);
    let w = Matrix::row_major(w, conv.small_channels, conv.patch());
    let panels = panels_len(conv.small_channels, bands.width(conv));
    PerThread::lend(panels + bands.scratch(conv), |scratch| {
        let outputs = x.par_chunks_mut(images * conv.big_len());
        let inputs = y.par_chunks(images * conv.small_len());
        outputs.zip(inputs).for_each(|(x, y)| {
            x.fill(0.0);
            let positions = y.len() / conv.small_channels;
            let y = Matrix::row_major(y, positions, conv.small_channels);
            for rows in pieces(0..positions / conv.small[1], bands.rows) {
                let m = rows.len() * conv.small[1];
                let y = y.rows(rows.start * conv.small[1], m);
                scratch.with(|scratch| {
                    let (panels, patches) = scratch.split_at_mut(panels);
                    let mut column = 0;
                    for taps in bands.taps(conv) {
                        let n = taps.patch(conv);
                        let patches = &mut patches[..m * n];
                        let product = MatrixMut::new(patches, m, n);
                        multiply(y, w.columns(column, n), product, panels, false);
                        scatter(conv, patches, rows.clone(), &taps, x);
                        column += n;
                    }
                });
            }
        });
    });
}

/// `W = Yt * P`: a large weight is shared out by taps; for a small one the batch
/// is, and the parts are added in order.
fn sum_products(conv: &Conv, x: &[f32], y: &[f32], w: &mut [f32]) {
    let all = conv.batch * conv.small[0];
    let (m, n) = (conv.small_channels, conv.patch());
    let bands = Bands::new(conv);
    let panels = panels_len(bands.rows * conv.small[1], bands.width(conv));
    PerThread::lend(panels + bands.scratch(conv), |scratch| {
        let sum = |rows: Range<usize>, (column, block): (usize, MatrixMut<'_>)| {
            let taps = Taps::at(conv, column, block.shape[1]);
            scratch.with(|scratch| {
                let bands = pieces(rows, bands.rows);
                sum_bands(
                    conv,
                    (x, y),
                    bands,
                    &taps,
                    scratch.split_at_mut(panels),
                    block,
                );
            });
        };
        if w.len() > SMALL_WEIGHT {
            let blocks = MatrixMut::new(w, m, n).column_blocks(block_columns(conv));
            blocks.into_par_iter().for_each(|block| sum(0..all, block));
            return;
        }
        let (part, len) = (all.div_ceil(PARTS), w.len());
        let mut parts = Buffer::scratch(Device::Cpu, DType::F32, all.div_ceil(part) * len);
        let parts = parts.as_mut_slice();
        let outputs = parts.par_chunks_mut(len).enumerate();
        outputs.for_each(|(i, out)| {
            for block in MatrixMut::new(out, m, n).column_blocks(bands.width(conv)) {
                sum(i * part..all.min((i + 1) * part), block);
            }
        });
        sum_rows(parts, w);
    });
}

/// `block = Yt * P` over `bands` of small rows, for the columns under `taps`.
fn sum_bands(
    conv: &Conv,
    (x, y): (&[f32], &[f32]),
    bands: impl Iterator<Item = Range<usize>>,
    taps: &Taps,
    (panels, patches): (&mut [f32], &mut [f32]),
    mut block: MatrixMut<'_>,
) {
    let (columns, n) = (conv.small[1], block.shape[1]);
    let all = conv.batch * conv.small[0] * columns;
    let y = Matrix::row_major(y, all, conv.small_channels).t();
    let mut add = false;
    for rows in bands {
        let k = rows.len() * columns;
        let y = y.columns(rows.start * columns, k);
        let patches = &mut patches[..k * n];
        gather(conv, x, rows, taps, patches);
        let patches = Matrix::row_major(patches, k, n);
        multiply(y, patches, block.reborrow(), panels, add);
        add = true;
    }
}

/// Columns in a block of a shared-out weight gradient: the smallest whole
/// fraction of a kernel row that is not too narrow.
fn block_columns(conv: &Conv) -> usize {
    let taps = conv.kernel[1];
    let wide = |taps: &usize| taps * conv.big_channels >= MIN_BLOCK;
    let fraction = (1..taps).filter(|n| taps.is_multiple_of(*n)).find(wide);
    fraction.unwrap_or(taps) * conv.big_channels
}
