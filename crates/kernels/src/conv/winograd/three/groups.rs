//! Which tiles are computed together.

use super::super::tiles::SQUARE;
use std::ops::Range;

/// Small positions of a tile along an axis.
pub(super) const TILE: usize = 2;
/// Elements of values and products that a group may have: 384 KiB, three quarters of a small second cache.
const CACHE: usize = 96 << 10;
/// Tiles of a group, at least: enough rows for each panel of the weight that is read.
const LEAST: usize = 28;

/// Images of one size: `[count, h, w, channels]` in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Images {
    pub(super) count: usize,
    pub(super) size: [usize; 2],
    pub(super) channels: usize,
}

/// Rows of tiles: all of some images, or some of one.
#[derive(Clone, Debug)]
pub(super) struct Group {
    images: Range<usize>,
    rows: Range<usize>,
}

/// A tile of a group: its number, its image, the first of its positions and how many there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    pub(super) number: usize,
    pub(super) image: usize,
    pub(super) start: [usize; 2],
    pub(super) size: [usize; 2],
}

impl Images {
    /// Rows and columns of tiles.
    fn grid(&self) -> [usize; 2] {
        self.size.map(|size| size.div_ceil(TILE))
    }

    /// Tiles of an image.
    pub(super) fn tiles(&self) -> usize {
        let [rows, columns] = self.grid();
        rows * columns
    }

    /// Elements of a row of pixels, and of an image.
    pub(super) fn row_len(&self) -> usize {
        self.size[1] * self.channels
    }

    pub(super) fn image_len(&self) -> usize {
        self.size[0] * self.row_len()
    }

    /// Where the rows of pixels of a group start in its images, and how many there are.
    fn pixel_rows(&self, group: &Group) -> Range<usize> {
        group.rows.start * TILE..self.size[0].min(group.rows.end * TILE)
    }

    /// Elements of a group's pixels, which are neighbours in memory.
    pub(super) fn len_of(&self, group: &Group) -> usize {
        group.images.len() * self.pixel_rows(group).len() * self.row_len()
    }

    /// Where pixel `start` of `image` is among a group's pixels.
    pub(super) fn place(&self, group: &Group, image: usize, start: [usize; 2]) -> usize {
        let rows = self.pixel_rows(group);
        let row = (image - group.images.start) * rows.len() + start[0] - rows.start;
        row * self.row_len() + start[1] * self.channels
    }

    /// All tiles in groups, each with about as many as its values, `channels` at a point, stay in the cache.
    pub(super) fn groups(&self, channels: usize) -> Vec<Group> {
        let [rows, columns] = self.grid();
        let most = (CACHE / (SQUARE * channels)).max(LEAST);
        let mut out = Vec::new();
        if 2 * rows * columns > most {
            let parts = rows.div_ceil((most / columns).max(1));
            for image in 0..self.count {
                out.extend((0..parts).map(|part| Group {
                    images: image..image + 1,
                    rows: rows * part / parts..rows * (part + 1) / parts,
                }));
            }
            return out;
        }
        // Whole groups for each thread, as one less on one side would be a good part of the time.
        let share = self.count.div_ceil(2 * rayon::current_num_threads());
        let group = share.div_ceil(share.div_ceil(most / (rows * columns)).max(1));
        out.extend((0..self.count).step_by(group.max(1)).map(|first| Group {
            images: first..self.count.min(first + group),
            rows: 0..rows,
        }));
        out
    }
}

impl Group {
    /// All tiles of some images.
    pub(super) fn whole(of: &Images, images: Range<usize>) -> Self {
        let rows = 0..of.grid()[0];
        Self { images, rows }
    }

    /// How many tiles it has.
    pub(super) fn tiles(&self, of: &Images) -> usize {
        self.images.len() * self.rows.len() * of.grid()[1]
    }

    /// Its tiles, image by image in row-major order.
    pub(super) fn each(&self, of: &Images) -> Walk {
        Walk {
            size: of.size,
            columns: of.grid()[1],
            rows: self.rows.clone(),
            images: self.images.clone(),
            place: [self.rows.start, 0],
            number: 0,
        }
    }
}

/// Where a walk over a group's tiles has come to.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    size: [usize; 2],
    columns: usize,
    rows: Range<usize>,
    /// From the image that it is in.
    images: Range<usize>,
    place: [usize; 2],
    number: usize,
}

impl Iterator for Walk {
    type Item = Tile;

    /// A step for each tile of a few hundred instructions: no iterators in iterators.
    #[inline(always)]
    fn next(&mut self) -> Option<Tile> {
        let Self { size, place, .. } = *self;
        if self.images.is_empty() || self.rows.is_empty() {
            return None;
        }
        let start = [place[0] * TILE, place[1] * TILE];
        let tile = Tile {
            number: self.number,
            image: self.images.start,
            start,
            size: [TILE.min(size[0] - start[0]), TILE.min(size[1] - start[1])],
        };
        self.number += 1;
        self.place[1] += 1;
        if self.place[1] == self.columns {
            self.place = [place[0] + 1, 0];
        }
        if self.place[0] == self.rows.end {
            self.place = [self.rows.start, 0];
            self.images.start += 1;
        }
        Some(tile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pixel of every image is in one tile of one group, at its place.
    #[test]
    fn groups_cover_all_pixels_once() {
        for (count, size, channels) in [
            (5, [28, 28], 64),
            (3, [7, 9], 16),
            (9, [2, 3], 32),
            (1, [64, 64], 3),
        ] {
            let images = Images {
                count,
                size,
                channels,
            };
            let (mut seen, mut before) = (vec![0; count * size[0] * size[1]], 0);
            for group in images.groups(channels + 32) {
                for (number, tile) in group.each(&images).enumerate() {
                    assert_eq!(tile.number, number);
                    for (row, column) in
                        (0..tile.size[0]).flat_map(|i| (0..tile.size[1]).map(move |j| (i, j)))
                    {
                        let at = [tile.start[0] + row, tile.start[1] + column];
                        let place = before + images.place(&group, tile.image, at);
                        let pixel = (tile.image * size[0] + at[0]) * size[1] + at[1];
                        assert_eq!(place, pixel * channels);
                        seen[pixel] += 1;
                    }
                }
                assert_eq!(group.each(&images).count(), group.tiles(&images));
                before += images.len_of(&group);
            }
            assert!(seen.iter().all(|times| *times == 1) && before == count * images.image_len());
        }
    }
}
