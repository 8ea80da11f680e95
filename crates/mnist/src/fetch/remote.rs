//! A file that a mirror has, and whether a file that is here is it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::error::FetchError;
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
}

/// The file if it is in `folder`, as it is served or unpacked, and right.
pub(super) fn present(folder: &Path, file: &RemoteFile) -> Result<Option<PathBuf>, FetchError> {
    let unpacked = file.name.strip_suffix(".gz").unwrap_or(&file.name);
    for (name, packed) in [(&*file.name, true), (unpacked, false)] {
        let path = folder.join(name);
        match File::open(&path) {
            Ok(found) if has_hash(&found, packed, file) => return Ok(Some(path)),
            Ok(_) => return Err(FetchError::Foreign { path }),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(FetchError::Local { path, cause }),
        }
    }
    Ok(None)
}

pub(super) fn has_hash(reader: impl Read, packed: bool, file: &RemoteFile) -> bool {
    let hash = if packed {
        sha256(MultiGzDecoder::new(reader), file)
    } else {
        sha256(reader, file)
    };
    hash.is_ok_and(|hash| hash == file.sha256)
}

/// The hash of what `reader` gives, which is read no further than one byte behind the right size.
fn sha256(reader: impl Read, file: &RemoteFile) -> io::Result<String> {
    let mut reader = reader.take(file.unpacked + 1);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
