//! A data set's files in a folder: which they are, what is in them, whether they are MNIST.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::dataset::{Dataset, Identity, Kind, PIXELS, Place, SIDE, Source, Split};
use crate::error::Error;
use crate::fetch;
use crate::idx::Idx;

/// The two files of a split.
#[derive(Debug)]
pub(crate) struct Pair {
    images: PathBuf,
    labels: PathBuf,
    /// What their names begin with, e.g. `emnist-letters`; empty for MNIST's own names.
    prefix: String,
}

/// Files found under one prefix.
#[derive(Default)]
struct Found {
    images: Option<PathBuf>,
    labels: Option<PathBuf>,
}

/// The files of `split` in `folder`, in its `raw` or in its `MNIST/raw`. Where `folder` is not there,
/// its last part is taken for a prefix of file names in its parent. `Err(reason)` inside `Ok` says
/// what is missing: whether that is an error is the caller's affair.
pub(crate) fn locate(folder: &Path, split: Split) -> Result<Result<Pair, String>, Error> {
    if !folder.is_dir() {
        return match (
            folder.parent(),
            folder.file_name().and_then(|name| name.to_str()),
        ) {
            (Some(parent), Some(prefix)) if parent.is_dir() => {
                let found = list(parent, split)?.remove(prefix).unwrap_or_default();
                Ok(complete(found, prefix.to_owned()).ok_or_else(|| "no such folder".to_owned()))
            }
            _ => Ok(Err("no such folder".to_owned())),
        };
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
        let mut pairs = Vec::new();
        for (prefix, found) in list(&candidate, split)? {
            if let Some(missing) = found.missing(split) {
                reason = missing;
            } else {
                pairs.extend(complete(found, prefix));
            }
        }
        // Sorted by prefix: MNIST's own names, without one, come first and go before all others.
        if pairs.len() > 1 && !pairs[0].prefix.is_empty() {
            let names = pairs.into_iter().map(|pair| pair.prefix).collect();
            return Err(Error::Ambiguous {
                folder: candidate,
                names,
            });
        }
        if let Some(pair) = pairs.into_iter().next() {
            return Ok(Ok(pair));
        }
    }
    Ok(Err(reason))
}

impl Found {
    fn missing(&self, split: Split) -> Option<String> {
        let (there, kind) = match (&self.images, &self.labels) {
            (Some(images), None) => (images, "labels-idx1-ubyte"),
            (None, Some(labels)) => (labels, "images-idx3-ubyte"),
            _ => return None,
        };
        let name = there.file_name().unwrap_or_default().display();
        Some(format!("it has {name} but no {}-{kind}", split.stem()))
    }
}

fn complete(found: Found, prefix: String) -> Option<Pair> {
    Some(Pair {
        images: found.images?,
        labels: found.labels?,
        prefix,
    })
}

/// The files of `split` in `folder`, by prefix. An unpacked file goes before its `.gz`.
fn list(folder: &Path, split: Split) -> Result<BTreeMap<String, Found>, Error> {
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

    let mut by_prefix: BTreeMap<String, Found> = BTreeMap::new();
    for name in &names {
        if let Some(prefix) = prefix_of(name, split, "images", "idx3") {
            let found = by_prefix.entry(prefix.to_owned()).or_default();
            found.images.get_or_insert_with(|| folder.join(name));
        } else if let Some(prefix) = prefix_of(name, split, "labels", "idx1") {
            let found = by_prefix.entry(prefix.to_owned()).or_default();
            found.labels.get_or_insert_with(|| folder.join(name));
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

/// Reads the two files and checks that they belong together.
pub(crate) fn load(pair: Pair, split: Split, place: Place) -> Result<Dataset, Error> {
    let Pair {
        images: image_file,
        labels: label_file,
        prefix,
    } = pair;
    let images = Idx::open(&image_file)?;
    let labels = Idx::open(&label_file)?;
    if images.shape.len() != 3 || images.shape[0] == 0 || images.shape[1..] != [SIDE, SIDE] {
        let expected = "[N, 28, 28] with N at least 1";
        return Err(Error::Shape {
            path: image_file,
            shape: images.shape,
            expected,
        });
    }
    if labels.shape.len() != 1 {
        return Err(Error::Shape {
            path: label_file,
            shape: labels.shape,
            expected: "[N]",
        });
    }
    if images.shape[0] != labels.shape[0] {
        let (images, labels) = (images.shape[0], labels.shape[0]);
        return Err(Error::Count {
            image_file,
            label_file,
            images,
            labels,
        });
    }

    let [image_hash, label_hash] = fetch::mnist_hashes(split);
    let known = is(&images, image_hash) && is(&labels, label_hash);
    let turned = prefix.starts_with("emnist");
    let mut images = images.data;
    if turned {
        images.chunks_exact_mut(PIXELS).for_each(transpose);
    }
    let kind = Kind::Files {
        place,
        images: image_file,
        labels: label_file,
        identity: if known {
            Identity::Mnist
        } else {
            Identity::Other
        },
        turned,
    };
    let source = Source {
        kind,
        passed_over: Vec::new(),
    };
    Ok(Dataset {
        images,
        labels: labels.data,
        split,
        source,
    })
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

fn transpose(image: &mut [u8]) {
    for row in 0..SIDE {
        for column in row + 1..SIDE {
            image.swap(row * SIDE + column, column * SIDE + row);
        }
    }
}
