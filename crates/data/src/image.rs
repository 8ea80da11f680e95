//! One image as bytes, on its way into a data set.

use crate::antialias::Antialias;

/// An image `[C, H, W]` of one or three channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) shape: [usize; 3],
    pub(crate) bytes: Vec<u8>,
}

impl Image {
    /// `bytes` as `shape`.
    ///
    /// # Panics
    /// If they are more or fewer.
    #[track_caller]
    pub(crate) fn new(shape: [usize; 3], bytes: Vec<u8>) -> Self {
        let len = bytes.len();
        assert!(
            len == shape.iter().product::<usize>() && len > 0,
            "image: {len} bytes of shape {shape:?}"
        );
        Self { shape, bytes }
    }

    /// From `[H, W, C]`, as pictures and Keras have it.
    #[track_caller]
    pub(crate) fn from_channels_last(shape: [usize; 3], pixels: &[u8]) -> Self {
        let channels = shape[0];
        let plane = |channel: usize| pixels.iter().skip(channel).step_by(channels).copied();
        Self::new(shape, (0..channels).flat_map(plane).collect())
    }

    fn pixels(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    /// The image with one channel if all its channels are equal.
    pub(crate) fn without_equal_channels(mut self) -> Self {
        let (first, others) = self.bytes.split_at(self.pixels());
        if others.chunks_exact(first.len()).all(|plane| plane == first) {
            self.bytes.truncate(self.pixels());
            self.shape[0] = 1;
        }
        self
    }

    /// With one channel: the luma of Rec. 601, `0.299 R + 0.587 G + 0.114 B`, as Pillow's mode `L`.
    pub(crate) fn into_grey(mut self) -> Self {
        let pixels = self.pixels();
        if self.shape[0] == 3 {
            for i in 0..pixels {
                let [r, g, b] =
                    [0, 1, 2].map(|channel| u32::from(self.bytes[channel * pixels + i]));
                self.bytes[i] = ((299 * r + 587 * g + 114 * b + 500) / 1000) as u8;
            }
        }
        self.bytes.truncate(pixels);
        self.shape[0] = 1;
        self
    }

    /// With three channels, the same ones where there was one.
    pub(crate) fn into_colour(mut self) -> Self {
        if self.shape[0] == 1 {
            self.bytes = self.bytes.repeat(3);
            self.shape[0] = 3;
        }
        self
    }

    /// With `[height, width]` pixels: cut at both sides to their proportions, then resized with antialiasing.
    pub(crate) fn fitted(self, to: [usize; 2]) -> Self {
        let [channels, height, width] = self.shape;
        if [height, width] == to {
            return self;
        }
        let (origin, size) = centre([height, width], to);
        let mut resize = Antialias::new(size, to);
        let mut out = vec![0; channels * to[0] * to[1]];
        let planes = self.bytes.chunks_exact(self.pixels());
        for (plane, out) in planes.zip(out.chunks_exact_mut(to[0] * to[1])) {
            let start = origin[0] * width + origin[1];
            resize.bytes(&plane[start..], width, out);
        }
        Self::new([channels, to[0], to[1]], out)
    }
}

/// Origin and size of the largest part of `from` in the middle that has the proportions of `to`.
fn centre(from: [usize; 2], to: [usize; 2]) -> ([usize; 2], [usize; 2]) {
    let ([height, width], [tall, wide]) = (from, to);
    let scaled = |side: usize, by: usize, over: usize| ((side * by + over / 2) / over).max(1);
    let size = [
        height.min(scaled(width, tall, wide)),
        width.min(scaled(height, wide, tall)),
    ];
    ([(height - size[0]) / 2, (width - size[1]) / 2], size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_come_apart_and_together() {
        let image = Image::from_channels_last([3, 1, 2], &[1, 2, 3, 4, 5, 6]);
        assert_eq!(image.bytes, [1, 4, 2, 5, 3, 6]);
        assert_eq!(image.clone().without_equal_channels(), image);
        assert_eq!(image.into_grey().bytes, [2, 5]);
        // 0.299 · 92 = 27.508, 0.587 · 3 + 0.114 · 3 = 2.103, 0.114 · 83 + 0.299 = 9.761.
        let image = Image::from_channels_last([3, 1, 3], &[92, 0, 0, 0, 3, 3, 1, 0, 83]);
        assert_eq!(image.into_grey().bytes, [28, 2, 10]);
        let grey = Image::new([1, 1, 2], vec![8, 9]);
        let colour = grey.clone().into_colour();
        assert_eq!(colour.bytes, [8, 9, 8, 9, 8, 9]);
        assert_eq!(colour.clone().into_grey(), grey);
        assert_eq!(colour.without_equal_channels(), grey);
    }

    #[test]
    fn the_middle_is_kept() {
        assert_eq!(centre([4, 4], [28, 28]), ([0, 0], [4, 4]));
        assert_eq!(centre([218, 178], [64, 64]), ([20, 0], [178, 178]));
        assert_eq!(centre([10, 31], [5, 5]), ([0, 10], [10, 10]));
        assert_eq!(centre([10, 31], [10, 20]), ([0, 5], [10, 20]));
        assert_eq!(centre([1, 1], [1, 900]), ([0, 0], [1, 1]));
        let wide = Image::new([1, 1, 5], vec![1, 2, 3, 4, 5]);
        assert_eq!(wide.fitted([1, 1]).bytes, [3]);
    }

    #[test]
    fn the_right_size_keeps_every_byte() {
        let image = Image::new([3, 2, 2], (0..12).collect());
        assert_eq!(image.clone().fitted([2, 2]), image);
    }
}
