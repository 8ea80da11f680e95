//! The download: mirrors, resuming, and a hash before a file gets its name.
//!
//! Bytes go to `NAME.part` beside the target. A download that breaks off leaves that file, and the
//! next one goes on behind it. Once the stream ends, its *unpacked* content is hashed; only then is
//! the file flushed to the disk and renamed. So a file under its final name is whole and right.

#[cfg_attr(target_family = "wasm", path = "no_network.rs")]
mod network;
#[cfg(not(target_family = "wasm"))]
mod part;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::dataset::Split;

/// Where MNIST is served, in the order in which the mirrors are tried.
pub const MIRRORS: [&str; 2] = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

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
}

/// What a finished [`Fetcher::fetch`] found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Files that were downloaded.
    pub downloaded: Vec<PathBuf>,
    /// Files that were there and right.
    pub present: Vec<PathBuf>,
}

/// Why a download failed. Its text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The folder or a file in it cannot be made, read or written.
    #[error(
        "cannot write {}: {cause}; check that you may write there and that the disk is not full",
        path.display()
    )]
    Local {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A file has the name but not the content; it is left as it is.
    #[error(
        "{} is there but is not the file that belongs there (its unpacked SHA-256 differs); \
         move it away or choose another folder", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process is downloading the same file.
    #[error("another process is downloading {}; wait until it has finished", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// No mirror gave the file.
    #[error(
        "cannot download {file} ({}); check the network and run again to go on where it stopped, \
         or copy MNIST's four .gz files into {}",
        attempts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "), folder.display()
    )]
    Mirrors {
        /// The file's name.
        file: String,
        /// The folder that it should have come to.
        folder: PathBuf,
        /// What went wrong, mirror by mirror.
        attempts: Vec<Attempt>,
    },
}

/// A mirror that was asked in vain. Its text is the address and the cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The address of the file.
    pub url: String,
    /// Why the file did not come from there.
    pub cause: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.cause)
    }
}

impl FetchError {
    /// The cause in a few words, for a line that says much else: of several mirrors the last one's.
    pub fn brief(&self) -> String {
        match self {
            Self::Mirrors { attempts, .. } if !attempts.is_empty() => {
                attempts[attempts.len() - 1].cause.clone()
            }
            _ => self.to_string(),
        }
    }
}

/// Downloads a set of files into a folder.
#[derive(Clone, Debug)]
pub struct Fetcher {
    /// Addresses of folders, tried in this order for each file.
    pub mirrors: Vec<String>,
    /// The files.
    pub files: Vec<RemoteFile>,
    /// The longest wait for a name, and again for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for the next bytes of a connection that stands.
    pub stall_timeout: Duration,
}

impl Fetcher {
    /// MNIST from [`MIRRORS`]. Five seconds without a connection make a mirror unreachable.
    pub fn mnist() -> Self {
        Self {
            mirrors: MIRRORS.map(String::from).to_vec(),
            files: MNIST.to_vec(),
            connect_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(20),
        }
    }

    /// Downloads what is not in `folder` yet (as `.gz` or unpacked), which is made where it is
    /// missing. `progress` is called at the start of each file and after every piece of it.
    ///
    /// # Errors
    /// [`FetchError`]. Files finished before stay; the one that broke off stays as `.part`, to be
    /// continued by the next call; one with a wrong hash is removed.
    pub fn fetch(
        &self,
        folder: impl AsRef<Path>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Fetched, FetchError> {
        network::fetch(self, folder.as_ref(), progress)
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
