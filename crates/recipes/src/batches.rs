//! Batches, as a pure function of (seed, position in the data).

use crate::batch::Batch;
use crate::samples::ImageSize;
use crate::settings::{Sampling, Settings};
use crate::store::Store;
use anyhow::{Result, ensure};
use detach_data::{Dataset, sample};
use detach_nn::{Name, Slot, State};
use detach_tensor::{Count, Kind, Random, Stream};

/// Where batches come from. What a step is going to take is [prepared](Self::prepare) before it, since
/// a captured step cannot choose; then it [takes](Self::take) one after the other.
pub enum Batches {
    /// A data set of images.
    Images(Box<Images>),
    /// The standard normal distribution, `[N, 1]`.
    Gaussian(Gaussian),
}

/// Batches of images `[N, C, side, side]` in [-1, 1].
pub struct Images {
    store: Store,
    len: usize,
    classes: usize,
    /// Whether the data set goes on beyond `len`: an epoch then takes the images after those of the last.
    is_endless: bool,
    /// The image that one without end begins with.
    first: u32,
    size: ImageSize,
    batch_size: usize,
    sampling: Sampling,
    random: Random,
    /// Batches taken since training began: where in the data it is. Part of a checkpoint.
    position: Count,
    /// The epoch whose order is in `order`.
    epoch: Option<u64>,
    order: Vec<u32>,
    /// The lengths of the batches that are prepared in `store`, and how many of these are taken.
    prepared: Vec<usize>,
    taken: usize,
}

/// Batches of normal numbers.
pub struct Gaussian {
    batch_size: usize,
    steps: u64,
    random: Random,
    kind: Kind,
    prepared: usize,
    taken: usize,
}

impl Batches {
    /// Batches of `dataset` as the settings say, each image brought to `size` and shown in
    /// all its channels. On a GPU the whole data set lies in its memory from now on.
    ///
    /// # Errors
    /// When the data set has not one whole batch, a last batch of one image, or more channels than
    /// are wanted.
    pub fn images(
        dataset: Box<dyn Dataset>,
        size: ImageSize,
        settings: &Settings,
        kind: Kind,
    ) -> Result<Self> {
        let (len, batch) = (dataset.len(), settings.batch_size);
        ensure!(
            len >= batch,
            "the data set has {len} images, fewer than a batch of {batch}; use a smaller batch-size",
        );
        ensure!(
            settings.sampling != Sampling::Shuffled { drop_last: false } || len % batch != 1,
            "{len} images in batches of {batch} leave a last batch of one, which has no variance for BatchNorm; \
             use another batch-size, or sampling=shuffled-drop-last",
        );
        let [channels, height, width] = dataset.shape();
        ensure!(
            channels == 1 || channels == size.channels,
            "the images have {channels} channels and the recipe takes {}; use grey images, or another recipe",
            size.channels
        );
        ensure!(
            height == width,
            "the images are {height}×{width}, and square ones are needed"
        );
        Ok(Self::Images(Box::new(Images {
            len,
            classes: dataset.classes(),
            is_endless: dataset.is_endless(),
            first: 0,
            store: Store::new(dataset, size.side, kind),
            size,
            batch_size: batch,
            sampling: settings.sampling,
            random: Random::new(settings.seed, Stream::Shuffle),
            position: Count::default(),
            epoch: None,
            order: Vec::new(),
            prepared: Vec::new(),
            taken: 0,
        })))
    }

    /// Batches of the standard normal distribution.
    pub fn gaussian(settings: &Settings, kind: Kind) -> Self {
        let steps = match settings.sampling {
            Sampling::Endless { steps } => steps.max(1),
            _ => 1000,
        };
        Self::Gaussian(Gaussian {
            batch_size: settings.batch_size,
            steps,
            random: Random::new(settings.seed, Stream::Shuffle),
            kind,
            prepared: 0,
            taken: 0,
        })
    }

    /// Draws as the data set of this number in a run, the first being 0. Sets of one length would otherwise be shuffled alike,
    /// and images of one place always meet; and two without end would go the same way.
    pub(crate) fn renumber(&mut self, number: usize, seed: u64) {
        // 2⁶⁴ divided by the golden ratio: no small seed meets another's sets.
        let apart = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let random = Random::new(seed.wrapping_add(apart), Stream::Shuffle);
        match self {
            Self::Images(images) => {
                images.random = random;
                images.first = (apart >> 32) as u32;
            }
            Self::Gaussian(gaussian) => gaussian.random = random,
        }
    }

    /// How many classes the data has; 0 where it has none.
    pub fn classes(&self) -> usize {
        match self {
            Self::Images(images) => images.classes,
            Self::Gaussian(_) => 0,
        }
    }

    /// Batches in an epoch.
    pub fn batches_per_epoch(&self) -> u64 {
        match self {
            Self::Images(images) => images.batches_per_epoch(),
            Self::Gaussian(gaussian) => gaussian.steps,
        }
    }

    /// Whether an epoch is a number of steps, however many batches each takes.
    pub fn is_endless(&self) -> bool {
        matches!(self, Self::Gaussian(_))
    }

    /// Prepares the next `count` batches for the step of this number (from 0): what has to happen on
    /// the host in every step.
    pub fn prepare(&mut self, step: &Count, count: usize) {
        match self {
            Self::Images(images) => images.prepare(count),
            Self::Gaussian(gaussian) => {
                gaussian.random = gaussian.random.at(step.clone());
                (gaussian.prepared, gaussian.taken) = (count, 0);
            }
        }
    }

    /// Appends the lengths of the batches that were prepared or taken since the last
    /// [`prepare`](Self::prepare) began.
    pub fn lengths(&self, out: &mut Vec<usize>) {
        match self {
            Self::Images(images) => out.extend(&images.prepared),
            Self::Gaussian(gaussian) => {
                let count = gaussian.prepared.max(gaussian.taken);
                out.extend(std::iter::repeat_n(gaussian.batch_size, count));
            }
        }
    }

    /// The next batch. More than were prepared can be taken by a step that is not captured.
    pub fn take(&mut self) -> Batch {
        match self {
            Self::Images(images) => images.take(),
            Self::Gaussian(Gaussian {
                batch_size,
                random,
                kind,
                taken,
                ..
            }) => {
                *taken += 1;
                Batch::of(random.normal(&[*batch_size, 1], *kind))
            }
        }
    }

    /// How many batches were taken since the last [`prepare`](Self::prepare).
    pub fn taken(&self) -> usize {
        match self {
            Self::Images(images) => images.taken,
            Self::Gaussian(gaussian) => gaussian.taken,
        }
    }

    /// Goes to the batch of this number, for checkpoints that did not hold the position.
    pub fn go_to(&self, batch: u64) {
        if let Self::Images(images) = self {
            images.position.set(batch);
        }
    }
}

/// The position in the data.
impl State for Batches {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        if let Self::Images(images) = self {
            f(path.dot("batches"), Slot::Count(&images.position));
        }
    }
}

impl Images {
    fn batches_per_epoch(&self) -> u64 {
        let (images, batch) = (self.len, self.batch_size);
        let batches = match self.sampling {
            Sampling::Shuffled { drop_last: false } => images.div_ceil(batch),
            _ => images / batch,
        };
        batches as u64
    }

    fn prepare(&mut self, count: usize) {
        self.prepared.clear();
        self.taken = 0;
        (0..count).for_each(|_| self.prepare_next());
    }

    /// Chooses one more batch.
    fn prepare_next(&mut self) {
        let place = self.prepared.len();
        let number = self.position.get() + (place - self.taken) as u64;
        let chosen = self.choose(number);
        self.prepared.push(chosen.len());
        self.store.choose(place, &self.order[chosen]);
    }

    /// Which part of `order` is the batch of this number.
    fn choose(&mut self, number: u64) -> std::ops::Range<usize> {
        if self.is_endless {
            return self.go_on(number);
        }
        if self.sampling == Sampling::WithReplacement {
            let mut ints = self.random.at(number).ints();
            let mut next = || ints.next_u32();
            sample::draw(self.len, self.batch_size, &mut self.order, &mut next);
            self.epoch = None;
            return 0..self.batch_size;
        }
        let per_epoch = self.batches_per_epoch();
        let epoch = number / per_epoch;
        if self.epoch != Some(epoch) {
            let mut ints = self.random.at(epoch).ints();
            let mut next = || ints.next_u32();
            sample::shuffle(self.len, &mut self.order, &mut next);
            self.epoch = Some(epoch);
        }
        let start = (number % per_epoch) as usize * self.batch_size;
        start..(start + self.batch_size).min(self.order.len())
    }

    /// The batch of this number of a set without end: the images that follow those of the batch before, and after 2³² the
    /// first again. They are as good as shuffled, and as good as drawn with replacement.
    fn go_on(&mut self, number: u64) -> std::ops::Range<usize> {
        let per_epoch = self.batches_per_epoch();
        let start = (number % per_epoch) * self.batch_size as u64;
        let end = (start + self.batch_size as u64).min(self.len as u64);
        let before = (number / per_epoch).wrapping_mul(self.len as u64);
        let index = |place: u64| self.first.wrapping_add(before.wrapping_add(place) as u32);
        self.order.clear();
        self.order.extend((start..end).map(index));
        0..self.order.len()
    }

    fn take(&mut self) -> Batch {
        if self.taken == self.prepared.len() {
            self.prepare_next();
        }
        let batch = self.store.batch(self.taken, self.size);
        self.taken += 1;
        self.position.add(1);
        batch
    }
}

impl std::fmt::Debug for Batches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, len) = match self {
            Self::Images(images) => ("images", images.len),
            Self::Gaussian(gaussian) => ("numbers", gaussian.batch_size),
        };
        write!(f, "Batches({len} {what})")
    }
}
