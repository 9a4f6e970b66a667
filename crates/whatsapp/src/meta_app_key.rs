use std::str::FromStr;

use kernel::{Entropy, EntropyUnavailable};

/// Identifies the Meta app that signed a delivery. It is part of the unique key of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MetaAppKey(String);

/// The text is not a key of a tenant's app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the key of one of the tenant's own Meta apps")]
pub struct InvalidMetaAppKey;

/// Length of a generated key: 160 bits.
const BYTES: usize = 20;
const DEPLOYMENT: &str = "deployment";

impl MetaAppKey {
    /// The deployment's own app, behind `/webhooks/whatsapp`.
    #[must_use]
    pub fn deployment() -> Self {
        Self(DEPLOYMENT.to_owned())
    }

    /// A new key for a tenant's app.
    ///
    /// # Errors
    /// [`EntropyUnavailable`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyUnavailable> {
        let mut bytes = [0; BYTES];
        entropy.fill(&mut bytes)?;
        Ok(Self(hex::encode(bytes)))
    }

    #[must_use]
    pub const fn from_stored(key: String) -> Self {
        Self(key)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key, unless it is the deployment's.
    #[must_use]
    pub fn tenant_key(&self) -> Option<&str> {
        (self.0 != DEPLOYMENT).then_some(self.as_str())
    }
}

/// Parses the key of a tenant's app; the deployment's key is not accepted.
impl FromStr for MetaAppKey {
    type Err = InvalidMetaAppKey;

    fn from_str(text: &str) -> Result<Self, InvalidMetaAppKey> {
        let valid = text.len() == 2 * BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidMetaAppKey) }
    }
}

#[cfg(test)]
mod tests {
    use kernel::SystemEntropy;

    use super::*;

    #[test]
    fn generated_keys_parse_and_differ() {
        let generate = || MetaAppKey::generate(&SystemEntropy::new()).unwrap();
        let key = generate();
        assert_eq!(key.as_str().parse(), Ok(key.clone()));
        assert_eq!(key.tenant_key(), Some(key.as_str()));
        assert_ne!(generate(), key);
    }

    #[test]
    fn other_texts_are_not_keys_of_a_tenants_app() {
        let key = "0123456789abcdef0123456789abcdef01234567";
        assert!(key.parse::<MetaAppKey>().is_ok());
        for text in ["", "deployment", &key[1..], &format!("{key}0"), &key.to_uppercase(), &key.replace('0', "g")] {
            assert_eq!(text.parse::<MetaAppKey>(), Err(InvalidMetaAppKey), "{text}");
        }
        assert_eq!(MetaAppKey::deployment().tenant_key(), None);
    }
}
