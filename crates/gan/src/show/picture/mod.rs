//! Pictures of samples: tiles on a grid, as a PNG or as a moving PNG.
//!
//! Networks speak in planes of `[-1, 1]`, files in interleaved bytes:
//! `byte = round(127.5 · value + 127.5)`, the inverse of how the data was
//! scaled on its way in.

mod image;
mod tiles;

pub use image::{Image, save_apng};
pub use tiles::Tiles;

/// Images as tiles of one picture, row by row, 2 pixels apart.
///
/// `[N, C, H, W]` values in `[-1, 1]`, C = 1 (gray) or 3 (RGB). Values outside
/// are clamped; NaN becomes black.
#[derive(Clone, Copy, Debug)]
pub struct Grid<'a> {
    images: &'a [f32],
    tiles: Tiles,
}

impl<'a> Grid<'a> {
    /// A near-square grid of `images`, `[N, C, H, W]`, in their own size.
    ///
    /// # Panics
    /// When `images` has not `N·C·H·W` values, a dimension is 0, or C is
    /// neither 1 nor 3.
    #[track_caller]
    pub fn new(images: &'a [f32], dims: [usize; 4]) -> Self {
        let tiles = Tiles::new(dims);
        assert!(
            images.len() == dims.iter().product::<usize>(),
            "{dims:?} needs {} values, got {}",
            dims.iter().product::<usize>(),
            images.len()
        );
        Self { images, tiles }
    }

    /// Tiles in a row.
    ///
    /// # Panics
    /// When `columns` is 0.
    #[must_use]
    #[track_caller]
    pub fn columns(self, columns: usize) -> Self {
        let tiles = self.tiles.columns(columns);
        Self { tiles, ..self }
    }

    /// Shows each value as `scale` × `scale` equal pixels; lines stay thin.
    ///
    /// # Panics
    /// When `scale` is 0.
    #[must_use]
    #[track_caller]
    pub fn scale(self, scale: usize) -> Self {
        let tiles = self.tiles.scale(scale);
        Self { tiles, ..self }
    }

    /// Draws the picture. Places without an image keep the lines' color.
    ///
    /// # Panics
    /// When a side of the picture is larger than a PNG can have.
    #[track_caller]
    pub fn render(&self) -> Image {
        let size = self.tiles.size();
        let size = size.unwrap_or_else(|| panic!("a picture of {:?}", self.tiles));
        let mut pixels = self.tiles.line();
        for row in self.images.chunks(self.tiles.values_of_a_row()) {
            self.tiles.draw_row(row, &mut pixels);
        }
        Image::of(size, self.tiles.channels(), pixels)
    }
}

/// `round(127.5 · value + 127.5)`, clamped. A cast from float saturates, and
/// takes NaN to 0.
fn to_byte(value: f32) -> u8 {
    (value * 127.5 + 127.5).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_the_data_survives_the_way_in_and_out() {
        for byte in 0..=255_u8 {
            assert_eq!(to_byte((f32::from(byte) - 127.5) / 127.5), byte);
        }
        assert_eq!(
            (to_byte(-7.0), to_byte(7.0), to_byte(f32::NAN)),
            (0, 255, 0)
        );
    }

    #[test]
    fn tiles_stand_row_by_row_with_lines_around_them() {
        let images: Vec<f32> = [-1.0, -0.5, 0.0, 0.5, 1.0]
            .iter()
            .flat_map(|&value| [value; 6])
            .collect();
        let picture = Grid::new(&images, [5, 1, 2, 3]).render();
        // Five images: three columns and two rows of 3x2 tiles.
        assert_eq!((picture.width(), picture.height()), (17, 10));
        for (tile, byte) in [0, 64, 128, 191, 255].into_iter().enumerate() {
            let (left, top) = (2 + 5 * (tile as u32 % 3), 2 + 4 * (tile as u32 / 3));
            for (x, y) in [(left, top), (left + 2, top + 1)] {
                assert_eq!(picture.pixel(x, y), [byte], "tile {tile}");
            }
        }
        for (x, y) in [(0, 0), (1, 3), (5, 2), (6, 3), (3, 4), (16, 9), (13, 7)] {
            assert_eq!(picture.pixel(x, y), [Tiles::LINE], "({x}, {y})");
        }
    }

    #[test]
    fn planes_become_colors() {
        let picture = Grid::new(&[1.0, -1.0, -1.0, 1.0, 0.0, 0.0], [1, 3, 1, 2]).render();
        assert_eq!(picture.channels(), 3);
        assert_eq!(picture.pixel(2, 2), [255, 0, 128]);
        assert_eq!(picture.pixel(3, 2), [0, 255, 128]);
    }

    #[test]
    fn scale_repeats_pixels_and_leaves_the_lines_thin() {
        let picture = Grid::new(&[1.0, -1.0, 0.0, 1.0], [2, 1, 1, 2])
            .columns(1)
            .scale(3)
            .render();
        assert_eq!((picture.width(), picture.height()), (10, 12));
        let row = |y| (0..10).map(|x| picture.pixel(x, y)[0]).collect::<Vec<u8>>();
        for y in 2..5 {
            assert_eq!(row(y), [48, 48, 255, 255, 255, 0, 0, 0, 48, 48]);
        }
        assert_eq!(row(6), [48; 10]);
        assert_eq!(row(7)[2..8], [128, 128, 128, 255, 255, 255]);
    }

    #[test]
    #[should_panic(expected = "[2, 1, 3, 3] needs 18 values, got 17")]
    fn a_shape_that_does_not_fit_is_refused() {
        let _ = Grid::new(&[0.0; 17], [2, 1, 3, 3]);
    }
}
