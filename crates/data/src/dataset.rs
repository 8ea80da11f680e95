//! What a data set is to whoever trains on it.

use std::fmt;

/// A set of images of one size, with or without classes.
///
/// Images are bytes, because files hold bytes and a GPU keeps the set as bytes: whoever makes batches scales them to
/// [-1, 1] ([`sample::to_unit`](crate::sample::to_unit)), in one place.
///
/// A set of your own needs the five methods without a body, or [`InMemory::new`](crate::InMemory::new) where it
/// fits into memory.
pub trait Dataset: fmt::Debug {
    /// Number of images.
    fn len(&self) -> usize;

    /// Channels, height and width of an image, `[C, H, W]`.
    fn shape(&self) -> [usize; 3];

    /// Number of classes; 0 where images have none.
    fn classes(&self) -> usize;

    /// Writes image `index` into `pixels`, `[C, H, W]`, 0 (paper) to 255 (ink), and returns its class, below
    /// [`Dataset::classes`]; 0 where there are none.
    ///
    /// # Panics
    /// If `index` is not below [`Dataset::len`] and the set is not [endless](Dataset::is_endless), or `pixels` is not
    /// `C · H · W` long.
    fn read(&self, index: usize, pixels: &mut [u8]) -> u32;

    /// What the set is and where it is from, in one line.
    fn source(&self) -> String;

    /// Whether there are no images.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether images are drawn as they are read, without end: each index has one, also from [`Dataset::len`] on, and
    /// those of an epoch are read once and never again.
    fn is_endless(&self) -> bool {
        false
    }

    /// CRC-32C over the bytes of all images in order: the same data in another place is the same set. Of a set without end,
    /// one over all that decides its images.
    fn checksum(&self) -> u32 {
        let mut image = vec![0; self.shape().iter().product()];
        (0..self.len()).fold(0, |checksum, index| {
            self.read(index, &mut image);
            crc32c::crc32c_append(checksum, &image)
        })
    }
}

/// What kind of images the caller can use. By default, any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The most channels: of 1, coloured images become grey. Grey images stay grey whatever it says; to repeat them
    /// in three channels costs the caller nothing.
    pub channels: Option<usize>,
    /// Height and width in pixels. See [`open`](crate::open()) for what is resized when.
    pub side: Option<usize>,
}

impl Wanted {
    /// Square images of `side` pixels and at most so many `channels`.
    pub fn new(channels: usize, side: usize) -> Self {
        Self {
            channels: Some(channels),
            side: Some(side),
        }
    }

    /// Whether colours are of no use.
    pub(crate) fn is_grey(&self) -> bool {
        self.channels.is_some_and(|channels| channels < 3)
    }
}
