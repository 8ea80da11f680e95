//! How each group's `[rows, channels]` is cut into pieces of a fixed size, and how sums over
//! rows are taken piece by piece.

use super::Norm;
use crate::parallel::{CHUNK, for_each_chunk, for_each_index_backwards};
use crate::{Buffer, DType, Device};
use std::ops::Range;

/// Rows narrower than this are taken several at a time.
const NARROW: usize = 32;

/// The widest tile: what a tile keeps for each column stays in the fastest cache.
pub(super) const COLUMNS: usize = 256;

/// The fewest rows of a tile, where there are as many: what is computed for each
/// column is computed once a tile.
const ROWS: usize = 64;

/// A matrix `[rows, columns]` for each group, cut into tiles. A column is a channel, or where there
/// are few channels a channel of one of several rows taken as one.
pub(super) struct Tiles {
    groups: usize,
    /// Elements of a group.
    len: usize,
    channels: usize,
    pub(super) columns: usize,
    rows: usize,
    /// Of a tile; the last ones are smaller.
    width: usize,
    height: usize,
    across: usize,
    /// Of a group.
    count: usize,
}

/// A part of some rows of a group: `width` columns from column `left`.
pub(super) struct Tile {
    pub(super) group: usize,
    /// From its first element to its last, with what lies between its rows.
    pub(super) range: Range<usize>,
    pub(super) left: usize,
    pub(super) width: usize,
    /// From a row to the next.
    pub(super) stride: usize,
}

impl Tiles {
    pub(super) fn new(norm: &Norm) -> Self {
        let len = norm.group_len();
        let columns = norm.channels * (NARROW / norm.channels).max(1);
        let rows = len.div_ceil(columns);
        let width = columns.min(COLUMNS);
        let height = (CHUNK / width).max(ROWS).min(rows);
        let across = columns.div_ceil(width);
        Self {
            groups: norm.groups,
            len,
            channels: norm.channels,
            columns,
            rows,
            width,
            height,
            across,
            count: across * rows.div_ceil(height),
        }
    }

    /// From left to right, then down, then group by group.
    pub(super) fn get(&self, i: usize) -> Tile {
        let (group, i) = (i / self.count, i % self.count);
        let first = group * self.len;
        let (left, top) = (i % self.across * self.width, i / self.across * self.height);
        let width = self.width.min(self.columns - left);
        let bottom = self.rows.min(top + self.height);
        // The last of rows taken together may be cut short.
        let end = self.len.min((bottom - 1) * self.columns + left + width);
        Tile {
            group,
            range: first + top * self.columns + left..first + end,
            left,
            width,
            stride: self.columns,
        }
    }

    /// Calls `f` for every tile, the last ones first: the second pass over memory
    /// finds in the cache what the first one read last. `streams` is how many arrays of
    /// this size are read or written.
    pub(super) fn for_each_backwards(&self, streams: usize, f: impl Fn(Tile) + Sync + Send) {
        let work = streams * self.groups * self.len;
        for_each_index_backwards(self.groups * self.count, work, |i| f(self.get(i)));
    }

    /// Two sums for each channel, `[groups, 2, channels]` in `f64`; `add` adds those of a tile
    /// to `[2, width]`.
    pub(super) fn sums(
        &self,
        streams: usize,
        add: impl Fn(&Tile, &mut [f64]) + Sync + Send,
    ) -> Buffer {
        let (stride, pair) = (2 * self.width, 2 * self.channels);
        let tiles = self.groups * self.count;
        let mut partial = Buffer::scratch(Device::Cpu, DType::F64, tiles * stride);
        let work = streams * self.groups * self.len;
        for_each_chunk(partial.as_mut_slice(), stride, work, |i, totals| {
            let tile = self.get(i);
            let totals = &mut totals[..2 * tile.width];
            totals.fill(0.0);
            add(&tile, totals);
        });
        let mut out = Buffer::full(Device::Cpu, DType::F64, self.groups * pair, 0.0);
        let totals = out.as_mut_slice::<f64>();
        for (i, block) in partial.as_slice::<f64>().chunks(stride).enumerate() {
            let tile = self.get(i);
            let Tile { left, width, .. } = tile;
            let totals = &mut totals[tile.group * pair..][..pair];
            for (k, sums) in block[..2 * width].chunks(width).enumerate() {
                // Several rows taken as one are whole rows, from column 0.
                for sums in sums.chunks(self.channels) {
                    let totals = &mut totals[k * self.channels + left..];
                    for (total, sum) in totals.iter_mut().zip(sums) {
                        *total += sum;
                    }
                }
            }
        }
        out
    }
}

/// `N` numbers for each column of a tile. Vectors of them do not cross cache lines.
#[repr(align(64))]
pub(super) struct Lanes<const N: usize> {
    values: [[f32; COLUMNS]; N],
    width: usize,
}

impl<const N: usize> Lanes<N> {
    /// `f` of every channel's `K` numbers.
    #[inline(always)]
    pub(super) fn new<const K: usize>(
        tile: &Tile,
        channels: [&[f32]; K],
        f: impl Fn([f32; K]) -> [f32; N],
    ) -> Self {
        let mut values = [[0.0; COLUMNS]; N];
        let width = tile.width;
        let own = width.min(channels[0].len());
        let channels = channels.map(|of_all| &of_all[tile.left..][..own]);
        for i in 0..own {
            let numbers = f(std::array::from_fn(|k| channels[k][i]));
            for (row, number) in values.iter_mut().zip(numbers) {
                row[i] = number;
            }
        }
        for row in &mut values {
            for i in own..width {
                row[i] = row[i - own];
            }
        }
        Self { values, width }
    }

    pub(super) fn rows(&self) -> [&[f32]; N] {
        std::array::from_fn(|k| &self.values[k][..self.width])
    }
}
