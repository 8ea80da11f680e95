//! Whether a file that is here is the one that a mirror has.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::FetchError;
use super::remote::{RemoteFile, hex};
use crate::gzip::Gunzip;

/// The file if it is in `folder`, as it is served or unpacked, and right.
pub(super) fn present(folder: &Path, file: &RemoteFile) -> Result<Option<PathBuf>, FetchError> {
    let unpacked = file.name.strip_suffix(".gz").unwrap_or(&file.name);
    for (name, packed) in [(&*file.name, true), (unpacked, false)] {
        let path = folder.join(name);
        match detach_files::open(&path) {
            Ok(found) if has_hash(&found, packed, file) => return Ok(Some(path)),
            Ok(_) => return Err(FetchError::Foreign { path }),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            // Some archives unpack a file into a folder of its name, which is in nobody's way.
            Err(cause) if cause.kind() == io::ErrorKind::IsADirectory && !packed => {}
            Err(cause) => return Err(FetchError::Local { path, cause }),
        }
    }
    Ok(None)
}

pub(super) fn has_hash(reader: impl Read, packed: bool, file: &RemoteFile) -> bool {
    let hash = if packed {
        sha256(Gunzip::new(reader), file)
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
