//! Where a data set is looked for when nobody says exactly where it is.

use std::path::PathBuf;

#[cfg(not(target_family = "wasm"))]
use etcetera::BaseStrategy;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::fetch::{Fetcher, Progress};
use crate::folder;
use crate::provenance::{FoundIn, PassedOver, Provenance};
use crate::split::Split;

/// The order in which a data set is looked for:
///
/// 1. the folder that was asked for, and then nowhere else;
/// 2. `data/MNIST/raw`, where torchvision puts it;
/// 3. the user's cache;
/// 4. the download, where it is allowed;
/// 5. synthetic digits, where they are allowed.
///
/// A place without the files is passed over, and [`Provenance::passed_over`] says so; files that are
/// there and broken are an error, never a reason to train on something else.
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
        let found = match self.on_disk(split, &mut passed_over)? {
            Some(found) => Some(found),
            None => self.downloaded(split, progress, &mut passed_over)?,
        };
        let made = || {
            Some(Dataset::synthetic(
                self.synthetic?,
                split,
                split.mnist_len(),
            ))
        };
        match found.or_else(made) {
            Some(dataset) => {
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
        let local = Some((&self.local, FoundIn::Local));
        let cache = self.cache.as_ref().map(|cache| (cache, FoundIn::Cache));
        for (root, found) in [local, cache].into_iter().flatten() {
            let folder = root.join("MNIST").join("raw");
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
        if let Err(cause) = fetcher.fetch(&folder, progress) {
            passed_over.push(refused(cause.brief()));
            return Ok(None);
        }
        match folder::locate_labelled(&folder, split)? {
            Ok(files) => Dataset::read(files, split, FoundIn::Download).map(Some),
            Err(reason) => {
                passed_over.push(refused(reason));
                Ok(None)
            }
        }
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
