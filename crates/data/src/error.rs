//! What can go wrong with a data set; every message is a cause and a hint.

use crate::named::Named;
use std::io;
use std::path::PathBuf;

/// Why there is no data set.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// IDX files that cannot be used, or no data set anywhere.
    #[error(transparent)]
    Mnist(#[from] detach_mnist::Error),
    /// What was asked for holds no data set, or not this half of it.
    #[error(
        "no data set in {}: {reason}; give a folder with IDX files (train-images-idx3-ubyte, raw or .gz, itself or in \
         MNIST/raw), a folder of PNG images (sub-folders are classes; train and test may be apart), or an .npz file \
         such as Keras' mnist.npz, or leave the folder out to have the data found, fetched or made",
        path.display()
    )]
    NotThere {
        /// What was asked for.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {}: {cause}; check that it exists and that you may read it", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A set that is drawn here was asked for in a place.
    #[error("`{name}` is drawn here and lies nowhere; leave {} out, or leave the name out", path.display())]
    Drawn {
        /// The set that was asked for.
        name: Named,
        /// Where.
        path: PathBuf,
    },
    /// Coloured images, where only grey ones are of use.
    #[error(
        "the images of `{0}` are red, green and blue, and grey ones are wanted; use a recipe for RGB, or other data"
    )]
    Coloured(Named),
    /// A set whose images cannot be stacked.
    #[error(
        "cannot stack the images of {source_of}: {reason}; use grey images with classes, such as MNIST"
    )]
    Stack {
        /// What the set is.
        source_of: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An `.npz` file that cannot be used.
    #[error("cannot use {}: {cause}", path.display())]
    Npz {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: NpzError,
    },
    /// Images of a folder that cannot be used.
    #[error(
        "cannot use {count} of {all} images in {}: {}{}; repair or remove them",
        folder.display(), files.join("; "), if *count > files.len() { "; …" } else { "" }
    )]
    Images {
        /// The folder.
        folder: PathBuf,
        /// How many cannot be used.
        count: usize,
        /// How many there are.
        all: usize,
        /// The first ten: the file within the folder, and what is wrong with it.
        files: Vec<String>,
    },
    /// Images beside folders of images: classes, or none?
    #[error(
        "{} holds {images} PNG images and also folders of images, such as {folder}; move the images into folders, one \
         for each class, or the folders away", path.display()
    )]
    Mixed {
        /// The folder.
        path: PathBuf,
        /// Number of images in it.
        images: usize,
        /// The name of one of the folders in it.
        folder: String,
    },
    /// A class without images, among others that have some.
    #[error(
        "{} holds no PNG image, but the folders beside it do; remove it, or convert its images to PNG",
        path.display()
    )]
    EmptyClass {
        /// The folder of the class.
        path: PathBuf,
    },
    /// Several `.npz` files, and nothing says which is meant.
    #[error("{} holds several .npz files ({}); name one", path.display(), names.join(", "))]
    SeveralNpz {
        /// The folder.
        path: PathBuf,
        /// The files' names.
        names: Vec<String>,
    },
}

/// What is wrong with an `.npz` file.
#[derive(Debug, thiserror::Error)]
pub enum NpzError {
    /// It is no zip archive, or a damaged one.
    #[error(
        "it is no zip archive as NumPy writes it ({0}); the copy or download may be incomplete: get the file again"
    )]
    Zip(&'static str),
    /// A member is packed in a way that NumPy does not use.
    #[error("{name} in it is {how}; write it with numpy.savez or numpy.savez_compressed")]
    Method {
        /// The member.
        name: String,
        /// What it is instead of stored or deflated.
        how: String,
    },
    /// A member's bytes are not those that were written.
    #[error("{name} in it is damaged ({what}); get the file again")]
    Damaged {
        /// The member.
        name: String,
        /// What does not fit.
        what: String,
    },
    /// A member is no array as NumPy writes it.
    #[error("{name} in it is no NumPy array ({what}); write it with numpy.savez")]
    Header {
        /// The member.
        name: String,
        /// What is wrong with its header.
        what: String,
    },
    /// A header claims more than is read.
    #[error(
        "{name} in it claims shape {shape:?}, more than the 1 GiB that is read; its header is corrupt, or this is not a \
         data set of small images"
    )]
    TooLarge {
        /// The member.
        name: String,
        /// The claimed shape.
        shape: Vec<u64>,
    },
    /// The images are not there.
    #[error(
        "it has no {wanted}, only {}; save the images under that name, as Keras' mnist.npz does",
        list(there)
    )]
    Missing {
        /// The array that should be there.
        wanted: &'static str,
        /// The first few members.
        there: Vec<String>,
    },
    /// An array is of a type or shape that cannot be used.
    #[error("{name} in it is {found}, not {expected}; convert it first")]
    Array {
        /// The member.
        name: String,
        /// Its type and shape.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Images and labels are not equally many.
    #[error("it has {images} images but {labels} labels; save it again")]
    Count {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label that no class has.
    #[error("label {0} is no class; number them from 0 up to 65535 at most")]
    Label(i128),
    /// The file cannot be read.
    #[error("{0}; check that you may read it")]
    Io(#[from] io::Error),
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.join(", ")
}
