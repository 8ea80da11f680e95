//! A data set's files in a folder: which they are, what is in them, whether they are MNIST.

mod locate;
mod name;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::fetch;
use crate::idx::{Idx, Labels};
use crate::provenance::{FoundIn, Identity, Origin};
use crate::split::Split;

pub(crate) use locate::locate;

/// The files of a split.
#[derive(Debug)]
pub(crate) struct Files {
    images: PathBuf,
    labels: Option<PathBuf>,
    /// What their names begin with, e.g. `emnist-letters`; empty for MNIST's own names.
    prefix: String,
}

/// What the files of a split hold.
pub(crate) struct Contents {
    /// `[N, C, H, W]`.
    pub(crate) images: Vec<u8>,
    /// `[N]`, or empty.
    pub(crate) labels: Vec<u8>,
    /// `[C, H, W]`.
    pub(crate) shape: [usize; 3],
    pub(crate) origin: Origin,
}

/// The same as [`locate`], where only images with labels will do.
pub(crate) fn locate_labelled(folder: &Path, split: Split) -> Result<Result<Files, String>, Error> {
    let labelled = |files: Files| {
        if files.labels.is_some() {
            return Ok(files);
        }
        let images = files.images.file_name().unwrap_or_default().display();
        Err(format!(
            "it has {images} but no {}-labels-idx1-ubyte",
            split.stem()
        ))
    };
    Ok(locate(folder, split)?.and_then(labelled))
}

impl Files {
    /// Reads the files and checks that they belong together.
    pub(crate) fn read(self, split: Split, found: FoundIn) -> Result<Contents, Error> {
        let images = Idx::open(&self.images)?;
        let shape = match images.shape[..] {
            [_, height, width] => [1, height, width],
            [_, channels @ (1 | 3), height, width] => [channels, height, width],
            _ => [0; 3],
        };
        if images.data.is_empty() || shape.contains(&0) {
            return Err(Error::Shape {
                path: self.images,
                shape: images.shape,
                expected: "[N, H, W] or [N, C, H, W] with N at least 1 and C 1 or 3",
            });
        }
        let labels = self.labels(images.shape[0])?;

        let [image_hash, label_hash] = fetch::mnist_hashes(split);
        let known = |labels: &Labels| {
            labels.are_bytes && is(&images, image_hash) && is(&labels.as_idx(), label_hash)
        };
        let identity = match labels.as_ref().is_some_and(known) {
            true => Identity::Mnist,
            false => Identity::Other,
        };
        let [channels, height, width] = shape;
        let turned = self.prefix.to_ascii_lowercase().starts_with("emnist")
            && (channels, height) == (1, width);
        let mut images = images.data;
        if turned {
            let images = images.chunks_exact_mut(width * width);
            images.for_each(|image| transpose(image, width));
        }
        Ok(Contents {
            images,
            labels: labels.map(|labels| labels.classes).unwrap_or_default(),
            shape,
            origin: Origin::Files {
                found,
                images: self.images,
                labels: self.labels,
                identity,
                turned,
            },
        })
    }

    /// The labels of so many images, where there is a file of them.
    fn labels(&self, images: usize) -> Result<Option<Labels>, Error> {
        let Some(path) = &self.labels else {
            return Ok(None);
        };
        let labels = Labels::open(path)?;
        match labels.classes.len() {
            count if count == images => Ok(Some(labels)),
            count => Err(Error::Count {
                image_file: self.images.clone(),
                label_file: path.clone(),
                images,
                labels: count,
            }),
        }
    }
}

/// Whether the file that `idx` came from has this SHA-256 when it is unpacked: the header has only
/// one spelling, so it need not be kept.
fn is(idx: &Idx, sha256: &str) -> bool {
    idx.header().is_ok_and(|header| {
        let digest = Sha256::new()
            .chain_update(header)
            .chain_update(&idx.data)
            .finalize();
        fetch::hex(&digest) == sha256
    })
}

fn transpose(image: &mut [u8], side: usize) {
    for row in 0..side {
        for column in row + 1..side {
            image.swap(row * side + column, column * side + row);
        }
    }
}
