//! The download itself, by HTTP.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::part::Part;
use super::{FetchError, Fetched, Fetcher, Progress, RemoteFile, hex};

/// [`Fetcher::fetch`].
pub(super) fn fetch(
    fetcher: &Fetcher,
    folder: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched, FetchError> {
    fs::create_dir_all(folder).map_err(local(folder))?;
    let agent = agent(fetcher);
    let mut fetched = Fetched::default();
    // A mirror that gave one file is asked first for the next: a dead one costs its time once.
    let mut preferred = 0;
    for file in &fetcher.files {
        if let Some(path) = present(folder, file)? {
            fetched.present.push(path);
            continue;
        }
        let part = Part::open(folder, file)?;
        match part.fetch(&agent, &fetcher.mirrors, &mut preferred, progress)? {
            true => fetched.downloaded.push(folder.join(&*file.name)),
            false => fetched.present.push(folder.join(&*file.name)),
        }
    }
    Ok(fetched)
}

fn agent(fetcher: &Fetcher) -> ureq::Agent {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("detach-mnist/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_resolve(Some(fetcher.connect_timeout))
        .timeout_connect(Some(fetcher.connect_timeout))
        .timeout_recv_response(Some(fetcher.stall_timeout))
        .timeout_per_read(Some(fetcher.stall_timeout));
    let loopback = |mirror: &String| mirror.starts_with("http://127.0.0.1");
    if fetcher.mirrors.iter().all(loopback) {
        config = config.proxy(None);
    }
    config.build().new_agent()
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

pub(super) fn local(path: &Path) -> impl Fn(io::Error) -> FetchError {
    let path = path.to_owned();
    move |cause| FetchError::Local {
        path: path.clone(),
        cause,
    }
}
