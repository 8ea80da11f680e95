//! The three convolutions as plain loops over images, small rows, small columns
//! and kernel rows.
//!
//! Channels-last storage makes the taps of one kernel row and their channels
//! neighbours, in the big image and in the weight alike, so the innermost loop
//! runs over both together: a *run*.

use super::geometry::Conv;
use crate::Real;
use rayon::prelude::*;
use std::ops::Range;

/// One small position against one kernel row: where its channels are in the
/// small image of its sample, where the run is in the big image, and where it is
/// among the weights of one small channel.
struct Run {
    small: Range<usize>,
    big: Range<usize>,
    weight: Range<usize>,
}

/// Calls `f` for every run of one sample that is not all padding.
fn each_run(conv: &Conv, mut f: impl FnMut(&Run)) {
    let channels = conv.big_channels;
    for i in 0..conv.small[0] {
        for j in 0..conv.small[1] {
            for ky in 0..conv.kernel[0] {
                let Some(row) = conv.big_row(i, ky) else {
                    continue;
                };
                each_columns(conv, j, |kx, column, taps| {
                    let big = (row * conv.big[1] + column) * channels;
                    let weight = (ky * conv.kernel[1] + kx) * channels;
                    let small = (i * conv.small[1] + j) * conv.small_channels;
                    f(&Run {
                        small: small..small + conv.small_channels,
                        big: big..big + taps * channels,
                        weight: weight..weight + taps * channels,
                    });
                });
            }
        }
    }
}

/// Calls `f` with the first of some taps of a kernel row, the column it meets from small column
/// `j`, and how many taps meet it and its neighbours.
fn each_columns(conv: &Conv, j: usize, mut f: impl FnMut(usize, usize, usize)) {
    if conv.dilation[1] == 1 {
        let (kx, column, taps) = conv.big_columns(j);
        return f(kx, column, taps);
    }
    for kx in 0..conv.kernel[1] {
        if let Some(column) = conv.big_column(j, kx) {
            f(kx, column, 1);
        }
    }
}

/// `y[n, i, j, o] = sum over taps k and channels c of w[o, k, c] * x[n, (i, j) at k, c]`.
pub(super) fn fprop<T: Real>(conv: &Conv, x: &[T], w: &[T], y: &mut [T]) {
    let images = y.par_chunks_mut(conv.small_len());
    images.zip(x.par_chunks(conv.big_len())).for_each(|(y, x)| {
        y.fill(T::ZERO);
        each_run(conv, |run| {
            let x = &x[run.big.clone()];
            let y = &mut y[run.small.clone()];
            for (y, w) in y.iter_mut().zip(w.chunks_exact(conv.patch())) {
                *y += dot(x, &w[run.weight.clone()]);
            }
        });
    });
}

/// The gradient of [`fprop`] in x, given y's: each small element is spread over
/// the patch it came from.
pub(super) fn dgrad<T: Real>(conv: &Conv, y: &[T], w: &[T], x: &mut [T]) {
    let images = x.par_chunks_mut(conv.big_len());
    images
        .zip(y.par_chunks(conv.small_len()))
        .for_each(|(x, y)| {
            x.fill(T::ZERO);
            each_run(conv, |run| {
                let x = &mut x[run.big.clone()];
                let y = &y[run.small.clone()];
                for (&y, w) in y.iter().zip(w.chunks_exact(conv.patch())) {
                    add_scaled(x, y, &w[run.weight.clone()]);
                }
            });
        });
}

/// The gradient of [`fprop`] in w, given y's: every small element times the
/// patch it came from.
pub(super) fn wgrad<T: Real>(conv: &Conv, x: &[T], y: &[T], w: &mut [T]) {
    let channels = w.par_chunks_mut(conv.patch()).enumerate();
    channels.for_each(|(o, w)| {
        w.fill(T::ZERO);
        let images = x.chunks_exact(conv.big_len());
        for (x, y) in images.zip(y.chunks_exact(conv.small_len())) {
            each_run(conv, |run| {
                let y = y[run.small.start + o];
                add_scaled(&mut w[run.weight.clone()], y, &x[run.big.clone()]);
            });
        }
    });
}

/// The scalar product, in eight interleaved sums so that it can use vectors.
fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::ZERO; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: T = (a.remainder().iter().zip(b.remainder()))
        .map(|(&a, &b)| a * b)
        .sum();
    for (a, b) in a.zip(b) {
        for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.into_iter().sum::<T>() + rest
}

/// `out = out + scale * x`.
fn add_scaled<T: Real>(out: &mut [T], scale: T, x: &[T]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out += scale * x;
    }
}
