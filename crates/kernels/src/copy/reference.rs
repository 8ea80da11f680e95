//! The plain loops, for either type and any strides.

use super::Rows;
use super::images::{Images, Taps, unit};
use crate::walk::offsets;
use crate::{Buffer, Layout, Real, View};

pub(super) fn copy<T: Real>(x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    let (xs, out) = (x.buffer.as_slice::<T>(), out.as_mut_slice::<T>());
    for (o, x) in offsets(out_layout).zip(offsets(&x.layout)) {
        out[o] = xs[x];
    }
}

pub(super) fn gather<T: Real>(rows: &Rows, x: View<'_>, index: &Buffer, out: &mut Buffer) {
    let xs = x.buffer.as_slice::<T>();
    let mut out = out.as_mut_slice::<T>().iter_mut();
    for row in index.as_slice::<T>() {
        let start = row.f64() as usize * rows.stride;
        for (x, o) in offsets(&rows.layout).zip(&mut out) {
            *o = xs[start + x];
        }
    }
}

pub(super) fn scatter_add<T: Real>(rows: &Rows, x: View<'_>, index: &Buffer, out: &mut Buffer) {
    let xs = x.buffer.as_slice::<T>();
    let out = out.as_mut_slice::<T>();
    out.fill(T::ZERO);
    for (i, row) in index.as_slice::<T>().iter().enumerate() {
        let out = &mut out[row.f64() as usize * rows.len..][..rows.len];
        for (x, o) in offsets(&rows.layout).zip(out) {
            *o += xs[i * rows.stride + x];
        }
    }
}

pub(super) fn pick(images: &Images<'_>, index: &Buffer, taps: [&Taps; 2], out: &mut Buffer) {
    let [_, channels, height, width] = images.shape;
    let words = images.words.as_slice::<f32>();
    let [rows, columns] = taps;
    let (index, out) = (index.as_slice::<f32>(), out.as_mut_slice::<f32>());
    let pixels = rows.to() * columns.to();
    for (row, out) in index.iter().zip(out.chunks_exact_mut(channels * pixels)) {
        for c in 0..channels {
            let start = (*row as usize * channels + c) * height * width;
            let mut wide = Vec::new();
            for y in 0..height {
                let at = |x| unit(Images::byte(words, start + y * width + x));
                wide.extend(columns.iter().map(|t| t.between(at(t.first), at(t.second))));
            }
            let at = |y: usize, x: usize| wide[y * columns.to() + x];
            for (y, tap) in rows.iter().enumerate() {
                for x in 0..columns.to() {
                    out[(y * columns.to() + x) * channels + c] =
                        tap.between(at(tap.first, x), at(tap.second, x));
                }
            }
        }
    }
}
