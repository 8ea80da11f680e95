//! What lies in a folder or a file, and the data set that it is.

use crate::dataset::{Dataset, Wanted};
use crate::error::Error;
use crate::memory::InMemory;
use crate::{folder, npz};
use detach_mnist::Split;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Reads the data set at `path`, whatever it is:
///
/// - a folder of IDX files, itself, in `raw`, in `MNIST/raw` or where archives have them, a prefix of their names in one
///   (`FOLDER/kmnist`), or one IDX file of images ([`detach_mnist::Dataset::open`]);
/// - an `.npz` file as Keras' `mnist.npz`, or a folder with one such file;
/// - a folder of PNG images: sub-folders are classes, in the order of their names, and `train` and `test` (or `training` and
///   `testing`) may be apart. Without them, all images are training data.
///
/// **Sizes.** PNG images become `[C, side, side]`, or of the first image's size where no side is wanted. Images of IDX and
/// `.npz` files keep their size if they are square and not larger than the side; whoever makes batches enlarges them
/// ([`Resize`](crate::Resize)), as numbers and not as bytes. Others are cut in the middle to the right proportions and
/// resized with antialiasing ([`Antialias`](crate::Antialias)).
///
/// **Colours.** A set whose images all are grey has one channel, whatever their files say. Where one channel is wanted,
/// coloured images become grey (luma of Rec. 601). What is transparent lies on white paper.
///
/// # Errors
/// [`Error`], which names the file: nothing is left out in silence.
pub fn open(path: &Path, split: Split, wanted: Wanted) -> Result<Box<dyn Dataset>, Error> {
    if is_zip(path) {
        return boxed(npz::open(path, split, wanted)?);
    }
    let missing = match detach_mnist::Dataset::open(path, split) {
        Ok(set) => return boxed(InMemory::from(set).fitted(wanted)),
        Err(detach_mnist::Error::NotThere { reason, .. }) => reason,
        Err(error) => return Err(error.into()),
    };
    let not_there = |reason| Error::NotThere {
        path: path.to_owned(),
        reason,
    };
    if !path.is_dir() {
        return Err(not_there(missing));
    }
    if let Some(file) = archive(path)? {
        return boxed(npz::open(&file, split, wanted)?);
    }
    match folder::locate(path, split)? {
        Ok(pictures) => boxed(pictures.read(path, wanted)?),
        Err(reason) => Err(not_there(format!("{missing}, and {reason}"))),
    }
}

fn boxed(set: InMemory) -> Result<Box<dyn Dataset>, Error> {
    Ok(Box::new(set))
}

/// Whether this is a file that begins as a zip archive does. One that cannot be read is found out later.
fn is_zip(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = detach_files::open(path).and_then(|file| file.take(2).read_to_end(&mut start));
    read.is_ok() && start == b"PK"
}

/// The `.npz` file in a folder, where there is one.
fn archive(folder: &Path) -> Result<Option<PathBuf>, Error> {
    let read = |cause| Error::Read {
        path: folder.to_owned(),
        cause,
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let name = entry.map_err(read)?.file_name();
        let extension = Path::new(&name).extension();
        let is_npz = extension.is_some_and(|extension| extension.eq_ignore_ascii_case("npz"));
        let name = name.to_string_lossy();
        if is_npz && !name.starts_with('.') {
            names.push(name.into_owned());
        }
    }
    names.sort_unstable();
    match &names[..] {
        [] => Ok(None),
        [name] => Ok(Some(folder.join(name))),
        _ if names.iter().any(|name| name == "mnist.npz") => Ok(Some(folder.join("mnist.npz"))),
        _ => Err(Error::SeveralNpz {
            path: folder.to_owned(),
            names,
        }),
    }
}
