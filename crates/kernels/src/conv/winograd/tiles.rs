//! How images are cut into tiles, and where a tile's values at the points lie.

use super::transform::{EXTRA, POINTS};
use crate::conv::geometry::Conv;
use std::ops::Range;

/// Small positions along one axis in tiles: tiles of four, then tiles of three, none
/// of them ragged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    fours: usize,
    threes: usize,
}

impl Axis {
    /// `None` for the sizes that are no sum of fours and threes: 1, 2 and 5.
    pub(super) fn new(size: usize) -> Option<Self> {
        let threes = (4 - size % 4) % 4;
        let fours = size.checked_sub(3 * threes)? / 4;
        (size > 0).then_some(Self { fours, threes })
    }

    pub(super) fn tiles(&self) -> usize {
        self.fours + self.threes
    }

    /// First position and length of tile `i`.
    #[inline]
    pub(super) fn tile(&self, i: usize) -> (usize, usize) {
        match i.checked_sub(self.fours) {
            None => (4 * i, 4),
            Some(three) => (4 * self.fours + 3 * three, 3),
        }
    }
}

/// The tiles of one image, and the order in which those of a group of images are kept.
///
/// Tiles of three have no value at the extra point, so the tiles that a point has must
/// be neighbours: rows of four first with columns of three, then of four; then rows of
/// three with columns of four, then of three.
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
            rows.fours * columns.threes,
            rows.fours * columns.fours,
            rows.threes * columns.fours,
            rows.threes * columns.threes,
        ]
    }

    /// The tiles of image `image` of `images` in row-major order.
    pub(super) fn of_image(&self, image: usize, images: usize) -> impl Iterator<Item = Tile> {
        let Self { axes } = *self;
        let [rows, columns] = axes;
        let classes = self.classes();
        let before = |class: usize| classes[..class].iter().sum::<usize>() * images;
        let firsts = [0, 1, 2, 3].map(|class| before(class) + image * classes[class]);
        let place = move |i: usize, j: usize| match (i < rows.fours, j < columns.fours) {
            (true, false) => firsts[0] + i * columns.threes + (j - columns.fours),
            (true, true) => firsts[1] + i * columns.fours + j,
            (false, true) => firsts[2] + (i - rows.fours) * columns.fours + j,
            (false, false) => firsts[3] + (i - rows.fours) * columns.threes + (j - columns.fours),
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
                assert!([1, 2, 5].contains(&size));
                continue;
            };
            let mut next = 0;
            for i in 0..axis.tiles() {
                let (start, len) = axis.tile(i);
                assert!(start == next && (len == 3 || len == 4));
                next += len;
            }
            assert_eq!(next, size);
        }
    }

    #[test]
    fn a_points_tiles_are_neighbours() {
        let tiles = Tiles {
            axes: [7, 10].map(|size| Axis::new(size).expect("fours and threes")),
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
                let has = |axis: usize, point: usize| point != EXTRA || tile.size[axis] == 4;
                let here = has(0, point / POINTS) && has(1, point % POINTS);
                assert_eq!(range.contains(&tile.number), here, "{point} {tile:?}");
            }
        }
    }
}
