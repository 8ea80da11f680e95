//! From the wide image to the narrow one.

use super::tile::{Row, Tile, blocks, max_rows};
use super::{DirectEpilogue, Narrow};
use crate::conv::scratch::PerThread;
use crate::parallel::share_chunks;
use crate::{Buffer, DType, Device};

/// Elements of the patches of a band, 16 KiB: they are added up while in the first
/// cache.
const BAND: usize = 4096;
/// Elements of a patch that are added at once.
const QUAD: usize = 4;

/// Each narrow element is the sum of what all wide pixels add to it.
pub(super) fn reduce(
    narrow: &Narrow,
    y: &[f32],
    w: &[f32],
    x: &mut [f32],
    finish: &DirectEpilogue<'_>,
) {
    let conv = &narrow.conv;
    let patches = conv.small[1] * narrow.lanes;
    let band = narrow.band(|rows| rows * patches <= BAND);
    let mut weight = Buffer::scratch(Device::Cpu, DType::F32, conv.small_channels * narrow.lanes);
    let weight = weight.as_mut_slice();
    by_channels(narrow, w, weight);
    let line = conv.small[1] * conv.small_channels;
    let whole = narrow.padded_len(conv.small[0]);
    PerThread::lend(whole + band * patches, |scratch| {
        share_chunks(x, conv.big_len(), |i, x| {
            let y = &y[i * conv.small_len()..][..conv.small_len()];
            scratch.with(|scratch| {
                let (padded, patches) = scratch.split_at_mut(whole);
                padded.fill(0.0);
                for (i, y) in y.chunks(band * line).enumerate() {
                    let rows = y.len() / line;
                    multiply(narrow, y, weight, patches);
                    for row in 0..rows {
                        let from = (i * band + row) * conv.stride[0] * narrow.pitch;
                        let patches = &patches[row * conv.small[1] * narrow.lanes..];
                        scatter(narrow, patches, &mut padded[from..]);
                    }
                }
                narrow.unpad(padded, x, finish);
            });
        });
    });
}

/// The weight as `[wide, lanes]`, zeros where there is no tap.
fn by_channels(narrow: &Narrow, w: &[f32], weight: &mut [f32]) {
    weight.fill(0.0);
    narrow.each_weight(|o, ky, r, at| {
        weight[o * narrow.lanes + ky * narrow.run_lanes + r] = w[at];
    });
}

/// A patch for each pixel of `y`: `[pixels, lanes]`.
fn multiply(narrow: &Narrow, y: &[f32], weight: &[f32], patches: &mut [f32]) {
    let (channels, lanes) = (narrow.conv.small_channels, narrow.lanes);
    let rows: Row = std::array::from_fn(|r| r * channels);
    let pixels = y.len() / channels;
    for (block, columns) in blocks(lanes) {
        let most = max_rows(columns);
        let (full, rest) = (pixels / most, pixels % most);
        for (start, height, repeat) in [(0, most, full), (full * most, rest, 1)] {
            if height * repeat == 0 {
                continue;
            }
            let tile = Tile {
                a: &y[start * channels..],
                rows: &rows[..height],
                a_steps: [0, 1],
                b: &weight[block..],
                b_steps: [0, lanes],
                counts: [1, channels],
                c_step: lanes,
                columns,
                repeat,
                a_repeat: height * channels,
                c_repeat: height * lanes,
                add: false,
                bias: None,
                slope: 1.0,
            };
            tile.run(&mut patches[start * lanes + block..]);
        }
    }
}

/// Adds the patches of one small row to the padded rows from the first they meet.
fn scatter(narrow: &Narrow, patches: &[f32], padded: &mut [f32]) {
    let conv = &narrow.conv;
    let step = conv.stride[1] * conv.big_channels;
    // Neighbours overlap. What was just written is not read again until it has left
    // the store buffer, which can hand on whole stores only.
    let apart = QUAD.div_ceil(step);
    for at in (0..narrow.run_lanes).step_by(QUAD) {
        for first in 0..apart.min(conv.small[1]) {
            let count = (conv.small[1] - first).div_ceil(apart);
            for ky in 0..conv.kernel[0] {
                add_quads(
                    &mut padded[ky * narrow.pitch + at + first * step..],
                    apart * step,
                    &patches[ky * narrow.run_lanes + at + first * narrow.lanes..],
                    apart * narrow.lanes,
                    count,
                );
            }
        }
    }
}

/// `count` times four elements of `from` added to four of `to`, each time so many
/// elements further.
#[allow(unsafe_code)]
fn add_quads(to: &mut [f32], to_step: usize, from: &[f32], from_step: usize, count: usize) {
    assert!((count - 1) * to_step + QUAD <= to.len());
    assert!((count - 1) * from_step + QUAD <= from.len());
    let (mut to, mut from) = (to.as_mut_ptr(), from.as_ptr());
    for _ in 0..count {
        // SAFETY: the last four elements of both are within their slices.
        unsafe {
            let (sums, terms) = (&mut *to.cast::<[f32; QUAD]>(), &*from.cast::<[f32; QUAD]>());
            *sums = std::array::from_fn(|i| sums[i] + terms[i]);
        }
        to = to.wrapping_add(to_step);
        from = from.wrapping_add(from_step);
    }
}
