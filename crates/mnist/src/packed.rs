//! Images in a third of the memory: four pixels of five are paper, and paper needs no bytes.

use std::fmt;

use crate::dataset::PIXELS;

/// Images `[N, 28, 28]` as runs of paper (0) and ink, one image after the other.
///
/// ```text
/// image = (paper, ink, ink bytes)*,   paper and ink in 0..=255 pixels
/// ```
///
/// An image that would not get shorter is kept as it is, so that packing never needs more room than
/// the images had, and works in place.
pub struct Packed {
    bytes: Vec<u8>,
    /// Where each image starts, and at last where the bytes end.
    starts: Vec<usize>,
}

/// Paper between two runs of ink that is cheaper to keep as ink: a run's header has two bytes.
const GAP: usize = 2;

impl Packed {
    /// Packs images `[N, 28, 28]`.
    ///
    /// # Panics
    /// If `images` are not whole images.
    #[track_caller]
    pub fn new(mut images: Vec<u8>) -> Self {
        let (count, rest) = (images.len() / PIXELS, images.len() % PIXELS);
        assert!(rest == 0, "packed: {rest} pixels are no image of 28×28");
        let mut starts = Vec::with_capacity(count + 1);
        let (mut runs, mut end) = (Vec::with_capacity(2 * PIXELS), 0);
        for index in 0..count {
            starts.push(end);
            let image = index * PIXELS..(index + 1) * PIXELS;
            pack(&images[image.clone()], &mut runs);
            // What is written lies before what is still to be read: no image got longer.
            if runs.len() < PIXELS {
                images[end..end + runs.len()].copy_from_slice(&runs);
                end += runs.len();
            } else {
                images.copy_within(image, end);
                end += PIXELS;
            }
        }
        starts.push(end);
        images.truncate(end);
        images.shrink_to_fit();
        Self {
            bytes: images,
            starts,
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes image `index` into `out`.
    ///
    /// # Panics
    /// If `index` is not below [`Packed::len`].
    #[track_caller]
    pub fn unpack(&self, index: usize, out: &mut [u8; PIXELS]) {
        assert!(index < self.len(), "image {index} of {}", self.len());
        let mut runs = &self.bytes[self.starts[index]..self.starts[index + 1]];
        if runs.len() == PIXELS {
            out.copy_from_slice(runs);
            return;
        }
        out.fill(0);
        let mut place = 0;
        while let [paper, ink, rest @ ..] = runs {
            place += usize::from(*paper);
            let (bytes, rest) = rest.split_at(usize::from(*ink));
            out[place..place + bytes.len()].copy_from_slice(bytes);
            place += bytes.len();
            runs = rest;
        }
    }
}

/// Writes the runs of `image` into `runs`; paper at its end needs none.
fn pack(image: &[u8], runs: &mut Vec<u8>) {
    const LONGEST: usize = u8::MAX as usize;
    runs.clear();
    let mut rest = image;
    while let Some(paper) = rest.iter().position(|pixel| *pixel != 0) {
        let paper = paper.min(LONGEST);
        rest = &rest[paper..];
        let ink = length_of_ink(rest).min(LONGEST);
        runs.extend([paper as u8, ink as u8]);
        runs.extend(&rest[..ink]);
        rest = &rest[ink..];
    }
}

/// How far ink goes on from the start of `pixels`, across gaps that are not worth a run.
fn length_of_ink(pixels: &[u8]) -> usize {
    let mut end = 0;
    for (place, pixel) in pixels.iter().enumerate() {
        if place - end > GAP {
            break;
        }
        if *pixel != 0 {
            end = place + 1;
        }
    }
    end
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed")
            .field("len", &self.len())
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, Split};
    use proptest::prelude::*;

    fn unpacked(packed: &Packed) -> Vec<u8> {
        let mut image = [7; PIXELS];
        (0..packed.len())
            .flat_map(|index| {
                packed.unpack(index, &mut image);
                image
            })
            .collect()
    }

    #[test]
    fn digits_need_a_third() {
        let images = Dataset::synthetic(3, Split::Train, 500).images;
        let packed = Packed::new(images.clone());
        assert_eq!(unpacked(&packed), images);
        assert!(packed.bytes.len() * 3 < images.len(), "{packed:?}");
        assert!(packed.bytes.capacity() * 3 < images.len());
    }

    #[test]
    fn borders() {
        let blank = [0; PIXELS];
        let mut corners = blank;
        (corners[0], corners[PIXELS - 1]) = (1, 2);
        // Ink and paper alternate: runs would be longer than the image.
        let dense: Vec<u8> = (0..PIXELS).map(|i| u8::from(i % 4 == 0)).collect();
        let images = [&blank[..], &[255; PIXELS], &corners, &dense, &blank].concat();
        let packed = Packed::new(images.clone());
        assert_eq!(unpacked(&packed), images);
        assert!(Packed::new(Vec::new()).is_empty());
    }

    #[test]
    #[should_panic(expected = "10 pixels are no image")]
    fn half_an_image_is_refused() {
        let _ = Packed::new(vec![0; PIXELS + 10]);
    }

    proptest! {
        #[test]
        fn any_images_come_back(
            pixels in prop::collection::vec((any::<u8>(), 0..5_u8), 3 * PIXELS),
            share in 0..6_u8,
        ) {
            let images: Vec<u8> =
                pixels.iter().map(|(p, dice)| if *dice < share { *p } else { 0 }).collect();
            prop_assert_eq!(unpacked(&Packed::new(images.clone())), images);
        }
    }
}
