use std::fs;

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
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct AmqpSettings {
    /// RabbitMQ, such as `amqp://user:password@host:5672/vhost`, or encrypted with `amqps`
    #[arg(long, value_name = "URL", hide_env_values = true)]
    amqp_url: Option<SecretString>,
    /// PEM file with certificates of authorities that may sign the broker's, besides those that the system trusts
    #[arg(long, value_name = "PATH", default_value = "")]
    amqp_ca_file: String,
    /// PEM file with the certificate that Parley shows to the broker, followed by those of intermediate authorities
    #[arg(long, value_name = "PATH", default_value = "")]
    amqp_certificate_file: String,
    /// PEM file with the private key of that certificate, as PKCS #8 without a password
    #[arg(long, value_name = "PATH", default_value = "")]
    amqp_key_file: String,
    /// Prefix of the names of exchanges and queues
    #[arg(long, value_name = "NAME", default_value = "parley")]
    amqp_namespace: String,
}

/// How to connect to RabbitMQ.
#[derive(Clone, Debug)]
pub struct AmqpConfig {
    pub url: SecretString,
    pub namespace: String,
    pub tls: AmqpTls,
}

/// What an `amqps` connection uses besides the certificates that the system trusts.
#[derive(Clone, Debug, Default)]
pub struct AmqpTls {
    /// Certificates of authorities, in PEM format.
    pub authorities: Option<String>,
    pub identity: Option<AmqpIdentity>,
}

/// How Parley proves to the broker who it is.
#[derive(Clone, Debug)]
pub struct AmqpIdentity {
    /// Its certificate and those of intermediate authorities, in PEM format.
    pub certificate: String,
    /// PKCS #8 in PEM format.
    pub private_key: SecretString,
}

const URL: Key<'_> = Key("amqp_url");
const CA_FILE: Key<'_> = Key("amqp_ca_file");
const CERTIFICATE_FILE: Key<'_> = Key("amqp_certificate_file");
const KEY_FILE: Key<'_> = Key("amqp_key_file");
/// The beginnings of the PEM formats (RFC 7468, sections 5 and 10).
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----";
/// A queue's name has at most 255 bytes (AMQP 0-9-1, short string), including our suffixes.
const MAX_NAMESPACE_BYTES: usize = 64;

impl AmqpSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<AmqpConfig> {
        let url = self.check_url(errors);
        let namespace = self.check_namespace(errors);
        let tls = self.check_tls(errors);
        Some(AmqpConfig { url: url?, namespace: namespace?, tls })
    }

    pub(super) fn warnings(&self, warnings: &mut ConfigWarnings) {
        warnings.password(URL, self.amqp_url.as_ref());
        let url = self.amqp_url.as_ref().and_then(|url| Url::parse(url.expose_secret()).ok());
        if let Some(host) = url.as_ref().and_then(plaintext::broker_host) {
            warnings.add(URL, format_args!("is not encrypted, and {host} is another machine (use amqps)"));
        }
    }

    fn check_tls(&self, errors: &mut ConfigErrors) -> AmqpTls {
        let files = [&self.amqp_ca_file, &self.amqp_certificate_file, &self.amqp_key_file];
        // An operator who names an authority expects encryption.
        let is_plaintext = |url: &SecretString| url.expose_secret().starts_with("amqp:");
        if files.iter().any(|path| !path.is_empty()) && self.amqp_url.as_ref().is_some_and(is_plaintext) {
            errors.add(format!("{CA_FILE}, {CERTIFICATE_FILE} and {KEY_FILE} need {URL} to begin with amqps://"));
        }
        if self.amqp_certificate_file.is_empty() != self.amqp_key_file.is_empty() {
            errors.add(format!("{CERTIFICATE_FILE} and {KEY_FILE} belong together: set both, or neither"));
        }
        let authorities = read(errors, CA_FILE, &self.amqp_ca_file, CERTIFICATE);
        let certificate = read(errors, CERTIFICATE_FILE, &self.amqp_certificate_file, CERTIFICATE);
        let private_key = read(errors, KEY_FILE, &self.amqp_key_file, PRIVATE_KEY);
        let identity = certificate.zip(private_key);
        let identity = identity.map(|(certificate, key)| AmqpIdentity { certificate, private_key: key.into() });
        AmqpTls { authorities, identity }
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

/// The text of a PEM file; nothing if no path is set, or after an error.
fn read(errors: &mut ConfigErrors, key: Key<'_>, path: &str, begin: &str) -> Option<String> {
    if path.is_empty() {
        return None;
    }
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            errors.add(format!("{key} names a file that cannot be read: {path}: {error}"));
            return None;
        }
    };
    // Tools write explanations before it.
    let start = text.find(begin);
    if start.is_none() {
        errors.add(format!("{key} must name a file in PEM format with a line {begin}: {path}"));
    }
    start.map(|start| text[start..].to_owned())
}
