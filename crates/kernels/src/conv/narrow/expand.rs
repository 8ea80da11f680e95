//! From the narrow image to the wide one.

use super::tile::{Row, Tile, blocks, heights, max_rows};
use super::{DirectEpilogue, Narrow};
use crate::conv::scratch::PerThread;
use crate::parallel::share_chunks;
use crate::{Buffer, DType, Device};

/// Elements of the padded rows of a band, 16 KiB: the weight is beside it in the first
/// cache.
const BAND: usize = 4096;

/// Each wide pixel is its patch times the weight.
pub(super) fn expand(
    narrow: &Narrow,
    x: &[f32],
    w: &[f32],
    y: &mut [f32],
    finish: &DirectEpilogue<'_>,
) {
    let conv = &narrow.conv;
    let band = narrow.band(|rows| narrow.padded_len(rows) <= BAND);
    let mut weight = Buffer::scratch(Device::Cpu, DType::F32, conv.patch() * narrow.wide);
    let weight = weight.as_mut_slice();
    by_taps(narrow, w, weight);
    let line = conv.small[1] * conv.small_channels;
    PerThread::lend(narrow.padded_len(band), |scratch| {
        let images = narrow.images();
        share_chunks(y, images * conv.small_len(), |i, y| {
            let x = &x[i * images * conv.big_len()..];
            scratch.with(|padded| {
                padded.fill(0.0);
                let images = y.chunks_exact_mut(conv.small_len());
                for (y, x) in images.zip(x.chunks_exact(conv.big_len())) {
                    for (i, y) in y.chunks_mut(band * line).enumerate() {
                        let padded = &mut padded[..narrow.padded_len(y.len() / line)];
                        narrow.pad(x, i * band, padded);
                        expand_band(narrow, padded, weight, y, finish);
                    }
                }
            });
        });
    });
}

/// The weight as `[patch, wide]`, zeros where there is no channel.
fn by_taps(narrow: &Narrow, w: &[f32], weight: &mut [f32]) {
    weight.fill(0.0);
    narrow.each_weight(|o, ky, r, at| weight[(ky * narrow.run + r) * narrow.wide + o] = w[at]);
}

/// Small rows `y` from the padded rows they meet.
fn expand_band(
    narrow: &Narrow,
    padded: &[f32],
    weight: &[f32],
    y: &mut [f32],
    finish: &DirectEpilogue<'_>,
) {
    let conv = &narrow.conv;
    let channels = conv.small_channels;
    let line = conv.small[1] * channels;
    let step = conv.stride[1] * conv.big_channels;
    for (block, columns) in blocks(channels) {
        for (start, pixels) in heights(conv.small[1], max_rows(columns)) {
            let rows: Row = std::array::from_fn(|r| (start + r) * step);
            let tile = Tile {
                a: padded,
                rows: &rows[..pixels],
                a_steps: [narrow.pitch, 1],
                b: &weight[block..],
                b_steps: [narrow.run * narrow.wide, narrow.wide],
                counts: [conv.kernel[0], narrow.run],
                c_step: channels,
                columns,
                repeat: y.len() / line,
                a_repeat: conv.stride[0] * narrow.pitch,
                c_repeat: line,
                add: false,
                bias: finish.bias.map(|bias| &bias[block..]),
                slope: finish.slope,
            };
            tile.run(&mut y[start * channels + block..]);
        }
    }
}
