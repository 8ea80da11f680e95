//! wgrad at the points, `U = V Xᵀ`: sums over images in groups of a fixed size, in order.

use super::tiles::SQUARE;
use super::{scratch, values};
use crate::gemm::tile::{Operands, TileEpilogue, heights, tile};
use crate::parallel::share_chunks;
use std::ops::Range;

/// Tiles that are summed, at most, before there is an addition to memory.
const CHUNK: usize = 200;
/// The chunks of a batch are a multiple of it, to share out evenly.
const CHUNKS: usize = 4;
/// Elements of values that are kept at a time: 15 MiB, half of a large cache.
const KEPT: usize = 15 << 18;

/// The values of a range of images.
pub(super) type Values<'a> = dyn Fn(Range<usize>, &mut [f32]) + Sync + 'a;

/// The sums of one convolution, and where their operands come from.
pub(super) struct Gradient<'a> {
    /// Images.
    pub(super) batch: usize,
    /// Tiles of an image.
    pub(super) tiles: usize,
    /// Rows and columns of a point's sums, and columns of a panel of them.
    pub(super) m: usize,
    pub(super) n: usize,
    pub(super) width: usize,
    /// `V`: rows `[tile, m]` at each point.
    pub(super) small: &'a Values<'a>,
    /// `X`: as many panels `[tile, width]` at each point as have `n` columns.
    pub(super) big: &'a Values<'a>,
    /// The tiles of so many images that have a value at a point.
    pub(super) at_point: &'a (dyn Fn(usize, usize) -> Range<usize> + Sync),
}

impl Gradient<'_> {
    fn panels(&self) -> usize {
        self.n.div_ceil(self.width)
    }

    /// The sums, `[point, panel, m, width]`.
    pub(super) fn sums(&self) -> crate::Buffer {
        let padded = self.panels() * self.width;
        let mut sums = scratch(SQUARE * self.m * padded);
        let chunks = (self.batch * self.tiles).div_ceil(CHUNK);
        let chunk = self.batch.div_ceil(chunks.next_multiple_of(CHUNKS));
        let len = values::len(chunk * self.tiles, self.m + padded);
        // Even, so that two threads get as many each.
        let at_once = (KEPT / len / 2 * 2).clamp(1, self.batch.div_ceil(chunk));
        let mut kept = scratch(at_once * len);
        for (i, start) in (0..self.batch).step_by(chunk * at_once).enumerate() {
            let images = start..self.batch.min(start + chunk * at_once);
            let chunks = images.len().div_ceil(chunk);
            let of =
                |c: usize| images.start + c * chunk..images.end.min(images.start + (c + 1) * chunk);
            let all = &mut kept.as_mut_slice::<f32>()[..chunks * len];
            // Two tasks for each chunk, so that a thread that is early finds one to take over.
            let mut halves = Vec::new();
            for (c, values) in all.chunks_mut(len).enumerate() {
                let (small, big) =
                    values.split_at_mut(values::len(of(c).len() * self.tiles, self.m));
                halves.extend([(c, small, true), (c, big, false)]);
            }
            share_chunks(&mut halves, 1, |_, halves| {
                for (c, values, small) in halves {
                    match small {
                        true => (self.small)(of(*c), values),
                        false => (self.big)(of(*c), values),
                    }
                }
            });
            let all = &kept.as_slice::<f32>()[..chunks * len];
            share_chunks(sums.as_mut_slice(), self.m * self.width, |j, sums| {
                for (c, values) in all.chunks_exact(len).enumerate() {
                    self.add(of(c).len(), values, j, i > 0 || c > 0, sums);
                }
            });
        }
        sums
    }

    /// `sums (+)= V Xᵀ` of one chunk of images, at one point and for one panel of X: `j`
    /// counts both.
    fn add(&self, images: usize, values: &[f32], j: usize, add: bool, sums: &mut [f32]) {
        let Self { m, width, .. } = *self;
        let (point, panel) = (j / self.panels(), j % self.panels());
        let tiles = images * self.tiles;
        let range = (self.at_point)(point, images);
        if range.is_empty() {
            if !add {
                sums.fill(0.0);
            }
            return;
        }
        let (small, big) = values.split_at(values::len(tiles, m));
        let a = &small[(point * tiles + range.start) * m..(point * tiles + range.end) * m];
        let first = (point * self.panels() + panel) * tiles + range.start;
        let b = &big[first * width..][..range.len() * width];
        for (rows, start) in heights(m) {
            let operands = Operands {
                a: a[start..].as_ptr(),
                a_strides: [1, m],
                b: b.as_ptr(),
                k: range.len(),
                c: sums[start * width..].as_mut_ptr(),
                c_stride: width,
                rows,
                columns: width.min(self.n - panel * width),
            };
            // SAFETY: a is [range.len(), m], so its columns `start..start + rows` are inside;
            // b is as many whole rows of a panel and sums is [m, width]. b starts a whole
            // number of cache lines into aligned scratch: `m` and the width are multiples
            // of 16.
            #[allow(unsafe_code)]
            unsafe {
                tile(
                    &operands,
                    &TileEpilogue {
                        add,
                        ..TileEpilogue::STORE
                    },
                );
            }
        }
    }
}
