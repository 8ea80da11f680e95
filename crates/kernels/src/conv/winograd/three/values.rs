//! Images to values at the points and back.

use super::super::lanes::{LANES, by_lanes};
use super::super::transform::{Bt, POINTS, ShortA, ShortAt, of_size, square};
use super::super::values::{Grid, GridMut, PADDING, Products, Store, Window, WindowOf};
use super::groups::{Group, Images, Tile};

/// The window of a tile: one pixel more on each side.
#[inline(always)]
fn window(of: &Images, tile: &Tile) -> Window {
    let axis = |axis: usize, step: usize| {
        let start: usize = tile.start[axis];
        let mut places = [PADDING; POINTS];
        for (i, place) in places.iter_mut().enumerate() {
            if let Some(at) = (start + i).checked_sub(1).filter(|at| *at < of.size[axis]) {
                *place = at * step;
            }
        }
        places
    };
    Window {
        rows: axis(0, of.row_len()),
        columns: axis(1, of.channels),
    }
}

/// Where the window of a tile starts, if none of it is padding.
#[inline(always)]
fn inner(of: &Images, tile: &Tile) -> Option<usize> {
    let is_inner =
        |axis: usize| tile.start[axis] > 0 && tile.start[axis] + POINTS - 1 <= of.size[axis];
    (is_inner(0) && is_inner(1))
        .then(|| (tile.start[0] - 1) * of.row_len() + (tile.start[1] - 1) * of.channels)
}

by_lanes! {
    /// The images `x` to values `Bᵀ x` of a group's windows.
    pub(super) fn of_windows<V>(of: &Images, group: &Group, x: &[f32], store: &Store, values: &mut [f32]) {
        let (len, strides) = (of.image_len(), [of.row_len(), of.channels]);
        for tile in group.each(of) {
            let x = &x[tile.image * len..][..len];
            if let Some(first) = inner(of, &tile) {
                for channel in (0..of.channels).step_by(LANES) {
                    let from = Grid { data: x, first: first + channel, strides };
                    square::<Bt, V, 3, 3>(&from, &mut store.grid::<V>(values, tile.number, channel));
                }
                continue;
            }
            let window = &window(of, &tile);
            for channel in (0..of.channels).step_by(LANES) {
                let from = WindowOf { window, x, channel };
                square::<Bt, V, 3, 3>(&from, &mut store.grid::<V>(values, tile.number, channel));
            }
        }
    }
}

by_lanes! {
    /// The images `y` to values `A y` of a group's tiles.
    pub(super) fn of_tiles<V>(of: &Images, group: &Group, y: &[f32], store: &Store, values: &mut [f32]) {
        let strides = [of.row_len(), of.channels];
        for tile in group.each(of) {
            let first = tile.image * of.image_len() + tile.start[0] * strides[0] + tile.start[1] * strides[1];
            for channel in (0..of.channels).step_by(LANES) {
                let from = Grid { data: y, first: first + channel, strides };
                let mut to = store.grid::<V>(values, tile.number, channel);
                of_size!(ShortA, V, [2, 1], tile, &from, &mut to);
            }
        }
    }
}

by_lanes! {
    /// A group's pixels `y = Aᵀ products + bias` for the panel's channels.
    pub(super) fn to_tiles<V>(of: &Images, group: &Group, products: &Products<'_>, bias: Option<&[f32]>, y: &mut [f32]) {
        let strides = [of.row_len(), of.channels];
        for tile in group.each(of) {
            let first = of.place(group, tile.image, tile.start);
            for lane in (0..products.channels).step_by(LANES) {
                let channel = products.first + lane;
                let bias = match bias {
                    Some(bias) => V::load(&bias[channel..]),
                    None => V::ZERO,
                };
                let mut to = GridMut {
                    data: &mut *y,
                    first: first + channel,
                    strides,
                    plus: Some(bias),
                };
                of_size!(ShortAt, V, [2, 1], tile, &products.grid(tile.number, lane), &mut to);
            }
        }
    }
}
