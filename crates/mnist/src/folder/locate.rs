//! Which files in a folder are a data set's.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Files;
use super::name::{Holds, Name};
use crate::error::Error;
use crate::split::Split;

/// Files seen under one prefix.
#[derive(Default)]
struct Names {
    images: Option<PathBuf>,
    labels: Option<PathBuf>,
}

/// A data set's files, by what their names begin with.
type ByPrefix = BTreeMap<String, Names>;

/// How good a candidate for a name is; the least is taken.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    place: Place,
    is_packed: bool,
    is_unusual: bool,
}

/// What stands under a name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    File,
    /// A file in a folder of that name, as some archives have it.
    Within,
    /// Nothing that can be read: whoever opens it says why.
    Broken,
}

/// The files of `split` in `folder`: itself, its `raw`, its `MNIST/raw` or what an archive unpacks to, or else the `raw` of
/// the one folder in it that has some, as torchvision's do. Where `folder` is not there, its last part is taken for a
/// prefix of file names in its parent; where it is a file, it is the training images. `Err(reason)` inside `Ok` says what is
/// missing: whether that is an error is the caller's affair.
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
        let files = by_prefix(folder, split)?;
        return Ok(files.ok_or_else(|| no_folder(folder)));
    }

    let mut reason = format!("it has no {}-images-idx3-ubyte", split.stem());
    for place in usual_places(folder)? {
        match sole(&place, split)? {
            Ok(files) => return Ok(Ok(files)),
            Err(Some(labels)) => {
                reason = format!("it has {labels} but no {}-images-idx3-ubyte", split.stem());
            }
            Err(None) => {}
        }
    }
    let mut found = Vec::new();
    for place in folders(folder)? {
        // One that is closed to us is nobody's data here, and no reason to stop.
        let Ok(Some(raw)) = child(&place, "raw") else {
            continue;
        };
        if let Ok(files) = sole(&raw, split)? {
            let name = place.file_name().unwrap_or_default();
            found.push((name.display().to_string(), files));
        }
    }
    if found.len() > 1 {
        let names = found.into_iter().map(|(name, _)| name).collect();
        return Err(Error::Ambiguous {
            folder: folder.to_owned(),
            names,
        });
    }
    let found = found.into_iter().next();
    Ok(found.map(|(_, files)| files).ok_or(reason))
}

/// Why there is nothing to look into.
fn no_folder(path: &Path) -> String {
    use io::ErrorKind::{NotADirectory, NotFound};
    match fs::metadata(path) {
        Ok(_) => "it is neither a file nor a folder".to_owned(),
        Err(cause) if !matches!(cause.kind(), NotFound | NotADirectory) => {
            format!("it cannot be read ({cause})")
        }
        Err(_) if path.is_symlink() => "it is a link that leads nowhere".to_owned(),
        Err(_) => "no such folder".to_owned(),
    }
}

/// The set whose files' names begin with the last part of `path`.
fn by_prefix(path: &Path, split: Split) -> Result<Option<Files>, Error> {
    let name = path.file_name().and_then(|name| name.to_str());
    let (Some(parent), Some(prefix)) = (path.parent(), name) else {
        return Ok(None);
    };
    // `kmnist` alone lies here.
    let parent = match parent.as_os_str().is_empty() {
        true => Path::new("."),
        false => parent,
    };
    if !parent.is_dir() {
        return Ok(None);
    }
    for place in usual_places(parent)? {
        let names = list(&place, split)?.remove(prefix);
        if let Some(files) = names.and_then(|names| names.files(prefix.to_owned())) {
            return Ok(Some(files));
        }
    }
    Ok(None)
}

/// The one set in a folder, MNIST's own names before all others. Otherwise the name of labels that are there without images,
/// if there are any.
fn sole(folder: &Path, split: Split) -> Result<Result<Files, Option<String>>, Error> {
    let mut sets = Vec::new();
    let mut labels_alone = None;
    for (prefix, names) in list(folder, split)? {
        match (&names.images, &names.labels) {
            (None, Some(labels)) => {
                let labels = labels.file_name().unwrap_or_default().display();
                labels_alone = Some(labels.to_string());
            }
            _ => sets.extend(names.files(prefix)),
        }
    }
    // Sorted by prefix: MNIST's own names, without one, come first.
    if sets.len() > 1 && !sets[0].prefix.is_empty() {
        return Err(Error::Ambiguous {
            folder: folder.to_owned(),
            names: sets.into_iter().map(|files| files.prefix).collect(),
        });
    }
    Ok(sets.into_iter().next().ok_or(labels_alone))
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

/// The files of `split` in `folder`. What is a file goes before what is none, what is unpacked before its `.gz`.
fn list(folder: &Path, split: Split) -> Result<ByPrefix, Error> {
    let mut candidates = Vec::new();
    for (entry, is_folder) in entries(folder)? {
        let Some(name) = Name::of(&entry, split) else {
            continue;
        };
        let path = folder.join(&entry);
        let (place, path) = if is_folder {
            match within(&path, name, split)? {
                Some(file) => (Place::Within, file),
                None => (Place::Broken, path),
            }
        } else if path.is_file() {
            (Place::File, path)
        } else {
            (Place::Broken, path)
        };
        let rank = Rank {
            place,
            is_packed: name.is_packed,
            is_unusual: !name.is_usual,
        };
        candidates.push((rank, entry.clone(), path));
    }
    candidates.sort();

    let mut by_prefix = ByPrefix::new();
    for (_, entry, path) in candidates {
        let Some(name) = Name::of(&entry, split) else {
            continue;
        };
        let names = by_prefix.entry(name.prefix.to_owned()).or_default();
        let taken = match name.holds {
            Holds::Images => &mut names.images,
            Holds::Labels => &mut names.labels,
        };
        taken.get_or_insert(path);
    }
    Ok(by_prefix)
}

/// The file in a folder that has the name of one.
fn within(folder: &Path, outer: Name<'_>, split: Split) -> Result<Option<PathBuf>, Error> {
    let is_it = |entry: &str| {
        let name = Name::of(entry, split);
        name.is_some_and(|name| (name.prefix, name.holds) == (outer.prefix, outer.holds))
    };
    let names = entries(folder)?.into_iter().map(|(name, _)| name);
    let mut files = names
        .filter(|name| is_it(name))
        .map(|name| folder.join(name));
    Ok(files.find(|path| path.is_file()))
}

/// Where data sets usually lie in a folder: in itself, in `raw`, in `MNIST/raw` and in what archives unpack to, whatever their
/// capitals. No folder of another name is looked into: what lies there may be anything.
fn usual_places(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut places = vec![folder.to_owned()];
    places.extend(child(folder, "raw")?);
    if let Some(mnist) = child(folder, "MNIST")? {
        places.extend(child(&mnist, "raw")?);
        places.push(mnist);
    }
    for archive in ["archive", "gzip"] {
        places.extend(child(folder, archive)?);
    }
    Ok(places)
}

/// The folder called `name` in `folder`; where there is none, one that differs in capitals alone.
fn child(folder: &Path, name: &str) -> Result<Option<PathBuf>, Error> {
    let exact = folder.join(name);
    if exact.is_dir() {
        return Ok(Some(exact));
    }
    let is_it = |path: &PathBuf| {
        let other = path.file_name().and_then(|other| other.to_str());
        other.is_some_and(|other| other.eq_ignore_ascii_case(name))
    };
    Ok(folders(folder)?.into_iter().find(is_it))
}

/// The folders in a folder that are not hidden, by name.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let shown = entries(folder)?.into_iter();
    let shown = shown.filter(|(name, is_folder)| *is_folder && !name.starts_with('.'));
    Ok(shown.map(|(name, _)| folder.join(name)).collect())
}

/// What is in a folder in the order of names, and whether it is a folder itself. A name that is no text is none of ours.
fn entries(folder: &Path) -> Result<Vec<(String, bool)>, Error> {
    let read_error = |cause: io::Error| Error::Read {
        path: folder.to_owned(),
        cause,
    };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(read_error)? {
        let entry = entry.map_err(read_error)?;
        // Only links need a second look: folders of pictures have hundreds of thousands of files.
        let is_folder = match entry.file_type() {
            Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
            kind => kind.is_ok_and(|kind| kind.is_dir()),
        };
        entries.extend(
            entry
                .file_name()
                .into_string()
                .map(|name| (name, is_folder)),
        );
    }
    entries.sort_unstable();
    Ok(entries)
}
