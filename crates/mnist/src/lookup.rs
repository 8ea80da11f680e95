//! Where a data set is looked for when nobody says exactly where it is.

use std::path::PathBuf;

#[cfg(not(target_family = "wasm"))]
use etcetera::BaseStrategy;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::fetch::{FetchError, Fetcher, Progress};
use crate::folder;
use crate::provenance::{FoundIn, PassedOver, Provenance};
use crate::split::Split;

/// The order in which a data set is looked for:
///
/// 1. the folder that was asked for, and then nowhere else;
/// 2. `data/MNIST/raw`, where torchvision puts it;
/// 3. the user's cache;
/// 4. the download, where it is allowed;
/// 5. images without labels in one of these places;
/// 6. synthetic digits, where they are allowed.
///
/// A place without the files is passed over, and [`Provenance::passed_over`] says so; a download that fails is also a warning
/// (`tracing`), which says what is taken instead. Files that are there and broken, and a download that another process is at, are an error, never a reason to train
/// on something else.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The folder that was asked for ; see [`Dataset::open`].
    pub given: Option<PathBuf>,
    /// The folder whose `MNIST/raw` is looked at first; [`Lookup::new`] says `data`.
    pub local: PathBuf,
    /// The folder whose `MNIST/raw` is looked at next; [`Lookup::new`] says `detach` in the user's
    /// cache, or nothing for a user without a home.
    pub cache: Option<PathBuf>,
    /// The download, where it is allowed; [`Lookup::new`] says no.
    pub download: Option<Fetcher>,
    /// The seed of the synthetic digits, where they are allowed; [`Lookup::new`] says 0.
    pub synthetic: Option<u64>,
}

impl Lookup {
    /// The usual places, without the download, with synthetic digits at the end.
    pub fn new(given: Option<PathBuf>) -> Self {
        Self {
            given,
            local: PathBuf::from("data"),
            cache: user_cache(),
            download: None,
            synthetic: Some(0),
        }
    }

    /// The same with the download from MNIST's mirrors allowed.
    #[must_use]
    pub fn with_download(self) -> Self {
        Self {
            download: Some(Fetcher::mnist()),
            ..self
        }
    }

    /// Where a download goes: `MNIST/raw` in [`Lookup::local`] if that folder is there, as it is in
    /// a clone of this repository, and in the user's cache if not.
    pub fn download_folder(&self) -> PathBuf {
        let root = match &self.cache {
            Some(cache) if !self.local.is_dir() => cache,
            _ => &self.local,
        };
        root.join("MNIST").join("raw")
    }

    /// Finds, fetches or makes the data set. `progress` hears of a download's bytes.
    ///
    /// # Errors
    /// [`Error::NotThere`] where a folder was asked for and does not hold the split,
    /// [`Error::Nowhere`] where neither download nor synthetic digits are left, and the errors of
    /// files that are there and cannot be used.
    pub fn find(
        &self,
        split: Split,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Dataset, Error> {
        if let Some(folder) = &self.given {
            return Dataset::open(folder, split);
        }
        let mut passed_over = Vec::new();
        let mut failure = None;
        let mut found = self.on_disk(split, &mut passed_over)?;
        if found.is_none() {
            found = self.downloaded(split, progress, &mut passed_over, &mut failure)?;
        }
        if found.is_none() {
            found = self.images_alone(split)?;
        }
        let made = || {
            Some(Dataset::synthetic(
                self.synthetic?,
                split,
                split.mnist_len(),
            ))
        };
        match found.or_else(made) {
            Some(dataset) => {
                // Whoever allowed the download meant what it brings.
                if let Some(cause) = failure {
                    let taken = &dataset.provenance.origin;
                    tracing::warn!("{cause}; taken instead: {taken}");
                }
                let provenance = Provenance {
                    passed_over,
                    ..dataset.provenance
                };
                Ok(Dataset {
                    provenance,
                    ..dataset
                })
            }
            None => {
                let looked = passed_over.iter().map(ToString::to_string).collect();
                Err(Error::Nowhere { looked })
            }
        }
    }

    fn on_disk(
        &self,
        split: Split,
        passed_over: &mut Vec<PassedOver>,
    ) -> Result<Option<Dataset>, Error> {
        for (folder, found) in self.places() {
            match folder::locate_labelled(&folder, split)? {
                Ok(files) => return Dataset::read(files, split, found).map(Some),
                Err(reason) => {
                    passed_over.push(PassedOver {
                        place: folder.display().to_string(),
                        reason,
                    });
                }
            }
        }
        Ok(None)
    }

    fn downloaded(
        &self,
        split: Split,
        progress: &mut dyn FnMut(Progress<'_>),
        passed_over: &mut Vec<PassedOver>,
        failure: &mut Option<FetchError>,
    ) -> Result<Option<Dataset>, Error> {
        let refused = |reason| PassedOver {
            place: "download".to_owned(),
            reason,
        };
        let Some(fetcher) = &self.download else {
            passed_over.push(refused("not allowed".to_owned()));
            return Ok(None);
        };
        let folder = self.download_folder();
        match fetcher.fetch(&folder, progress) {
            Ok(_) => {}
            Err(cause @ FetchError::Busy { .. }) => return Err(cause.into()),
            // Images of somebody's own are in the way of MNIST's, and what is meant.
            Err(cause @ FetchError::Foreign { .. }) => {
                let found = self.images_alone(split)?.ok_or(Error::Fetch(cause))?;
                return Ok(Some(found));
            }
            Err(cause) => *failure = Some(cause),
        }
        let brief = failure.as_ref().map(FetchError::brief);
        // One that broke off may have brought this half before.
        match folder::locate_labelled(&folder, split)? {
            Ok(files) => {
                passed_over.extend(brief.map(refused));
                Dataset::read(files, split, FoundIn::Download).map(Some)
            }
            Err(reason) => {
                passed_over.push(refused(brief.unwrap_or(reason)));
                Ok(None)
            }
        }
    }

    /// Real images are better than made ones, even if nobody says of what class they are.
    fn images_alone(&self, split: Split) -> Result<Option<Dataset>, Error> {
        for (folder, found) in self.places() {
            if let Ok(files) = folder::locate(&folder, split)? {
                return Dataset::read(files, split, found).map(Some);
            }
        }
        Ok(None)
    }

    /// The folders that are looked at, in order.
    fn places(&self) -> impl Iterator<Item = (PathBuf, FoundIn)> {
        let local = Some((&self.local, FoundIn::Local));
        let cache = self.cache.as_ref().map(|cache| (cache, FoundIn::Cache));
        let places = [local, cache].into_iter().flatten();
        places.map(|(root, found)| (root.join("MNIST").join("raw"), found))
    }
}

/// `detach` in the user's cache, e.g. `~/.cache/detach` or what `XDG_CACHE_HOME` says.
#[cfg(not(target_family = "wasm"))]
fn user_cache() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.cache_dir().join("detach"))
}

/// A browser has none.
#[cfg(target_family = "wasm")]
fn user_cache() -> Option<PathBuf> {
    None
}
