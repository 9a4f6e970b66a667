use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::key::Key;
use super::mistakes::Mistakes;
use super::weaknesses::Weaknesses;

/// How to reach RabbitMQ, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Message broker")]
#[group(skip)]
pub(super) struct AmqpSettings {
    /// RabbitMQ, such as `amqp://user:password@host:5672/vhost`, or with `amqps`
    #[arg(long, value_name = "URL", hide_env_values = true)]
    amqp_url: Option<SecretString>,
    /// What the names of exchanges and queues begin with
    #[arg(long, value_name = "NAME", default_value = "parley")]
    amqp_namespace: String,
}

/// How to reach RabbitMQ.
#[derive(Clone, Debug)]
pub struct AmqpConfig {
    pub url: SecretString,
    pub namespace: String,
}

const URL: Key<'_> = Key("amqp_url");
/// A queue's name has 255 bytes at most (AMQP 0-9-1, short string), and ours add to it.
const MAX_NAMESPACE_BYTES: usize = 64;

impl AmqpSettings {
    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<AmqpConfig> {
        let url = self.check_url(mistakes);
        let namespace = self.check_namespace(mistakes);
        Some(AmqpConfig { url: url?, namespace: namespace? })
    }

    pub(crate) fn weaknesses(&self, weaknesses: &mut Weaknesses) {
        weaknesses.password(URL, self.amqp_url.as_ref());
    }

    fn check_url(&self, mistakes: &mut Mistakes) -> Option<SecretString> {
        let value = mistakes.require(URL, self.amqp_url.as_ref())?;
        let is_amqp = |url: &Url| matches!(url.scheme(), "amqp" | "amqps") && url.has_host();
        if Url::parse(value.expose_secret()).as_ref().is_ok_and(is_amqp) {
            return Some(value.clone());
        }
        mistakes.wrong_secret(URL, "must be a URL such as amqp://user:password@host:5672/%2f");
        None
    }

    fn check_namespace(&self, mistakes: &mut Mistakes) -> Option<String> {
        let namespace = &self.amqp_namespace;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=MAX_NAMESPACE_BYTES).contains(&namespace.len()) && namespace.bytes().all(plain) {
            return Some(namespace.clone());
        }
        mistakes.wrong(Key("amqp_namespace"), namespace, "1 to 64 letters, digits, dots, hyphens or underscores");
        None
    }
}
