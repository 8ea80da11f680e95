//! What can go wrong with a download.

use std::fmt;
use std::io;
use std::path::PathBuf;

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
    /// Another process is downloading the same file, and gets no further.
    #[error(
        "another process is downloading {} and gets no further; wait until it has finished, or end it and run again",
        path.display()
    )]
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

/// The error of the folder or file `path`.
#[cfg(not(target_family = "wasm"))]
pub(super) fn local(path: &std::path::Path) -> impl Fn(io::Error) -> FetchError {
    let path = path.to_owned();
    move |cause| FetchError::Local {
        path: path.clone(),
        cause,
    }
}
