//! The download itself, by HTTP.

use std::fs;
use std::path::Path;

use super::agent::Agents;
use super::error::{FetchError, local};
use super::part::Part;
use super::remote::Progress;
use super::verify::present;
use super::{Fetched, Fetcher};

/// [`Fetcher::fetch`].
pub(super) fn fetch(
    fetcher: &Fetcher,
    folder: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched, FetchError> {
    fs::create_dir_all(folder).map_err(local(folder))?;
    let agents = Agents::of(fetcher);
    let mut fetched = Fetched::default();
    // A mirror that gave one file is asked first for the next: a dead one costs its time once.
    let mut preferred = 0;
    for file in &fetcher.files {
        if let Some(path) = present(folder, file)? {
            fetched.present.push(path);
            continue;
        }
        let part = Part::open(folder, file, fetcher.busy_timeout, progress)?;
        match part.fetch(&agents, &fetcher.mirrors, &mut preferred, progress)? {
            true => fetched.downloaded.push(folder.join(&*file.name)),
            false => fetched.present.push(folder.join(&*file.name)),
        }
    }
    Ok(fetched)
}
