//! Batches, as a pure function of (seed, step).

use crate::recipes::ImageSize;
use crate::settings::{Sampling, Settings};
use anyhow::{Result, ensure};
use detach_data::Resize;
use detach_mnist::{Dataset, PIXELS, Packed, SIDE, sample};
use detach_tensor::{Array, Count, DType, Kind, Random, Stream, Tensor};
use std::ops::Range;

/// Where real samples come from. A step first [prepares](Source::prepare) what it takes, and
/// then takes its [batch](Source::batch).
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
    store: Store,
    len: usize,
    size: ImageSize,
    batch_size: usize,
    sampling: Sampling,
    random: Random,
    /// The epoch whose order is in `order`.
    epoch: Option<u64>,
    order: Vec<u32>,
}

/// Where the images are, and the batch that was chosen.
#[derive(Debug)]
enum Store {
    /// In the host's memory. A batch is unpacked where it is chosen.
    Host { packed: Unpacker, kind: Kind },
    /// In a GPU's memory. A batch is picked there, by indices.
    Device(OnDevice),
}

/// Packed images, and room for some as numbers.
#[derive(Debug)]
struct Unpacker {
    images: Packed,
    pixels: Vec<f32>,
    /// What enlarges an image, and where to; `None` where it is shown as it is.
    resize: Option<(Resize, Vec<f32>)>,
}

#[derive(Debug)]
struct OnDevice {
    /// `[images, 1, side, side]`.
    images: Tensor,
    /// The images of a batch, one array for each length of a batch: what a captured step reads.
    chosen: Vec<Array>,
    /// Which of these is prepared.
    current: usize,
    indices: Vec<f32>,
}

/// Batches of normal numbers.
#[derive(Debug)]
pub struct Gaussian {
    batch_size: usize,
    steps: u64,
    random: Random,
    kind: Kind,
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
        ensure!(
            dataset.shape == [1, SIDE, SIDE],
            "the data set's images are {:?}, not [1, {SIDE}, {SIDE}]",
            dataset.shape
        );
        let last = dataset.len() % settings.batch_size;
        ensure!(
            settings.sampling != Sampling::Shuffled { drop_last: false } || last != 1,
            "{} images in batches of {} leave a last batch of one, which has no variance for BatchNorm; \
             use another --batch-size, or --set sampling=shuffled-drop-last",
            dataset.len(),
            settings.batch_size
        );
        let packed = Unpacker {
            images: Packed::new(dataset.images, PIXELS),
            pixels: Vec::new(),
            resize: (size.side != SIDE).then(|| (Resize::new(SIDE, size.side), Vec::new())),
        };
        Ok(Self::Images(Box::new(Images {
            len: packed.images.len(),
            store: Store::Host {
                packed,
                kind: Kind::default(),
            },
            size,
            batch_size: settings.batch_size,
            sampling: settings.sampling,
            random: Random::new(settings.seed, Stream::Shuffle),
            epoch: None,
            order: Vec::new(),
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
            kind: Kind::default(),
        })
    }

    /// The same batches as tensors of `kind`. On a GPU the whole data set lies in its memory
    /// from now on, four bytes a pixel.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind) -> Self {
        match &mut self {
            Self::Images(images) => images.store.move_to(kind, images.len, images.size.side),
            Self::Gaussian(gaussian) => gaussian.kind = kind,
        }
        self
    }

    /// Steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        match self {
            Self::Images(images) => images.steps_per_epoch(),
            Self::Gaussian(gaussian) => gaussian.steps,
        }
    }

    /// Prepares what the step of this number (from 0) takes: what has to happen on the host in
    /// every step. Returns how many samples its batch has.
    pub fn prepare(&mut self, step: &Count) -> usize {
        match self {
            Self::Images(images) => images.prepare(step.get()),
            Self::Gaussian(gaussian) => {
                gaussian.random = gaussian.random.at(step.clone());
                gaussian.batch_size
            }
        }
    }

    /// The prepared batch; for recipes that take several of a distribution, the next one.
    pub fn batch(&mut self) -> Tensor {
        match self {
            Self::Images(images) => images.batch(),
            Self::Gaussian(Gaussian {
                batch_size,
                random,
                kind,
                ..
            }) => random.normal(&[*batch_size, 1], *kind),
        }
    }
}

impl Images {
    fn steps_per_epoch(&self) -> u64 {
        let (images, batch) = (self.len, self.batch_size);
        let steps = match self.sampling {
            Sampling::Shuffled { drop_last: false } => images.div_ceil(batch),
            _ => images / batch,
        };
        steps as u64
    }

    fn prepare(&mut self, step: u64) -> usize {
        let chosen = self.choose(step);
        let chosen = &self.order[chosen];
        match &mut self.store {
            Store::Host { packed, .. } => packed.unpack(chosen.iter().map(|i| *i as usize)),
            Store::Device(device) => device.choose(chosen),
        }
        chosen.len()
    }

    /// Which part of `order` is the batch of `step`.
    fn choose(&mut self, step: u64) -> Range<usize> {
        if self.sampling == Sampling::WithReplacement {
            let mut ints = self.random.at(step).ints();
            let mut next = || ints.next_u32();
            sample::draw(self.len, self.batch_size, &mut self.order, &mut next);
            return 0..self.batch_size;
        }
        let epoch = step / self.steps_per_epoch();
        if self.epoch != Some(epoch) {
            let mut ints = self.random.at(epoch).ints();
            let mut next = || ints.next_u32();
            sample::shuffle(self.len, &mut self.order, &mut next);
            self.epoch = Some(epoch);
        }
        let start = (step % self.steps_per_epoch()) as usize * self.batch_size;
        start..(start + self.batch_size).min(self.order.len())
    }

    fn batch(&self) -> Tensor {
        let ImageSize { channels, side } = self.size;
        let gray = match &self.store {
            Store::Host { packed, kind } => {
                let values = packed.values();
                let shape = [values.len() / (side * side), 1, side, side];
                Tensor::constant(Array::from_slice(values, &shape).to_dtype(kind.dtype))
            }
            Store::Device(device) => device.batch(),
        };
        gray.expand(&[gray.shape()[0], channels, side, side])
    }
}

impl Store {
    /// Into the memory of the kind's device, as `len` images of `side` pixels.
    fn move_to(&mut self, to: Kind, len: usize, side: usize) {
        let Self::Host { packed, kind } = self else {
            return;
        };
        *kind = to;
        if to.device.gpu().is_some() {
            *self = Self::Device(OnDevice::new(packed, to, [len, 1, side, side]));
        }
    }
}

impl Unpacker {
    /// Unpacks the images of these indices.
    fn unpack(&mut self, indices: impl ExactSizeIterator<Item = usize>) {
        self.pixels.resize(indices.len() * PIXELS, 0.0);
        let mut image = [0; PIXELS];
        for (values, index) in self.pixels.chunks_exact_mut(PIXELS).zip(indices) {
            self.images.unpack(index, &mut image);
            sample::normalise(&image, values);
        }
        if let Some((resize, enlarged)) = &mut self.resize {
            resize.all(&self.pixels, enlarged);
        }
    }

    /// What was unpacked last, image after image.
    fn values(&self) -> &[f32] {
        match &self.resize {
            Some((_, enlarged)) => enlarged,
            None => &self.pixels,
        }
    }
}

impl OnDevice {
    /// Unpacked on the host so many at a time.
    const AT_ONCE: usize = 1024;

    /// All images, of this shape: the numbers that [`Unpacker`] gives.
    fn new(packed: &mut Unpacker, kind: Kind, shape: [usize; 4]) -> Self {
        let (len, pixels) = (shape[0], shape[1..].iter().product::<usize>());
        let narrow = Kind {
            dtype: DType::F32,
            ..kind
        };
        let mut images = Array::zeros(&shape, narrow);
        for start in (0..len).step_by(Self::AT_ONCE) {
            packed.unpack(start..(start + Self::AT_ONCE).min(len));
            images.write("the data set", |buffer| {
                buffer.write_at(start * pixels, packed.values());
            });
        }
        Self {
            images: Tensor::constant(images.to_dtype(kind.dtype)),
            chosen: Vec::new(),
            current: 0,
            indices: Vec::new(),
        }
    }

    fn choose(&mut self, chosen: &[u32]) {
        let of_length = |array: &Array| array.len() == chosen.len();
        self.current = self
            .chosen
            .iter()
            .position(of_length)
            .unwrap_or(self.chosen.len());
        if self.current == self.chosen.len() {
            let array = Array::zeros(&[chosen.len()], self.images.kind());
            self.chosen.push(array);
        }
        // Whole numbers up to 2²⁴ are exact.
        self.indices.clear();
        self.indices
            .extend(chosen.iter().map(|index| *index as f32));
        let values = &self.indices;
        self.chosen[self.current].write("the next batch", |buffer| buffer.write(values));
    }

    fn batch(&self) -> Tensor {
        let chosen = Tensor::constant(self.chosen[self.current].clone());
        self.images.gather(&chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_mnist::Split;

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
        source.prepare(&step.into());
        source.batch().to_vec()
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
        assert_eq!(large.prepare(&2.into()), 8);
        let large = large.batch();
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
