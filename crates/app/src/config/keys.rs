use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use clap::Args;
use kernel::seal::KeyRing;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::key::Key;
use super::mistakes::Mistakes;

/// The key-encryption keys, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Keys")]
#[group(skip)]
pub(super) struct KeysSettings {
    /// Keys that seal secrets in the database: `id:base64` of 32 bytes each, separated by commas. The first seals, all of
    /// them open, so a new one goes in front. `openssl rand -base64 32` makes one
    #[arg(long, value_name = "ID:KEY,...", hide_env_values = true)]
    keys_encryption: Option<SecretString>,
}

/// The key-encryption keys.
#[derive(Debug)]
pub struct KeysConfig {
    pub ring: KeyRing,
    /// The first key's bytes, to derive others from.
    pub first: SecretSlice<u8>,
}

const ENCRYPTION: Key<'_> = Key("keys_encryption");

/// Tools differ about padding; it carries nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl KeysSettings {
    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<KeysConfig> {
        let value = mistakes.require(ENCRYPTION, self.keys_encryption.as_ref())?;
        let Some(keys) = parse(value.expose_secret()) else {
            mistakes
                .wrong_secret(ENCRYPTION, "must be `id:base64` of 32 bytes, or several of them with commas between");
            return None;
        };
        let first = keys.first().map(|(_, key)| key.clone());
        match KeyRing::new(keys) {
            Ok(ring) => Some(KeysConfig { ring, first: first? }),
            Err(reason) => {
                mistakes.wrong_secret(ENCRYPTION, format!("is not usable: {reason}"));
                None
            }
        }
    }
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
