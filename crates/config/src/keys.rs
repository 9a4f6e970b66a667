use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use clap::Args;
use kernel::seal::KeyRing;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::errors::ConfigErrors;
use super::key::Key;
use super::warnings::ConfigWarnings;

/// The key-encryption keys, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Keys")]
#[group(skip)]
pub(super) struct KeysSettings {
    /// Keys that encrypt secrets in the database: `id:base64` of 32 bytes each, separated by commas. The first encrypts, all
    /// decrypt, so a new key goes first. Create one with `openssl rand -base64 32`
    #[arg(long, value_name = "ID:KEY,...", hide_env_values = true)]
    keys_encryption: Option<SecretString>,
}

/// The key-encryption keys.
#[derive(Debug)]
pub struct KeysConfig {
    pub key_ring: Arc<KeyRing>,
    /// The bytes of the first key, from which other keys are derived.
    pub first: SecretSlice<u8>,
}

const ENCRYPTION: Key<'_> = Key("keys_encryption");

/// Tools differ in padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl KeysSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<KeysConfig> {
        let value = errors.require(ENCRYPTION, self.keys_encryption.as_ref())?;
        let Some(keys) = parse(value.expose_secret()) else {
            errors.invalid_secret(ENCRYPTION, "must be `id:base64` of 32 bytes, or several separated by commas");
            return None;
        };
        let first = keys.first().map(|(_, key)| key.clone());
        match KeyRing::new(keys) {
            Ok(key_ring) => Some(KeysConfig { key_ring: Arc::new(key_ring), first: first? }),
            Err(reason) => {
                errors.invalid_secret(ENCRYPTION, format!("is not usable: {reason}"));
                None
            }
        }
    }

    pub(super) fn warnings(&self, warnings: &mut ConfigWarnings) {
        let keys = self.keys_encryption.as_ref().and_then(|value| parse(value.expose_secret()));
        for (id, key) in keys.unwrap_or_default() {
            if !is_random(key.expose_secret()) {
                let warning =
                    format_args!("has a key {id:?} that is not random: create one with `openssl rand -base64 32`");
                warnings.add(ENCRYPTION, warning);
            }
        }
    }
}

/// Random bytes have many different values and many different steps between neighbours.
fn is_random(key: &[u8]) -> bool {
    let bytes: HashSet<u8> = key.iter().copied().collect();
    let steps: HashSet<u8> = key.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    bytes.len() >= 16 && steps.len() >= 16 && !key.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

fn parse(text: &str) -> Option<Vec<(String, SecretSlice<u8>)>> {
    let key = |entry: &str| {
        let (id, key) = entry.trim().split_once(':')?;
        let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let key: SecretSlice<u8> = BASE64.decode(key).ok()?.into();
        plain.then(|| (id.to_owned(), key))
    };
    text.split(',').map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_key_is_not_random() {
        let random = BASE64.decode("xEq1K1dXwCq0V8hKpZ0yZ6mJtq7n3Q9oW4yB5cRk2L8").unwrap();
        assert!(is_random(&random));
        let counted: Vec<u8> = (0..32).collect();
        for key in [&[7; 32][..], &counted, b"thirty-two bytes of plain text!!"] {
            assert!(!is_random(key), "{key:?}");
        }
    }
}
