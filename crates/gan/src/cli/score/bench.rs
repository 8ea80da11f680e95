//! Real images, and who judges them and samples.

use crate::cli::classifier;
use crate::cli::console;
use crate::cli::usage::with_hint;
use crate::run::config::Config;
use crate::run::data::recorded;
use crate::score::bench::Bench;
use crate::score::classifier::Classifier;
use crate::score::judge::RealData;
use anyhow::{Context, Result};
use detach_data::{Find, Found, Split, Wanted};
use std::path::PathBuf;
use std::rc::Rc;

/// Where real images are from.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct Source {
    /// What kind of images.
    pub(in crate::cli) wanted: Wanted,
    /// The run whose data they are, by its record.
    pub(in crate::cli) run: Option<Config>,
    /// The folder or file that was given instead.
    pub(in crate::cli) given: Option<PathBuf>,
}

/// What makes two sources one: what was given or the checksum on record, the kind of images, and how many.
type Key = (Option<PathBuf>, Option<u32>, Wanted, usize);

/// A bench, and what makes it the one of a source.
pub(in crate::cli) struct Known {
    key: Key,
    bench: Rc<Bench>,
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

/// The bench of a source, made where none that is known is it.
pub(in crate::cli) fn find(
    source: &Source,
    count: usize,
    known: &mut Vec<Known>,
) -> Result<Rc<Bench>> {
    let key = source.key(count);
    // A run of old may have no checksum on record; its data is read for it alone.
    let has_key = source.run.is_none() || source.given.is_some() || key.1.is_some();
    if let Some(known) = known.iter().find(|known| has_key && known.key == key) {
        return Ok(Rc::clone(&known.bench));
    }
    let found = source.found()?;
    let data = RealData::of(&found, source.wanted)?;
    let classifier = match data.to_learn().classifier() {
        Some(classifier) => classifier,
        None => trained(data.to_learn())?,
    };
    let bench = Rc::new(Bench::of(data, classifier, count));
    known.push(Known {
        key,
        bench: Rc::clone(&bench),
    });
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
