use clap::Args;
use secrecy::SecretString;
use url::Url;
use whatsapp::{AppSecret, AppSecrets, EmptySecret, VerifyToken};

use super::errors::{ConfigErrors, non_empty};
use super::key::Key;
use super::plaintext;
use super::warnings::ConfigWarnings;

/// The deployment's own Meta app, and where Meta's Graph API is, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "WhatsApp")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct WhatsAppSettings {
    /// The Meta app's secret, with which Meta signs webhook deliveries
    #[arg(long, value_name = "SECRET", hide_env_values = true)]
    whatsapp_app_secret: Option<SecretString>,
    /// The app's previous secret, accepted while deliveries may still be signed with it
    #[arg(long, value_name = "SECRET", hide_env_values = true)]
    whatsapp_previous_app_secret: Option<SecretString>,
    /// The "verify token" entered where the webhook is registered with Meta
    #[arg(long, value_name = "TOKEN", hide_env_values = true)]
    whatsapp_verify_token: Option<SecretString>,
    /// Where messages are sent to: Meta's Graph API, or a stand-in for it
    #[arg(long, value_name = "URL", default_value = "https://graph.facebook.com")]
    whatsapp_graph_url: String,
    /// Version of the Graph API; each lives about two years
    #[arg(long, value_name = "VERSION", default_value = "v25.0")]
    whatsapp_graph_version: String,
}

/// The deployment's own Meta app, and Meta's Graph API.
#[derive(Clone, Debug)]
pub struct WhatsAppConfig {
    pub secrets: AppSecrets,
    pub verify_token: VerifyToken,
    pub graph: GraphConfig,
}

/// Where Meta's Graph API is.
#[derive(Clone, Debug)]
pub struct GraphConfig {
    pub url: Url,
    /// Such as `v25.0`.
    pub version: String,
}

const APP_SECRET: Key<'_> = Key("whatsapp_app_secret");
const VERIFY_TOKEN: Key<'_> = Key("whatsapp_verify_token");
const GRAPH_URL: Key<'_> = Key("whatsapp_graph_url");
const GRAPH_VERSION: Key<'_> = Key("whatsapp_graph_version");

impl WhatsAppSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<WhatsAppConfig> {
        let secrets = self.check_secrets(errors);
        let verify_token = errors.require(VERIFY_TOKEN, self.whatsapp_verify_token.as_ref());
        let verify_token = accepted(errors, VERIFY_TOKEN, VerifyToken::new(verify_token?.clone()));
        let graph = self.check_graph(errors);
        Some(WhatsAppConfig { secrets: secrets?, verify_token: verify_token?, graph: graph? })
    }

    pub(super) fn check_graph(&self, errors: &mut ConfigErrors) -> Option<GraphConfig> {
        let url = graph_url(&self.whatsapp_graph_url);
        if url.is_none() {
            // The text may hold a password, and `parley config` shows the URL.
            let expected = "must be a URL such as https://graph.facebook.com, without a user, a query or a fragment";
            errors.invalid_secret(GRAPH_URL, expected);
        }
        let version = Some(&self.whatsapp_graph_version).filter(|version| is_version(version));
        if version.is_none() {
            errors.invalid(GRAPH_VERSION, &self.whatsapp_graph_version, "a version such as v25.0");
        }
        Some(GraphConfig { url: url?, version: version?.clone() })
    }

    pub(super) fn warnings(&self, warnings: &mut ConfigWarnings) {
        warnings.secret(APP_SECRET, self.whatsapp_app_secret.as_ref());
        warnings.secret(VERIFY_TOKEN, self.whatsapp_verify_token.as_ref());
        if let Some(host) = graph_url(&self.whatsapp_graph_url).as_ref().and_then(plaintext::web_host) {
            warnings.add(GRAPH_URL, format_args!("is not encrypted, and {host} is another machine (use https)"));
        }
    }

    pub(super) fn check_secrets(&self, errors: &mut ConfigErrors) -> Option<AppSecrets> {
        let current = errors.require(APP_SECRET, self.whatsapp_app_secret.as_ref())?;
        let current = accepted(errors, APP_SECRET, AppSecret::new(current.clone()))?;
        let previous = match non_empty(self.whatsapp_previous_app_secret.as_ref()) {
            None => None,
            Some(secret) => {
                let secret = AppSecret::new(secret.clone());
                Some(accepted(errors, Key("whatsapp_previous_app_secret"), secret)?)
            }
        };
        Some(AppSecrets::new(&current, previous.as_ref()))
    }
}

fn graph_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().or(url.fragment()).is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && is_bare).then_some(url)
}

/// `v`, a number, a dot, a number.
fn is_version(text: &str) -> bool {
    let is_number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = text.strip_prefix('v').and_then(|numbers| numbers.split_once('.'));
    numbers.is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

fn accepted<T>(errors: &mut ConfigErrors, key: Key<'_>, result: Result<T, EmptySecret>) -> Option<T> {
    result.inspect_err(|reason| errors.invalid_secret(key, reason)).ok()
}
