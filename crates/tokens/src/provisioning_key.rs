use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use kernel::ids::ProvisioningKeyId;
use kernel::{Clock, Entropy, EntropyUnavailable};
use secrecy::{ExposeSecret, SecretString};

use crate::KeyScope;
use crate::digest::sha256;

/// An operator's API key. It belongs to no tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisioningKey {
    pub id: ProvisioningKeyId,
    /// The name that its creator gave it.
    pub name: String,
    pub scopes: BTreeSet<KeyScope>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// With a precision of about a minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The secret of a key, `parley_pk_<256 random bits>`; shown once, when the key is created.
#[derive(Clone)]
pub struct ProvisioningSecret(SecretString);

/// The SHA-256 of the secret, which is what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisioningKeyHash([u8; 32]);

impl ProvisioningKey {
    pub const MAX_NAME_CHARS: usize = 100;

    /// A new key, in force at once.
    #[must_use]
    pub fn new(name: String, scopes: BTreeSet<KeyScope>, expires_at: Option<DateTime<Utc>>, clock: &dyn Clock) -> Self {
        let id = ProvisioningKeyId::new(clock);
        Self { id, name, scopes, created_at: clock.now(), expires_at, revoked_at: None, last_used_at: None }
    }

    /// Whether the key is valid at that time.
    #[must_use]
    pub fn is_in_force(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl ProvisioningSecret {
    /// Distinguishes a key from an access token.
    pub const PREFIX: &str = "parley_pk_";

    /// # Errors
    /// [`EntropyUnavailable`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyUnavailable> {
        let mut random = [0; 32];
        entropy.fill(&mut random)?;
        Ok(Self(format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(random)).into()))
    }

    /// The secret itself, for the response that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    #[must_use]
    pub fn hash(&self) -> ProvisioningKeyHash {
        ProvisioningKeyHash::of(self.expose())
    }
}

impl fmt::Debug for ProvisioningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProvisioningSecret(***)")
    }
}

impl ProvisioningKeyHash {
    /// The hash of a presented secret. Looking up a key by its hash takes the same time whichever byte is wrong.
    #[must_use]
    pub fn of(presented: &str) -> Self {
        Self(sha256(presented))
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a SHA-256 in hexadecimal digits")]
pub struct InvalidHash;

impl FromStr for ProvisioningKeyHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(|_| InvalidHash)?;
        Ok(Self(hash))
    }
}

impl fmt::Display for ProvisioningKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::{ManualClock, SystemClock, SystemEntropy};

    use super::*;

    #[test]
    fn generated_keys_differ_and_are_not_printed() {
        let entropy = SystemEntropy::new();
        let (one, other) =
            (ProvisioningSecret::generate(&entropy).unwrap(), ProvisioningSecret::generate(&entropy).unwrap());
        assert!(one.expose().starts_with("parley_pk_") && one.expose().len() > 50);
        assert_ne!(one.hash(), other.hash());
        assert_eq!(one.hash(), ProvisioningKeyHash::of(one.expose()));
        assert_eq!(format!("{one:?}"), "ProvisioningSecret(***)");
    }

    #[test]
    fn hash_parses_back_and_other_text_is_refused() {
        let hash = ProvisioningKeyHash::of("parley_pk_x");
        let text = hash.to_string();
        assert_eq!(text.parse(), Ok(hash.clone()));
        assert_eq!(text.to_uppercase().parse(), Ok(hash));
        for wrong in
            ["", &text[1..], &format!("{text}0"), &text.replace(|digit: char| digit.is_ascii_digit(), "g"), "é"]
        {
            assert_eq!(wrong.parse::<ProvisioningKeyHash>(), Err(InvalidHash), "{wrong}");
        }
    }

    #[test]
    fn key_is_in_force_until_expiry_or_revocation() {
        let clock = ManualClock::starting_at(SystemClock::new().now());
        let end = clock.now() + TimeDelta::hours(1);
        let key = ProvisioningKey::new("deploy".to_owned(), BTreeSet::new(), Some(end), &clock);
        assert!(key.is_in_force(end - TimeDelta::microseconds(1)));
        assert!(!key.is_in_force(end));
        let revoked = ProvisioningKey { revoked_at: Some(clock.now()), expires_at: None, ..key };
        assert!(!revoked.is_in_force(clock.now()));
    }
}
