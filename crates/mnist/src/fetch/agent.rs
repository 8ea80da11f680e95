//! What asks the mirrors: with the proxy that the surroundings name, and without it on this machine.

use std::net::IpAddr;

use ureq::http::Uri;

use super::Fetcher;

/// One agent for the network and one for this machine, which no proxy reaches.
pub(super) struct Agents {
    network: ureq::Agent,
    here: ureq::Agent,
}

impl Agents {
    /// With the patience of `fetcher`.
    pub(super) fn of(fetcher: &Fetcher) -> Self {
        let config = || {
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                .user_agent(concat!("detach-mnist/", env!("CARGO_PKG_VERSION")))
                .accept_encoding("identity")
                .timeout_resolve(Some(fetcher.connect_timeout))
                .timeout_connect(Some(fetcher.connect_timeout))
                .timeout_recv_response(Some(fetcher.stall_timeout))
                .timeout_per_read(Some(fetcher.stall_timeout))
        };
        Self {
            network: config().build().new_agent(),
            here: config().proxy(None).build().new_agent(),
        }
    }

    /// The one that reaches `url`.
    pub(super) fn for_url(&self, url: &str) -> &ureq::Agent {
        if is_here(url) {
            &self.here
        } else {
            &self.network
        }
    }
}

fn is_here(url: &str) -> bool {
    let uri = url.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_this_machine_and_what_only_looks_so() {
        for url in [
            "http://127.0.0.1:8000/mnist/a.gz",
            "https://localhost/a.gz",
            "http://[::1]:80/a.gz",
        ] {
            assert!(is_here(url), "{url}");
        }
        for url in [
            "http://127.0.0.1.example.org/a.gz",
            "https://example.org/localhost",
            "http://10.0.0.1/a.gz",
            "a.gz",
            "",
        ] {
            assert!(!is_here(url), "{url}");
        }
    }
}
