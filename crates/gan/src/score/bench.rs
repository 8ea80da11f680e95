//! Real images that samples are compared with, and who judges both.

use super::classifier::Classifier;
use super::gap::gap;
use super::images::{Fit, Images};
use super::interval::Estimate;
use super::judge::RealData;
use super::quality::{Quality, Real};
use crate::generator::{Classes, Draws};
use anyhow::{Context, Result, ensure};
use detach_recipes::{DataKind, Recipe, SampleMode};
use detach_tensor::Kind;

/// Images of each kind that a discriminator is asked about: the interval of 2,000 is ±0.018.
const JUDGED: usize = 2000;

/// Real images that samples are compared with, judged once.
pub struct Bench {
    /// Who judges.
    pub classifier: Classifier,
    real: Real,
    shape: [usize; 3],
    /// Training images and others, a few thousand at most.
    images: [Images; 2],
    /// What images come to that nothing was trained on.
    pub floor: Quality,
    /// The data in words, and its checksum.
    pub source: (String, u32),
}

impl Bench {
    /// `count` images of `data`, and as many test images for the floor; fewer where there are fewer.
    pub fn of(data: RealData, classifier: Classifier, count: usize) -> Self {
        let (train, test) = (data.train.some(count), data.test.some(count));
        let real = Real::of(&classifier, &train);
        // Its labels are no wish that anybody was asked for.
        let unasked = Images::new(test.shape(), test.bytes().to_vec());
        Self {
            shape: train.shape(),
            floor: real.quality(&classifier, &unasked),
            images: [train.some(JUDGED), test.some(JUDGED)],
            classifier,
            real,
            source: (data.source, data.checksum),
        }
    }

    /// The shape of the images, `[C, H, W]`.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// How many classes they are of.
    pub fn classes(&self) -> usize {
        self.classifier.classes_of(self.shape[0])
    }

    /// How many real images there are.
    pub fn real(&self) -> usize {
        self.real.len()
    }

    /// What `samples` come to.
    pub fn quality(&self, samples: &Images) -> Quality {
        self.real.quality(&self.classifier, samples)
    }

    /// How often the discriminator of `recipe` finds a training image more real than another, as [`gap`] says; `None` where
    /// it takes images of another size, too.
    pub fn gap(&self, recipe: &dyn Recipe, size: DataKind, kind: Kind) -> Option<Estimate> {
        let [train, test] = &self.images;
        let [c, h, w] = self.shape();
        (size.shape(1) == [1, c, h, w]).then(|| gap(recipe, kind, [train, test]))?
    }

    /// What makes images of `from` into images like the real ones.
    ///
    /// # Errors
    /// When colours would have to be made up.
    pub fn fit(&self, from: [usize; 3]) -> Result<Fit> {
        let to = self.shape();
        Fit::new(from, to).with_context(|| {
            format!(
                "its samples are {from:?} (channels, height, width) and the real images {to:?}; give the data that they \
                 are to be like with --data-dir"
            )
        })
    }

    /// Samples that a generator makes, with the classes that they were asked to be of, where there are classes: `count`
    /// of a seed. `progress` hears how many are made.
    ///
    /// # Errors
    /// When they are not finite, or of more classes than the data has.
    pub fn drawn(
        &self,
        draws: Draws<'_>,
        (seed, count, mode): (u64, usize, SampleMode),
        progress: &mut dyn FnMut(usize),
    ) -> Result<Images> {
        let mut fit = None;
        let mut bytes = Vec::with_capacity(count * self.shape().iter().product::<usize>());
        let mut done = 0;
        for samples in draws.samples((seed, count), &Classes::InTurn, mode) {
            let values = samples.to_vec::<f32>();
            ensure!(
                values.iter().all(|value| value.is_finite()),
                "training diverged: its samples are not finite"
            );
            let &[n, c, h, w] = samples.shape() else {
                unreachable!("images have four axes");
            };
            if fit.is_none() {
                fit = Some(self.fit([c, h, w])?);
            }
            if let Some(fit) = &mut fit {
                fit.push(&values, &mut bytes);
            }
            done += n;
            progress(done);
        }
        let images = Images::new(self.shape(), bytes);
        let Some(of) = draws.classes() else {
            return Ok(images);
        };
        let judged = self.classes();
        ensure!(
            of <= judged,
            "it has {of} classes and its data {judged}; give the data that it was trained on with --data-dir"
        );
        let asked = (0..count).map(|i| Classes::InTurn.of(i, of) as u32);
        Ok(images.with_labels(asked.collect()))
    }
}
