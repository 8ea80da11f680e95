//! `--mirror`.

use detach_mnist::Fetcher;

/// Where MNIST is downloaded from.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Mirror {
    /// Ask this mirror first for MNIST's four files, before the two that are built in; what it sends is checked by SHA-256
    #[arg(long, value_name = "URL", env = "GAN_MIRROR", value_parser = address)]
    mirror: Option<String>,
}

impl Mirror {
    /// The mirror, where one is given. A variable that is empty is one that is not set.
    pub(super) fn address(&self) -> Option<&str> {
        self.mirror.as_deref().filter(|url| !url.is_empty())
    }

    /// The download of MNIST, from there first.
    pub(super) fn fetcher(&self) -> Fetcher {
        match self.address() {
            Some(url) => Fetcher::mnist().with_mirror(url),
            None => Fetcher::mnist(),
        }
    }
}

pub(super) fn address(text: &str) -> Result<String, String> {
    let url = text.trim();
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let start = url.get(..scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme)
            .then(|| &url[scheme.len()..])
    });
    let is_address = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    match url.is_empty() || is_address {
        true => Ok(url.to_owned()),
        false => Err(
            "give the address of the folder that holds the files, https://… or http://…".to_owned(),
        ),
    }
}
