//! A data set when nobody says exactly where it is.

use crate::dataset::{Dataset, Wanted};
use crate::error::Error;
use crate::memory::InMemory;
use crate::open::open;
use detach_mnist::{Fetcher, Lookup, Origin, Progress, Split};
use std::path::PathBuf;

/// The order in which a data set is looked for: what was asked for, and then nowhere else; MNIST where torchvision and
/// we put it; the download, where it is allowed; synthetic digits, where they are allowed ([`Lookup`]).
#[derive(Clone, Debug)]
pub struct Find {
    /// The folder or file that was asked for; see [`open`].
    pub given: Option<PathBuf>,
    /// What kind of images the caller can use.
    pub wanted: Wanted,
    /// Where MNIST is looked for when nothing was asked for. Its own `given` is not read.
    pub lookup: Lookup,
}

/// A data set that was found, fetched or made.
#[derive(Debug)]
pub struct Found {
    /// The data set.
    pub dataset: Box<dyn Dataset>,
    /// What was taken, and why not from elsewhere: one line to show to the user. [`Dataset::source`] is its first half,
    /// which does not depend on what else there is.
    pub statement: String,
    /// Where to have the same again.
    pub place: Place,
}

/// Where a data set is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder or file, as [`open`] takes it.
    Path(PathBuf),
    /// Nowhere: it was made here.
    Made {
        /// The seed of the synthetic digits.
        seed: u64,
    },
}

impl Found {
    /// Whether the images were made here instead of read.
    pub fn is_synthetic(&self) -> bool {
        matches!(self.place, Place::Made { .. })
    }
}

impl Find {
    /// The usual places, without the download, with synthetic digits at the end.
    pub fn new(given: Option<PathBuf>, wanted: Wanted) -> Self {
        Self {
            given,
            wanted,
            lookup: Lookup::new(None),
        }
    }

    /// The same with the download from MNIST's mirrors allowed.
    #[must_use]
    pub fn with_download(self) -> Self {
        self.with_fetcher(Fetcher::mnist())
    }

    /// The same with this download allowed, e.g. from a mirror of one's own.
    #[must_use]
    pub fn with_fetcher(mut self, fetcher: Fetcher) -> Self {
        self.lookup.download = Some(fetcher);
        self
    }

    /// Finds, fetches or makes the data set. `progress` hears of a download's bytes.
    ///
    /// # Errors
    /// Those of [`open`] where something was asked for, and those of [`Lookup::find`] where nothing was.
    pub fn find(
        &self,
        split: Split,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Found, Error> {
        if let Some(path) = &self.given {
            let dataset = open(path, split, self.wanted)?;
            return Ok(Found {
                statement: dataset.source(),
                dataset,
                place: Place::Path(path.clone()),
            });
        }
        let lookup = Lookup {
            given: None,
            ..self.lookup.clone()
        };
        Ok(self.found(lookup.find(split, progress)?))
    }

    /// The synthetic digits of `seed`, as many as MNIST has.
    pub fn made(&self, seed: u64, split: Split) -> Found {
        let count = split.mnist_len();
        self.found(detach_mnist::Dataset::synthetic(seed, split, count))
    }

    fn found(&self, set: detach_mnist::Dataset) -> Found {
        let place = match &set.provenance.origin {
            Origin::Synthetic { seed } => Place::Made { seed: *seed },
            Origin::Files { images, .. } => {
                let folder = images.parent().unwrap_or(images);
                Place::Path(folder.to_owned())
            }
        };
        Found {
            statement: set.provenance.to_string(),
            place,
            dataset: Box::new(InMemory::from(set).fitted(self.wanted)),
        }
    }
}
