//! A data set in memory, in a third of the room that its images take.

use crate::dataset::{Dataset, Wanted};
use crate::image::Image;
use detach_mnist::{Packed, Split};

/// Images of one size in memory, without the paper between the ink ([`Packed`]), and their classes.
#[derive(Clone, Debug)]
pub struct InMemory {
    images: Packed,
    /// `[N]`, or empty where there are no classes.
    labels: Vec<u32>,
    classes: usize,
    shape: [usize; 3],
    source: String,
    checksum: u32,
}

impl InMemory {
    /// The images `[N, C, H, W]`, 0 (paper) to 255 (ink), of `shape` `[C, H, W]`, without classes. `source` says in
    /// a few words what they are.
    ///
    /// # Panics
    /// If a size is 0, or `images` are not whole images.
    #[track_caller]
    pub fn new(shape: [usize; 3], images: Vec<u8>, source: impl Into<String>) -> Self {
        let pixels: usize = shape.iter().product();
        assert!(pixels > 0, "in memory: images of shape {shape:?}");
        let len = images.len();
        assert!(
            len.is_multiple_of(pixels),
            "in memory: {len} bytes are no images of shape {shape:?}"
        );
        Self {
            checksum: crc32c::crc32c(&images),
            images: Packed::new(images, pixels),
            ..Self::empty(shape, source)
        }
    }

    /// The same images with a class each, `[N]`, all below `classes`.
    ///
    /// # Panics
    /// If there are not as many labels as images, or one is not below `classes`.
    #[must_use]
    #[track_caller]
    pub fn with_labels(mut self, labels: Vec<u32>, classes: usize) -> Self {
        let (images, count) = (self.images.len(), labels.len());
        assert!(
            count == images,
            "in memory: {count} labels of {images} images"
        );
        let beyond = labels.iter().find(|label| **label as usize >= classes);
        assert!(
            beyond.is_none(),
            "in memory: label {beyond:?} of {classes} classes"
        );
        (self.labels, self.classes) = (labels, classes);
        self
    }

    /// Of `shape`, without images yet.
    pub(crate) fn empty(shape: [usize; 3], source: impl Into<String>) -> Self {
        Self {
            images: Packed::empty(shape.iter().product()),
            labels: Vec::new(),
            classes: 0,
            shape,
            source: source.into(),
            checksum: 0,
        }
    }

    /// Adds an image of the set's shape.
    pub(crate) fn push(&mut self, image: &[u8]) {
        self.images.push(image);
        self.checksum = crc32c::crc32c_append(self.checksum, image);
    }

    /// All images as `change` makes them, which are to be of `shape`.
    pub(crate) fn map(&self, shape: [usize; 3], change: impl Fn(Image) -> Image) -> Self {
        let mut out = Self {
            labels: self.labels.clone(),
            classes: self.classes,
            ..Self::empty(shape, self.source.clone())
        };
        for index in 0..self.len() {
            let mut bytes = vec![0; self.images.pixels()];
            self.images.unpack(index, &mut bytes);
            out.push(&change(Image::new(self.shape, bytes)).bytes);
        }
        out.images.shrink_to_fit();
        out
    }

    /// The set as it is wanted. Square images that are small enough stay as they are: whoever makes batches enlarges
    /// them, as numbers and not as bytes.
    pub(crate) fn fitted(self, wanted: Wanted) -> Self {
        let [channels, height, width] = self.shape;
        let grey = wanted.is_grey() && channels > 1;
        let side = wanted.side.filter(|side| height != width || height > *side);
        if !grey && side.is_none() {
            return self;
        }
        let channels = if grey { 1 } else { channels };
        let size = side.map_or([height, width], |side| [side; 2]);
        let mut out = self.map([channels, size[0], size[1]], |image| {
            let image = if grey { image.into_grey() } else { image };
            image.fitted(size)
        });
        if side.is_some() {
            out.source += &format!(", resized to {}×{}", size[0], size[1]);
        }
        out
    }

    /// Gives back the memory that more images would have filled.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.images.shrink_to_fit();
    }

    /// Says otherwise what the set is.
    pub(crate) fn set_source(&mut self, source: String) {
        self.source = source;
    }
}

impl Dataset for InMemory {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn classes(&self) -> usize {
        self.classes
    }

    #[track_caller]
    fn read(&self, index: usize, pixels: &mut [u8]) -> u32 {
        self.images.unpack(index, pixels);
        self.labels.get(index).copied().unwrap_or(0)
    }

    fn source(&self) -> String {
        self.source.clone()
    }

    fn checksum(&self) -> u32 {
        self.checksum
    }
}

impl From<detach_mnist::Dataset> for InMemory {
    fn from(set: detach_mnist::Dataset) -> Self {
        let classes = set.classes();
        let source = set.provenance.origin.to_string();
        let out = Self::new(set.shape, set.images, source);
        if set.labels.is_empty() {
            return out;
        }
        let labels = set.labels.iter().map(|label| u32::from(*label)).collect();
        out.with_labels(labels, classes)
    }
}

/// `count` digits made here, the same of one `seed` everywhere; the two splits share no image.
pub fn synthetic(seed: u64, split: Split, count: usize) -> InMemory {
    detach_mnist::Dataset::synthetic(seed, split, count).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(set: &dyn Dataset) -> (Vec<u8>, Vec<u32>) {
        let pixels = set.shape().iter().product::<usize>();
        let mut bytes = vec![7; set.len() * pixels];
        let read = |(index, image)| set.read(index, image);
        let labels = bytes.chunks_mut(pixels).enumerate().map(read).collect();
        (bytes, labels)
    }

    #[test]
    fn digits_are_those_of_mnist_and_so_is_their_checksum() {
        let digits = detach_mnist::Dataset::synthetic(3, Split::Test, 50);
        let set = synthetic(3, Split::Test, 50);
        assert_eq!(
            (set.len(), set.shape(), set.classes()),
            (50, [1, 28, 28], 10)
        );
        assert_eq!(set.checksum(), crc32c::crc32c(&digits.images));
        let (bytes, labels) = images(&set);
        assert_eq!(bytes, digits.images);
        let expected: Vec<u32> = digits.labels.iter().map(|l| u32::from(*l)).collect();
        assert_eq!(labels, expected);
        assert!(
            set.source().contains("synthetic digits"),
            "{}",
            set.source()
        );
    }

    /// The checksum that a set of one's own has without saying so is the same.
    #[test]
    fn a_checksum_is_that_of_the_bytes_in_order() {
        #[derive(Debug)]
        struct Own(InMemory);
        impl Dataset for Own {
            fn len(&self) -> usize {
                self.0.len()
            }
            fn shape(&self) -> [usize; 3] {
                self.0.shape()
            }
            fn classes(&self) -> usize {
                0
            }
            fn read(&self, index: usize, pixels: &mut [u8]) -> u32 {
                self.0.read(index, pixels)
            }
            fn source(&self) -> String {
                String::new()
            }
        }
        let set = synthetic(1, Split::Train, 20);
        let checksum = set.checksum();
        assert_eq!(Own(set).checksum(), checksum);
    }

    #[test]
    fn one_image_after_the_other_is_the_same_set() {
        let bytes: Vec<u8> = (0..5 * 18).map(|i| if i % 5 > 2 { i } else { 0 }).collect();
        let whole = InMemory::new([2, 3, 3], bytes.clone(), "numbers");
        let mut single = InMemory::empty([2, 3, 3], "numbers");
        bytes.chunks(18).for_each(|image| single.push(image));
        assert_eq!(single.checksum(), whole.checksum());
        assert_eq!(images(&single), images(&whole));
        assert_eq!(images(&whole), (bytes, vec![0; 5]));
    }

    #[test]
    fn only_what_is_too_large_or_not_square_is_resized() {
        let small = synthetic(1, Split::Train, 3);
        let same = small.clone().fitted(Wanted::new(3, 64));
        assert_eq!(images(&same), images(&small));
        let reduced = small.clone().fitted(Wanted::new(1, 14));
        assert_eq!(reduced.shape(), [1, 14, 14]);
        assert_eq!(images(&reduced).1, images(&small).1);
        assert!(reduced.source().contains("resized to 14×14"));
        let flat = InMemory::new([1, 2, 4], vec![9; 16], "flat").fitted(Wanted::new(1, 8));
        assert_eq!((flat.shape(), images(&flat).0), ([1, 8, 8], vec![9; 128]));
    }

    #[test]
    fn colours_become_grey_where_they_are_of_no_use() {
        let colour = InMemory::new([3, 1, 2], vec![255, 10, 0, 10, 0, 10], "colours");
        assert_eq!(colour.clone().fitted(Wanted::new(3, 2)).shape(), [3, 2, 2]);
        let wanted = Wanted {
            channels: Some(1),
            side: None,
        };
        let grey = colour.fitted(wanted);
        assert_eq!((grey.shape(), images(&grey).0), ([1, 1, 2], vec![76, 10]));
    }

    #[test]
    #[should_panic(expected = "5 bytes are no images of shape [1, 2, 2]")]
    fn half_an_image_is_refused() {
        let _ = InMemory::new([1, 2, 2], vec![0; 5], "half");
    }

    #[test]
    #[should_panic(expected = "label Some(2) of 2 classes")]
    fn a_label_beyond_the_classes_is_refused() {
        let _ = InMemory::new([1, 1, 1], vec![0; 2], "two").with_labels(vec![0, 2], 2);
    }
}
