//! Letters as coverage: one size of one monospaced face, enough for titles and numbers.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster};

const WEIGHT: FontWeight = FontWeight::Regular;
const SIZE: RasterHeight = RasterHeight::Size16;

/// Width of every letter in pixels.
pub(in crate::show) const ADVANCE: usize = 7;
/// Rows of a letter's box.
pub(super) const HEIGHT: usize = 16;
/// From the top of a letter's box to the middle of its digits and capitals.
pub(super) const MIDDLE: f64 = 8.5;

/// Width of `text` in pixels.
pub(in crate::show) fn width(text: &str) -> usize {
    ADVANCE * text.chars().count()
}

/// A letter's ink, `[HEIGHT, ADVANCE]`, 0 for paper and 255 for ink.
///
/// The minus sign is the bar of `+`, whose width and height it should have. Of what the face
/// lacks, white space is a space and anything else `?`.
pub(super) fn glyph(letter: char) -> Vec<u8> {
    match letter {
        '−' => bar(raster('+').expect("the face has `+`").pixels()),
        _ if letter.is_whitespace() => vec![0; HEIGHT * ADVANCE],
        _ => raster(letter)
            .or_else(|| raster('?'))
            .expect("the face has `?`")
            .pixels()
            .to_vec(),
    }
}

fn raster(letter: char) -> Option<RasterizedChar> {
    get_raster(letter, WEIGHT, SIZE)
}

/// Of the ink of `+`, the rows of its horizontal bar: those that reach its left end.
fn bar(plus: &[u8]) -> Vec<u8> {
    let end = (0..ADVANCE)
        .find(|&x| (0..HEIGHT).any(|y| plus[y * ADVANCE + x] > 0))
        .expect("`+` has ink");
    plus.chunks(ADVANCE)
        .flat_map(|row| {
            row.iter()
                .map(move |&ink| if row[end] > 0 { ink } else { 0 })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First and last row with ink.
    fn rows(letter: char) -> Option<(usize, usize)> {
        let glyph = glyph(letter);
        assert_eq!(glyph.len(), HEIGHT * ADVANCE, "{letter}");
        let inked = |&y: &usize| glyph[y * ADVANCE..][..ADVANCE].iter().any(|&ink| ink > 127);
        (0..HEIGHT).find(inked).zip((0..HEIGHT).rfind(inked))
    }

    #[test]
    fn what_pictures_say_has_letters() {
        let unknown = glyph('?');
        for letter in "iteration 0123456789 density samples N(0, 1) − −0.5".chars() {
            assert_ne!(glyph(letter), unknown, "{letter}");
            assert_eq!(rows(letter).is_some(), letter != ' ', "{letter}");
        }
        assert_eq!(glyph('漢'), unknown);
        assert_eq!(rows('\u{202f}'), None);
    }

    #[test]
    fn digits_stand_around_the_middle() {
        for digit in '0'..='9' {
            let (first, last) = rows(digit).unwrap();
            let middle = (first + last + 1) as f64 / 2.0;
            assert!((middle - MIDDLE).abs() < 0.5, "{digit}: {first} to {last}");
        }
    }

    #[test]
    fn a_minus_sign_is_a_bar_and_as_wide_as_a_plus() {
        let (first, last) = rows('−').unwrap();
        assert!(last - first <= 1, "{first} to {last}");
        let reach = |letter| {
            let glyph = glyph(letter);
            (0..ADVANCE)
                .filter(|&x| (0..HEIGHT).any(|y| glyph[y * ADVANCE + x] > 0))
                .collect::<Vec<_>>()
        };
        assert_eq!(reach('−'), reach('+'));
        assert_ne!(glyph('−'), glyph('+'));
    }
}
