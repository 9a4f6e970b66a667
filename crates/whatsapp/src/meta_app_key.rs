use std::str::FromStr;

use kernel::{Entropy, EntropyUnavailable, hex};

/// Which Meta app signed a delivery. Events of two apps never meet: the key is part of what makes an event unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MetaAppKey(String);

/// The text cannot be the key of a tenant's app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the key of one of the tenant's own Meta apps")]
pub struct InvalidMetaAppKey;

/// Of a key that was drawn: 160 bits that nobody can guess.
const BYTES: usize = 20;
const DEPLOYMENT: &str = "deployment";

impl MetaAppKey {
    /// The deployment's own app, behind `/webhooks/whatsapp`.
    #[must_use]
    pub fn deployment() -> Self {
        Self(DEPLOYMENT.to_owned())
    }

    /// A new key for an app of a tenant's.
    ///
    /// # Errors
    /// [`EntropyUnavailable`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyUnavailable> {
        let mut bytes = [0; BYTES];
        entropy.fill(&mut bytes)?;
        Ok(Self(hex(&bytes)))
    }

    #[must_use]
    pub const fn from_stored(key: String) -> Self {
        Self(key)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key, if the app is a tenant's own.
    #[must_use]
    pub fn tenant_key(&self) -> Option<&str> {
        (self.0 != DEPLOYMENT).then_some(self.as_str())
    }
}

/// Reads the key of a tenant's app; that of the deployment is none that could be asked for.
impl FromStr for MetaAppKey {
    type Err = InvalidMetaAppKey;

    fn from_str(text: &str) -> Result<Self, InvalidMetaAppKey> {
        let ours = text.len() == 2 * BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if ours { Ok(Self(text.to_owned())) } else { Err(InvalidMetaAppKey) }
    }
}

#[cfg(test)]
mod tests {
    use kernel::SystemEntropy;

    use super::*;

    #[test]
    fn a_drawn_key_reads_back_and_comes_once() {
        let draw = || MetaAppKey::generate(&SystemEntropy::new()).unwrap();
        let key = draw();
        assert_eq!(key.as_str().parse(), Ok(key.clone()));
        assert_eq!(key.tenant_key(), Some(key.as_str()));
        assert_ne!(draw(), key);
    }

    #[test]
    fn nothing_else_is_a_key_of_a_tenants_app() {
        let key = "0123456789abcdef0123456789abcdef01234567";
        assert!(key.parse::<MetaAppKey>().is_ok());
        for text in ["", "deployment", &key[1..], &format!("{key}0"), &key.to_uppercase(), &key.replace('0', "g")] {
            assert_eq!(text.parse::<MetaAppKey>(), Err(InvalidMetaAppKey), "{text}");
        }
        assert_eq!(MetaAppKey::deployment().tenant_key(), None);
    }
}
