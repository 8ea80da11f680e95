//! Images as bytes, and what becomes of them when they are picked and resized.
//!
//! ```text
//! x[c, y, x]   = (byte − 127.5) / 127.5                  of image index[n], [C, h, w]
//! wide[c, y, X] = (1 − v) · x[c, y, a] + v · x[c, y, b]  (a, b, v) the tap of column X
//! out[n, c, Y, X] = (1 − v) · wide[c, a, X] + v · wide[c, b, X]   … of row Y
//! ```
//!
//! in `f32`, with every product and sum rounded: the bits of a host that scales an image to
//! `[-1, 1]`, then resizes its rows, then its columns.

use crate::{Buffer, Device};

/// How the pixels along one axis are made: for each, two source pixels and the weight of the
/// second. In the memory of a device.
#[derive(Debug)]
pub struct Taps {
    from: usize,
    /// `[3, to]`: first source pixels, second ones, weights.
    values: Buffer,
}

impl Taps {
    /// Taps into `from` source pixels: `([a, b], v)` stands for `(1 − v) · x[a] + v · x[b]`.
    ///
    /// # Panics
    /// When a source pixel is not below `from`, or there are 2²⁴ or more of them.
    #[track_caller]
    pub fn new(device: Device, from: usize, taps: &[([usize; 2], f32)]) -> Self {
        assert!(from < 1 << 24, "taps: {from} pixels of an axis");
        for ([a, b], _) in taps {
            assert!(*a.max(b) < from, "taps: pixels {a} and {b} of {from}");
        }
        let firsts = taps.iter().map(|([a, _], _)| *a as f32);
        let seconds = taps.iter().map(|([_, b], _)| *b as f32);
        let weights = taps.iter().map(|(_, weight)| *weight);
        let values: Vec<f32> = firsts.chain(seconds).chain(weights).collect();
        Self {
            from,
            values: Buffer::from_slice(device, &values),
        }
    }

    /// Every pixel as it is.
    ///
    /// # Panics
    /// As [`Taps::new`].
    #[track_caller]
    pub fn identity(device: Device, pixels: usize) -> Self {
        let taps: Vec<_> = (0..pixels).map(|at| ([at, at], 0.0)).collect();
        Self::new(device, pixels, &taps)
    }

    /// Source pixels.
    pub fn from(&self) -> usize {
        self.from
    }

    /// Pixels that are made.
    pub fn to(&self) -> usize {
        self.values.len() / 3
    }

    /// `[3, to]` in the memory of the device.
    pub(super) fn values(&self) -> &Buffer {
        &self.values
    }

    /// Where the host has them: the tap of each pixel.
    pub(super) fn iter(&self) -> impl Iterator<Item = Tap> + Clone {
        let values = self.values.as_slice::<f32>();
        let to = self.to();
        (0..to).map(move |i| Tap {
            first: values[i] as usize,
            second: values[to + i] as usize,
            weight: values[2 * to + i],
        })
    }
}

/// How one pixel is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    pub(super) first: usize,
    pub(super) second: usize,
    pub(super) weight: f32,
}

impl Tap {
    /// `(1 − weight) · a + weight · b`
    #[inline(always)]
    pub(super) fn between(self, a: f32, b: f32) -> f32 {
        (1.0 - self.weight) * a + self.weight * b
    }
}

/// The value of a pixel as networks see it.
pub(super) const fn unit(byte: u8) -> f32 {
    (byte as f32 - 127.5) / 127.5
}

/// A set of images, as bytes in the words of a buffer ([`Buffer::from_bytes`]).
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    /// The bytes of a row-major `[len, C, h, w]`.
    pub words: &'a Buffer,
    /// `[len, C, h, w]`
    pub shape: [usize; 4],
}

impl Images<'_> {
    /// Byte `at`, where the host has them.
    #[inline(always)]
    pub(super) fn byte(words: &[f32], at: usize) -> u8 {
        (words[at / 4].to_bits() >> (8 * (at % 4))) as u8
    }

    /// Bytes of one image.
    pub(super) fn image_len(&self) -> usize {
        self.shape[1..].iter().product()
    }
}
