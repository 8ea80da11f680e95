//! Where the tiles of a picture stand, and a picture of them written row by row.

use super::image::{encoder, into_io};
use super::to_byte;
use crate::export::Sink;
use detach_files::WriteError;
use std::io::{self, Write};
use std::path::Path;

/// Tiles of one size in rows, 2 pixels apart: the layout of a picture of `N` images `[C, H, W]`.
#[derive(Clone, Copy, Debug)]
pub struct Tiles {
    dims: [usize; 4],
    columns: usize,
    scale: usize,
}

impl Tiles {
    /// Width of the lines between and around the tiles, in pixels.
    pub const GAP: usize = 2;
    /// Brightness of the lines: told from the black of a digit's ground and
    /// quieter than its strokes.
    pub(super) const LINE: u8 = 48;
    /// The longest side of a PNG, in pixels.
    const LONGEST: usize = (1 << 31) - 1;

    /// A near-square layout of `[N, C, H, W]` images in their own size.
    ///
    /// # Panics
    /// When a dimension is 0, or C is neither 1 nor 3.
    #[track_caller]
    pub fn new(dims: [usize; 4]) -> Self {
        let [count, channels, ..] = dims;
        assert!(
            dims.iter().all(|&dim| dim > 0),
            "a grid needs images, got {dims:?}"
        );
        assert!(
            matches!(channels, 1 | 3),
            "an image is gray (1) or RGB (3), got [N, C, H, W] = {dims:?}"
        );
        Self {
            dims,
            columns: count.isqrt() + usize::from(count.isqrt().pow(2) < count),
            scale: 1,
        }
    }

    /// Tiles in a row; no more than there are.
    ///
    /// # Panics
    /// When `columns` is 0.
    #[must_use]
    #[track_caller]
    pub fn columns(self, columns: usize) -> Self {
        assert!(columns > 0, "a grid needs at least one column");
        let columns = columns.min(self.dims[0]);
        Self { columns, ..self }
    }

    /// Shows each value as `scale` × `scale` equal pixels; lines stay thin.
    ///
    /// # Panics
    /// When `scale` is 0.
    #[must_use]
    #[track_caller]
    pub fn scale(self, scale: usize) -> Self {
        assert!(scale > 0, "the scale is a whole number from 1 on");
        Self { scale, ..self }
    }

    /// Width and height of the picture in pixels; `None` where a side is longer than a PNG can have.
    pub fn size(&self) -> Option<[u32; 2]> {
        let [count, _, height, width] = self.dims;
        let side = |tiles: usize, size: usize| {
            let tile = size.checked_mul(self.scale)?.checked_add(Self::GAP)?;
            let pixels = tile.checked_mul(tiles)?.checked_add(Self::GAP)?;
            u32::try_from(pixels)
                .ok()
                .filter(|_| pixels <= Self::LONGEST)
        };
        let rows = count.div_ceil(self.columns);
        Some([side(self.columns, width)?, side(rows, height)?])
    }

    /// Writes the picture as a PNG file, whole or not at all, and holds one row of tiles at a time: `fill` hands over
    /// the images' values in `[-1, 1]`, in pieces of any length.
    ///
    /// # Errors
    /// When the file cannot be written, when a side is longer than a PNG can have, when `fill` fails, or hands over
    /// more or fewer values than there are.
    pub fn save_png(
        &self,
        path: &Path,
        fill: impl FnOnce(&mut Sink<'_>) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        detach_files::write(path, |out| self.encode(out, fill))
    }

    fn encode(
        &self,
        out: &mut dyn Write,
        fill: impl FnOnce(&mut Sink<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let size = self.size();
        let size = size.ok_or_else(|| io::Error::other("a PNG cannot be so large"))?;
        let mut writer = encoder(out, size, self.channels())
            .write_header()
            .map_err(into_io)?;
        let mut png = writer.stream_writer().map_err(into_io)?;
        png.write_all(&self.line())?;
        let (whole, mut left) = (self.values_of_a_row(), self.dims.iter().product::<usize>());
        let (mut row, mut pixels) = (Vec::with_capacity(whole.min(left)), Vec::new());
        fill(&mut |mut values| {
            let rest = left.checked_sub(values.len());
            left = rest.ok_or_else(|| io::Error::other("more values than the picture has"))?;
            while !values.is_empty() {
                let (now, later) = values.split_at(values.len().min(whole - row.len()));
                row.extend_from_slice(now);
                values = later;
                if row.len() == whole || (left == 0 && values.is_empty()) {
                    pixels.clear();
                    self.draw_row(&row, &mut pixels);
                    png.write_all(&pixels)?;
                    row.clear();
                }
            }
            Ok(())
        })?;
        if left > 0 {
            return Err(io::Error::other("fewer values than the picture has"));
        }
        png.finish().map_err(into_io)?;
        writer.finish().map_err(into_io)
    }

    /// 1 for gray, 3 for RGB.
    pub(super) fn channels(&self) -> usize {
        self.dims[1]
    }

    /// Values of the images of a whole row.
    pub(super) fn values_of_a_row(&self) -> usize {
        let [_, channels, height, width] = self.dims;
        self.columns * channels * height * width
    }

    /// Bytes of a row of pixels.
    fn stride(&self) -> usize {
        let tile = self.dims[3] * self.scale + Self::GAP;
        (self.columns * tile + Self::GAP) * self.channels()
    }

    /// The line along the top, as rows of pixels.
    pub(super) fn line(&self) -> Vec<u8> {
        vec![Self::LINE; self.stride() * Self::GAP]
    }

    /// Appends the rows of pixels of a row of tiles and of the line below them. Where `values` are of fewer images
    /// than a row has, the other places keep the lines' color.
    pub(super) fn draw_row(&self, values: &[f32], pixels: &mut Vec<u8>) {
        let [_, channels, height, width] = self.dims;
        let (plane, stride, scale) = (height * width, self.stride(), self.scale);
        let first = pixels.len();
        pixels.resize(first + stride * (height * scale + Self::GAP), Self::LINE);
        let pixels = &mut pixels[first..];
        for (tile, image) in values.chunks(channels * plane).enumerate() {
            let left = Self::GAP + tile * (width * scale + Self::GAP);
            for (y, line) in pixels.chunks_mut(stride).take(height * scale).enumerate() {
                let line = &mut line[left * channels..][..width * scale * channels];
                for (x, pixel) in line.chunks_mut(channels).enumerate() {
                    let index = y / scale * width + x / scale;
                    for (channel, byte) in pixel.iter_mut().enumerate() {
                        *byte = to_byte(image[channel * plane + index]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Grid;
    use super::*;

    #[test]
    fn a_picture_written_in_pieces_is_the_one_that_is_drawn() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.png");
        for (dims, columns, scale) in [
            ([7, 1, 2, 3], 3, 2),
            ([6, 3, 2, 2], 3, 1),
            ([1, 1, 4, 4], 9, 3),
            ([5, 1, 3, 3], 1, 1),
        ] {
            let count = dims.iter().product::<usize>();
            let values: Vec<f32> = (0..count).map(|i| (i as f32).sin()).collect();
            let tiles = Tiles::new(dims).columns(columns).scale(scale);
            let drawn = Grid::new(&values, dims)
                .columns(columns)
                .scale(scale)
                .render();
            assert_eq!(tiles.size(), Some([drawn.width(), drawn.height()]));
            for piece in [1, 5, count] {
                let written = tiles.save_png(&path, |sink| values.chunks(piece).try_for_each(sink));
                written.expect("a picture");
                let bytes = std::fs::read(&path).expect("the file");
                let mut reader = png::Decoder::new(io::Cursor::new(bytes))
                    .read_info()
                    .expect("PNG");
                let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
                reader.next_frame(&mut pixels).expect("a picture");
                assert_eq!(pixels, drawn.pixels(), "{dims:?} in pieces of {piece}");
            }
            for wrong in [&values[1..], &[&values[..], &[0.0]].concat()] {
                tiles
                    .save_png(&path, |sink| sink(wrong))
                    .expect_err("another number");
            }
        }
    }

    #[test]
    fn a_picture_that_no_png_holds_has_no_size() {
        for dims in [
            [usize::MAX, 1, 28, 28],
            [1 << 60, 1, 1, 1],
            [1, 1, 1 << 31, 1],
        ] {
            let tiles = Tiles::new(dims).columns(1);
            assert_eq!(tiles.size(), None, "{dims:?}");
            let path = Path::new("never.png");
            tiles
                .save_png(path, |_| panic!("no work"))
                .expect_err("too large");
        }
    }
}
