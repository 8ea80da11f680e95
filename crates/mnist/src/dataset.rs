//! A data set in memory: images, labels, and the statement of where they came from.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::folder;
use crate::idx::Idx;
use crate::provenance::{FoundIn, Origin, Provenance};
use crate::sample;
use crate::split::{SIDE, Split};
use crate::synth::Synth;

/// Images and labels, and where they are from.
#[derive(Clone)]
pub struct Dataset {
    /// Grey values `[N, C, H, W]`, row-major: 0 is paper, 255 is ink.
    pub images: Vec<u8>,
    /// The class of each image, `[N]`, 0 to 9 in MNIST; empty where the files hold no labels.
    pub labels: Vec<u8>,
    /// Channels, height and width of an image; `[1, 28, 28]` in MNIST.
    pub shape: [usize; 3],
    /// Which half this is.
    pub split: Split,
    /// What was taken, from where, and why not from elsewhere.
    pub provenance: Provenance,
}

impl Dataset {
    /// Reads a split from a folder: one that holds IDX files itself, in `raw`, in `MNIST/raw` or in the `raw` of the one folder in
    /// it that has some (`FashionMNIST/raw`), or in what archives unpack to (`MNIST`, `archive`, `gzip`, a folder of a file's name
    /// around each file); or `FOLDER/PREFIX` for files such as `PREFIX-train-images-idx3-ubyte.gz` among others; or from one
    /// IDX file of images, which is all training data and has no labels. Capitals, dots and underscores in names are taken for
    /// what they stand for.
    ///
    /// Images are `[N, H, W]` or `[N, C, H, W]` of any size, and may be without labels. Labels are numbers of any type; of QMNIST's
    /// eight columns the first one counts. EMNIST's images, which are stored on their side, are turned upright.
    ///
    /// # Errors
    /// [`Error::NotThere`] where the folder does not hold the split, [`Error::Ambiguous`] where it
    /// holds several, and the errors of files that cannot be used.
    pub fn open(folder: impl AsRef<Path>, split: Split) -> Result<Self, Error> {
        let folder = folder.as_ref();
        match folder::locate(folder, split)? {
            Ok(files) => Self::read(files, split, FoundIn::Given),
            Err(reason) => Err(Error::NotThere {
                folder: folder.to_owned(),
                reason,
            }),
        }
    }

    /// Reads the files of a split.
    pub(crate) fn read(files: folder::Files, split: Split, found: FoundIn) -> Result<Self, Error> {
        let contents = files.read(split, found)?;
        Ok(Self {
            images: contents.images,
            labels: contents.labels,
            shape: contents.shape,
            split,
            provenance: Provenance::of(contents.origin),
        })
    }

    /// `count` synthetic digits. The two splits of one seed share no image.
    pub fn synthetic(seed: u64, split: Split, count: usize) -> Self {
        let first = Synth::first(split);
        let (images, labels) = Synth::new(seed).range(first..first + count as u64);
        Self {
            images,
            labels,
            shape: [1, SIDE, SIDE],
            split,
            provenance: Provenance::of(Origin::Synthetic { seed }),
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.images.len() / self.pixels()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Number of classes: one more than the greatest label, 10 of synthetic digits however few, and 0
    /// without labels.
    pub fn classes(&self) -> usize {
        let labelled = self
            .labels
            .iter()
            .max()
            .map_or(0, |&label| usize::from(label) + 1);
        if self.provenance.is_synthetic() {
            10
        } else {
            labelled
        }
    }

    /// Image `index`, `[C, H, W]`.
    ///
    /// # Panics
    /// If `index` is not below [`Dataset::len`].
    #[track_caller]
    pub fn image(&self, index: usize) -> &[u8] {
        assert!(index < self.len(), "image {index} of {}", self.len());
        let pixels = self.pixels();
        &self.images[index * pixels..(index + 1) * pixels]
    }

    /// Writes the images of `indices` into `out`, `[B, C, H, W]`, on the scale of [`sample::to_unit`].
    ///
    /// # Panics
    /// If `out` does not have `C · H · W` places an index, or an index is out of range.
    #[track_caller]
    pub fn batch(&self, indices: &[u32], out: &mut [f32]) {
        let pixels = self.pixels();
        assert_eq!(
            out.len(),
            indices.len() * pixels,
            "batch: {} images into {} places",
            indices.len(),
            out.len()
        );
        for (place, &index) in out.chunks_exact_mut(pixels).zip(indices) {
            sample::normalise(self.image(index as usize), place);
        }
    }

    /// Writes the split into `folder` under MNIST's names, gzip-compressed, and returns the paths of
    /// images and labels, of the latter only where there are any. The folder is made where it is missing.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<Vec<PathBuf>, Error> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder)
            .map_err(|cause| Error::Write(detach_files::WriteError::new(folder, cause)))?;
        let stem = self.split.stem();
        let [channels, height, width] = self.shape;
        let shape = match channels {
            1 => vec![self.len(), height, width],
            _ => vec![self.len(), channels, height, width],
        };
        let path = |what: &str, rank| folder.join(format!("{stem}-{what}-idx{rank}-ubyte.gz"));
        let mut paths = vec![path("images", shape.len())];
        let data = self.images.clone();
        Idx { shape, data }.save(&paths[0])?;
        if !self.labels.is_empty() || self.is_empty() {
            paths.push(path("labels", 1));
            let (shape, data) = (vec![self.labels.len()], self.labels.clone());
            Idx { shape, data }.save(&paths[1])?;
        }
        Ok(paths)
    }

    fn pixels(&self) -> usize {
        self.shape.iter().product()
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("len", &self.len())
            .field("shape", &self.shape)
            .field("split", &self.split)
            .field("provenance", &self.provenance)
            .finish_non_exhaustive()
    }
}
