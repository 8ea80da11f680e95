//! Pictures inside of a page: tiles in a PNG that stands in the page's own text.

use crate::show::gallery;
use crate::show::picture::{Grid, Image, Tiles};
use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use detach_recipes::settings::Scaling;
use detach_tensor::Tensor;
use std::io::Read;
use std::path::Path;

/// The line between tiles and around them, in pixels: what [`Grid`] draws.
pub(super) const GAP: u32 = Tiles::GAP as u32;
/// Pixels of the widest picture that is taken from a file.
const WIDEST: u32 = 4096;
/// Bytes of the longest file that is taken.
const LONGEST: u64 = 8 << 20;

/// A picture in a page.
#[derive(Clone, Debug)]
pub struct Picture {
    /// `data:image/png;base64,…`.
    pub uri: String,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

impl Picture {
    /// The picture of `image`.
    pub fn of(image: &Image) -> Self {
        Self::of_png(&image.to_png(), [image.width(), image.height()])
    }

    fn of_png(png: &[u8], [width, height]: [u32; 2]) -> Self {
        Self {
            uri: format!("data:image/png;base64,{}", STANDARD.encode(png)),
            width,
            height,
        }
    }

    /// The picture in a file, as it is.
    ///
    /// # Errors
    /// When it cannot be read, is no PNG, or is too large for a page.
    pub fn of_file(path: &Path) -> Result<Self> {
        let bytes = bytes_of(path)?;
        let info = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info()?;
        let size = [info.info().width, info.info().height];
        ensure!(
            size.into_iter().all(|side| side <= WIDEST),
            "{} is too large for a page",
            path.display()
        );
        Ok(Self::of_png(&bytes, size))
    }

    /// Characters of the page that it takes.
    pub fn len(&self) -> usize {
        self.uri.len()
    }

    /// Whether it takes none, which no picture does.
    pub fn is_empty(&self) -> bool {
        self.uri.is_empty()
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = detach_files::open(path)?;
    let length = file.take(LONGEST + 1).read_to_end(&mut bytes)? as u64;
    ensure!(
        length <= LONGEST,
        "{} is too long for a page",
        path.display()
    );
    Ok(bytes)
}

/// Where the tiles of a sheet are: all of one size, each pixel of an image one of the sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Tiles in a row.
    pub columns: u32,
    /// Rows of tiles.
    pub rows: u32,
    /// Pixels of a tile, to the right and down.
    pub tile: [u32; 2],
}

impl Layout {
    /// Pixels of the whole sheet.
    pub fn size(self) -> [u32; 2] {
        [(self.columns, 0), (self.rows, 1)]
            .map(|(count, axis)| count * (self.tile[axis] + GAP) + GAP)
    }
}

/// Tiles in one picture.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The picture.
    pub picture: Picture,
    /// Where its tiles are.
    pub layout: Layout,
}

impl Sheet {
    /// The sheet of `[N, C, H, W]` images in [-1, 1].
    ///
    /// # Panics
    /// As [`Grid::new`].
    #[track_caller]
    pub fn of(values: &[f32], dims: [usize; 4], columns: usize) -> Self {
        let image = Grid::new(values, dims).columns(columns).render();
        let [count, _, height, width] = dims;
        let columns = columns.min(count);
        Self {
            picture: Picture::of(&image),
            layout: Layout {
                columns: columns as u32,
                rows: count.div_ceil(columns) as u32,
                tile: [width as u32, height as u32],
            },
        }
    }
}

/// Rows of samples, and columns where there are no classes.
pub(super) const ROWS: usize = 8;
/// The most classes that have a column each.
const MOST_CLASSES: usize = 20;

/// Columns of a picture: one a class where there are a few.
pub(super) fn columns_of(classes: Option<usize>) -> usize {
    classes.filter(|n| *n <= MOST_CLASSES).unwrap_or(ROWS)
}

/// A picture in which a pixel of a sample is one pixel; histograms as they are.
pub(super) fn smallest(samples: &Tensor, columns: usize, scaling: Scaling) -> Image {
    match samples.shape() {
        [n, c, h, w] => {
            let drawn = gallery::scaled(samples, scaling);
            Grid::new(&drawn, [*n, *c, *h, *w])
                .columns(columns)
                .render()
        }
        _ => gallery::draw(samples, columns, scaling),
    }
}

/// The picture in a file, pixel by pixel.
///
/// # Errors
/// When it cannot be read, or is too large for a page.
pub(super) fn decoded(path: &Path) -> Result<Image> {
    let (shape, planes) = detach_data::picture(path).map_err(anyhow::Error::msg)?;
    ensure!(
        shape.iter().all(|side| *side <= WIDEST as usize),
        "{} is too large for a page",
        path.display()
    );
    Ok(Image::of_planes(shape, &planes))
}

/// How much larger than its tiles a picture shows them, where it is a picture of such tiles in so many columns.
pub(super) fn scale_of(image: &Image, columns: u32, tile: [u32; 2]) -> Option<u32> {
    let inner = (image.width().checked_sub(GAP)?) / columns.max(1);
    let scale = inner.checked_sub(GAP)? / tile[0].max(1);
    let fits = |length: u32, tile: u32| (length - GAP).is_multiple_of(tile * scale + GAP);
    let is_whole = scale > 0
        && columns * (tile[0] * scale + GAP) + GAP == image.width()
        && image.height() > GAP
        && fits(image.height(), tile[1]);
    is_whole.then_some(scale)
}

/// The first rows of such a picture, each pixel of a tile as one pixel.
pub(super) fn compact(image: &Image, layout: Layout, scale: u32) -> Image {
    let [width, height] = layout.size();
    let mut out = Image::filled(width, height, image.pixel(0, 0));
    let place = |at: u32, tile: u32| {
        let (number, within) = (at / (tile + GAP), at % (tile + GAP));
        let inside = within.checked_sub(GAP)?;
        Some(number * (tile * scale + GAP) + GAP + inside * scale)
    };
    for y in 0..height {
        let Some(from_y) = place(y, layout.tile[1]) else {
            continue;
        };
        for x in 0..width {
            if let Some(from_x) = place(x, layout.tile[0]) {
                let pixel = image.pixel(from_x, from_y);
                out.pixel_mut(x, y).copy_from_slice(pixel);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compact_picture_is_the_one_of_the_same_tiles() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.png");
        for (dims, columns, scale) in [([6, 1, 4, 3], 3, 2), ([4, 3, 5, 5], 2, 1)] {
            let count = dims.iter().product::<usize>();
            let values: Vec<f32> = (0..count).map(|i| (i as f32).sin()).collect();
            let grid = Grid::new(&values, dims).columns(columns);
            grid.scale(scale).render().save_png(&path).expect("a file");
            let image = decoded(&path).expect("a picture");
            let tile = [dims[3] as u32, dims[2] as u32];
            let found = scale_of(&image, columns as u32, tile).expect("tiles");
            assert_eq!(found, scale as u32);
            let sheet = Sheet::of(&values, dims, columns);
            assert_eq!(compact(&image, sheet.layout, found), grid.render());
            assert_eq!(scale_of(&image, columns as u32 + 1, tile), None);
            assert_eq!(scale_of(&image, columns as u32, [7, 7]), None);
            let whole = Picture::of_file(&path).expect("a picture");
            assert_eq!([whole.width, whole.height], [image.width(), image.height()]);
        }
    }
}
