//! What the steps of a lesson are trained on, read once for all who make them.

use crate::run::config::Config;
use crate::run::data::{is_recorded, recorded_of};
use anyhow::{Context, Result};
use detach_data::{Dataset, Find, Found, Split, Wanted, synthetic};
use detach_recipes::{Batches, DataKind, Setup};
use detach_tensor::Kind;
use std::path::Path;
use std::rc::Rc;

/// Batches that are drawn for one step of a loop.
const DRAWN: usize = 8;

/// The images of a run that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NoImages {
    /// They are not where its record says.
    #[error("the data of the run is not there any more: {0}")]
    Gone(String),
    /// What was given is something else.
    #[error("the run was trained on {was}, and these are other images: {is}")]
    Others {
        /// What its record says.
        was: String,
        /// What was given.
        is: String,
    },
}

/// A data set for each that a recipe is trained on; none where that is a distribution.
#[derive(Debug)]
pub(super) struct Sets(Vec<Option<Rc<dyn Dataset>>>);

impl Sets {
    /// What `find` has for each set of images, by its number.
    fn of<T>(
        setup: &Setup,
        mut find: impl FnMut(usize, Wanted) -> Result<T>,
    ) -> Result<Vec<Option<T>>> {
        let mut number = 0;
        let one = |data| match data {
            DataKind::Gaussian => Ok(None),
            DataKind::Images(size) => {
                number += 1;
                find(number - 1, Wanted::new(size.channels, size.side)).map(Some)
            }
        };
        setup.data()?.into_iter().map(one).collect()
    }

    fn found(all: Vec<Option<Found>>) -> Self {
        let dataset = |found: Found| Rc::from(found.dataset);
        Self(all.into_iter().map(|found| found.map(dataset)).collect())
    }

    /// Those that a run has on record, read from `given` where somebody says so.
    ///
    /// # Errors
    /// [`NoImages`], or when what was given cannot be read.
    pub(super) fn of_run(config: &Config, setup: &Setup, given: Option<&Path>) -> Result<Self> {
        let all = Self::of(setup, |number, wanted| match given {
            Some(path) => read(path, wanted),
            None => {
                let gone = || NoImages::Gone(config.data.clone());
                recorded_of(config, number, wanted).with_context(gone)
            }
        })?;
        let images: Vec<&Found> = all.iter().flatten().collect();
        if !images.is_empty() && !is_recorded(config, &images) {
            let sources = images.iter().map(|found| found.dataset.source());
            return Err(NoImages::Others {
                was: config.data.clone(),
                is: sources.collect::<Vec<_>>().join("; "),
            }
            .into());
        }
        Ok(Self::found(all))
    }

    /// The images at a place where somebody says so; those that a run has on record; or [some batches](DRAWN) of digits.
    ///
    /// # Errors
    /// As [`of_run`](Self::of_run).
    pub(super) fn chosen(
        given: Option<&Path>,
        run: Option<&Config>,
        setup: &Setup,
    ) -> Result<Self> {
        match (given, run) {
            (Some(path), _) => Self::of(setup, |_, wanted| read(path, wanted)).map(Self::found),
            (None, Some(config)) => Self::of_run(config, setup, None),
            (None, None) => Self::drawn(setup, setup.settings.batch_size.saturating_mul(DRAWN)),
        }
    }

    /// So many digits, drawn by the seed of `setup`.
    fn drawn(setup: &Setup, count: usize) -> Result<Self> {
        let all = Self::of(setup, |_, _| {
            let digits = synthetic(setup.settings.seed, Split::Train, count);
            Ok(Rc::new(digits) as Rc<dyn Dataset>)
        });
        all.map(Self)
    }

    /// Batches of them as `setup` takes them, from the first on.
    ///
    /// # Errors
    /// As [`Batches::images`].
    pub(super) fn batches(&self, setup: &Setup, kind: Kind) -> Result<Vec<Batches>> {
        let settings = &setup.settings;
        let sets = setup.data()?.into_iter().zip(&self.0);
        sets.map(|set| match set {
            (DataKind::Images(size), Some(images)) => {
                let images = Box::new(Shared(Rc::clone(images)));
                Batches::images(images, size, settings, kind)
            }
            _ => Ok(Batches::gaussian(settings, kind)),
        })
        .collect()
    }
}

fn read(path: &Path, wanted: Wanted) -> Result<Found> {
    let find = Find::new(Some(path.to_owned()), wanted);
    Ok(find.find(Split::Train, &mut |_| {})?)
}

/// A data set that others read, too.
#[derive(Debug)]
struct Shared(Rc<dyn Dataset>);

impl Dataset for Shared {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn shape(&self) -> [usize; 3] {
        self.0.shape()
    }

    fn classes(&self) -> usize {
        self.0.classes()
    }

    fn read(&self, index: usize, pixels: &mut [u8]) -> u32 {
        self.0.read(index, pixels)
    }

    fn source(&self) -> String {
        self.0.source()
    }

    fn is_endless(&self) -> bool {
        self.0.is_endless()
    }

    fn checksum(&self) -> u32 {
        self.0.checksum()
    }
}
