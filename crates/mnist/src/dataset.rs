//! A data set in memory, and the statement of where it came from.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::folder;
use crate::idx::Idx;
use crate::sample;
use crate::synth::Synth;

/// Height and width of an image, in pixels.
pub const SIDE: usize = 28;

/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;

/// Which half of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// The images to train on; 60,000 in MNIST (`train-…`).
    Train,
    /// The images to judge by; 10,000 in MNIST (`t10k-…`).
    Test,
}

impl Split {
    /// How many images MNIST has in this half, and as many are made where there is no MNIST.
    pub const fn mnist_len(self) -> usize {
        match self {
            Self::Train => 60_000,
            Self::Test => 10_000,
        }
    }

    /// The word with which MNIST's file names begin.
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "t10k",
        }
    }
}

/// Images and labels, and where they are from.
#[derive(Clone)]
pub struct Dataset {
    /// Grey values `[N, 28, 28]`, row-major: 0 is paper, 255 is ink.
    pub images: Vec<u8>,
    /// The class of each image, `[N]`; 0 to 9 in MNIST.
    pub labels: Vec<u8>,
    /// Which half this is.
    pub split: Split,
    /// What was taken, from where, and why not from elsewhere.
    pub source: Source,
}

impl Dataset {
    /// Reads a split from a folder: one that holds IDX files itself, in `raw` or in `MNIST/raw`; or
    /// `FOLDER/PREFIX` for files such as `PREFIX-train-images-idx3-ubyte.gz` among others.
    ///
    /// EMNIST's images, which are stored on their side, are turned upright.
    ///
    /// # Errors
    /// [`Error::NotThere`] where the folder does not hold the split, [`Error::Ambiguous`] where it
    /// holds several, and the errors of files that cannot be used.
    pub fn open(folder: impl AsRef<Path>, split: Split) -> Result<Self, Error> {
        let folder = folder.as_ref();
        match folder::locate(folder, split)? {
            Ok(pair) => folder::load(pair, split, Place::Given),
            Err(reason) => Err(Error::NotThere {
                folder: folder.to_owned(),
                reason,
            }),
        }
    }

    /// `count` synthetic digits. The two splits of one seed share no image.
    pub fn synthetic(seed: u64, split: Split, count: usize) -> Self {
        let first = match split {
            Split::Train => 0,
            Split::Test => 1 << 32,
        };
        let (images, labels) = Synth::new(seed).range(first..first + count as u64);
        let source = Source {
            kind: Kind::Synthetic { seed },
            passed_over: Vec::new(),
        };
        Self {
            images,
            labels,
            split,
            source,
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Image `index`, `[28, 28]`.
    ///
    /// # Panics
    /// If `index` is not below [`Dataset::len`].
    #[track_caller]
    pub fn image(&self, index: usize) -> &[u8] {
        assert!(index < self.len(), "image {index} of {}", self.len());
        &self.images[index * PIXELS..(index + 1) * PIXELS]
    }

    /// Writes the images of `indices` into `out`, `[B, 1, 28, 28]`, on the scale of [`sample::to_unit`].
    ///
    /// # Panics
    /// If `out` does not have 784 places an index, or an index is out of range.
    #[track_caller]
    pub fn batch(&self, indices: &[u32], out: &mut [f32]) {
        assert_eq!(
            out.len(),
            indices.len() * PIXELS,
            "batch: {} images into {} places",
            indices.len(),
            out.len()
        );
        for (place, &index) in out.chunks_exact_mut(PIXELS).zip(indices) {
            sample::normalise(self.image(index as usize), place);
        }
    }

    /// Writes the split into `folder` under MNIST's names, gzip-compressed, and returns the paths of
    /// images and labels. The folder is made where it is missing.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<[PathBuf; 2], Error> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(|cause| Error::Write {
            path: folder.to_owned(),
            cause,
        })?;
        let stem = self.split.stem();
        let images = folder.join(format!("{stem}-images-idx3-ubyte.gz"));
        let labels = folder.join(format!("{stem}-labels-idx1-ubyte.gz"));
        Idx {
            shape: vec![self.len(), SIDE, SIDE],
            data: self.images.clone(),
        }
        .save(&images)?;
        Idx {
            shape: vec![self.len()],
            data: self.labels.clone(),
        }
        .save(&labels)?;
        Ok([images, labels])
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("len", &self.len())
            .field("split", &self.split)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// What was taken and why. Its text is one line to show to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What was taken.
    pub kind: Kind,
    /// The places that come earlier in the order of the lookup, and why each was not taken.
    pub passed_over: Vec<PassedOver>,
}

/// What a data set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Read from files.
    Files {
        /// How the files were found.
        place: Place,
        /// The file of images.
        images: PathBuf,
        /// The file of labels.
        labels: PathBuf,
        /// Whether this is MNIST.
        identity: Identity,
        /// Whether rows and columns were exchanged, as EMNIST needs to stand upright.
        turned: bool,
    },
    /// Made by [`Synth`].
    Synthetic {
        /// Its seed.
        seed: u64,
    },
}

/// How the files of a data set were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the folder that was asked for.
    Given,
    /// In `data/MNIST/raw` of the working folder.
    Local,
    /// In the user's cache.
    Cache,
    /// Nowhere; they were downloaded.
    Download,
}

/// What the SHA-256 of images and labels says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Both files are MNIST's, to the last byte.
    Mnist,
    /// The format is MNIST's, the content is not: Fashion-MNIST, EMNIST, samples of a GAN, …
    Other,
}

/// A place that was looked at and not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// The place: a folder, or the download.
    pub place: String,
    /// Why it was not taken.
    pub reason: String,
}

impl Source {
    /// Whether the images were made here instead of read.
    pub fn is_synthetic(&self) -> bool {
        matches!(self.kind, Kind::Synthetic { .. })
    }

    /// Whether both files are MNIST's, to the last byte.
    pub fn is_mnist(&self) -> bool {
        matches!(
            self.kind,
            Kind::Files {
                identity: Identity::Mnist,
                ..
            }
        )
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        let passed_over: Vec<_> = self.passed_over.iter().map(ToString::to_string).collect();
        match (self.is_synthetic(), passed_over.is_empty()) {
            (_, true) => Ok(()),
            (true, false) => write!(
                f,
                ", because nothing else was found ({})",
                passed_over.join("; ")
            ),
            (false, false) => write!(f, " ({})", passed_over.join("; ")),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synthetic { seed } => write!(f, "synthetic digits made here (seed {seed})"),
            Self::Files {
                place,
                images,
                identity,
                turned,
                ..
            } => {
                f.write_str(match identity {
                    Identity::Mnist => "MNIST (SHA-256 verified)",
                    Identity::Other => "a data set in MNIST's format (not MNIST itself)",
                })?;
                if *turned {
                    f.write_str(", turned upright,")?;
                }
                f.write_str(match place {
                    Place::Download => ", downloaded to ",
                    Place::Given | Place::Local | Place::Cache => " from ",
                })?;
                match identity {
                    Identity::Mnist => write!(f, "{}", images.parent().unwrap_or(images).display()),
                    // The file, not the folder: a folder may hold several.
                    Identity::Other => write!(f, "{}", images.display()),
                }
            }
        }
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}
