//! Images in a third of the memory: four pixels of five are paper, and paper needs no bytes.

use std::fmt;

/// Images of one size as runs of paper (0) and ink, one image after the other.
///
/// ```text
/// image = (paper, ink, ink bytes)*,   paper and ink in 0..=255 pixels
/// ```
///
/// An image that would not get shorter is kept as it is, so that packing never needs more room than
/// the images had, and works in place.
#[derive(Clone)]
pub struct Packed {
    bytes: Vec<u8>,
    /// Where each image starts, and at last where the bytes end.
    starts: Vec<usize>,
    /// Bytes of an image as it was.
    pixels: usize,
    /// The runs of the image that is being packed.
    runs: Vec<u8>,
}

/// Paper between two runs of ink that is cheaper to keep as ink: a run's header has two bytes.
const GAP: usize = 2;

impl Packed {
    /// Packs images of `pixels` bytes each, e.g. `[N, 28, 28]` with 784.
    ///
    /// # Panics
    /// If `pixels` is 0, or `images` are not whole images.
    #[track_caller]
    pub fn new(mut images: Vec<u8>, pixels: usize) -> Self {
        let mut packed = Self::empty(pixels);
        let rest = images.len() % pixels;
        assert!(rest == 0, "packed: {rest} pixels are no image of {pixels}");
        packed.starts.reserve_exact(images.len() / pixels);
        let mut end = 0;
        for start in (0..images.len()).step_by(pixels) {
            let image = start..start + pixels;
            pack(&images[image.clone()], &mut packed.runs);
            // What is written lies before what is still to be read: no image got longer.
            if packed.runs.len() < pixels {
                images[end..end + packed.runs.len()].copy_from_slice(&packed.runs);
                end += packed.runs.len();
            } else {
                images.copy_within(image, end);
                end += pixels;
            }
            packed.starts.push(end);
        }
        images.truncate(end);
        packed.bytes = images;
        packed.shrink_to_fit();
        packed
    }

    /// Without images yet, of `pixels` bytes each.
    ///
    /// # Panics
    /// If `pixels` is 0.
    #[track_caller]
    pub fn empty(pixels: usize) -> Self {
        assert!(pixels > 0, "packed: images without pixels");
        Self {
            bytes: Vec::new(),
            starts: vec![0],
            pixels,
            runs: Vec::new(),
        }
    }

    /// Packs one image more.
    ///
    /// # Panics
    /// If `image` is not as long as all others.
    #[track_caller]
    pub fn push(&mut self, image: &[u8]) {
        let (len, pixels) = (image.len(), self.pixels);
        assert!(
            len == pixels,
            "packed: {len} pixels are no image of {pixels}"
        );
        pack(image, &mut self.runs);
        let shorter = self.runs.len() < pixels;
        self.bytes
            .extend_from_slice(if shorter { &self.runs } else { image });
        self.starts.push(self.bytes.len());
    }

    /// Gives back the memory that more images would have filled.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.runs = Vec::new();
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of an image as [`Packed::unpack`] writes it.
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// Writes image `index` into `out`.
    ///
    /// # Panics
    /// If `index` is not below [`Packed::len`], or `out` is not [`Packed::pixels`] long.
    #[track_caller]
    pub fn unpack(&self, index: usize, out: &mut [u8]) {
        assert!(index < self.len(), "image {index} of {}", self.len());
        let (len, pixels) = (out.len(), self.pixels);
        assert!(
            len == pixels,
            "packed: an image of {pixels} pixels into {len} places"
        );
        let mut runs = &self.bytes[self.starts[index]..self.starts[index + 1]];
        if runs.len() == pixels {
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
    use crate::split::PIXELS;
    use crate::synth::Synth;
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
        let images = Synth::new(3).range(0..500).0;
        let packed = Packed::new(images.clone(), PIXELS);
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
        let packed = Packed::new(images.clone(), PIXELS);
        assert_eq!(unpacked(&packed), images);
        assert!(Packed::new(Vec::new(), PIXELS).is_empty());
    }

    #[test]
    #[should_panic(expected = "10 pixels are no image")]
    fn half_an_image_is_refused() {
        let _ = Packed::new(vec![0; PIXELS + 10], PIXELS);
    }

    proptest! {
        #[test]
        fn any_images_come_back(
            pixels in prop::collection::vec((any::<u8>(), 0..5_u8), 3 * PIXELS),
            share in 0..6_u8,
        ) {
            let images: Vec<u8> =
                pixels.iter().map(|(p, dice)| if *dice < share { *p } else { 0 }).collect();
            let whole = Packed::new(images.clone(), PIXELS);
            prop_assert_eq!(unpacked(&whole), &images[..]);
            let mut single = Packed::empty(PIXELS);
            images.chunks(PIXELS).for_each(|image| single.push(image));
            prop_assert_eq!(single.bytes, whole.bytes);
            prop_assert_eq!(single.starts, whole.starts);
        }

        #[test]
        fn images_of_any_size_come_back(
            pixels in prop::collection::vec((any::<u8>(), 0..3_u8), 0..2000), size in 1_usize..700,
        ) {
            let mut images: Vec<u8> =
                pixels.iter().map(|(p, dice)| if *dice == 0 { *p } else { 0 }).collect();
            images.truncate(images.len() / size * size);
            let packed = Packed::new(images.clone(), size);
            let mut back = vec![7; images.len()];
            back.chunks_mut(size).enumerate().for_each(|(i, image)| packed.unpack(i, image));
            prop_assert_eq!(back, images);
        }
    }
}
