use std::net::SocketAddr;
use std::num::NonZeroUsize;

use clap::Args;

use super::key::Key;
use super::mistakes::Mistakes;
use crate::http::TrustedProxies;

/// Where the server listens, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "HTTP")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct HttpSettings {
    /// Address and port of the API and the webhooks
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    http_listen: String,
    /// Address and port of the metrics (`/metrics`); not for the public
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9464")]
    http_metrics_listen: String,
    /// How many threads serve requests [default: one per core]
    #[arg(long, value_name = "N")]
    http_workers: Option<String>,
    /// Proxies in front of the API, as addresses and networks with commas between: from them, and from nobody else,
    /// `X-Forwarded-For` is believed to say where a request comes from
    #[arg(long, value_name = "ADDRESS,...", default_value = "")]
    http_trusted_proxies: String,
}

/// Where the server listens.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    pub listen: SocketAddr,
    pub metrics_listen: SocketAddr,
    /// One per core when nothing is said.
    pub workers: Option<NonZeroUsize>,
    pub trusted_proxies: TrustedProxies,
}

impl HttpSettings {
    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<HttpConfig> {
        let listen = self.check_listen(mistakes);
        let metrics_listen = address(mistakes, Key("http_metrics_listen"), &self.http_metrics_listen);
        let workers = match self.http_workers.as_deref().filter(|text| !text.is_empty()) {
            None => Some(None),
            Some(text) => mistakes.parse(Key("http_workers"), text, "a number of threads, at least 1").map(Some),
        };
        let trusted_proxies = mistakes.parse::<TrustedProxies>(
            Key("http_trusted_proxies"),
            &self.http_trusted_proxies,
            "IP addresses and networks, such as 10.0.0.0/8, with commas between",
        );
        Some(HttpConfig {
            listen: listen?,
            metrics_listen: metrics_listen?,
            workers: workers?,
            trusted_proxies: trusted_proxies?,
        })
    }

    pub(crate) fn check_listen(&self, mistakes: &mut Mistakes) -> Option<SocketAddr> {
        address(mistakes, Key("http_listen"), &self.http_listen)
    }
}

fn address(mistakes: &mut Mistakes, key: Key<'_>, text: &str) -> Option<SocketAddr> {
    mistakes.parse(key, text, "an IP address and a port, such as 0.0.0.0:8080")
}
