//! Who judges which data: the classifier that comes with the program for the data that it was trained on, for other data
//! one that is trained when it is first needed, and kept.

use super::classifier::{About, Classifier, train};
use super::images::Images;
use anyhow::{Result, ensure};
use detach_data::{Dataset, Find, Found, Lookup, Named, Place, Split, Wanted};
use std::path::PathBuf;

/// Of a set without test images, one image of so many is kept apart.
const APART: usize = 6;

/// So many images of a set without an end, at least: what Stacked MNIST is judged by is 26,000.
const ENDLESS: usize = 30_000;

/// How many images of a set there are, for this.
fn size(set: &dyn Dataset) -> usize {
    match set.is_endless() {
        true => set.len().max(ENDLESS),
        false => set.len(),
    }
}

/// Real images with classes: those to train on, and others.
pub struct RealData {
    /// Training images.
    pub train: Images,
    /// Images that nothing is trained on.
    pub test: Images,
    /// What they are, in words.
    pub source: String,
    /// CRC-32C of the whole training set.
    pub checksum: u32,
    classes: usize,
    /// Of images that are stacked in threes, what is stacked: who knows ten digits knows a thousand triples.
    stacked: Option<Box<RealData>>,
}

impl RealData {
    /// The data that was `found`, with its test images from the same place, where there are any.
    ///
    /// # Errors
    /// When it has no classes, or too few images, or its test images cannot be used.
    pub fn of(found: &Found, wanted: Wanted) -> Result<Self> {
        let set = &*found.dataset;
        ensure!(
            set.classes() > 1,
            "{} has no classes, and what tells images apart is a classifier; give data with labels",
            set.source()
        );
        let [_, height, width] = set.shape();
        ensure!(
            height == width,
            "the images of {} are {height}×{width}, and a classifier takes squares",
            set.source()
        );
        let test = test_set(found, wanted)?;
        let test = test.filter(|test| test.shape() == set.shape() && test.classes() > 1);
        let places = 0..size(set);
        let (train, test) = match test {
            Some(test) => (Images::of(set, places), Images::of(&*test, 0..size(&*test))),
            None => {
                let of = |apart: bool| {
                    let places = places.clone();
                    Images::of(
                        set,
                        places.filter(|place| (place % APART == APART - 1) == apart),
                    )
                };
                (of(false), of(true))
            }
        };
        ensure!(
            test.len() > 1,
            "{} has {} images, too few to compare with; use more",
            set.source(),
            set.len()
        );
        let stacked = match found.name {
            Some(Named::StackedMnist) => {
                let grey = Wanted {
                    channels: Some(1),
                    ..wanted
                };
                Some(Box::new(Self::of(&what_is_stacked(found, grey)?, grey)?))
            }
            _ => None,
        };
        let most = train.labels().iter().chain(test.labels()).max();
        Ok(Self {
            source: set.source(),
            checksum: set.checksum(),
            classes: set.classes().max(most.map_or(0, |most| *most as usize + 1)),
            train,
            test,
            stacked,
        })
    }

    /// The data that a classifier of it is to be trained on: its own, or what is stacked.
    pub fn to_learn(&self) -> &Self {
        self.stacked.as_deref().unwrap_or(self)
    }

    /// What a classifier of it is to say of itself, but for its accuracy.
    fn about(&self) -> About {
        About {
            shape: self.train.shape(),
            classes: self.classes,
            data_checksum: self.checksum,
            accuracy: 0.0,
            tested: 0,
        }
    }

    /// Trains a classifier on it. `progress` hears of every step, of how many, and ends it by an error.
    ///
    /// # Errors
    /// Those of `progress`.
    pub fn train<E>(
        &self,
        progress: &mut dyn FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<Classifier, E> {
        train(self.about(), [&self.train, &self.test], progress)
    }

    /// The classifier that is there for it: the program's own, or the one that was kept.
    pub fn classifier(&self) -> Option<Classifier> {
        let fits = |one: &Classifier| {
            let about = one.about();
            about.data_checksum == self.checksum && about.shape == self.train.shape()
        };
        let mnist = Classifier::mnist();
        if fits(&mnist) {
            return Some(mnist);
        }
        let kept = self.kept()?;
        // One that cannot be used is trained again.
        Classifier::load(&kept).ok().filter(fits)
    }

    /// Where one is kept: in the user's cache, if there is one.
    pub fn kept(&self) -> Option<PathBuf> {
        let [channels, side, _] = self.train.shape();
        let name = format!("{:08x}-{channels}x{side}.safetensors", self.checksum);
        let cache = Lookup::new(None).cache?;
        Some(cache.join("classifiers").join(name))
    }
}

/// The grey images of which three make one.
fn what_is_stacked(found: &Found, wanted: Wanted) -> Result<Found> {
    let found = match &found.place {
        place @ Place::Made { .. } => {
            Find::new(None, wanted).again(Named::Digits, place, Split::Train)
        }
        Place::Path(path) => Find::new(Some(path.clone()), wanted).find(Split::Train, &mut |_| ()),
    };
    Ok(found?)
}

/// The test images that belong to what was found.
pub(crate) fn test_set(found: &Found, wanted: Wanted) -> Result<Option<Box<dyn Dataset>>> {
    let test = match (found.name, &found.place) {
        (Some(name), place) => Find::new(None, wanted).again(name, place, Split::Test),
        (None, Place::Path(path)) => {
            Find::new(Some(path.clone()), wanted).find(Split::Test, &mut |_| ())
        }
        (None, Place::Made { .. }) => unreachable!("what is made here has a name"),
    };
    match test {
        Ok(test) => Ok(Some(test.dataset)),
        Err(detach_data::Error::NotThere { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
