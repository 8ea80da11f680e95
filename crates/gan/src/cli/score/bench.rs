//! Real images, and who judges them and samples.

use crate::cli::classifier;
use crate::cli::console;
use crate::cli::usage::with_hint;
use crate::run::config::Config;
use crate::run::data::recorded;
use crate::score::classifier::Classifier;
use crate::score::images::Images;
use crate::score::judge::RealData;
use crate::score::quality::{Quality, Real};
use anyhow::{Context, Result};
use detach_data::{Find, Found, Split, Wanted};
use std::path::PathBuf;
use std::rc::Rc;

/// Where real images are from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    /// What kind of images.
    pub(super) wanted: Wanted,
    /// The run whose data they are, by its record.
    pub(super) run: Option<Config>,
    /// The folder or file that was given instead.
    pub(super) given: Option<PathBuf>,
}

/// What makes two sources one: what was given or the checksum on record, the kind of images, and how many.
type Key = (Option<PathBuf>, Option<u32>, Wanted, usize);

/// Real images that samples are compared with.
pub(super) struct Bench {
    key: Key,
    /// Who judges.
    pub(super) classifier: Classifier,
    real: Real,
    /// What images come to that nothing was trained on.
    pub(super) floor: Quality,
    /// The data in words, and its checksum.
    pub(super) source: (String, u32),
}

impl Source {
    fn key(&self, count: usize) -> Key {
        let checksum = self.run.as_ref().and_then(|run| run.data_checksum);
        (self.given.clone(), checksum, self.wanted, count)
    }

    fn found(&self) -> Result<Found> {
        if let (None, Some(config)) = (&self.given, &self.run) {
            return recorded(config, self.wanted).with_context(|| {
                format!(
                    "the data that it was trained on is not there any more: {}; give it with --data-dir",
                    config.data
                )
            });
        }
        let mut find = Find::new(self.given.clone(), self.wanted);
        // Digits that stand in for others are nothing to compare with.
        find.lookup.synthetic = None;
        let found = find.find(Split::Train, &mut |_| ());
        found.map_err(|error| match self.given {
            Some(_) => error.into(),
            None => with_hint(error, "give the real images with --data-dir"),
        })
    }
}

/// The bench of a source, made where none of `benches` is it.
pub(super) fn find(
    source: &Source,
    count: usize,
    benches: &mut Vec<Rc<Bench>>,
) -> Result<Rc<Bench>> {
    let key = source.key(count);
    // A run of old may have no checksum on record; its data is read for it alone.
    let is_known = source.run.is_none() || source.given.is_some() || key.1.is_some();
    if let Some(bench) = benches.iter().find(|bench| is_known && bench.key == key) {
        return Ok(Rc::clone(bench));
    }
    let found = source.found()?;
    let data = RealData::of(&found, source.wanted)?;
    let classifier = match data.classifier() {
        Some(classifier) => classifier,
        None => trained(&data)?,
    };
    let real = Real::of(&classifier, &data.train.some(count));
    // Its labels are no wish that anybody was asked for.
    let test = data.test.some(count);
    let floor = real.quality(
        &classifier,
        &Images::new(test.shape(), test.bytes().to_vec()),
    );
    let bench = Rc::new(Bench {
        key,
        classifier,
        real,
        floor,
        source: (data.source, data.checksum),
    });
    benches.push(Rc::clone(&bench));
    Ok(bench)
}

/// A classifier for data that has none yet, kept where there is a place to keep it.
fn trained(data: &RealData) -> Result<Classifier> {
    console::note(&format!(
        "training a classifier of {}, once: it judges the samples, and takes some minutes for 60,000 small images",
        data.source
    ));
    if let Some(path) = data.kept() {
        return classifier::train(data, &path);
    }
    let Ok(classifier) = data.train(&mut |_, _| Ok::<_, std::convert::Infallible>(()));
    Ok(classifier)
}

impl Bench {
    /// The shape of the images, `[C, H, W]`.
    pub(super) fn shape(&self) -> [usize; 3] {
        self.classifier.about().shape
    }

    /// How many real images there are.
    pub(super) fn real(&self) -> usize {
        self.real.len()
    }

    /// What `samples` come to.
    pub(super) fn quality(&self, samples: &Images) -> Quality {
        self.real.quality(&self.classifier, samples)
    }
}
