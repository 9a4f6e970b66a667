use clap::Args;
use url::Url;

use super::errors::ConfigErrors;
use super::key::Key;

/// Where traces go, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Traces")]
#[group(skip)]
pub(super) struct TracesSettings {
    /// Collector of traces (OTLP over HTTP), such as `http://collector:4318`; traces are posted to its `/v1/traces`
    /// [default: none, no traces are exported]
    #[arg(long, value_name = "URL")]
    traces_otlp_endpoint: Option<String>,
    /// Share of traces that is recorded, from 0 to 1; for a request with a `traceparent`, its flag decides
    #[arg(long, value_name = "RATIO", default_value = "1")]
    traces_sample_ratio: String,
}

/// Where traces are exported to.
#[derive(Clone, Debug)]
pub struct TracesConfig {
    /// `None`: traces are off.
    pub endpoint: Option<Url>,
    /// The share that is recorded of the traces that start here.
    pub ratio: f64,
}

impl TracesSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<TracesConfig> {
        let endpoint = match self.traces_otlp_endpoint.as_deref().filter(|text| !text.trim().is_empty()) {
            None => Some(None),
            Some(text) => endpoint(errors, text).map(Some),
        };
        let ratio = self.traces_sample_ratio.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        if ratio.is_none() {
            errors.invalid(Key("traces_sample_ratio"), &self.traces_sample_ratio, "a number from 0 to 1");
        }
        Some(TracesConfig { endpoint: endpoint?, ratio: ratio? })
    }
}

/// Rejects a user and a password: `parley config` shows the URL.
fn endpoint(errors: &mut ConfigErrors, text: &str) -> Option<Url> {
    let key = Key("traces_otlp_endpoint");
    let expected = "must be a URL such as http://collector:4318, without a user, a query or a fragment";
    let fits = |url: &Url| {
        let plain = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && plain && url.query().or(url.fragment()).is_none()
    };
    let Some(mut url) = Url::parse(text).ok().filter(fits) else {
        // The text may hold a password.
        errors.invalid_secret(key, expected);
        return None;
    };
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["v1", "traces"]);
    }
    Some(url)
}
