//! What can go wrong with files and data sets; every message is a cause and a hint.

use std::io;
use std::path::PathBuf;

use crate::idx::IdxError;

/// An error about a file or a data set. Its text is one line that says what is wrong, where, and
/// what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is there is not a usable IDX file.
    #[error("cannot use {}: {cause}", path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: IdxError,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {}: {cause}; check that it exists and that you may read it", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A file cannot be written. Nothing is left under its name.
    #[error(
        "cannot write {}: {cause}; check that its folder exists, that you may write there, and that the disk is not full",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The folder that was asked for does not hold the data set.
    #[error(
        "no data set in {}: {reason}; it must hold e.g. train-images-idx3-ubyte and train-labels-idx1-ubyte \
         (raw or .gz), itself or in MNIST/raw, or leave the folder out to have the data found, fetched or made",
        folder.display()
    )]
    NotThere {
        /// The folder that was asked for.
        folder: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A folder holds several data sets of the same format, and nothing says which is meant.
    #[error(
        "{} holds several data sets ({}); name one by its prefix, e.g. {}",
        folder.display(), names.join(", "), folder.join(&names[0]).display()
    )]
    Ambiguous {
        /// The folder.
        folder: PathBuf,
        /// The prefixes found, e.g. `emnist-letters`; never empty.
        names: Vec<String>,
    },
    /// Images are not 28×28, labels are not a list, or there are none.
    #[error(
        "cannot use {}: its shape is {shape:?}, not {expected}; only data sets of 28×28 grey images in MNIST's format are read",
        path.display()
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The shape that it has.
        shape: Vec<usize>,
        /// The shape that was expected, in words.
        expected: &'static str,
    },
    /// There are not as many labels as images.
    #[error(
        "{} has {images} images but {} has {labels} labels; the two files belong to different data sets: get both again",
        image_file.display(), label_file.display()
    )]
    Count {
        /// The file of images.
        image_file: PathBuf,
        /// The file of labels.
        label_file: PathBuf,
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// No place held the data set, and none was to be made.
    #[error("no data set found: {}; name a folder, or allow the download or the synthetic digits", looked.join("; "))]
    Nowhere {
        /// One line per place that was looked at: the place and why it was not taken.
        looked: Vec<String>,
    },
}
