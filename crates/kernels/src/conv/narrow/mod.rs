//! Convolutions with few channels on one side, computed where the pixels lie.
//!
//! The ends of an image network meet one channel, or three. Patches gathered for a
//! matrix product would cost more there than the product: it is only `kh * kw` long.
//! Here the *wide* side's channels are the vectors, and the *narrow* image is a padded
//! copy of a band of rows, small enough for the first cache, from which single elements
//! are broadcast:
//!
//! - [`expand`], narrow to wide: each wide pixel is its patch times the weight;
//! - [`reduce`], wide to narrow: each wide pixel times the weight, with the *taps* as
//!   the vector, gives what it adds to its patch; patches are added in the padded image;
//! - [`wgrad`]: for each tap, the narrow elements it meets times the wide pixels.
//!
//! All are written for a narrow big image. A narrow small one of stride 1 is turned into
//! that by the mirrored geometry.

mod expand;
mod gradient;
mod lanes;
mod reduce;
#[cfg(test)]
mod tests;
mod tile;

use super::geometry::Conv;
use tile::QUANTUM;

/// The most channels of the narrow side.
const MAX_NARROW: usize = 4;
/// Parts that a batch is shared out in; each has whole images.
const PARTS: usize = 32;
/// The longest patch.
const MAX_PATCH: usize = 256;

/// What happens to a sum on its way to memory: `act(sum + bias)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct DirectEpilogue<'a> {
    /// One value for each channel of the output.
    pub(super) bias: Option<&'a [f32]>,
    /// Negative results are multiplied by it: 1 for the identity, 0 for ReLU.
    pub(super) slope: f32,
}

impl DirectEpilogue<'_> {
    /// The sum itself.
    #[cfg(test)]
    pub(super) const NONE: Self = Self {
        bias: None,
        slope: 1.0,
    };

    /// Finishes whole pixels that are already in memory.
    fn apply(&self, pixels: &mut [f32]) {
        if let Some(bias) = self.bias {
            for pixel in pixels.chunks_exact_mut(bias.len()) {
                for (x, bias) in pixel.iter_mut().zip(bias) {
                    *x += bias;
                }
            }
        }
        if self.slope != 1.0 {
            for x in pixels {
                *x = if *x < 0.0 { *x * self.slope } else { *x };
            }
        }
    }
}

/// True when one side is narrow and the functions below take the geometry.
pub(super) fn fits(conv: &Conv) -> bool {
    conv.is_dense() && Narrow::new(conv).is_some_and(|narrow| narrow.pays())
}

/// `y` from `x` and `w`.
pub(super) fn fprop(conv: &Conv, x: &[f32], w: &[f32], y: &mut [f32], finish: &DirectEpilogue<'_>) {
    let narrow = Narrow::expect(conv);
    match narrow.mirrored {
        false => expand::expand(&narrow, x, w, y, finish),
        true => reduce::reduce(&narrow, x, w, y, finish),
    }
}

/// The gradient in `x` from `y`'s and `w`.
pub(super) fn dgrad(conv: &Conv, y: &[f32], w: &[f32], x: &mut [f32], finish: &DirectEpilogue<'_>) {
    let narrow = Narrow::expect(conv);
    match narrow.mirrored {
        false => reduce::reduce(&narrow, y, w, x, finish),
        true => expand::expand(&narrow, y, w, x, finish),
    }
}

/// The gradient in `w` from `x` and `y`'s.
pub(super) fn wgrad(conv: &Conv, x: &[f32], y: &[f32], w: &mut [f32]) {
    let narrow = Narrow::expect(conv);
    match narrow.mirrored {
        false => gradient::wgrad(&narrow, x, y, w),
        true => gradient::wgrad(&narrow, y, x, w),
    }
}

/// A geometry whose big image is the narrow one, and how its images are laid out for
/// the tiles.
struct Narrow {
    conv: Conv,
    /// The images have changed roles.
    mirrored: bool,
    /// Elements of a kernel row: taps and their narrow channels.
    run: usize,
    /// The same as lanes of a vector over taps: [`reduce`] adds in fours.
    run_lanes: usize,
    /// Lanes of all kernel rows.
    lanes: usize,
    /// Wide channels rounded up to whole registers.
    wide: usize,
    /// Elements of a row of the padded image.
    pitch: usize,
}

impl Narrow {
    /// Nothing if neither side is narrow, or only the small one is and the geometry has
    /// no mirror image.
    fn new(conv: &Conv) -> Option<Self> {
        let mirrored = conv.small_channels < conv.big_channels;
        let conv = match mirrored {
            true => conv.mirror_if(true)?,
            false => *conv,
        };
        if conv.big_channels > MAX_NARROW || conv.patch() > MAX_PATCH {
            return None;
        }
        let run = conv.kernel[1] * conv.big_channels;
        let run_lanes = run.next_multiple_of(4);
        let across = (conv.small[1] - 1) * conv.stride[1] * conv.big_channels;
        Some(Self {
            mirrored,
            run,
            run_lanes,
            lanes: (conv.kernel[0] * run_lanes).next_multiple_of(QUANTUM),
            wide: conv.small_channels.next_multiple_of(QUANTUM),
            pitch: across + run_lanes,
            conv,
        })
    }

    fn expect(conv: &Conv) -> Self {
        Self::new(conv).expect("a narrow convolution")
    }

    /// Whether there is enough to fill vectors with.
    fn pays(&self) -> bool {
        self.conv.small_channels >= 8 && self.conv.small != [1, 1]
    }

    /// Images in a piece of the batch.
    fn images(&self) -> usize {
        self.conv.batch.div_ceil(PARTS)
    }

    /// Rows of the padded image that `rows` small rows meet.
    fn padded_rows(&self, rows: usize) -> usize {
        (rows - 1) * self.conv.stride[0] + self.conv.kernel[0]
    }

    /// Elements of those rows.
    fn padded_len(&self, rows: usize) -> usize {
        self.padded_rows(rows) * self.pitch
    }

    /// Small rows in a band, such that all bands are nearly equal and `fits`.
    fn band(&self, fits: impl Fn(usize) -> bool) -> usize {
        let all = self.conv.small[0];
        let most = (1..=all).take_while(|&rows| fits(rows)).last().unwrap_or(1);
        all.div_ceil(all.div_ceil(most))
    }

    /// Elements of a narrow row that the padded image has, and the element of the
    /// padded row where they start.
    fn columns(&self) -> (usize, usize) {
        let conv = &self.conv;
        let start = (conv.padding[1] * conv.big_channels).min(self.pitch);
        (
            start,
            (conv.big[1] * conv.big_channels).min(self.pitch - start),
        )
    }

    /// Copies the padded rows that small rows from `first` on meet. What surrounds the
    /// image in a row must be zeros, and stays so.
    fn pad(&self, image: &[f32], first: usize, padded: &mut [f32]) {
        let conv = &self.conv;
        let width = conv.big[1] * conv.big_channels;
        let (start, len) = self.columns();
        for (ky, padded) in padded.chunks_exact_mut(self.pitch).enumerate() {
            let Some(row) = conv.big_row(first, ky) else {
                padded.fill(0.0);
                continue;
            };
            padded[start..start + len].copy_from_slice(&image[row * width..][..len]);
        }
    }

    /// The big image out of the whole padded one, finished.
    fn unpad(&self, padded: &[f32], image: &mut [f32], finish: &DirectEpilogue<'_>) {
        let conv = &self.conv;
        let (start, len) = self.columns();
        let rows = image.chunks_exact_mut(conv.big[1] * conv.big_channels);
        for (row, image) in rows.enumerate() {
            let at = (row + conv.padding[0]) * self.pitch;
            match padded.get(at..at + self.pitch) {
                Some(padded) => {
                    image[..len].copy_from_slice(&padded[start..start + len]);
                    image[len..].fill(0.0);
                }
                None => image.fill(0.0),
            }
            finish.apply(image);
        }
    }

    /// Calls `f` with each element's place: wide channel, kernel row, position in the
    /// kernel row, index in the weight as the caller stores it.
    fn each_weight(&self, mut f: impl FnMut(usize, usize, usize, usize)) {
        let taps = self.conv.kernel[0] * self.conv.kernel[1];
        let (narrows, wides) = (self.conv.big_channels, self.conv.small_channels);
        for ky in 0..self.conv.kernel[0] {
            for r in 0..self.run {
                let (tap, channel) = (ky * self.conv.kernel[1] + r / narrows, r % narrows);
                let (start, step) = match self.mirrored {
                    false => (tap * narrows + channel, taps * narrows),
                    true => ((channel * taps + taps - 1 - tap) * wides, 1),
                };
                for o in 0..wides {
                    f(o, ky, r, start + o * step);
                }
            }
        }
    }
}
