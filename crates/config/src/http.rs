use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;

use clap::Args;
use ipnet::IpNet;
use url::Url;

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
    /// Address and port of the operators' API (`/platform`, `/tenants`), which is then served nowhere else [default: that of
    /// the API]
    #[arg(long, value_name = "ADDRESS:PORT")]
    http_operator_listen: Option<String>,
    /// Threads that serve requests [default: one per core]
    #[arg(long, value_name = "N")]
    http_workers: Option<String>,
    /// Addresses and networks of the proxies in front of the API, separated by commas; `X-Forwarded-For` is trusted only if a
    /// request comes from one of them
    #[arg(long, value_name = "ADDRESS,...", default_value = "")]
    http_trusted_proxies: String,
    /// Origins whose pages may call the API from a browser (CORS), separated by commas
    #[arg(long, value_name = "ORIGIN,...", default_value = "")]
    http_cors_origins: String,
}

/// Where the server listens.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    pub listen: SocketAddr,
    pub metrics_listen: SocketAddr,
    /// `None`: the operators' API has the address of the API.
    pub operator_listen: Option<SocketAddr>,
    /// `None`: one per core.
    pub workers: Option<NonZeroUsize>,
    pub trusted_proxies: Vec<IpNet>,
    /// As browsers send them in `Origin`.
    pub cors_origins: Vec<String>,
}

impl HttpSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<HttpConfig> {
        let listen = self.check_listen(errors);
        let metrics_listen = address(errors, Key("http_metrics_listen"), &self.http_metrics_listen);
        let operator_listen = match self.http_operator_listen.as_deref().filter(|text| !text.is_empty()) {
            None => Some(None),
            Some(text) => address(errors, Key("http_operator_listen"), text).map(Some),
        };
        let workers = match self.http_workers.as_deref().filter(|text| !text.is_empty()) {
            None => Some(None),
            Some(text) => errors.parse(Key("http_workers"), text, "a number of threads, at least 1").map(Some),
        };
        let trusted_proxies = networks(&self.http_trusted_proxies);
        if trusted_proxies.is_none() {
            let expected = "IP addresses and networks, such as 10.0.0.0/8, separated by commas";
            errors.invalid(Key("http_trusted_proxies"), &self.http_trusted_proxies, expected);
        }
        let cors_origins = origins(&self.http_cors_origins);
        if cors_origins.is_none() {
            let expected = "origins, such as https://crm.example.com, without a path, separated by commas";
            errors.invalid(Key("http_cors_origins"), &self.http_cors_origins, expected);
        }
        Some(HttpConfig {
            listen: listen?,
            metrics_listen: metrics_listen?,
            operator_listen: operator_listen?,
            workers: workers?,
            trusted_proxies: trusted_proxies?,
            cors_origins: cors_origins?,
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

/// Origins, separated by commas; none if the text is empty.
fn origins(text: &str) -> Option<Vec<String>> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let origin = |entry: &str| {
        let origin = Url::parse(entry).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?.origin();
        // Browsers send it in this form: no path, and no port if it is the scheme's own.
        let origin = origin.ascii_serialization();
        (entry.trim_end_matches('/').eq_ignore_ascii_case(&origin)).then_some(origin)
    };
    entries.map(origin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_no_path() {
        assert_eq!(origins(" "), Some(Vec::new()));
        let expected = ["https://crm.example.com", "http://localhost:3000"].map(str::to_owned);
        assert_eq!(origins("https://crm.example.com/, http://LOCALHOST:3000"), Some(expected.to_vec()));
        for invalid in ["crm.example.com", "https://crm.example.com/app", "ftp://crm.example.com", "*", "null"] {
            assert_eq!(origins(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn networks_are_addresses_and_ranges() {
        assert_eq!(networks(" "), Some(Vec::new()));
        let expected = ["10.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap());
        assert_eq!(networks("10.0.0.0/8, ::1"), Some(expected.to_vec()));
        assert_eq!(networks("10.0.0.0/8, proxy"), None);
    }
}
