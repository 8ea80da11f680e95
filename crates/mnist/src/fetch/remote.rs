//! A file that a mirror has.

use std::borrow::Cow;
use std::fmt;

use crate::split::Split;

/// A file to download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name on every mirror and on the disk; it ends in `.gz`.
    pub name: Cow<'static, str>,
    /// SHA-256 of its unpacked content, in lower-case hexadecimal.
    pub sha256: Cow<'static, str>,
    /// Size of its unpacked content, in bytes.
    pub unpacked: u64,
}

/// MNIST's four files.
pub const MNIST: [RemoteFile; 4] = [
    known(
        "train-images-idx3-ubyte.gz",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        47_040_016,
    ),
    known(
        "train-labels-idx1-ubyte.gz",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        60_008,
    ),
    known(
        "t10k-images-idx3-ubyte.gz",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        7_840_016,
    ),
    known(
        "t10k-labels-idx1-ubyte.gz",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        10_008,
    ),
];

const fn known(name: &'static str, sha256: &'static str, unpacked: u64) -> RemoteFile {
    RemoteFile {
        name: Cow::Borrowed(name),
        sha256: Cow::Borrowed(sha256),
        unpacked,
    }
}

/// SHA-256 of MNIST's unpacked images and labels.
pub(crate) fn mnist_hashes(split: Split) -> [&'static str; 2] {
    static FILES: [RemoteFile; 4] = MNIST;
    match split {
        Split::Train => [&FILES[0].sha256, &FILES[1].sha256],
        Split::Test => [&FILES[2].sha256, &FILES[3].sha256],
    }
}

/// How far the download of one file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Bytes of it on the disk, those of earlier downloads included.
    pub bytes: u64,
    /// Bytes it will have, where the server says so.
    pub total: Option<u64>,
    /// Whether another process is downloading it, and this one waits.
    pub waiting: bool,
}

impl fmt::Display for Progress<'_> {
    /// What is being done to which file, without numbers: it stays the same until something else is done.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.waiting {
            true => write!(
                f,
                "waiting for another process, which downloads {}",
                self.file
            ),
            false => write!(f, "downloading {}", self.file),
        }
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
