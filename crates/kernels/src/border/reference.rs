//! The plain loops, for either type.

use super::Border;
use crate::Real;

/// Calls `f` with the place of each element of the padded images and that of the element of `x`
/// that stands there.
fn each(of: &Border, mut f: impl FnMut(usize, usize)) {
    let ([rows, columns], [height, width]) = (of.padded(), of.size);
    let mut place = 0;
    for n in 0..of.batch {
        for i in 0..rows {
            for j in 0..columns {
                let row = n * height + of.source(0, i);
                let pixel = row * width + of.source(1, j);
                for c in 0..of.channels {
                    f(place, pixel * of.channels + c);
                    place += 1;
                }
            }
        }
    }
}

pub(super) fn pad<T: Real>(of: &Border, x: &[T], y: &mut [T]) {
    each(of, |place, from| y[place] = x[from]);
}

pub(super) fn fold<T: Real>(of: &Border, y: &[T], x: &mut [T]) {
    x.fill(T::ZERO);
    each(of, |place, to| x[to] += y[place]);
}
