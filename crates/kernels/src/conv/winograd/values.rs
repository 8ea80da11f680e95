//! Images to values at the points and back.

use super::lanes::{LANES, Lanes, by_lanes};
use super::tiles::{SQUARE, Tile, Tiles};
use super::transform::{A, At, B, Bt, POINTS, Sink, Source, of_size, square};
use crate::conv::geometry::Conv;

/// Where values at the points lie: `[point, panel, tile, channel]` with panels of
/// `width` channels, or `[point, tile, channel]` when one panel has all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Store {
    pub(super) point: usize,
    pub(super) tile: usize,
    pub(super) panel: usize,
    pub(super) width: usize,
}

impl Store {
    /// Rows of all channels: the first operand of a product.
    pub(super) fn rows(tiles: usize, channels: usize) -> Self {
        Self {
            point: tiles * channels,
            tile: channels,
            panel: 0,
            width: channels,
        }
    }

    /// Panels of `width` channels: the second operand.
    pub(super) fn panels(tiles: usize, channels: usize, width: usize) -> Self {
        Self {
            point: tiles * channels,
            tile: width,
            panel: tiles * width,
            width,
        }
    }

    /// Where the first point's value of a tile and channel is.
    #[inline(always)]
    fn at(&self, tile: usize, channel: usize) -> usize {
        // Rows are one panel: no division for them.
        let (panel, lane) = match channel < self.width {
            true => (0, channel),
            false => (channel / self.width, channel % self.width),
        };
        panel * self.panel + tile * self.tile + lane
    }
}

/// Places at equal distances: pixels of a small tile, or values at the points.
pub(super) struct Grid<'a> {
    pub(super) data: &'a [f32],
    pub(super) first: usize,
    pub(super) strides: [usize; 2],
}

impl<V: Lanes> Source<V> for Grid<'_> {
    #[inline(always)]
    fn load(&self, i: usize, j: usize) -> V {
        V::load(&self.data[self.first + i * self.strides[0] + j * self.strides[1]..])
    }
}

/// The same, written, with something added to each result.
pub(super) struct GridMut<'a, V> {
    pub(super) data: &'a mut [f32],
    pub(super) first: usize,
    pub(super) strides: [usize; 2],
    pub(super) plus: Option<V>,
}

impl<V: Lanes> Sink<V> for GridMut<'_, V> {
    #[inline(always)]
    fn store(&mut self, i: usize, j: usize, v: V) {
        let v = match self.plus {
            Some(plus) => v + plus,
            None => v,
        };
        v.store(&mut self.data[self.first + i * self.strides[0] + j * self.strides[1]..]);
    }
}

/// The offsets in a big image of a tile's window of one parity: of its rows and of its
/// columns, [`PADDING`] outside the image.
pub(super) struct Window {
    pub(super) rows: [usize; POINTS],
    pub(super) columns: [usize; POINTS],
}

pub(super) const PADDING: usize = usize::MAX / 4;

impl Window {
    #[inline(always)]
    fn new(conv: &Conv, tile: &Tile, parity: usize) -> Self {
        let axis = |axis: usize, parity: usize, step: usize| {
            let at = |i: usize| match (2 * (tile.start[axis] + i) + parity).checked_sub(1) {
                Some(place) if place < conv.big[axis] => place * step,
                _ => PADDING,
            };
            [at(0), at(1), at(2), at(3)]
        };
        Self {
            rows: axis(0, parity / 2, conv.big[1] * conv.big_channels),
            columns: axis(1, parity % 2, conv.big_channels),
        }
    }

    /// Where place `(i, j)` is, unless it is in the padding.
    #[inline(always)]
    fn at(&self, i: usize, j: usize) -> Option<usize> {
        let at = self.rows[i] + self.columns[j];
        (at < PADDING).then_some(at)
    }
}

pub(super) struct WindowOf<'a> {
    pub(super) window: &'a Window,
    pub(super) x: &'a [f32],
    pub(super) channel: usize,
}

impl<V: Lanes> Source<V> for WindowOf<'_> {
    #[inline(always)]
    fn load(&self, i: usize, j: usize) -> V {
        match self.window.at(i, j) {
            Some(at) => V::load(&self.x[at + self.channel..]),
            None => V::ZERO,
        }
    }
}

/// A window that is written, but added to where an earlier tile has written.
struct WindowMut<'a, V> {
    window: &'a Window,
    x: &'a mut [f32],
    channel: usize,
    inner: [bool; 2],
    bias: V,
}

impl<V: Lanes> Sink<V> for WindowMut<'_, V> {
    #[inline(always)]
    fn store(&mut self, i: usize, j: usize, v: V) {
        if let Some(at) = self.window.at(i, j) {
            let x = &mut self.x[at + self.channel..];
            let written = (i == 0 && self.inner[0]) || (j == 0 && self.inner[1]);
            (v + if written { V::load(x) } else { self.bias }).store(x);
        }
    }
}

impl Store {
    /// Where a tile's values go, from channel `channel`.
    #[inline(always)]
    pub(super) fn grid<'a, V>(
        &self,
        values: &'a mut [f32],
        tile: usize,
        channel: usize,
    ) -> GridMut<'a, V> {
        GridMut {
            data: values,
            first: self.at(tile, channel),
            strides: [POINTS * self.point, self.point],
            plus: None,
        }
    }
}

by_lanes! {
    /// Small images `y` to values `A y`.
    pub(super) fn small_to_values<V>(conv: &Conv, tiles: &Tiles, y: &[f32], store: &Store, values: &mut [f32]) {
        let (len, channels) = (conv.small_len(), conv.small_channels);
        let images = y.len() / len;
        let strides = [conv.small[1] * channels, channels];
        for (image, y) in y.chunks_exact(len).enumerate() {
            for tile in tiles.of_image(image, images) {
                let first = tile.start[0] * strides[0] + tile.start[1] * strides[1];
                for channel in (0..channels).step_by(LANES) {
                    let from = Grid { data: y, first: first + channel, strides };
                    let mut to = store.grid::<V>(values, tile.number, channel);
                    of_size!(A, V, [3, 2], tile, &from, &mut to);
                }
            }
        }
    }
}

by_lanes! {
    /// Big images `x` to values `Bᵀ x` of each parity: channels `[2, 2, C]`.
    pub(super) fn big_to_values<V>(conv: &Conv, tiles: &Tiles, x: &[f32], store: &Store, values: &mut [f32]) {
        let (len, channels) = (conv.big_len(), conv.big_channels);
        let images = x.len() / len;
        for (image, x) in x.chunks_exact(len).enumerate() {
            for tile in tiles.of_image(image, images) {
                for parity in 0..4 {
                    let window = &Window::new(conv, &tile, parity);
                    for channel in (0..channels).step_by(LANES) {
                        let from = WindowOf { window, x, channel };
                        let mut to = store.grid::<V>(values, tile.number, parity * channels + channel);
                        of_size!(Bt, V, [3, 2], tile, &from, &mut to);
                    }
                }
            }
        }
    }
}

/// The products of a group of images for one panel of channels: `[point, tile, width]`.
#[derive(Clone, Copy)]
pub(super) struct Products<'a> {
    pub(super) values: &'a [f32],
    /// Tiles of the group.
    pub(super) tiles: usize,
    /// The channels: of the panel, and how many of them there are.
    pub(super) first: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl Products<'_> {
    /// The products of a tile at all points, from the panel's lane `lane`.
    #[inline(always)]
    pub(super) fn grid(&self, tile: usize, lane: usize) -> Grid<'_> {
        let point = self.tiles * self.width;
        Grid {
            data: self.values,
            first: tile * self.width + lane,
            strides: [POINTS * point, point],
        }
    }
}

by_lanes! {
    /// `y = Aᵀ products + bias` for the panel's channels.
    pub(super) fn values_to_small<V>(conv: &Conv, tiles: &Tiles, products: &Products<'_>, bias: Option<&[f32]>, y: &mut [f32]) {
        let (len, channels) = (conv.small_len(), conv.small_channels);
        let images = y.len() / len;
        let strides = [conv.small[1] * channels, channels];
        for (image, y) in y.chunks_exact_mut(len).enumerate() {
            for tile in tiles.of_image(image, images) {
                let first = tile.start[0] * strides[0] + tile.start[1] * strides[1];
                for lane in (0..products.channels).step_by(LANES) {
                    let channel = products.first + lane;
                    let bias = match bias {
                        Some(bias) => V::load(&bias[channel..]),
                        None => V::ZERO,
                    };
                    let mut to = GridMut {
                        data: y,
                        first: first + channel,
                        strides,
                        plus: Some(bias),
                    };
                    of_size!(At, V, [3, 2], tile, &products.grid(tile.number, lane), &mut to);
                }
            }
        }
    }
}

by_lanes! {
    /// `x = B products + bias` for the panel's channels, those of `[2, 2, C]`: the windows
    /// of neighbouring tiles overlap by one row and one column of each parity, which
    /// the later tile adds to.
    pub(super) fn values_to_big<V>(conv: &Conv, tiles: &Tiles, products: &Products<'_>, bias: Option<&[f32]>, x: &mut [f32]) {
        let (len, channels) = (conv.big_len(), conv.big_channels);
        let images = x.len() / len;
        for (image, x) in x.chunks_exact_mut(len).enumerate() {
            for tile in tiles.of_image(image, images) {
                for lane in (0..products.channels).step_by(LANES) {
                    let j = products.first + lane;
                    let (parity, channel) = (j / channels, j % channels);
                    let bias = match bias {
                        Some(bias) => V::load(&bias[channel..]),
                        None => V::ZERO,
                    };
                    let mut to = WindowMut {
                        window: &Window::new(conv, &tile, parity),
                        x,
                        channel,
                        inner: tile.inner,
                        bias,
                    };
                    of_size!(B, V, [3, 2], tile, &products.grid(tile.number, lane), &mut to);
                }
            }
        }
    }
}

/// Elements of all values of `tiles` tiles with `channels` channels.
pub(super) fn len(tiles: usize, channels: usize) -> usize {
    SQUARE * tiles * channels
}
