//! How images are cut into tiles, and where a tile's values at the points lie.

use super::transform::{EXTRA, LARGE, POINTS};
use crate::conv::geometry::Conv;
use std::ops::Range;

/// Small positions along one axis in tiles: tiles of three, then tiles of two, none of
/// them ragged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    threes: usize,
    twos: usize,
}

impl Axis {
    /// `None` for the sizes that are no sum of threes and twos: 0 and 1.
    pub(super) fn new(size: usize) -> Option<Self> {
        let twos = (LARGE - size % LARGE) % LARGE;
        let threes = size.checked_sub(2 * twos)? / LARGE;
        (size > 0).then_some(Self { threes, twos })
    }

    pub(super) fn tiles(&self) -> usize {
        self.threes + self.twos
    }

    /// First position and length of tile `i`.
    #[inline]
    pub(super) fn tile(&self, i: usize) -> (usize, usize) {
        match i.checked_sub(self.threes) {
            None => (3 * i, 3),
            Some(two) => (3 * self.threes + 2 * two, 2),
        }
    }
}

/// The tiles of one image, and the order in which those of a group of images are kept.
///
/// Tiles of two have no value at the extra point, so the tiles that a point has must
/// be neighbours: rows of three first with columns of two, then of three; then rows of
/// two with columns of three, then of two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles {
    pub(super) axes: [Axis; 2],
}

/// One tile: its number, first small row and column, and size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    pub(super) number: usize,
    pub(super) start: [usize; 2],
    pub(super) size: [usize; 2],
    /// True where a tile above and one to the left overlap its big window.
    pub(super) inner: [bool; 2],
}

impl Tiles {
    pub(super) fn new(conv: &Conv) -> Option<Self> {
        let axes = [Axis::new(conv.small[0])?, Axis::new(conv.small[1])?];
        Some(Self { axes })
    }

    /// Tiles of an image.
    pub(super) fn count(&self) -> usize {
        self.axes[0].tiles() * self.axes[1].tiles()
    }

    /// Tiles of an image in each class, in the order of their numbers.
    fn classes(&self) -> [usize; 4] {
        let [rows, columns] = self.axes;
        [
            rows.threes * columns.twos,
            rows.threes * columns.threes,
            rows.twos * columns.threes,
            rows.twos * columns.twos,
        ]
    }

    /// The tiles of image `image` of `images` in row-major order.
    pub(super) fn of_image(&self, image: usize, images: usize) -> impl Iterator<Item = Tile> {
        let Self { axes } = *self;
        let [rows, columns] = axes;
        let classes = self.classes();
        let before = |class: usize| classes[..class].iter().sum::<usize>() * images;
        let firsts = [0, 1, 2, 3].map(|class| before(class) + image * classes[class]);
        let place = move |i: usize, j: usize| match (i < rows.threes, j < columns.threes) {
            (true, false) => firsts[0] + i * columns.twos + (j - columns.threes),
            (true, true) => firsts[1] + i * columns.threes + j,
            (false, true) => firsts[2] + (i - rows.threes) * columns.threes + j,
            (false, false) => firsts[3] + (i - rows.threes) * columns.twos + (j - columns.threes),
        };
        let all = (0..rows.tiles()).flat_map(move |i| (0..columns.tiles()).map(move |j| (i, j)));
        all.map(move |(i, j)| {
            let ((row, height), (column, width)) = (rows.tile(i), columns.tile(j));
            Tile {
                number: place(i, j),
                start: [row, column],
                size: [height, width],
                inner: [i > 0, j > 0],
            }
        })
    }

    /// The numbers of the tiles of `images` images that have a value at the point.
    pub(super) fn at_point(&self, point: usize, images: usize) -> Range<usize> {
        let classes = self.classes();
        let end = |class: usize| classes[..=class].iter().sum::<usize>() * images;
        match (point / POINTS == EXTRA, point % POINTS == EXTRA) {
            (false, false) => 0..end(3),
            (true, false) => 0..end(1),
            (false, true) => end(0)..end(2),
            (true, true) => end(0)..end(1),
        }
    }
}

/// The points of both dimensions.
pub(super) const SQUARE: usize = POINTS * POINTS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_an_axis_once() {
        for size in 1..70 {
            let Some(axis) = Axis::new(size) else {
                assert_eq!(size, 1);
                continue;
            };
            let mut next = 0;
            for i in 0..axis.tiles() {
                let (start, len) = axis.tile(i);
                assert!(start == next && (len == 2 || len == 3));
                next += len;
            }
            assert_eq!(next, size);
        }
    }

    #[test]
    fn a_points_tiles_are_neighbours() {
        let tiles = Tiles {
            axes: [7, 11].map(|size| Axis::new(size).expect("threes and twos")),
        };
        let images = 3;
        let all: Vec<Tile> = (0..images)
            .flat_map(|i| tiles.of_image(i, images))
            .collect();
        let mut numbers: Vec<usize> = all.iter().map(|t| t.number).collect();
        numbers.sort_unstable();
        assert!(numbers.iter().copied().eq(0..images * tiles.count()));
        for point in 0..SQUARE {
            let range = tiles.at_point(point, images);
            for tile in &all {
                let has = |axis: usize, point: usize| point != EXTRA || tile.size[axis] == LARGE;
                let here = has(0, point / POINTS) && has(1, point % POINTS);
                assert_eq!(range.contains(&tile.number), here, "{point} {tile:?}");
            }
        }
    }
}
