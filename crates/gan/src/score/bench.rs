//! Real images that samples are compared with, and who judges both.

use super::classifier::Classifier;
use super::images::{Fit, Images};
use super::judge::RealData;
use super::quality::{Quality, Real};
use crate::generator::{Classes, Draws};
use anyhow::{Context, Result, ensure};
use detach_recipes::SampleMode;

/// Real images that samples are compared with, judged once.
pub struct Bench {
    /// Who judges.
    pub classifier: Classifier,
    real: Real,
    /// What images come to that nothing was trained on.
    pub floor: Quality,
    /// The data in words, and its checksum.
    pub source: (String, u32),
}

impl Bench {
    /// `count` images of `data`, and as many test images for the floor; fewer where there are fewer.
    pub fn of(data: RealData, classifier: Classifier, count: usize) -> Self {
        let real = Real::of(&classifier, &data.train.some(count));
        // Its labels are no wish that anybody was asked for.
        let test = data.test.some(count);
        let test = Images::new(test.shape(), test.bytes().to_vec());
        Self {
            floor: real.quality(&classifier, &test),
            classifier,
            real,
            source: (data.source, data.checksum),
        }
    }

    /// The shape of the images, `[C, H, W]`.
    pub fn shape(&self) -> [usize; 3] {
        self.classifier.about().shape
    }

    /// How many real images there are.
    pub fn real(&self) -> usize {
        self.real.len()
    }

    /// What `samples` come to.
    pub fn quality(&self, samples: &Images) -> Quality {
        self.real.quality(&self.classifier, samples)
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
        let judged = self.classifier.about().classes;
        ensure!(
            of <= judged,
            "it has {of} classes and its data {judged}; give the data that it was trained on with --data-dir"
        );
        let asked = (0..count).map(|i| Classes::InTurn.of(i, of) as u32);
        Ok(images.with_labels(asked.collect()))
    }
}
