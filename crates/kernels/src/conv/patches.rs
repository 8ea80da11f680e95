//! Patches of the big image as rows of a matrix, and back.
//!
//! Row `(n, i, j)` of the matrix holds the patch that small position `(i, j)` of
//! sample `n` meets: for each kernel row of a band, its taps and their channels.

use super::geometry::Conv;
use std::ops::Range;

/// A rectangle of the kernel: rows and columns.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

impl Taps {
    /// Whole kernel rows.
    pub(super) fn rows(conv: &Conv, rows: Range<usize>) -> Self {
        let columns = 0..conv.kernel[1];
        Self { rows, columns }
    }

    /// Those of `len` weights of one small channel from weight `start`: a part of
    /// one kernel row, or whole rows.
    pub(super) fn at(conv: &Conv, start: usize, len: usize) -> Self {
        let (start, len) = (start / conv.big_channels, len / conv.big_channels);
        let width = conv.kernel[1];
        let (row, column) = (start / width, start % width);
        if len < width {
            let (rows, columns) = (row..row + 1, column..column + len);
            return Self { rows, columns };
        }
        Self::rows(conv, row..row + len / width)
    }

    /// Elements of one patch under these taps.
    pub(super) fn patch(&self, conv: &Conv) -> usize {
        self.rows.len() * self.columns.len() * conv.big_channels
    }
}

/// Where the taps of a kernel row meet a row of the image, in elements.
struct Run {
    /// Padding before; what is after fills up the width of the taps.
    before: usize,
    /// Elements of the image row.
    inside: Range<usize>,
}

impl Run {
    /// The meeting of `taps` with small column `j`.
    #[inline]
    fn new(conv: &Conv, taps: &Taps, j: usize) -> Self {
        let (first, column, count) = conv.big_columns(j);
        let start = taps.columns.start.max(first);
        let end = taps.columns.end.min(first + count).max(start);
        let (column, channels) = (column + start - first, conv.big_channels);
        Self {
            before: (start - taps.columns.start) * channels,
            inside: column * channels..(column + end - start) * channels,
        }
    }
}

/// Fills `patches` with those of `rows` (small rows, counted through the batch
/// of `x`).
pub(super) fn gather(conv: &Conv, x: &[f32], rows: Range<usize>, taps: &Taps, patches: &mut [f32]) {
    if conv.dilation[1] != 1 {
        return gather_apart(conv, x, rows, taps, patches);
    }
    let mut lines = patches.chunks_exact_mut(taps.columns.len() * conv.big_channels);
    let pitch = conv.big[1] * conv.big_channels;
    for row in rows {
        let (n, i) = (row / conv.small[0], row % conv.small[0]);
        let image = &x[n * conv.big_len()..][..conv.big_len()];
        for j in 0..conv.small[1] {
            let Run { before, inside } = Run::new(conv, taps, j);
            for (ky, line) in taps.rows.clone().zip(&mut lines) {
                let Some(row) = conv.big_row(i, ky).filter(|_| !inside.is_empty()) else {
                    line.fill(0.0);
                    continue;
                };
                let x = &image[row * pitch..][..pitch][inside.clone()];
                let after = before + x.len();
                if x.len() < line.len() {
                    line[..before].fill(0.0);
                    line[after..].fill(0.0);
                }
                line[before..after].copy_from_slice(x);
            }
        }
    }
}

/// The adjoint of [`gather`]: adds each patch to where it came from.
pub(super) fn scatter(
    conv: &Conv,
    patches: &[f32],
    rows: Range<usize>,
    taps: &Taps,
    x: &mut [f32],
) {
    if conv.dilation[1] != 1 {
        return scatter_apart(conv, patches, rows, taps, x);
    }
    let mut lines = patches.chunks_exact(taps.columns.len() * conv.big_channels);
    let pitch = conv.big[1] * conv.big_channels;
    for row in rows {
        let (n, i) = (row / conv.small[0], row % conv.small[0]);
        let image = &mut x[n * conv.big_len()..][..conv.big_len()];
        for j in 0..conv.small[1] {
            let Run { before, inside } = Run::new(conv, taps, j);
            for (ky, line) in taps.rows.clone().zip(&mut lines) {
                let Some(row) = conv.big_row(i, ky).filter(|_| !inside.is_empty()) else {
                    continue;
                };
                let x = &mut image[row * pitch..][..pitch][inside.clone()];
                for (x, patch) in x.iter_mut().zip(&line[before..]) {
                    *x += patch;
                }
            }
        }
    }
}

/// Calls `f(n, pixel, place)` for each pixel that `taps` meet from `rows`: where its channels are in
/// image n, and where in the patches. For taps that are apart.
fn each_pixel(
    conv: &Conv,
    rows: Range<usize>,
    taps: &Taps,
    mut f: impl FnMut(usize, usize, usize),
) {
    let (channels, mut place) = (conv.big_channels, 0);
    for row in rows {
        let (n, i) = (row / conv.small[0], row % conv.small[0]);
        for j in 0..conv.small[1] {
            for ky in taps.rows.clone() {
                let row = conv.big_row(i, ky);
                for kx in taps.columns.clone() {
                    if let (Some(row), Some(column)) = (row, conv.big_column(j, kx)) {
                        f(n, (row * conv.big[1] + column) * channels, place);
                    }
                    place += channels;
                }
            }
        }
    }
}

fn gather_apart(conv: &Conv, x: &[f32], rows: Range<usize>, taps: &Taps, patches: &mut [f32]) {
    patches.fill(0.0);
    each_pixel(conv, rows, taps, |n, pixel, place| {
        let x = &x[n * conv.big_len() + pixel..][..conv.big_channels];
        patches[place..][..conv.big_channels].copy_from_slice(x);
    });
}

fn scatter_apart(conv: &Conv, patches: &[f32], rows: Range<usize>, taps: &Taps, x: &mut [f32]) {
    each_pixel(conv, rows, taps, |n, pixel, place| {
        let x = &mut x[n * conv.big_len() + pixel..][..conv.big_channels];
        for (x, patch) in x.iter_mut().zip(&patches[place..]) {
            *x += patch;
        }
    });
}
