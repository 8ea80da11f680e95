//! The statement of where a data set came from.

use std::fmt;
use std::path::PathBuf;

/// What was taken and why. Its text is one line to show to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// What was taken.
    pub origin: Origin,
    /// The places that come earlier in the order of the lookup, and why each was not taken.
    pub passed_over: Vec<PassedOver>,
}

/// What a data set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Read from files.
    Files {
        /// How the files were found.
        found: FoundIn,
        /// The file of images.
        images: PathBuf,
        /// The file of labels, where there is one.
        labels: Option<PathBuf>,
        /// Whether this is MNIST.
        identity: Identity,
        /// Whether rows and columns were exchanged, as EMNIST needs to stand upright.
        turned: bool,
    },
    /// Made by [`Synth`](crate::Synth).
    Synthetic {
        /// Its seed.
        seed: u64,
    },
}

/// How the files of a data set were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundIn {
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

impl Provenance {
    /// The provenance of what was found in the first place that was looked at.
    pub fn of(origin: Origin) -> Self {
        Self {
            origin,
            passed_over: Vec::new(),
        }
    }

    /// Whether the images were made here instead of read.
    pub fn is_synthetic(&self) -> bool {
        matches!(self.origin, Origin::Synthetic { .. })
    }

    /// Whether both files are MNIST's, to the last byte.
    pub fn is_mnist(&self) -> bool {
        matches!(
            self.origin,
            Origin::Files {
                identity: Identity::Mnist,
                ..
            }
        )
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)?;
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

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synthetic { seed } => write!(f, "synthetic digits made here (seed {seed})"),
            Self::Files {
                found,
                images,
                labels,
                identity,
                turned,
            } => {
                f.write_str(match (identity, labels) {
                    (Identity::Mnist, _) => "MNIST (SHA-256 verified)",
                    (Identity::Other, Some(_)) => "a data set in MNIST's format (not MNIST itself)",
                    (Identity::Other, None) => "images in MNIST's format, without labels,",
                })?;
                if *turned {
                    f.write_str(", turned upright,")?;
                }
                f.write_str(match found {
                    FoundIn::Download => ", downloaded to ",
                    FoundIn::Given | FoundIn::Local | FoundIn::Cache => " from ",
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
