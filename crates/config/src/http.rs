use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;

use clap::Args;
use ipnet::IpNet;

use super::errors::ConfigErrors;
use super::key::Key;

/// Where the server listens, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "HTTP")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct HttpSettings {
    /// Address and port of the API and the webhooks
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    http_listen: String,
    /// Address and port of the metrics (`/metrics`); must not be public
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9464")]
    http_metrics_listen: String,
    /// Threads that serve requests [default: one per core]
    #[arg(long, value_name = "N")]
    http_workers: Option<String>,
    /// Addresses and networks of the proxies in front of the API, separated by commas; `X-Forwarded-For` is trusted only if a
    /// request comes from one of them
    #[arg(long, value_name = "ADDRESS,...", default_value = "")]
    http_trusted_proxies: String,
}

/// Where the server listens.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    pub listen: SocketAddr,
    pub metrics_listen: SocketAddr,
    /// `None`: one per core.
    pub workers: Option<NonZeroUsize>,
    pub trusted_proxies: Vec<IpNet>,
}

impl HttpSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<HttpConfig> {
        let listen = self.check_listen(errors);
        let metrics_listen = address(errors, Key("http_metrics_listen"), &self.http_metrics_listen);
        let workers = match self.http_workers.as_deref().filter(|text| !text.is_empty()) {
            None => Some(None),
            Some(text) => errors.parse(Key("http_workers"), text, "a number of threads, at least 1").map(Some),
        };
        let trusted_proxies = networks(&self.http_trusted_proxies);
        if trusted_proxies.is_none() {
            let expected = "IP addresses and networks, such as 10.0.0.0/8, separated by commas";
            errors.invalid(Key("http_trusted_proxies"), &self.http_trusted_proxies, expected);
        }
        Some(HttpConfig {
            listen: listen?,
            metrics_listen: metrics_listen?,
            workers: workers?,
            trusted_proxies: trusted_proxies?,
        })
    }

    pub(super) fn check_listen(&self, errors: &mut ConfigErrors) -> Option<SocketAddr> {
        address(errors, Key("http_listen"), &self.http_listen)
    }
}

fn address(errors: &mut ConfigErrors, key: Key<'_>, text: &str) -> Option<SocketAddr> {
    errors.parse(key, text, "an IP address and a port, such as 0.0.0.0:8080")
}

/// Addresses and networks, separated by commas; none if the text is empty.
fn networks(text: &str) -> Option<Vec<IpNet>> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let network = |entry: &str| entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from)).ok();
    entries.map(network).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_addresses_and_ranges() {
        assert_eq!(networks(" "), Some(Vec::new()));
        let expected = ["10.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap());
        assert_eq!(networks("10.0.0.0/8, ::1"), Some(expected.to_vec()));
        assert_eq!(networks("10.0.0.0/8, proxy"), None);
    }
}
