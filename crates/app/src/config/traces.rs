use clap::Args;
use url::Url;

use super::key::Key;
use super::mistakes::Mistakes;

/// Where traces go, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Traces")]
#[group(skip)]
pub(super) struct TracesSettings {
    /// A collector that takes traces by OTLP over HTTP, such as `http://collector:4318`; they go to `/v1/traces` there
    /// [default: none, and no traces]
    #[arg(long, value_name = "URL")]
    traces_otlp_endpoint: Option<String>,
    /// The share of traces that is recorded, from 0 to 1, of those that begin here; of those that a caller's `traceparent`
    /// brings, what it says
    #[arg(long, value_name = "RATIO", default_value = "1")]
    traces_sample_ratio: String,
}

/// Where traces go.
#[derive(Clone, Debug)]
pub struct TracesConfig {
    /// Nothing: there are none.
    pub endpoint: Option<Url>,
    /// Of the traces that begin here.
    pub ratio: f64,
}

impl TracesSettings {
    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<TracesConfig> {
        let endpoint = match self.traces_otlp_endpoint.as_deref().filter(|text| !text.trim().is_empty()) {
            None => Some(None),
            Some(text) => endpoint(mistakes, text).map(Some),
        };
        let ratio = self.traces_sample_ratio.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        if ratio.is_none() {
            mistakes.wrong(Key("traces_sample_ratio"), &self.traces_sample_ratio, "a number from 0 to 1");
        }
        Some(TracesConfig { endpoint: endpoint?, ratio: ratio? })
    }
}

/// Without a user: it is shown by `parley config`.
fn endpoint(mistakes: &mut Mistakes, text: &str) -> Option<Url> {
    let key = Key("traces_otlp_endpoint");
    let expected = "must be a URL such as http://collector:4318, without a user, a query or a fragment";
    let fits = |url: &Url| {
        let plain = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && plain && url.query().or(url.fragment()).is_none()
    };
    let Some(mut url) = Url::parse(text).ok().filter(fits) else {
        // What was written there may hold a password.
        mistakes.wrong_secret(key, expected);
        return None;
    };
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["v1", "traces"]);
    }
    Some(url)
}
