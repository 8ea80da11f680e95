//! What can go wrong with files and data sets; every message is a cause and a hint.

use std::fmt;
use std::io;
use std::path::PathBuf;

use detach_files::WriteError;

use crate::fetch::FetchError;

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
    #[error(transparent)]
    Write(#[from] WriteError),
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
        "{} holds several data sets ({}); name one, e.g. {}",
        folder.display(), names.join(", "), folder.join(&names[0]).display()
    )]
    Ambiguous {
        /// The folder.
        folder: PathBuf,
        /// What their files' names begin with, e.g. `emnist-letters`, or the folders in it; never empty.
        names: Vec<String>,
    },
    /// Images without pixels, labels that are no list, or nothing at all.
    #[error(
        "cannot use {}: its shape is {shape:?}, not {expected}; give images as train-images-idx3-ubyte holds them, [N, H, W] or \
         [N, C, H, W], and labels [N]",
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
    /// A download that must not be replaced by anything else: another process is at it, or other files have its names.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// No place held the data set, and none was to be made.
    #[error("no data set found: {}; name a folder, or allow the download or the synthetic digits", looked.join("; "))]
    Nowhere {
        /// One line per place that was looked at: the place and why it was not taken.
        looked: Vec<String>,
    },
}

/// What is wrong with an IDX file (or with an array that cannot become one).
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// There is not one byte.
    #[error("it is empty; the copy or download was cut off: get the file again")]
    Empty,
    /// It does not begin as an IDX file does.
    #[error(
        "it is not IDX: it begins with {}, not with 00 00; give an IDX file, raw or gzip-compressed \
         (a saved web page or another format will not do)", Hex(.0)
    )]
    Magic(Vec<u8>),
    /// The element type is none that is read: of images all but unsigned bytes.
    #[error(
        "its elements are {} (type code {code:#04x}); images are read of unsigned bytes (0x08), labels of any number that \
         IDX knows: convert it first",
        element_name(*code)
    )]
    Element {
        /// The third byte of the file.
        code: u8,
    },
    /// More axes than [`MAX_RANK`](crate::idx::MAX_RANK).
    #[error("it has {0} axes, more than 4; split or reshape it first")]
    Rank(usize),
    /// An array to be written is more than [`MAX_BYTES`](crate::idx::MAX_BYTES), or has a size that no header can hold.
    #[error(
        "{shape:?} = {bytes} bytes is more than the 1 GiB that one IDX file may hold; write fewer at once, or another format"
    )]
    TooMuch {
        /// The sizes.
        shape: Vec<u64>,
        /// Their product, in bytes.
        bytes: u128,
    },
    /// The header claims more than [`MAX_BYTES`](crate::idx::MAX_BYTES).
    #[error(
        "its header claims {shape:?} = {bytes} bytes, more than the 1 GiB that is read; \
         the header is corrupt, or this is not a data set of small images"
    )]
    TooLarge {
        /// The claimed sizes.
        shape: Vec<u64>,
        /// Their product, in bytes.
        bytes: u128,
    },
    /// The file ends before its header or its data do.
    #[error(
        "it ends after {found} of the {expected} bytes that its header announces; the copy is incomplete: get the file again"
    )]
    Short {
        /// Bytes that the part being read should have.
        expected: u64,
        /// Bytes that were there.
        found: u64,
    },
    /// There are bytes after the data.
    #[error(
        "it goes on after the {expected} bytes that its header announces; it was damaged or is not what its header says"
    )]
    Trailing {
        /// Bytes of data that the header announces.
        expected: u64,
    },
    /// The gzip stream ends early.
    #[error("its gzip stream is cut off; the copy or download is incomplete: get the file again")]
    GzipTruncated,
    /// The gzip stream does not decode, or its checksum differs.
    #[error("its gzip stream is corrupt ({0}); get the file again")]
    GzipCorrupt(String),
    /// Labels that are no list.
    #[error("its shape is {shape:?}, and labels have [N]; give one class for each image")]
    Axes {
        /// The shape that it has.
        shape: Vec<usize>,
    },
    /// A label that is no class.
    #[error(
        "label {index} in it is {value}, which is no class; number classes from 0 up to 255 at most"
    )]
    Label {
        /// Which label, from 0 on.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// `shape` and `data` of an array do not agree.
    #[error(
        "shape {shape:?} does not describe {len} bytes; make the product of the sizes equal to the length"
    )]
    Layout {
        /// The sizes given.
        shape: Vec<usize>,
        /// The number of bytes given.
        len: usize,
    },
    /// The reader or writer under it failed.
    #[error("{0}")]
    Io(io::Error),
}

fn element_name(code: u8) -> &'static str {
    match code {
        0x09 => "signed bytes",
        0x0b => "16-bit integers",
        0x0c => "32-bit integers",
        0x0d => "32-bit floats",
        0x0e => "64-bit floats",
        _ => "of an unknown type",
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if i > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}
