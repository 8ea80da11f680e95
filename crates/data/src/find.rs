//! A data set when nobody says exactly where it is.

use crate::dataset::{Dataset, Wanted};
use crate::error::Error;
use crate::memory::InMemory;
use crate::open::open;
use detach_mnist::{Fetcher, Lookup, Progress, Split};
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
    /// Whether the images were made here instead of read.
    pub is_synthetic: bool,
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
                is_synthetic: false,
            });
        }
        let lookup = Lookup {
            given: None,
            ..self.lookup.clone()
        };
        let set = lookup.find(split, progress)?;
        Ok(Found {
            statement: set.provenance.to_string(),
            is_synthetic: set.provenance.is_synthetic(),
            dataset: Box::new(InMemory::from(set).fitted(self.wanted)),
        })
    }
}
