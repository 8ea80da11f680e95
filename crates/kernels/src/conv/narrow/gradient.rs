//! The gradient in the weight.

use super::tile::{Tile, blocks, heights, max_rows};
use super::{MAX_PATCH, Narrow, PARTS};
use crate::conv::scratch::PerThread;
use crate::gemm::cpu::sum_rows;
use crate::parallel::share_chunks;
use crate::{Buffer, DType, Device};

/// Elements of the wide rows of a band, which are read once for every few taps: 32 KiB
/// of the first cache.
const BAND: usize = 8192;
/// Elements of the sums of all parts of the batch, which one thread adds up.
const SUMS: usize = 1 << 16;
/// Parts that a batch has even so.
const FEW: usize = 8;

/// For each tap and narrow channel, the sum over all positions of the narrow element
/// there times the wide pixel. Parts of the batch are summed each on its own, then in
/// order; the parts depend on the geometry alone.
pub(super) fn wgrad(narrow: &Narrow, x: &[f32], y: &[f32], w: &mut [f32]) {
    let conv = &narrow.conv;
    let line = conv.small[1] * narrow.wide;
    let band = narrow.band(|rows| rows * line <= BAND);
    let parts = (SUMS / (conv.patch() * narrow.wide)).clamp(FEW, PARTS);
    let images = conv.batch.div_ceil(parts);
    let count = conv.batch.div_ceil(images);
    let len = conv.patch() * narrow.wide;
    let mut sums = Buffer::scratch(Device::Cpu, DType::F32, (count + 1) * len);
    let (total, parts) = sums.as_mut_slice().split_at_mut(len);
    let padded = narrow.padded_len(band);
    let widened = match narrow.wide == conv.small_channels {
        true => 0,
        false => band * line,
    };
    // Where in the padded rows each element of a patch is.
    let taps: [usize; MAX_PATCH] =
        std::array::from_fn(|i| i / narrow.run * narrow.pitch + i % narrow.run);
    let taps = &taps[..conv.patch()];
    PerThread::lend(padded + widened, |scratch| {
        share_chunks(parts, len, |i, sums| {
            let all = i * images..conv.batch.min((i + 1) * images);
            let x = &x[all.start * conv.big_len()..all.end * conv.big_len()];
            let y = &y[all.start * conv.small_len()..all.end * conv.small_len()];
            scratch.with(|scratch| {
                let (padded, widened) = scratch.split_at_mut(padded);
                padded.fill(0.0);
                let images = x.chunks_exact(conv.big_len());
                for (n, (x, y)) in images.zip(y.chunks_exact(conv.small_len())).enumerate() {
                    let bands = y.chunks(band * conv.small[1] * conv.small_channels);
                    for (i, y) in bands.enumerate() {
                        let y = widen(narrow, y, widened);
                        let padded = &mut padded[..narrow.padded_len(y.len() / line)];
                        narrow.pad(x, i * band, padded);
                        sum_band(narrow, taps, (padded, y), sums, n + i > 0);
                    }
                }
            });
        });
    });
    sum_rows(parts, total);
    narrow.each_weight(|o, ky, r, at| w[at] = total[(ky * narrow.run + r) * narrow.wide + o]);
}

/// Wide pixels with their channels rounded up to whole registers.
fn widen<'a>(narrow: &Narrow, y: &'a [f32], widened: &'a mut [f32]) -> &'a [f32] {
    let channels = narrow.conv.small_channels;
    if narrow.wide == channels {
        return y;
    }
    let widened = &mut widened[..y.len() / channels * narrow.wide];
    let pixels = widened.chunks_exact_mut(narrow.wide);
    for (widened, y) in pixels.zip(y.chunks_exact(channels)) {
        widened[..channels].copy_from_slice(y);
        widened[channels..].fill(0.0);
    }
    widened
}

/// Adds what a band of wide rows contributes, or puts it there.
fn sum_band(
    narrow: &Narrow,
    taps: &[usize],
    (padded, y): (&[f32], &[f32]),
    sums: &mut [f32],
    add: bool,
) {
    let conv = &narrow.conv;
    let line = conv.small[1] * narrow.wide;
    for (block, columns) in blocks(narrow.wide) {
        for (start, count) in heights(conv.patch(), max_rows(columns)) {
            let tile = Tile {
                a: padded,
                rows: &taps[start..start + count],
                a_steps: [
                    conv.stride[0] * narrow.pitch,
                    conv.stride[1] * conv.big_channels,
                ],
                b: &y[block..],
                b_steps: [line, narrow.wide],
                counts: [y.len() / line, conv.small[1]],
                c_step: narrow.wide,
                columns,
                repeat: 1,
                a_repeat: 0,
                c_repeat: 0,
                add,
                bias: None,
                slope: 1.0,
            };
            tile.run(&mut sums[start * narrow.wide + block..]);
        }
    }
}
