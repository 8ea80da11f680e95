//! Batches, as a pure function of (seed, step).

use crate::recipes::ImageSize;
use crate::settings::{Sampling, Settings};
use anyhow::{Result, ensure};
use detach_mnist::{Dataset, PIXELS, Packed, Resize, SIDE, sample};
use detach_tensor::{Array, Kind, Random, Stream, Tensor};

/// Where real samples come from.
#[derive(Debug)]
pub enum Source {
    /// A data set of images.
    Images(Box<Images>),
    /// The standard normal distribution, `[N, 1]`.
    Gaussian(Gaussian),
}

/// Batches of images `[N, C, side, side]` in [-1, 1].
#[derive(Debug)]
pub struct Images {
    images: Packed,
    batch_size: usize,
    sampling: Sampling,
    random: Random,
    /// The epoch whose order is in `order`.
    epoch: Option<u64>,
    order: Vec<u32>,
    pixels: Vec<f32>,
    channels: usize,
    /// What enlarges an image, and where to; `None` where it is shown as it is.
    resize: Option<(Resize, Vec<f32>)>,
}

/// Batches of normal numbers.
#[derive(Debug)]
pub struct Gaussian {
    batch_size: usize,
    steps: u64,
    random: Random,
}

impl Source {
    /// Batches of `dataset` as the settings say, each image enlarged to `size` and
    /// shown in all its channels.
    ///
    /// # Errors
    /// When the data set has not one whole batch, or a last batch of one image.
    pub fn images(dataset: Dataset, size: ImageSize, settings: &Settings) -> Result<Self> {
        ensure!(
            dataset.len() >= settings.batch_size,
            "the data set has {} images, fewer than a batch of {}; use a smaller --batch-size",
            dataset.len(),
            settings.batch_size
        );
        let last = dataset.len() % settings.batch_size;
        ensure!(
            settings.sampling != Sampling::Shuffled { drop_last: false } || last != 1,
            "{} images in batches of {} leave a last batch of one, which has no variance for BatchNorm; \
             use another --batch-size, or --set sampling=shuffled-drop-last",
            dataset.len(),
            settings.batch_size
        );
        Ok(Self::Images(Box::new(Images {
            images: Packed::new(dataset.images),
            batch_size: settings.batch_size,
            sampling: settings.sampling,
            random: Random::new(settings.seed, Stream::Shuffle),
            epoch: None,
            order: Vec::new(),
            pixels: Vec::new(),
            channels: size.channels,
            resize: (size.side != SIDE).then(|| (Resize::new(SIDE, size.side), Vec::new())),
        })))
    }

    /// Batches of the standard normal distribution.
    pub fn gaussian(settings: &Settings) -> Self {
        let steps = match settings.sampling {
            Sampling::Endless { steps } => steps.max(1),
            _ => 1000,
        };
        Self::Gaussian(Gaussian {
            batch_size: settings.batch_size,
            steps,
            random: Random::new(settings.seed, Stream::Shuffle),
        })
    }

    /// Steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        match self {
            Self::Images(images) => images.steps_per_epoch(),
            Self::Gaussian(gaussian) => gaussian.steps,
        }
    }

    /// Prepares the batches of `step` (from 0): the function returned gives the first,
    /// and for recipes that take several, the next ones.
    pub fn at(&mut self, step: u64, kind: Kind) -> Box<dyn FnMut() -> Tensor + '_> {
        match self {
            Self::Images(images) => Box::new(move || images.batch(step, kind)),
            Self::Gaussian(gaussian) => {
                let random = gaussian.random.at(step);
                Box::new(move || random.normal(&[gaussian.batch_size, 1], kind))
            }
        }
    }
}

impl Images {
    fn steps_per_epoch(&self) -> u64 {
        let (images, batch) = (self.images.len(), self.batch_size);
        let steps = match self.sampling {
            Sampling::Shuffled { drop_last: false } => images.div_ceil(batch),
            _ => images / batch,
        };
        steps as u64
    }

    fn batch(&mut self, step: u64, kind: Kind) -> Tensor {
        let range = match self.sampling {
            Sampling::WithReplacement => {
                let mut ints = self.random.at(step).ints();
                let mut next = || ints.next_u32();
                sample::draw(
                    self.images.len(),
                    self.batch_size,
                    &mut self.order,
                    &mut next,
                );
                0..self.batch_size
            }
            _ => {
                let epoch = step / self.steps_per_epoch();
                if self.epoch != Some(epoch) {
                    let mut ints = self.random.at(epoch).ints();
                    let mut next = || ints.next_u32();
                    sample::shuffle(self.images.len(), &mut self.order, &mut next);
                    self.epoch = Some(epoch);
                }
                let start = (step % self.steps_per_epoch()) as usize * self.batch_size;
                start..(start + self.batch_size).min(self.order.len())
            }
        };
        let indices = &self.order[range];
        self.pixels.resize(indices.len() * PIXELS, 0.0);
        let mut image = [0; PIXELS];
        for (values, &index) in self.pixels.chunks_exact_mut(PIXELS).zip(indices) {
            self.images.unpack(index as usize, &mut image);
            sample::normalise(&image, values);
        }
        let (pixels, side) = match &mut self.resize {
            Some((resize, enlarged)) => {
                resize.all(&self.pixels, enlarged);
                (&*enlarged, resize.to())
            }
            None => (&self.pixels, SIDE),
        };
        let gray = Array::from_slice(pixels, &[indices.len(), 1, side, side]);
        let gray = Tensor::constant(gray.to_dtype(kind.dtype));
        gray.expand(&[indices.len(), self.channels, side, side])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_mnist::Split;
    use detach_tensor::DType;

    const DIGITS: ImageSize = ImageSize {
        channels: 1,
        side: SIDE,
    };

    fn source(sampling: Sampling) -> Source {
        let settings = Settings {
            batch_size: 16,
            sampling,
            ..Settings::default()
        };
        let dataset = Dataset::synthetic(1, Split::Train, 40);
        Source::images(dataset, DIGITS, &settings).expect("40 images")
    }

    fn batch(source: &mut Source, step: u64) -> Vec<f32> {
        source.at(step, DType::F32.into())().to_vec()
    }

    #[test]
    fn an_epoch_shows_every_image_once() {
        let mut all = source(Sampling::Shuffled { drop_last: false });
        assert_eq!(all.steps_per_epoch(), 3);
        let mut seen: Vec<Vec<u8>> = (0..3)
            .flat_map(|step| {
                let pixels = batch(&mut all, step);
                let images = pixels.chunks(PIXELS);
                images
                    .map(|x| x.iter().map(|p| sample::to_pixel(*p)).collect())
                    .collect::<Vec<_>>()
            })
            .collect();
        let dataset = Dataset::synthetic(1, Split::Train, 40);
        let mut expected: Vec<Vec<u8>> =
            dataset.images.chunks(PIXELS).map(<[u8]>::to_vec).collect();
        seen.sort();
        expected.sort();
        assert_eq!(seen, expected);
        assert_eq!(
            source(Sampling::Shuffled { drop_last: true }).steps_per_epoch(),
            2
        );
    }

    #[test]
    fn a_batch_depends_on_its_step_only() {
        for sampling in [
            Sampling::Shuffled { drop_last: true },
            Sampling::WithReplacement,
        ] {
            let mut one = source(sampling);
            let inorder: Vec<_> = (0..5).map(|step| batch(&mut one, step)).collect();
            let mut other = source(sampling);
            for step in [4, 1, 3, 0, 2] {
                assert_eq!(
                    batch(&mut other, step),
                    inorder[step as usize],
                    "{sampling:?} {step}"
                );
            }
            assert_ne!(inorder[0], inorder[2]);
        }
    }

    #[test]
    fn large_images_are_the_same_ones_in_every_channel() {
        let settings = Settings {
            batch_size: 16,
            ..Settings::default()
        };
        let size = ImageSize {
            channels: 3,
            side: 64,
        };
        let dataset = Dataset::synthetic(1, Split::Train, 40);
        let mut large = Source::images(dataset, size, &settings).expect("40 images");
        let large = large.at(2, DType::F32.into())();
        // The last batch is short.
        assert_eq!(large.shape(), [8, 3, 64, 64]);
        let small = batch(&mut source(settings.sampling), 2);
        let channels = large.to_vec::<f32>();
        for (image, channels) in small.chunks(PIXELS).zip(channels.chunks(3 * 64 * 64)) {
            let [red, green, blue] = [0, 1, 2].map(|c: usize| &channels[c * 4096..][..4096]);
            assert!(red == green && green == blue);
            let mean = |x: &[f32]| x.iter().sum::<f32>() / x.len() as f32;
            assert!((mean(image) - mean(red)).abs() < 0.01);
            // A corner is paper, and the middle row shows what the digit's has.
            assert_eq!(red[0], -1.0);
            let ink = |row: &[f32]| row.iter().any(|x| *x > 0.0);
            assert_eq!(ink(&image[14 * 28..15 * 28]), ink(&red[32 * 64..33 * 64]));
        }
    }

    #[test]
    fn too_few_images_are_refused() {
        let settings = Settings {
            batch_size: 64,
            ..Settings::default()
        };
        let dataset = || Dataset::synthetic(1, Split::Train, 40);
        Source::images(dataset(), DIGITS, &settings).expect_err("40 < 64");
        let of_one = Settings {
            batch_size: 13,
            ..settings
        };
        Source::images(dataset(), DIGITS, &of_one).expect_err("13 + 13 + 13 + 1");
    }
}
