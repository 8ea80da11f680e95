//! In place of the download, where a program cannot open a connection.

use std::path::Path;

use super::error::{Attempt, FetchError};
use super::remote::Progress;
use super::{Fetched, Fetcher};

/// [`Fetcher::fetch`]: says so, for the first file and each mirror.
pub(super) fn fetch(
    fetcher: &Fetcher,
    folder: &Path,
    _: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched, FetchError> {
    let Some(file) = fetcher.files.first() else {
        return Ok(Fetched::default());
    };
    let attempt = |mirror: &String| Attempt {
        url: mirror.clone(),
        cause: "there is no network here: this program runs as WebAssembly".to_owned(),
    };
    Err(FetchError::Mirrors {
        file: file.name.to_string(),
        folder: folder.to_owned(),
        attempts: fetcher.mirrors.iter().map(attempt).collect(),
    })
}
