//! The download itself, by HTTP.

use std::fs;
use std::path::Path;

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
