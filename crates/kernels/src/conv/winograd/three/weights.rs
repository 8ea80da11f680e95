//! The weight as values at the points, packed in panels, and back.

use super::super::lanes::{LANES, Lanes, by_lanes};
use super::super::tiles::SQUARE;
use super::super::transform::{POINTS, g3, gt3, unrolled};
use super::super::weights::transpose;
use crate::conv::geometry::Conv;
use crate::gemm::tile::Shape;
use crate::parallel::share_chunks;

/// The taps.
const TAPS: usize = 9;

/// `G w Gᵀ` of the taps to places `point` apart.
#[inline(always)]
fn to_values<V: Lanes>(taps: &[V; TAPS], values: &mut [f32], point: usize) {
    let left = g3([taps[0], taps[3], taps[6]]);
    let middle = g3([taps[1], taps[4], taps[7]]);
    let right = g3([taps[2], taps[5], taps[8]]);
    unrolled!(I => {
        let row = g3([left[I], middle[I], right[I]]);
        unrolled!(J => { row[J].store(&mut values[(I * POINTS + J) * point..]); });
    });
}

/// `[C / width, point, O, width]` from `w` `[O, 3, 3, C]`, the taps in reverse, and zeros where there is no channel:
/// what [`super::dgrad`] multiplies by.
pub(super) fn by_big(conv: &Conv, w: &[f32], values: &mut [f32]) {
    let width = Shape::of_level().columns;
    share_chunks(
        values,
        SQUARE * conv.small_channels * width,
        |panel, values| {
            big_panel(conv, panel * width, width, w, values);
        },
    );
}

by_lanes! {
    fn big_panel<V>(conv: &Conv, first: usize, width: usize, w: &[f32], values: &mut [f32]) {
        let (small, channels) = (conv.small_channels, conv.big_channels);
        for lane in (0..width).step_by(LANES) {
            let channel = first + lane;
            for (o, w) in w.chunks_exact(TAPS * channels).enumerate() {
                let mut taps = [V::ZERO; TAPS];
                if channel < channels {
                    for (i, tap) in taps.iter_mut().rev().enumerate() {
                        *tap = V::load(&w[i * channels + channel..]);
                    }
                }
                to_values(&taps, &mut values[o * width + lane..], small * width);
            }
        }
    }
}

/// `[O / width, point, C, width]`, zeros where there is no channel: what [`super::fprop`] multiplies by.
pub(super) fn by_small(conv: &Conv, w: &[f32], values: &mut [f32]) {
    let width = Shape::of_level().columns;
    share_chunks(
        values,
        SQUARE * conv.big_channels * width,
        |panel, values| {
            small_panel(conv, panel * width, width, w, values);
        },
    );
}

by_lanes! {
    fn small_panel<V>(conv: &Conv, first: usize, width: usize, w: &[f32], values: &mut [f32]) {
        let (small, channels) = (conv.small_channels, conv.big_channels);
        for lane in (0..width).step_by(LANES) {
            for channel in (0..channels).step_by(LANES) {
                let mut blocks = [[[0.0; LANES]; LANES]; TAPS];
                if first + lane < small {
                    for (i, block) in blocks.iter_mut().enumerate() {
                        let at = ((first + lane) * TAPS + i) * channels + channel;
                        transpose(&w[at..], TAPS * channels, block);
                    }
                }
                for c in 0..LANES {
                    let mut taps = [V::ZERO; TAPS];
                    for (tap, block) in taps.iter_mut().zip(&blocks) {
                        *tap = V::load(&block[c]);
                    }
                    to_values(&taps, &mut values[(channel + c) * width + lane..], channels * width);
                }
            }
        }
    }
}

/// `w` `[O, 3, 3, C]` as `Gᵀ` of sums `[point, C / width, O, width]`: the end of [`super::wgrad`].
pub(super) fn from_sums(conv: &Conv, sums: &[f32], w: &mut [f32]) {
    let width = Shape::of_level().columns;
    share_chunks(w, TAPS * conv.big_channels, |o, w| {
        small_row(conv, o, width, sums, w);
    });
}

by_lanes! {
    fn small_row<V>(conv: &Conv, o: usize, width: usize, sums: &[f32], w: &mut [f32]) {
        let (small, channels) = (conv.small_channels, conv.big_channels);
        let point = small * channels.next_multiple_of(width);
        for channel in (0..channels).step_by(LANES) {
            let at = (channel / width * small + o) * width + channel % width;
            let mut rows = [[V::ZERO; POINTS]; 3];
            unrolled!(Q => {
                let mut column = [V::ZERO; POINTS];
                unrolled!(P => { column[P] = V::load(&sums[at + (P * POINTS + Q) * point..]); });
                [rows[0][Q], rows[1][Q], rows[2][Q]] = gt3(&column);
            });
            for (i, row) in rows.iter().enumerate() {
                let [left, middle, right] = gt3(row);
                left.store(&mut w[3 * i * channels + channel..]);
                middle.store(&mut w[(3 * i + 1) * channels + channel..]);
                right.store(&mut w[(3 * i + 2) * channels + channel..]);
            }
        }
    }
}
