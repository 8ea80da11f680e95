//! A picture as text for terminals: two pixels a character, the upper one in its colour, the lower one as its background.

use detach_data::Antialias;
use std::fmt::Write;

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// Eight bits of red, green and blue each.
    All,
    /// The 256 of xterm: a cube of 6×6×6, and 24 greys.
    Of256,
}

/// The picture `pixels` `[C, H, W]` of grey or red, green and blue, at most `columns` characters wide and never enlarged.
///
/// # Panics
/// When the pixels are not of that shape, or it is empty.
pub fn draw(
    pixels: &[u8],
    shape @ [channels, height, width]: [usize; 3],
    columns: usize,
    colours: Colours,
) -> String {
    assert_eq!(
        pixels.len(),
        shape.iter().product::<usize>(),
        "pixels of {shape:?}"
    );
    let across = columns.clamp(1, width);
    let down = (height * across).div_ceil(width).max(1);
    let mut smaller = Antialias::new([height, width], [down, across]);
    let planes: Vec<Vec<f32>> = pixels
        .chunks_exact(height * width)
        .map(|plane| {
            let plane: Vec<f32> = plane.iter().map(|pixel| f32::from(*pixel)).collect();
            let mut out = vec![0.0; down * across];
            smaller.floats(&plane, &mut out);
            out
        })
        .collect();
    let colour = |y: usize, x: usize| -> Option<[u8; 3]> {
        let at = |channel: usize| planes[channel % channels][y * across + x].round() as u8;
        (y < down).then(|| [at(0), at(1), at(2)])
    };
    let mut out = String::new();
    for y in (0..down).step_by(2) {
        let mut before = (None, None);
        for x in 0..across {
            let now = (colour(y, x), colour(y + 1, x));
            if now != before {
                let _ = write!(
                    out,
                    "\x1b[0{}{}m",
                    code(38, now.0, colours),
                    code(48, now.1, colours)
                );
                before = now;
            }
            out.push('▀');
        }
        out.push_str("\x1b[0m\n");
    }
    out
}

/// What makes `place` (38 is the character, 48 its background) so.
fn code(place: u8, colour: Option<[u8; 3]>, colours: Colours) -> String {
    match (colour, colours) {
        (None, _) => String::new(),
        (Some([r, g, b]), Colours::All) => format!(";{place};2;{r};{g};{b}"),
        (Some(colour), Colours::Of256) => format!(";{place};5;{}", nearest(colour)),
    }
}

/// The number of the nearest of xterm's colours.
fn nearest(colour: [u8; 3]) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let far = |one: [u8; 3]| -> u32 {
        let pairs = one.iter().zip(&colour);
        pairs.map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
    };
    let level = |x: u8| (0..6).min_by_key(|i| LEVELS[*i].abs_diff(x)).unwrap_or(0);
    let levels = colour.map(level);
    let of_cube = levels.map(|i| LEVELS[i]);
    let mean = colour.iter().map(|x| u32::from(*x)).sum::<u32>() / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23) as u8;
    match far([8 + 10 * grey; 3]) < far(of_cube) {
        true => 232 + grey,
        false => (16 + 36 * levels[0] + 6 * levels[1] + levels[2]) as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_are_a_line() {
        let text = draw(&[255, 0, 0, 255, 9, 9], [1, 3, 2], 80, Colours::All);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("\x1b[0;38;2;255;255;255;48;2;0;0;0m▀"));
        // Below the last row is nothing.
        assert_eq!(lines[1], "\x1b[0;38;2;9;9;9m▀▀\x1b[0m");
    }

    #[test]
    fn a_wide_picture_is_made_narrow() {
        let text = draw(&[7; 3 * 100 * 200], [3, 100, 200], 40, Colours::Of256);
        assert_eq!(text.lines().count(), 10);
        assert!(text.lines().all(|line| line.matches('▀').count() == 40));
    }

    #[test]
    fn colours_of_256() {
        let all = [[0, 0, 0], [255; 3], [255, 0, 0], [128; 3], [95, 135, 175]].map(nearest);
        assert_eq!(all, [16, 231, 196, 244, 67]);
    }
}
