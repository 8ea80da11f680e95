//! The fast `f32` path: rows of the result, shared among the threads.

use super::Border;
use crate::conv::scratch::PerThread;
use crate::parallel::for_each_chunk;
use crate::simd::simd;

pub(super) fn pad(of: &Border, x: &[f32], y: &mut [f32]) {
    let (channels, [height, width], [rows, columns]) = (of.channels, of.size, of.padded());
    let work = 2 * y.len();
    for_each_chunk(y, columns * channels, work, |line, y| {
        let (n, i) = (line / rows, line % rows);
        let row = n * height + of.source(0, i);
        let x = &x[row * width * channels..][..width * channels];
        let inside = of.pads[1][0] * channels;
        y[inside..][..x.len()].copy_from_slice(x);
        let [left, right] = of.pads[1];
        for j in (0..left).chain(columns - right..columns) {
            let from = &x[of.source(1, j) * channels..][..channels];
            y[j * channels..][..channels].copy_from_slice(from);
        }
    });
}

pub(super) fn fold(of: &Border, y: &[f32], x: &mut [f32]) {
    let (channels, [height, width], [rows, columns]) = (of.channels, of.size, of.padded());
    let (wide, work) = (columns * channels, 2 * y.len());
    PerThread::lend(wide, |scratch| {
        for_each_chunk(x, width * channels, work, |line, x| {
            let (n, i) = (line / height, line % height);
            let first = n * rows * wide;
            scratch.with(|sum| {
                sum.fill(0.0);
                for row in of.places(0, i).into_iter().flatten() {
                    add(&y[first + row * wide..][..wide], sum);
                }
                along(of, sum, x);
            });
        });
    });
}

simd! {
    /// `sum += row`.
    fn add(row: &[f32], sum: &mut [f32]) {
        for (sum, y) in sum.iter_mut().zip(row) {
            *sum += y;
        }
    }
}

simd! {
    /// A row of images from a row of padded ones.
    fn along(of: &Border, y: &[f32], x: &mut [f32]) {
        let channels = of.channels;
        for (j, pixel) in x.chunks_exact_mut(channels).enumerate() {
            pixel.fill(0.0);
            for place in of.places(1, j).into_iter().flatten() {
                for (x, y) in pixel.iter_mut().zip(&y[place * channels..][..channels]) {
                    *x += y;
                }
            }
        }
    }
}
