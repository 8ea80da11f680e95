//! The plain loop, for either type: the sum as it is written, over every tap and every pixel.

use super::Resample;
use crate::Real;

pub(super) fn resample<T: Real>(of: &Resample, x: &[T], y: &mut [T]) {
    let ([rows, columns], [height, width]) = (of.to, of.from);
    let mut y = y.iter_mut();
    for n in 0..of.batch {
        for i in 0..rows {
            for j in 0..columns {
                for (c, y) in (0..of.channels).zip(&mut y) {
                    let mut sum = T::ZERO;
                    for (row, a) in met(of, i, height) {
                        for (column, b) in met(of, j, width) {
                            let at = ((n * height + row) * width + column) * of.channels + c;
                            sum += T::of(a) * T::of(b) * x[at];
                        }
                    }
                    *y = sum;
                }
            }
        }
    }
}

/// The pixels of an axis of `from` that pixel `j` is made of, with their taps.
fn met(of: &Resample, j: usize, from: usize) -> impl Iterator<Item = (usize, f64)> {
    let first = (j * of.down) as isize - of.before;
    let taps = (first..).zip(of.taps());
    taps.filter_map(move |(place, tap)| {
        let place = usize::try_from(place).ok()?;
        let pixel = place.is_multiple_of(of.up).then_some(place / of.up)?;
        (pixel < from).then_some((pixel, *tap))
    })
}
