//! A data set's files in a folder: which they are, what is in them, whether they are MNIST.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::fetch;
use crate::idx::Idx;
use crate::provenance::{FoundIn, Identity, Origin};
use crate::split::Split;

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

/// Names seen under one prefix.
#[derive(Default)]
struct Names {
    images: Option<PathBuf>,
    labels: Option<PathBuf>,
}

/// The files of `split` in `folder`, in its `raw` or in its `MNIST/raw`. Where `folder` is not there,
/// its last part is taken for a prefix of file names in its parent; where it is a file, it is the training
/// images. `Err(reason)` inside `Ok` says what is missing: whether that is an error is the caller's affair.
pub(crate) fn locate(folder: &Path, split: Split) -> Result<Result<Files, String>, Error> {
    if folder.is_file() {
        return Ok(match split {
            Split::Train => Ok(Files {
                images: folder.to_owned(),
                labels: None,
                prefix: String::new(),
            }),
            Split::Test => Err("a single file is all training images".to_owned()),
        });
    }
    if !folder.is_dir() {
        let name = folder.file_name().and_then(|name| name.to_str());
        let files = match (folder.parent(), name) {
            (Some(parent), Some(prefix)) if parent.is_dir() => {
                let names = list(parent, split)?.remove(prefix);
                names.and_then(|names| names.files(prefix.to_owned()))
            }
            _ => None,
        };
        return Ok(files.ok_or_else(|| "no such folder".to_owned()));
    }

    let mut reason = format!("it has no {}-images-idx3-ubyte", split.stem());
    for candidate in [
        folder.to_owned(),
        folder.join("raw"),
        folder.join("MNIST").join("raw"),
    ] {
        if !candidate.is_dir() {
            continue;
        }
        let mut sets = Vec::new();
        for (prefix, names) in list(&candidate, split)? {
            match (&names.images, &names.labels) {
                (None, Some(labels)) => {
                    let labels = labels.file_name().unwrap_or_default().display();
                    reason = format!("it has {labels} but no {}-images-idx3-ubyte", split.stem());
                }
                _ => sets.extend(names.files(prefix)),
            }
        }
        // Sorted by prefix: MNIST's own names, without one, come first and go before all others.
        if sets.len() > 1 && !sets[0].prefix.is_empty() {
            let names = sets.into_iter().map(|files| files.prefix).collect();
            return Err(Error::Ambiguous {
                folder: candidate,
                names,
            });
        }
        if let Some(files) = sets.into_iter().next() {
            return Ok(Ok(files));
        }
    }
    Ok(Err(reason))
}

/// The same, where only images with labels will do.
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

impl Names {
    fn files(self, prefix: String) -> Option<Files> {
        Some(Files {
            images: self.images?,
            labels: self.labels,
            prefix,
        })
    }
}

/// The files of `split` in `folder`, by prefix. An unpacked file goes before its `.gz`.
fn list(folder: &Path, split: Split) -> Result<BTreeMap<String, Names>, Error> {
    let read_error = |cause: io::Error| Error::Read {
        path: folder.to_owned(),
        cause,
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read_error)? {
        names.extend(entry.map_err(read_error)?.file_name().into_string());
    }
    // `x` sorts before `x.gz`.
    names.sort_unstable();

    let mut by_prefix: BTreeMap<String, Names> = BTreeMap::new();
    let images = |name| {
        let grey = prefix_of(name, split, "images", "idx3");
        grey.or_else(|| prefix_of(name, split, "images", "idx4"))
    };
    for name in &names {
        if let Some(prefix) = images(name) {
            let names = by_prefix.entry(prefix.to_owned()).or_default();
            names.images.get_or_insert_with(|| folder.join(name));
        } else if let Some(prefix) = prefix_of(name, split, "labels", "idx1") {
            let names = by_prefix.entry(prefix.to_owned()).or_default();
            names.labels.get_or_insert_with(|| folder.join(name));
        }
    }
    Ok(by_prefix)
}

/// `PREFIX` of `PREFIX-train-images-idx3-ubyte.gz`: the dash before `idx3` may be a dot, the `.gz` and
/// the prefix with its dash may be missing, and test images are called `t10k` or `test`.
fn prefix_of<'a>(name: &'a str, split: Split, what: &str, rank: &str) -> Option<&'a str> {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let name = name.strip_suffix("-ubyte")?.strip_suffix(rank)?;
    let name = name
        .strip_suffix(['-', '.'])?
        .strip_suffix(what)?
        .strip_suffix('-')?;
    let stems: &[&str] = match split {
        Split::Train => &["train"],
        Split::Test => &["t10k", "test"],
    };
    let prefix = stems.iter().find_map(|stem| name.strip_suffix(stem))?;
    if prefix.is_empty() {
        Some(prefix)
    } else {
        prefix.strip_suffix('-')
    }
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
        let known = |labels: &Idx| is(&images, image_hash) && is(labels, label_hash);
        let identity = match labels.as_ref().is_some_and(known) {
            true => Identity::Mnist,
            false => Identity::Other,
        };
        let [channels, height, width] = shape;
        let turned = self.prefix.starts_with("emnist") && (channels, height) == (1, width);
        let mut images = images.data;
        if turned {
            let images = images.chunks_exact_mut(width * width);
            images.for_each(|image| transpose(image, width));
        }
        Ok(Contents {
            images,
            labels: labels.map(|labels| labels.data).unwrap_or_default(),
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
    fn labels(&self, images: usize) -> Result<Option<Idx>, Error> {
        let Some(path) = &self.labels else {
            return Ok(None);
        };
        let labels = Idx::open(path)?;
        match labels.shape[..] {
            [count] if count == images => Ok(Some(labels)),
            [count] => Err(Error::Count {
                image_file: self.images.clone(),
                label_file: path.clone(),
                images,
                labels: count,
            }),
            _ => Err(Error::Shape {
                path: path.clone(),
                shape: labels.shape,
                expected: "[N]",
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
