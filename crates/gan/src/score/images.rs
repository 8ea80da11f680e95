//! Images as scores see them: bytes, as files of real ones hold them.

use detach_data::{Antialias, Dataset, sample};
use detach_tensor::{Count, Random, Stream};

/// Images of one size, `[N, C, H, W]`, and the class of each where they have classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    shape: [usize; 3],
    bytes: Vec<u8>,
    labels: Vec<u32>,
}

impl Images {
    /// Images of `shape` `[C, H, W]` without classes.
    ///
    /// # Panics
    /// When `bytes` are no whole images.
    #[track_caller]
    pub fn new(shape: [usize; 3], bytes: Vec<u8>) -> Self {
        let pixels: usize = shape.iter().product();
        assert!(
            pixels > 0 && bytes.len().is_multiple_of(pixels),
            "{} bytes are no images of {shape:?}",
            bytes.len()
        );
        Self {
            shape,
            bytes,
            labels: Vec::new(),
        }
    }

    /// The same images with a class each.
    ///
    /// # Panics
    /// When there are more classes or fewer.
    #[must_use]
    #[track_caller]
    pub fn with_labels(mut self, labels: Vec<u32>) -> Self {
        assert_eq!(labels.len(), self.len(), "a class for each image");
        self.labels = labels;
        self
    }

    /// The images of a set at these places, in this order.
    ///
    /// # Panics
    /// When there is no such place.
    pub fn of(set: &dyn Dataset, places: impl IntoIterator<Item = usize>) -> Self {
        let shape = set.shape();
        let mut image = vec![0; shape.iter().product()];
        let (mut bytes, mut labels) = (Vec::new(), Vec::new());
        for place in places {
            labels.push(set.read(place, &mut image));
            bytes.extend_from_slice(&image);
        }
        if set.classes() == 0 {
            labels.clear();
        }
        Self {
            shape,
            bytes,
            labels,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.pixels()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Channels, height and width.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Numbers of an image.
    pub fn pixels(&self) -> usize {
        self.shape.iter().product()
    }

    /// Image `number`.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn image(&self, number: usize) -> &[u8] {
        &self.bytes[number * self.pixels()..(number + 1) * self.pixels()]
    }

    /// All images, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The class of each; none where they have no classes.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// `count` of them in random order, the same ones for the same number of images; all where there are fewer.
    #[must_use]
    pub fn some(&self, count: usize) -> Self {
        let mut ints = Random::new(0, Stream::Shuffle).at(Count::default()).ints();
        let mut order = Vec::new();
        sample::shuffle(self.len(), &mut order, &mut || ints.next_u32());
        order.truncate(count);
        let places = order.iter().map(|place| *place as usize);
        Self {
            shape: self.shape,
            bytes: places
                .clone()
                .flat_map(|place| self.image(place))
                .copied()
                .collect(),
            labels: match self.labels.is_empty() {
                true => Vec::new(),
                false => places.map(|place| self.labels[place]).collect(),
            },
        }
    }

    /// How many of them are the same as an earlier one, to the byte.
    pub fn repeated(&self) -> usize {
        let images = self.bytes.chunks_exact(self.pixels());
        self.len() - images.collect::<std::collections::HashSet<_>>().len()
    }
}

/// What red, green and blue weigh in grey, as real images become grey where colours are of no use (Rec. 601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// Makes bytes of what networks make: images `[N, C, H, W]` in [-1, 1], as files of samples hold them, and brings them
/// to the channels and the size of real ones.
#[derive(Debug)]
pub struct Fit {
    from: [usize; 3],
    to: [usize; 3],
    resize: Option<Antialias>,
    resized: Vec<f32>,
}

impl Fit {
    /// From images of `from` to images of `to`, both `[C, H, W]`; `None` where colours would have to be made up.
    pub fn new(from: [usize; 3], to: [usize; 3]) -> Option<Self> {
        let [channels, height, width] = from;
        let fits = channels == to[0] || [channels, to[0]] == [LUMA.len(), 1];
        let resize =
            ([height, width] != to[1..]).then(|| Antialias::new([height, width], [to[1], to[2]]));
        fits.then(|| Self {
            from,
            to,
            resize,
            resized: vec![0.0; to[1] * to[2]],
        })
    }

    /// Appends the bytes of the images in `values`.
    pub fn push(&mut self, values: &[f32], bytes: &mut Vec<u8>) {
        let [channels, height, width] = self.from;
        let plane = height * width;
        for image in values.chunks_exact(channels * plane) {
            if self.to[0] == channels {
                image
                    .chunks_exact(plane)
                    .for_each(|plane| self.push_plane(plane, bytes));
                continue;
            }
            let at = |i: usize| {
                let channels = LUMA.iter().enumerate();
                channels
                    .map(|(c, weight)| weight * image[c * plane + i])
                    .sum()
            };
            let grey: Vec<f32> = (0..plane).map(at).collect();
            self.push_plane(&grey, bytes);
        }
    }

    fn push_plane(&mut self, plane: &[f32], bytes: &mut Vec<u8>) {
        let values = match &mut self.resize {
            None => plane,
            Some(resize) => {
                resize.floats(plane, &mut self.resized);
                &self.resized
            }
        };
        bytes.extend(values.iter().map(|value| sample::to_pixel(*value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_a_choice_with_their_classes() {
        let bytes: Vec<u8> = (0..40).collect();
        let all = Images::new([1, 2, 2], bytes).with_labels((0..10).collect());
        let some = all.some(6);
        assert_eq!((some.len(), some.labels().len()), (6, 6));
        for (number, label) in some.labels().iter().enumerate() {
            assert_eq!(some.image(number), all.image(*label as usize));
        }
        let mut labels = all.some(99).labels().to_vec();
        labels.sort_unstable();
        assert_eq!(labels, all.labels());
        assert_eq!(all.repeated(), 0);
        let twice = [all.bytes(), all.bytes()].concat();
        assert_eq!(Images::new([1, 2, 2], twice).repeated(), 10);
    }

    #[test]
    fn samples_become_bytes_of_the_right_size() {
        let mut same = Fit::new([1, 1, 2], [1, 1, 2]).expect("the same");
        let mut bytes = Vec::new();
        same.push(&[-1.0, 1.0, 0.0, 3.0], &mut bytes);
        assert_eq!(bytes, [0, 255, 128, 255]);
        let mut grey = Fit::new([3, 2, 2], [1, 1, 1]).expect("smaller and grey");
        bytes.clear();
        grey.push(&[[-1.0; 4], [0.0; 4], [1.0; 4]].concat(), &mut bytes);
        assert_eq!(bytes, [104]);
        assert!(Fit::new([1, 2, 2], [3, 2, 2]).is_none());
    }
}
