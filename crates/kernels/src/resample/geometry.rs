//! What a resampling is: a filter, and the sizes it is used at.

use crate::layout::elements;

/// The most taps that a filter has.
pub const MOST_TAPS: usize = 8;

/// A filter along each axis of an image: zeros between pixels (`up`), zeros around them (`pad`),
/// the taps, and of what they make every `down`-th pixel.
///
/// With x̂ the image with `up − 1` zeros after each pixel,
///
/// ```text
/// y[j] = sum over k of taps[k] * x̂[j * down - pad[0] + k]
/// ```
///
/// along one axis and then along the other, for every channel by itself. Taps are in the order in
/// which they meet the image, as a convolution layer's; where they are the same read backwards,
/// that is also the order of a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fir {
    up: usize,
    down: usize,
    pad: [isize; 2],
    len: usize,
    taps: [f64; MOST_TAPS],
}

impl Fir {
    /// A filter that neither enlarges nor reduces nor pads.
    ///
    /// # Panics
    /// When there is no tap, or more than [`MOST_TAPS`].
    #[track_caller]
    pub fn new(taps: &[f64]) -> Self {
        let len = taps.len();
        assert!(
            (1..=MOST_TAPS).contains(&len),
            "resample: {len} taps; a filter has 1 to {MOST_TAPS}"
        );
        let mut all = [0.0; MOST_TAPS];
        all[..len].copy_from_slice(taps);
        Self {
            up: 1,
            down: 1,
            pad: [0; 2],
            len,
            taps: all,
        }
    }

    /// The same with `up − 1` zeros after each pixel.
    ///
    /// # Panics
    /// When `up` is 0.
    #[must_use]
    #[track_caller]
    pub fn up(self, up: usize) -> Self {
        assert!(
            up > 0,
            "resample: pixels 0 apart; 1 leaves them as they are"
        );
        Self { up, ..self }
    }

    /// The same, of which every `down`-th pixel is kept.
    ///
    /// # Panics
    /// When `down` is 0.
    #[must_use]
    #[track_caller]
    pub fn down(self, down: usize) -> Self {
        assert!(down > 0, "resample: every 0th pixel; 1 keeps them all");
        Self { down, ..self }
    }

    /// The same with so many zeros before and after the image's pixels and the zeros among them;
    /// negative ones cut off.
    #[must_use]
    pub fn pad(self, pad: [isize; 2]) -> Self {
        Self { pad, ..self }
    }

    /// The taps, in the order in which they meet the image.
    pub fn taps(&self) -> &[f64] {
        &self.taps[..self.len]
    }

    /// Pixels made of `from`; `None` where there are none, or more than can be counted.
    fn made_of(&self, from: usize) -> Option<usize> {
        let wide = isize::try_from(from.checked_mul(self.up)?).ok()?;
        let wide = self
            .pad
            .iter()
            .try_fold(wide, |sum, pad| sum.checked_add(*pad))?;
        let places = usize::try_from(wide).ok()?.checked_sub(self.len)?;
        Some(places / self.down + 1)
    }
}

/// A [`Fir`] on images of a size: the geometry of [`resample`](super::resample()).
///
/// It carries both exact sizes, as neither determines the other where pixels are left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resample {
    pub(super) batch: usize,
    pub(super) channels: usize,
    pub(super) from: [usize; 2],
    pub(super) to: [usize; 2],
    pub(super) up: usize,
    pub(super) down: usize,
    /// Zeros before the first pixel.
    pub(super) before: isize,
    pub(super) len: usize,
    taps: [f64; MOST_TAPS],
}

/// What one pixel is made of along one axis: tap `tap` and every `up`-th after it, of so many
/// neighbours from `source` on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reads {
    pub(super) tap: usize,
    pub(super) source: usize,
    pub(super) count: usize,
}

impl Resample {
    /// The geometry for images `[N, C, H, W]`.
    ///
    /// # Panics
    /// When the shape has another rank, nothing is left of an axis, or the result is beyond what
    /// memory can hold.
    #[track_caller]
    pub fn new(shape: &[usize], fir: &Fir) -> Self {
        let &[batch, channels, height, width] = shape else {
            panic!("resample: images {shape:?}; expected [N, C, H, W]");
        };
        let from = [height, width];
        let [Some(rows), Some(columns)] = from.map(|from| fir.made_of(from)) else {
            panic!(
                "resample: nothing is left of images {shape:?} by {} taps, up {}, down {} and padding {:?}; \
                 pad them by more",
                fir.len, fir.up, fir.down, fir.pad
            )
        };
        let of = Self {
            batch,
            channels,
            from,
            to: [rows, columns],
            up: fir.up,
            down: fir.down,
            before: fir.pad[0],
            len: fir.len,
            taps: fir.taps,
        };
        assert!(
            elements(&of.out_shape()).is_some(),
            "resample: images {shape:?} become {:?}, which is larger than memory can hold",
            of.out_shape()
        );
        of
    }

    /// The adjoint, which is a resampling too: from this one's results to its operands.
    #[must_use]
    pub fn adjoint(&self) -> Self {
        let mut taps = self.taps;
        taps[..self.len].reverse();
        Self {
            from: self.to,
            to: self.from,
            up: self.down,
            down: self.up,
            before: self.len as isize - 1 - self.before,
            taps,
            ..*self
        }
    }

    /// `[N, C, H, W]` of what is resampled.
    pub fn in_shape(&self) -> [usize; 4] {
        [self.batch, self.channels, self.from[0], self.from[1]]
    }

    /// `[N, C, H, W]` of the result.
    pub fn out_shape(&self) -> [usize; 4] {
        [self.batch, self.channels, self.to[0], self.to[1]]
    }

    /// The taps, in the order in which they meet the image.
    pub fn taps(&self) -> &[f64] {
        &self.taps[..self.len]
    }

    /// How many products of a tap and a pixel it takes where every pixel is made of all it reads at once.
    pub fn products(&self) -> usize {
        let of_axis = |axis: usize| -> usize {
            let pixels = 0..self.to[axis];
            pixels.map(|j| self.reads(axis, j).count).sum()
        };
        self.batch * self.channels * of_axis(0) * of_axis(1)
    }

    /// The pixels between zeros that are put in, and of which one is kept, along each axis: `[up, down]`.
    pub fn factors(&self) -> [usize; 2] {
        [self.up, self.down]
    }

    /// What pixel `j` along `axis` is made of.
    #[inline]
    pub(super) fn reads(&self, axis: usize, j: usize) -> Reads {
        let (up, from) = (self.up as isize, self.from[axis] as isize);
        let first = (j * self.down) as isize - self.before;
        let mut tap = (-first).rem_euclid(up);
        let mut source = (first + tap) / up;
        if source < 0 {
            tap -= source * up;
            source = 0;
        }
        let taps = (self.len as isize - tap + up - 1).div_euclid(up);
        let count = taps.min(from - source).max(0);
        Reads {
            tap: tap as usize,
            source: source as usize,
            count: count as usize,
        }
    }
}
