//! The fast `f32` path: runs where both sides are contiguous, tiles where they
//! disagree.

use super::Rows;
use super::images::{Images, Taps, unit};
use super::places::Places;
use super::transpose::Tiles;
use crate::parallel::{CHUNK, for_each_chunk, for_each_index};
use crate::simd::simd;
use crate::walk::Walk;
use crate::{Buffer, Layout};
use std::ops::Range;

/// `walk` is over (output, x).
pub(super) fn copy(x: &[f32], walk: &Walk<2>, out: &mut [f32]) {
    let len: usize = walk.axes().map(|(size, _)| size).product();
    let places = Places::of(out);
    match Tiles::of(walk) {
        Some(tiles) => for_each_index(tiles.count(), 2 * len, |i| tiles.copy(i, x, places)),
        None => for_each_index(len.div_ceil(CHUNK), 2 * len, |i| {
            let start = i * CHUNK;
            copy_runs(x, walk, start..len.min(start + CHUNK), places);
        }),
    }
}

simd! {
    /// Copies elements `range` of the walk.
    #[allow(unsafe_code)]
    fn copy_runs(x: &[f32], walk: &Walk<2>, range: Range<usize>, out: Places<'_>) {
        let [step_out, step_x] = walk.inner();
        for ([at_out, at_x], len) in walk.runs(range) {
            if step_out != 1 {
                for i in 0..len {
                    // SAFETY: this element's own place.
                    unsafe { out.run(at_out + i * step_out, 1)[0] = x[at_x + i * step_x] };
                }
                continue;
            }
            // SAFETY: the places of this run and no others, which are its own.
            let run = unsafe { out.run(at_out, len) };
            match step_x {
                1 => run.copy_from_slice(&x[at_x..at_x + len]),
                0 => run.fill(x[at_x]),
                _ => {
                    for (i, o) in run.iter_mut().enumerate() {
                        *o = x[at_x + i * step_x];
                    }
                }
            }
        }
    }
}

/// See [`super::gather`]; the indices are in range.
pub(super) fn gather(rows: &Rows, x: &[f32], index: &[f32], out: &mut Buffer) {
    let walk = rows.walk();
    let out = out.as_mut_slice::<f32>();
    let together = (CHUNK / rows.len).max(1);
    let work = 2 * out.len();
    for_each_chunk(out, together * rows.len, work, |i, out| {
        let index = &index[i * together..];
        for (row, out) in index.iter().zip(out.chunks_exact_mut(rows.len)) {
            let start = *row as usize * rows.stride;
            each_run(rows, &walk, &x[start..], out, |o, x| *o = x);
        }
    });
}

/// See [`super::scatter_add`]; the indices are in range.
///
/// A task owns some rows of the output and looks for them in all of `index`:
/// whatever the order of the tasks, each row's terms are added in order.
pub(super) fn scatter_add(rows: &Rows, x: &[f32], index: &[f32], out: &mut Buffer) {
    let walk = rows.walk();
    let out = out.as_mut_slice::<f32>();
    let together = (CHUNK / rows.len).max(1);
    let work = out.len() + 2 * index.len() * rows.len;
    for_each_chunk(out, together * rows.len, work, |task, out| {
        out.fill(0.0);
        for (i, row) in index.iter().enumerate() {
            let at = (*row as usize).wrapping_sub(task * together);
            if at < out.len() / rows.len {
                let out = &mut out[at * rows.len..][..rows.len];
                each_run(rows, &walk, &x[i * rows.stride..], out, |o, x| *o += x);
            }
        }
    });
}

/// [`unit`] of every byte.
const UNITS: [f32; 256] = {
    let mut units = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        units[byte] = unit(byte as u8);
        byte += 1;
    }
    units
};

/// See [`super::pick`]; the indices are in range.
///
/// A pixel is made of its four source pixels: each is looked up, and nothing of an image is
/// kept for the next pixel, so nothing is allocated.
pub(super) fn pick(images: &Images<'_>, index: &[f32], taps: [&Taps; 2], out: &mut Buffer) {
    let [_, channels, height, width] = images.shape;
    let words = images.words.as_slice::<f32>();
    let [rows, columns] = taps;
    let (lines, line) = (rows.to(), columns.to() * channels);
    let out = out.as_mut_slice::<f32>();
    let work = 8 * out.len();
    for_each_chunk(out, lines * line, work, |i, out| {
        let start = index[i] as usize * images.image_len();
        for (row, out) in rows.iter().zip(out.chunks_exact_mut(line)) {
            for (column, pixel) in columns.iter().zip(out.chunks_exact_mut(channels)) {
                for (c, value) in pixel.iter_mut().enumerate() {
                    let plane = start + c * height * width;
                    let wide = |y: usize| {
                        let at = plane + y * width;
                        let [a, b] = [column.first, column.second]
                            .map(|x| UNITS[usize::from(Images::byte(words, at + x))]);
                        column.between(a, b)
                    };
                    *value = row.between(wide(row.first), wide(row.second));
                }
            }
        }
    });
}

impl Rows {
    /// Over (a row-major row, a row of x).
    fn walk(&self) -> Walk<2> {
        Walk::new([&Layout::contiguous(self.layout.shape()), &self.layout])
    }
}

/// Calls `f` on every element of a row-major row and its counterpart in `x`.
#[inline(always)]
fn each_run(rows: &Rows, walk: &Walk<2>, x: &[f32], out: &mut [f32], f: impl Fn(&mut f32, f32)) {
    let step = walk.inner()[1];
    for ([o, at], len) in walk.runs(0..rows.len) {
        let out = &mut out[o..o + len];
        if step == 1 {
            for (o, x) in out.iter_mut().zip(&x[at..at + len]) {
                f(o, *x);
            }
        } else {
            for (i, o) in out.iter_mut().enumerate() {
                f(o, x[at + i * step]);
            }
        }
    }
}
