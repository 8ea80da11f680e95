//! Pictures under each other, each with a line of text.

use super::canvas::{Canvas, TITLE, width};
use super::picture::Image;

/// Around everything, and between a picture and the next text.
const MARGIN: u32 = 16;
/// From a text's top to its picture's.
const TEXT: u32 = 24;

/// The pictures from top to bottom, each under its text.
pub fn rows(pictures: &[(String, Image)]) -> Image {
    let widest = pictures
        .iter()
        .map(|(text, picture)| picture.width().max(width(text) as u32));
    let high = pictures
        .iter()
        .map(|(_, picture)| TEXT + picture.height() + MARGIN);
    let mut canvas = Canvas::new(
        widest.max().unwrap_or(1) + 2 * MARGIN,
        high.sum::<u32>() + MARGIN,
    );
    let mut top = MARGIN;
    for (text, picture) in pictures {
        canvas.text(text, [f64::from(MARGIN), f64::from(top + 8)], 0.0, TITLE);
        canvas.picture(picture, [MARGIN, top + TEXT]);
        top += TEXT + picture.height() + MARGIN;
    }
    canvas.into_image()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stand_under_their_texts() {
        let gray = Image::filled(30, 10, &[7]);
        let color = Image::filled(20, 5, &[1, 2, 3]);
        let all = rows(&[("a".to_owned(), gray), ("b".to_owned(), color)]);
        assert_eq!(
            (all.width(), all.height()),
            (62, 16 + 24 + 10 + 16 + 24 + 5 + 16)
        );
        for (x, y, pixel) in [
            (16, 40, [7; 3]),
            (45, 49, [7; 3]),
            (46, 49, [255; 3]),
            (16, 50, [255; 3]),
            (16, 90, [1, 2, 3]),
            (35, 94, [1, 2, 3]),
            (36, 94, [255; 3]),
        ] {
            assert_eq!(all.pixel(x, y), pixel, "({x}, {y})");
        }
        let ink = |top| (top..top + 20).any(|y| (16..24).any(|x| all.pixel(x, y) != [255; 3]));
        assert!(ink(16) && ink(66));
    }
}
