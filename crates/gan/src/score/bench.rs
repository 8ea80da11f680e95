//! Real images that samples are compared with, and who judges both.

use super::classifier::Classifier;
use super::gap::{NO_GAP, gap};
use super::images::{Fit, Images};
use super::interval::Estimate;
use super::judge::RealData;
use super::quality::{Quality, Real};
use crate::generator::{Classes, Draws};
use anyhow::{Result, ensure};
use detach_recipes::{DataKind, Recipe, SampleMode};
use detach_tensor::Kind;

/// Samples that are to be compared with images unlike them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// Colours would have to be made up.
    #[error("its samples are {from:?} (channels, height, width) and the real images {to:?}")]
    Shape {
        /// Channels, height and width of the samples.
        from: [usize; 3],
        /// Those of the real images.
        to: [usize; 3],
    },
    /// There are more classes than real images have.
    #[error("it has {of} classes and the real images {judged}")]
    Classes {
        /// Classes of the samples.
        of: usize,
        /// Classes of the real images.
        judged: usize,
    },
}

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
        let floor = Quality {
            heldout_auc: Some(Estimate::exact(NO_GAP)),
            ..real.quality(&classifier, &unasked)
        };
        Self {
            shape: train.shape(),
            floor,
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

    /// What `samples` of `recipe` come to, and its discriminator with them, where it takes images of this size.
    pub fn quality_of(
        &self,
        samples: &Images,
        recipe: &dyn Recipe,
        (size, kind): (DataKind, Kind),
    ) -> Quality {
        let [train, test] = &self.images;
        let [c, h, w] = self.shape();
        let takes_them = size.shape(1) == [1, c, h, w];
        Quality {
            heldout_auc: takes_them
                .then(|| gap(recipe, kind, [train, test]))
                .flatten(),
            ..self.quality(samples)
        }
    }

    /// What makes images of `from` into images like the real ones.
    ///
    /// # Errors
    /// When colours would have to be made up.
    pub fn fit(&self, from: [usize; 3]) -> Result<Fit, Unlike> {
        let to = self.shape();
        Fit::new(from, to).ok_or(Unlike::Shape { from, to })
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
        ensure!(of <= judged, Unlike::Classes { of, judged });
        let asked = (0..count).map(|i| Classes::InTurn.of(i, of) as u32);
        Ok(images.with_labels(asked.collect()))
    }
}
