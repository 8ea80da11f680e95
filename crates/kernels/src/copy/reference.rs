//! The plain loops, for either type and any strides.

use super::Rows;
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
