use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

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
    /// Connections that are open at once; further ones wait until one is closed
    #[arg(long, value_name = "N", default_value = "1024")]
    http_max_connections: String,
    /// Requests that are worked on at once; further ones get 503
    #[arg(long, value_name = "N", default_value = "512")]
    http_max_requests: String,
    /// The same of one address, so that one client cannot keep all others out [default: a quarter of them]
    #[arg(long, value_name = "N")]
    http_max_requests_per_address: Option<String>,
    /// MiB of memory for the bodies of requests that are worked on, 8 to 65536; what does not fit gets 503
    #[arg(long, value_name = "MIB", default_value = "64")]
    http_max_body_mib: String,
    /// Seconds from the head of a request to the head of its response, 5 to 600
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    http_max_request_seconds: String,
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
    pub max_connections: NonZeroUsize,
    pub max_requests: NonZeroUsize,
    pub max_requests_per_address: NonZeroUsize,
    /// Bytes of the bodies of all requests that are worked on.
    pub max_body_bytes: usize,
    pub max_request_time: Duration,
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
        let mut count = |key, text: &str| errors.parse(Key(key), text, "a number, at least 1");
        let max_connections = count("http_max_connections", &self.http_max_connections);
        let max_requests = count("http_max_requests", &self.http_max_requests);
        let per_address = self.http_max_requests_per_address.as_deref().filter(|text| !text.is_empty());
        let max_requests_per_address = match per_address {
            None => max_requests.map(|all: NonZeroUsize| NonZeroUsize::new(all.get() / 4).unwrap_or(all)),
            Some(text) => count("http_max_requests_per_address", text),
        };
        let max_body_mib = between(errors, "http_max_body_mib", &self.http_max_body_mib, 8, 65_536);
        let max_request_seconds = between(errors, "http_max_request_seconds", &self.http_max_request_seconds, 5, 600);
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
            max_connections: max_connections?,
            max_requests: max_requests?,
            max_requests_per_address: max_requests_per_address?,
            max_body_bytes: max_body_mib? as usize * 1024 * 1024,
            max_request_time: Duration::from_secs(max_request_seconds?.into()),
            trusted_proxies: trusted_proxies?,
            cors_origins: cors_origins?,
        })
    }

    pub(super) fn check_listen(&self, errors: &mut ConfigErrors) -> Option<SocketAddr> {
        address(errors, Key("http_listen"), &self.http_listen)
    }
}

fn between(errors: &mut ConfigErrors, key: &str, text: &str, least: u32, most: u32) -> Option<u32> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Some(number),
        _ => {
            errors.invalid(Key(key), text, &format!("a number from {least} to {most}"));
            None
        }
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
