//! The weight as values at the points, packed in panels, and back.

use super::lanes::{LANES, Lanes, by_lanes};
use super::tiles::SQUARE;
use super::transform::{POINTS, g, gt, unrolled};
use crate::conv::geometry::Conv;
use crate::parallel::share_chunks;

/// `G w Gᵀ` of the two by two taps of one parity, to places `point` apart.
#[inline(always)]
fn to_values<V: Lanes>(taps: [V; 4], values: &mut [f32], point: usize) {
    let (left, right) = (g([taps[0], taps[2]]), g([taps[1], taps[3]]));
    unrolled!(I => {
        let row = g([left[I], right[I]]);
        unrolled!(J => { row[J].store(&mut values[(I * POINTS + J) * point..]); });
    });
}

/// The tap of parity `parity` (of the big position) at place `i` of its two.
#[inline(always)]
fn tap(parity: usize, i: usize) -> usize {
    let (row, column) = (parity / 2 + 2 * (i / 2), parity % 2 + 2 * (i % 2));
    row * 4 + column
}

/// `[4C / width, point, O, width]` from `w` `[O, 4, 4, C]`: what [`super::dgrad`]
/// multiplies by.
pub(super) fn by_big(conv: &Conv, width: usize, w: &[f32], values: &mut [f32]) {
    let panel = SQUARE * conv.small_channels * width;
    share_chunks(values, panel, |panel, values| {
        big_panel(conv, panel * width, width, w, values);
    });
}

by_lanes! {
    fn big_panel<V>(conv: &Conv, first: usize, width: usize, w: &[f32], values: &mut [f32]) {
        let (small, channels) = (conv.small_channels, conv.big_channels);
        for lane in (0..width).step_by(LANES) {
            let (parity, channel) = ((first + lane) / channels, (first + lane) % channels);
            for (o, w) in w.chunks_exact(16 * channels).enumerate() {
                let mut taps = [V::ZERO; 4];
                for (i, v) in taps.iter_mut().enumerate() {
                    *v = V::load(&w[tap(parity, i) * channels + channel..]);
                }
                to_values(taps, &mut values[o * width + lane..], small * width);
            }
        }
    }
}

/// `[O / width, point, 4C, width]`, zeros where there is no channel: what
/// [`super::fprop`] multiplies by.
pub(super) fn by_small(conv: &Conv, width: usize, w: &[f32], values: &mut [f32]) {
    let panel = SQUARE * 4 * conv.big_channels * width;
    share_chunks(values, panel, |panel, values| {
        small_panel(conv, panel * width, width, w, values);
    });
}

by_lanes! {
    fn small_panel<V>(conv: &Conv, first: usize, width: usize, w: &[f32], values: &mut [f32]) {
        let (small, channels) = (conv.small_channels, conv.big_channels);
        for lane in (0..width).step_by(LANES) {
            for parity in 0..4 {
                for channel in (0..channels).step_by(LANES) {
                    if first + lane >= small {
                        for k in parity * channels + channel..parity * channels + channel + LANES {
                            for i in 0..SQUARE {
                                V::ZERO.store(&mut values[(i * 4 * channels + k) * width + lane..]);
                            }
                        }
                        continue;
                    }
                    let mut taps = [[[0.0; LANES]; LANES]; 4];
                    for (i, block) in taps.iter_mut().enumerate() {
                        let at = tap(parity, i) * channels + channel;
                        transpose(&w[(first + lane) * 16 * channels + at..], 16 * channels, block);
                    }
                    for c in 0..LANES {
                        let k = parity * channels + channel + c;
                        let taps = [
                            V::load(&taps[0][c]),
                            V::load(&taps[1][c]),
                            V::load(&taps[2][c]),
                            V::load(&taps[3][c]),
                        ];
                        to_values(taps, &mut values[k * width + lane..], 4 * channels * width);
                    }
                }
            }
        }
    }
}

/// The transpose of the block of rows `stride` apart.
#[inline(always)]
pub(super) fn transpose(x: &[f32], stride: usize, out: &mut [[f32; LANES]; LANES]) {
    for i in 0..LANES {
        let row = &x[i * stride..][..LANES];
        for j in 0..LANES {
            out[j][i] = row[j];
        }
    }
}

/// `w` `[O, 4, 4, C]` as `Gᵀ` of sums `[point, 4C / width, O, width]`: the end of
/// [`super::wgrad`].
pub(super) fn from_values(conv: &Conv, width: usize, values: &[f32], w: &mut [f32]) {
    share_chunks(w, 16 * conv.big_channels, |o, w| {
        small_row(conv, o, width, values, w);
    });
}

by_lanes! {
    fn small_row<V>(conv: &Conv, o: usize, width: usize, values: &[f32], w: &mut [f32]) {
        let (small, channels) = (conv.small_channels, conv.big_channels);
        let point = small * 4 * channels;
        for parity in 0..4 {
            for channel in (0..channels).step_by(LANES) {
                let j = parity * channels + channel;
                let at = (j / width * small + o) * width + j % width;
                let mut rows = [[V::ZERO; POINTS]; 2];
                unrolled!(Q => {
                    let mut column = [V::ZERO; POINTS];
                    unrolled!(P => { column[P] = V::load(&values[at + (P * POINTS + Q) * point..]); });
                    [rows[0][Q], rows[1][Q]] = gt(&column);
                });
                for (i, row) in rows.iter().enumerate() {
                    let [left, right] = gt(row);
                    left.store(&mut w[tap(parity, 2 * i) * channels + channel..]);
                    right.store(&mut w[tap(parity, 2 * i + 1) * channels + channel..]);
                }
            }
        }
    }
}
