//! The download: mirrors, resuming, and a hash before a file gets its name.
//!
//! Bytes go to `NAME.part` beside the target. A download that breaks off leaves that file, and the
//! next one goes on behind it. Once the stream ends, its *unpacked* content is hashed; only then is
//! the file flushed to the disk and renamed. So a file under its final name is whole and right. Of two processes that want one file,
//! the second waits for the first, and goes on with its bytes if that one gives up.

#[cfg(not(target_family = "wasm"))]
mod agent;
mod error;
#[cfg_attr(target_family = "wasm", path = "no_network.rs")]
mod network;
#[cfg(not(target_family = "wasm"))]
mod part;
mod remote;
#[cfg(not(target_family = "wasm"))]
mod verify;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::{Attempt, FetchError};
pub use remote::{MNIST, Progress, RemoteFile};

pub(crate) use remote::{hex, mnist_hashes};

/// Where MNIST is served, in the order in which the mirrors are tried.
pub const MIRRORS: [&str; 2] = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

/// What a finished [`Fetcher::fetch`] found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Files that were downloaded.
    pub downloaded: Vec<PathBuf>,
    /// Files that were there and right.
    pub present: Vec<PathBuf>,
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
    /// The longest wait for another process that downloads the same file and gets no further.
    pub busy_timeout: Duration,
}

impl Fetcher {
    /// MNIST from [`MIRRORS`]. Five seconds without a connection make a mirror unreachable; two minutes are more than another
    /// process needs to try them all.
    pub fn mnist() -> Self {
        Self {
            mirrors: MIRRORS.map(String::from).to_vec(),
            files: MNIST.to_vec(),
            connect_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(20),
            busy_timeout: Duration::from_secs(120),
        }
    }

    /// The same with another mirror, asked before all others: the address of a folder that holds the files.
    /// What comes from there is checked like anything else.
    #[must_use]
    pub fn with_mirror(mut self, url: impl Into<String>) -> Self {
        self.mirrors.insert(0, url.into());
        self
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
