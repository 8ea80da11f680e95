//! Which pixel a place beyond the border repeats.

use crate::layout::elements;
use std::ops::Range;

/// What stands around an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edge {
    /// Its mirror image, the outermost pixels not repeated: `2 1 | 0 1 2 | 1 0`.
    Reflect,
    /// Its outermost pixels: `0 0 | 0 1 2 | 2 2`.
    Replicate,
}

/// Images and how they are padded: the geometry of [`pad`](super::pad) and [`fold`](super::fold).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Border {
    pub(super) batch: usize,
    pub(super) channels: usize,
    /// Height and width of what is padded.
    pub(super) size: [usize; 2],
    /// `[[top, bottom], [left, right]]`
    pub(super) pads: [[usize; 2]; 2],
    pub(super) edge: Edge,
}

impl Border {
    /// The geometry for images `[N, C, H, W]` with `pads` `[[top, bottom], [left, right]]`.
    ///
    /// # Panics
    /// When the shape has another rank, an axis has no pixels to repeat, a reflection reaches
    /// further than the image, or the result is beyond what memory can hold.
    #[track_caller]
    pub fn new(shape: &[usize], pads: [[usize; 2]; 2], edge: Edge) -> Self {
        let &[batch, channels, height, width] = shape else {
            panic!("pad: images {shape:?}; expected [N, C, H, W]");
        };
        let size = [height, width];
        let reach = match edge {
            Edge::Reflect => size.map(|pixels| pixels.saturating_sub(1)),
            Edge::Replicate => size.map(|pixels| if pixels > 0 { usize::MAX } else { 0 }),
        };
        let fits = [0, 1].map(|axis: usize| pads[axis].iter().all(|pad| *pad <= reach[axis]));
        assert!(
            fits == [true; 2],
            "pad: images {shape:?} padded by {pads:?} ({edge:?}): a reflection is shorter than the \
             image, and a pixel to repeat is needed; use smaller pads"
        );
        let padded = [0, 1].map(|axis: usize| {
            let [before, after] = pads[axis];
            size[axis].saturating_add(before).saturating_add(after)
        });
        assert!(
            elements(&[batch, channels, padded[0], padded[1]]).is_some(),
            "pad: images {shape:?} padded by {pads:?} are larger than memory can hold"
        );
        Self {
            batch,
            channels,
            size,
            pads,
            edge,
        }
    }

    /// `[N, C, H, W]` of what is padded.
    pub fn in_shape(&self) -> [usize; 4] {
        [self.batch, self.channels, self.size[0], self.size[1]]
    }

    /// `[N, C, H, W]` with its border.
    pub fn out_shape(&self) -> [usize; 4] {
        let [rows, columns] = self.padded();
        [self.batch, self.channels, rows, columns]
    }

    /// Height and width with the border.
    pub(super) fn padded(&self) -> [usize; 2] {
        [0, 1].map(|axis: usize| self.size[axis] + self.pads[axis][0] + self.pads[axis][1])
    }

    /// The pixel along `axis` that stands at place `at` of the padded image.
    #[inline]
    pub(super) fn source(&self, axis: usize, at: usize) -> usize {
        let (last, before) = (self.size[axis] - 1, self.pads[axis][0]);
        match (self.edge, at.checked_sub(before)) {
            (_, Some(pixel)) if pixel <= last => pixel,
            (Edge::Reflect, Some(pixel)) => 2 * last - pixel,
            (Edge::Reflect, None) => before - at,
            (Edge::Replicate, Some(_)) => last,
            (Edge::Replicate, None) => 0,
        }
    }

    /// The places of the padded image that `pixel` stands at, in order: what of the border before
    /// the image, its own, what of the border after it.
    #[inline]
    pub(super) fn places(&self, axis: usize, pixel: usize) -> [Range<usize>; 3] {
        let (last, [before, after]) = (self.size[axis] - 1, self.pads[axis]);
        let own = before + pixel;
        let one = |place: usize| place..place + 1;
        let (front, back) = match self.edge {
            Edge::Reflect => (
                (pixel > 0 && pixel <= before).then(|| one(before.wrapping_sub(pixel))),
                (pixel < last && last - pixel <= after).then(|| one(before + 2 * last - pixel)),
            ),
            Edge::Replicate => (
                (pixel == 0).then_some(0..before),
                (pixel == last).then(|| own + 1..own + 1 + after),
            ),
        };
        [front.unwrap_or(0..0), one(own), back.unwrap_or(0..0)]
    }
}
