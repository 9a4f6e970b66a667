use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::errors::ConfigErrors;
use super::key::Key;
use super::plaintext;
use super::warnings::ConfigWarnings;

/// How to connect to RabbitMQ, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Message broker")]
#[group(skip)]
pub(super) struct AmqpSettings {
    /// RabbitMQ, such as `amqp://user:password@host:5672/vhost`, or with `amqps`
    #[arg(long, value_name = "URL", hide_env_values = true)]
    amqp_url: Option<SecretString>,
    /// Prefix of the names of exchanges and queues
    #[arg(long, value_name = "NAME", default_value = "parley")]
    amqp_namespace: String,
}

/// How to connect to RabbitMQ.
#[derive(Clone, Debug)]
pub struct AmqpConfig {
    pub url: SecretString,
    pub namespace: String,
}

const URL: Key<'_> = Key("amqp_url");
/// A queue's name has at most 255 bytes (AMQP 0-9-1, short string), including our suffixes.
const MAX_NAMESPACE_BYTES: usize = 64;

impl AmqpSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<AmqpConfig> {
        let url = self.check_url(errors);
        let namespace = self.check_namespace(errors);
        Some(AmqpConfig { url: url?, namespace: namespace? })
    }

    pub(super) fn warnings(&self, warnings: &mut ConfigWarnings) {
        warnings.password(URL, self.amqp_url.as_ref());
        let url = self.amqp_url.as_ref().and_then(|url| Url::parse(url.expose_secret()).ok());
        if let Some(host) = url.as_ref().and_then(plaintext::broker_host) {
            warnings.add(URL, format_args!("is not encrypted, and {host} is another machine (use amqps)"));
        }
    }

    fn check_url(&self, errors: &mut ConfigErrors) -> Option<SecretString> {
        let value = errors.require(URL, self.amqp_url.as_ref())?;
        let is_amqp = |url: &Url| matches!(url.scheme(), "amqp" | "amqps") && url.has_host();
        if Url::parse(value.expose_secret()).as_ref().is_ok_and(is_amqp) {
            return Some(value.clone());
        }
        errors.invalid_secret(URL, "must be a URL such as amqp://user:password@host:5672/%2f");
        None
    }

    fn check_namespace(&self, errors: &mut ConfigErrors) -> Option<String> {
        let namespace = &self.amqp_namespace;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=MAX_NAMESPACE_BYTES).contains(&namespace.len()) && namespace.bytes().all(plain) {
            return Some(namespace.clone());
        }
        errors.invalid(Key("amqp_namespace"), namespace, "1 to 64 letters, digits, dots, hyphens or underscores");
        None
    }
}
