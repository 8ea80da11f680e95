//! A data set when nobody says exactly where it is.

use crate::dataset::{Dataset, Wanted};
use crate::error::Error;
use crate::memory::InMemory;
use crate::named::Named;
use crate::open::open;
use crate::stacked::Stacked;
use detach_mnist::{Fetcher, Lookup, Origin, Progress, Split};
use std::path::{Path, PathBuf};

/// The order in which a data set is looked for: what was asked for by name or by place, and then nowhere else; MNIST where
/// torchvision and we put it; the download, where it is allowed; images drawn here, where they are allowed ([`Lookup`]): coloured
/// shapes for whoever can use colours, else digits.
#[derive(Clone, Debug)]
pub struct Find {
    /// The set that was asked for by name. With [`Named::StackedMnist`] all else says what is stacked.
    pub name: Option<Named>,
    /// The folder or file that was asked for; see [`open`].
    pub given: Option<PathBuf>,
    /// What kind of images the caller can use.
    pub wanted: Wanted,
    /// Where MNIST is looked for when nothing was asked for. Its own `given` is not read; its `synthetic` is the seed of all
    /// that is drawn.
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
    /// Its name, if it has one. [`Find::again`] finds it by name and place.
    pub name: Option<Named>,
    /// Where to have the same again.
    pub place: Place,
}

/// Where a data set is from; of a stacked one, where its grey images are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder or file, as [`open`] takes it.
    Path(PathBuf),
    /// Nowhere: it was made here.
    Made {
        /// The seed that it was drawn from.
        seed: u64,
    },
}

impl Found {
    /// Whether the images were made here instead of read.
    pub fn is_synthetic(&self) -> bool {
        matches!(self.place, Place::Made { .. })
    }

    fn drawn(dataset: InMemory, name: Named, seed: u64, wanted: Wanted) -> Self {
        let dataset = dataset.fitted(wanted);
        Self {
            statement: dataset.source(),
            dataset: Box::new(dataset),
            name: Some(name),
            place: Place::Made { seed },
        }
    }

    /// Three of its images as one.
    fn stacked(self, seed: u64) -> Result<Self, Error> {
        let dataset = Stacked::new(self.dataset, seed)?;
        Ok(Self {
            statement: format!("stacked in threes (seed {seed}): {}", self.statement),
            dataset: Box::new(dataset),
            name: Some(Named::StackedMnist),
            place: self.place,
        })
    }
}

impl Find {
    /// The usual places, without the download, with images drawn here at the end.
    pub fn new(given: Option<PathBuf>, wanted: Wanted) -> Self {
        Self {
            name: None,
            given,
            wanted,
            lookup: Lookup::new(None),
        }
    }

    /// The same for a set of this name, if it is one.
    #[must_use]
    pub fn named(self, name: Option<Named>) -> Self {
        Self { name, ..self }
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
    /// Those of [`open`] where something was asked for, those of [`Lookup::find`] where nothing was, and those of
    /// [`Stacked::new`]; [`Error::Drawn`] and [`Error::Coloured`].
    pub fn find(
        &self,
        split: Split,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Found, Error> {
        match (self.name, &self.given) {
            (Some(Named::StackedMnist), _) => {
                let found = self.to_stack()?.find(split, progress)?;
                found.stacked(self.seed())
            }
            (Some(name), Some(path)) => Err(Error::Drawn {
                name,
                path: path.clone(),
            }),
            (Some(name), None) => self.again(name, &Place::Made { seed: self.seed() }, split),
            (None, Some(path)) => self.opened(path, split),
            (None, None) => self.looked_up(split, progress),
        }
    }

    /// The set of this name from this place, as [`Found`] has them.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn again(&self, name: Named, place: &Place, split: Split) -> Result<Found, Error> {
        match (name, place) {
            (Named::StackedMnist, Place::Made { seed }) => {
                let digits = self.to_stack()?.again(Named::Digits, place, split)?;
                digits.stacked(*seed)
            }
            (Named::StackedMnist, Place::Path(path)) => {
                let found = self.to_stack()?.opened(path, split)?;
                found.stacked(self.seed())
            }
            (_, Place::Path(path)) => Err(Error::Drawn {
                name,
                path: path.clone(),
            }),
            (_, Place::Made { seed }) => {
                let drawn = name.drawn(*seed, split);
                let drawn = drawn.unwrap_or_else(|| unreachable!("{name} is stacked"));
                Ok(Found::drawn(drawn, name, *seed, self.wanted))
            }
        }
    }

    /// The seed of what is drawn.
    fn seed(&self) -> u64 {
        self.lookup.synthetic.unwrap_or(0)
    }

    /// The same for grey images, to be stacked.
    fn to_stack(&self) -> Result<Self, Error> {
        if self.wanted.is_grey() {
            return Err(Error::Coloured(Named::StackedMnist));
        }
        let wanted = Wanted {
            channels: Some(1),
            ..self.wanted
        };
        Ok(Self {
            name: None,
            wanted,
            ..self.clone()
        })
    }

    fn opened(&self, path: &Path, split: Split) -> Result<Found, Error> {
        let dataset = open(path, split, self.wanted)?;
        Ok(Found {
            statement: dataset.source(),
            dataset,
            name: None,
            place: Place::Path(path.to_owned()),
        })
    }

    fn looked_up(
        &self,
        split: Split,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Found, Error> {
        let in_colour = self.wanted.channels.is_some_and(|channels| channels >= 3);
        let shapes = self.lookup.synthetic.filter(|_| in_colour);
        let lookup = Lookup {
            given: None,
            synthetic: self.lookup.synthetic.filter(|_| !in_colour),
            ..self.lookup.clone()
        };
        match (lookup.find(split, progress), shapes) {
            (Ok(set), _) => Ok(self.found(set)),
            (Err(detach_mnist::Error::Nowhere { looked }), Some(seed)) => {
                let place = Place::Made { seed };
                let found = self.again(Named::Shapes, &place, split)?;
                if lookup.download.is_some() {
                    // Whoever allowed the download meant what it brings.
                    tracing::warn!(
                        "no data set was found ({}); taken instead: {}",
                        looked.join("; "),
                        found.statement
                    );
                }
                let statement = format!(
                    "{}, because nothing else was found ({})",
                    found.statement,
                    looked.join("; ")
                );
                Ok(Found { statement, ..found })
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    fn found(&self, set: detach_mnist::Dataset) -> Found {
        let (name, place) = match &set.provenance.origin {
            Origin::Synthetic { seed } => (Some(Named::Digits), Place::Made { seed: *seed }),
            Origin::Files { images, .. } => {
                let folder = images.parent().unwrap_or(images);
                (None, Place::Path(folder.to_owned()))
            }
        };
        Found {
            statement: set.provenance.to_string(),
            name,
            place,
            dataset: Box::new(InMemory::from(set).fitted(self.wanted)),
        }
    }
}
