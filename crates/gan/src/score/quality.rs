//! Samples beside real images, as a classifier sees both: every number of `gan score`.

use super::classes::{Class, by_class, entropy, histogram};
use super::classifier::{Classifier, Judged};
use super::frechet::Normal;
use super::gap::GAP;
use super::images::Images;
use super::interval::Estimate;
use super::kernel::kernel_distance;
use super::manifold::{Neighbourhood, Overlap};
use super::vendi::vendi;
use crate::run::observers::Better;

/// A number that tells how good samples are.
#[derive(Debug)]
pub struct Measure {
    /// What it is called.
    pub name: &'static str,
    /// Which way it is better; none where it is best where real images have it.
    pub better: Option<Better>,
    /// What it is, in a line.
    pub about: &'static str,
    of: fn(&Seen<'_>) -> Estimate,
}

/// Samples and real images, judged.
struct Seen<'a> {
    images: &'a Images,
    samples: &'a Judged,
    real: &'a Real,
    overlap: Overlap,
}

/// Every number, in the order in which they are told.
pub const MEASURES: [Measure; 13] = [
    Measure {
        name: "fid",
        better: Some(Better::Lower),
        about: "Fréchet distance between the features of samples and of real images",
        of: |seen| seen.real.normal.distance(&seen.samples.features),
    },
    Measure {
        name: "kid",
        better: Some(Better::Lower),
        about: "kernel distance between them, unbiased: 0 on average where both are distributed alike",
        of: |seen| kernel_distance(&seen.samples.features, &seen.real.judged.features),
    },
    Measure {
        name: "precision",
        better: Some(Better::Higher),
        about: "share of samples that lie where real images do",
        of: |seen| seen.overlap.precision,
    },
    Measure {
        name: "recall",
        better: Some(Better::Higher),
        about: "share of real images that lie where samples do",
        of: |seen| seen.overlap.recall,
    },
    Measure {
        name: "density",
        better: Some(Better::Higher),
        about: "how thick real images are around samples; above 1 where samples keep to the middle of them",
        of: |seen| seen.overlap.density,
    },
    Measure {
        name: "coverage",
        better: Some(Better::Higher),
        about: "share of real images with a sample beside them",
        of: |seen| seen.overlap.coverage,
    },
    Measure {
        name: "vendi",
        better: Some(Better::Higher),
        about: "Vendi score: how many kinds of samples there are, in effect",
        of: |seen| Estimate::exact(vendi(&seen.samples.features)),
    },
    Measure {
        name: "duplicates",
        better: Some(Better::Lower),
        about: "share of samples with another as near as one real image of a hundred has one",
        of: |seen| seen.overlap.duplicates,
    },
    Measure {
        name: "repeated",
        better: Some(Better::Lower),
        about: "share of samples that are an earlier one to the byte",
        of: |seen| Estimate::of_share(seen.images.repeated(), seen.images.len()),
    },
    Measure {
        name: "entropy",
        better: Some(Better::Higher),
        about: "entropy of the samples' classes in nats: 0 where all are of one",
        of: |seen| {
            let counts = histogram(&seen.samples.classes, seen.real.classes);
            Estimate::exact(entropy(&counts))
        },
    },
    Measure {
        name: "modes",
        better: Some(Better::Higher),
        about: "classes that any sample is of; of Stacked MNIST's thousand as published with -n 26000, and never without kl",
        of: |seen| {
            let counts = histogram(&seen.samples.classes, seen.real.classes);
            Estimate::exact(counts.iter().filter(|count| **count > 0).count() as f64)
        },
    },
    Measure {
        name: "kl",
        better: Some(Better::Lower),
        about: "reverse KL divergence of the samples' classes from equally frequent ones, Σ p ln(C·p) in nats",
        of: |seen| {
            let counts = histogram(&seen.samples.classes, seen.real.classes);
            Estimate::exact((seen.real.classes as f64).ln() - entropy(&counts))
        },
    },
    Measure {
        name: "confidence",
        better: None,
        about: "probability that the classifier gives to the likeliest class, the mean over samples",
        of: |seen| Estimate::of_mean(&seen.samples.confidence),
    },
];

/// Real images, judged once for all that is compared with them.
pub struct Real {
    judged: Judged,
    normal: Normal,
    neighbourhood: Neighbourhood,
    classes: usize,
}

/// What samples came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Quality {
    /// How many there are.
    pub samples: usize,
    /// Each of [`MEASURES`].
    pub values: [Estimate; MEASURES.len()],
    /// How often the samples' discriminator finds a training image more real than another, as [`gap`](super::gap::gap) says;
    /// none of samples without one.
    pub heldout_auc: Option<Estimate>,
    /// Class by class.
    pub classes: Vec<Class>,
    /// The share of samples that are of the class that was asked for, where any was.
    pub accuracy: Option<Estimate>,
}

impl Real {
    /// What `classifier` sees in real images.
    ///
    /// # Panics
    /// When there are fewer than two, or they are of another size than the classifier's.
    pub fn of(classifier: &Classifier, images: &Images) -> Self {
        assert!(images.len() > 1, "two real images at least");
        let judged = classifier.judge(images);
        Self {
            normal: Normal::of(&judged.features),
            neighbourhood: Neighbourhood::of(judged.features.clone()),
            judged,
            classes: classifier.classes_of(images.shape()[0]),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.judged.classes.len()
    }

    /// Whether there are none, which cannot be.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What `samples` come to beside them. Their labels, where they have any, are the classes that were asked for.
    ///
    /// # Panics
    /// When there are fewer than two, they are of another size, or a class is none of the classifier's.
    pub fn quality(&self, classifier: &Classifier, samples: &Images) -> Quality {
        let judged = classifier.judge(samples);
        let neighbourhood = Neighbourhood::of(judged.features.clone());
        let seen = Seen {
            images: samples,
            samples: &judged,
            real: self,
            overlap: self.neighbourhood.overlap(&neighbourhood),
        };
        let asked = samples.labels();
        let right = asked.iter().zip(&judged.classes);
        let right = right.filter(|(asked, is)| asked == is).count();
        Quality {
            samples: samples.len(),
            values: MEASURES.each_ref().map(|measure| (measure.of)(&seen)),
            heldout_auc: None,
            classes: by_class(&judged, &self.judged, asked, self.classes),
            accuracy: (!asked.is_empty()).then(|| Estimate::of_share(right, asked.len())),
        }
    }
}

impl Quality {
    /// Every number by name, in the order in which they are told.
    pub fn numbers(&self) -> impl Iterator<Item = (&'static str, Estimate)> {
        let names = MEASURES.iter().map(|measure| measure.name);
        let gap = self.heldout_auc.map(|gap| (GAP, gap));
        names.zip(self.values).chain(gap)
    }

    /// How many samples are of each class.
    pub fn counts(&self) -> Vec<u64> {
        let count = |class: &Class| (class.share.value * self.samples as f64).round() as u64;
        self.classes.iter().map(count).collect()
    }

    /// The number called `name`.
    ///
    /// # Panics
    /// When there is none.
    pub fn value(&self, name: &str) -> f64 {
        let found = self.numbers().find(|(known, _)| *known == name);
        found.expect("the name of a number").1.value
    }
}
