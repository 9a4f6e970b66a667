use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use kernel::Entropy;
use kernel::seal::{KeyRing, OpenError, SealError, Sealed};
use secrecy::ExposeSecret;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::SignatureError;

/// A key that signs access tokens, as it is stored.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// The RFC 7638 thumbprint of the public key.
    pub kid: String,
    pub state: KeyState,
    /// The public key: the `x` member of its JWK (RFC 8037), base64url.
    pub public_x: String,
    pub(crate) private: Sealed,
    pub created_at: DateTime<Utc>,
    /// When the key entered its state.
    pub since: DateTime<Utc>,
}

/// The state of a key. Tokens of keys in the first three states are accepted; one key is active at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(
    serialize_all = "snake_case",
    const_into_str,
    parse_err_ty = UnknownKeyState,
    parse_err_fn = unknown_key_state
)]
pub enum KeyState {
    /// Published, but does not sign yet.
    Upcoming,
    /// Signs.
    Active,
    /// Does not sign any more; its tokens are accepted until they have expired.
    Retiring,
    Retired,
    /// Not trusted. Can be reached from any state.
    Revoked,
}

impl KeyState {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Whether tokens of a key in this state are accepted.
    #[must_use]
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Upcoming | Self::Active | Self::Retiring)
    }
}

/// The text is not the name of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such state of a signing key")]
pub struct UnknownKeyState;

fn unknown_key_state(_: &str) -> UnknownKeyState {
    UnknownKeyState
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("generating a key pair failed")]
    Generate(#[from] SignatureError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl SigningKey {
    pub(crate) const ALGORITHM: &str = "EdDSA";

    /// A key as it is stored.
    #[must_use]
    pub const fn from_stored(
        kid: String,
        state: KeyState,
        public_x: String,
        private: Sealed,
        created_at: DateTime<Utc>,
        since: DateTime<Utc>,
    ) -> Self {
        Self { kid, state, public_x, private, created_at, since }
    }

    #[must_use]
    pub const fn sealed_private_key(&self) -> &Sealed {
        &self.private
    }

    /// The private key, sealed with the first key of the key ring; `None` if it already is, or if the key does not sign any more.
    ///
    /// # Errors
    /// [`KeyError`] if the private key cannot be opened.
    pub fn reseal_private_key(&self, key_ring: &KeyRing, entropy: &dyn Entropy) -> Result<Option<Sealed>, KeyError> {
        if !self.state.is_accepted() || key_ring.sealing_key_id() == Some(self.private.key_id.as_str()) {
            return Ok(None);
        }
        let context = seal_context(&self.kid);
        let private = key_ring.open(&self.private, &context)?;
        Ok(Some(key_ring.seal(private.expose_secret(), &context, entropy)?))
    }
}

/// The sealing context of a private key.
pub(crate) fn seal_context(kid: &str) -> String {
    format!("{kid}|{}", SigningKey::ALGORITHM)
}

/// RFC 7638, section 3: SHA-256 over the required members in lexicographic order, without white space.
pub(crate) fn thumbprint(public_x: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public_x}"}}"#);
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, members.as_bytes()))
}

#[cfg(test)]
mod tests {
    use kernel::{Clock as _, SystemClock, SystemEntropy};

    use super::*;
    use crate::SigningKeyFactory;
    use crate::testing::FakeAlgorithm;

    #[test]
    fn state_names_parse_back() {
        for state in KeyState::ALL {
            assert_eq!(state.into_str().parse(), Ok(*state));
        }
        assert_eq!("".parse::<KeyState>(), Err(UnknownKeyState));
    }

    fn factory(key_ring: &KeyRing) -> SigningKeyFactory<'_> {
        SigningKeyFactory { algorithm: &FakeAlgorithm, key_ring }
    }

    #[test]
    fn private_key_is_resealed_with_new_key() {
        let key_ring = |ids: &[(&str, u8)]| {
            KeyRing::new(ids.iter().map(|(id, byte)| ((*id).to_owned(), vec![*byte; 32].into()))).unwrap()
        };
        let entropy = SystemEntropy::new();
        let mut key =
            factory(&key_ring(&[("old", 1)])).generate(KeyState::Active, &entropy, SystemClock::new().now()).unwrap();
        assert!(
            key.reseal_private_key(&key_ring(&[("old", 1), ("new", 2)]), &entropy).unwrap().is_none(),
            "already sealed with the first key"
        );
        assert!(key.reseal_private_key(&key_ring(&[("new", 2)]), &entropy).is_err(), "cannot be opened");
        key.private = key.reseal_private_key(&key_ring(&[("new", 2), ("old", 1)]), &entropy).unwrap().unwrap();
        assert_eq!(key.private.key_id, "new");
        assert!(factory(&key_ring(&[("new", 2)])).open([&key]).is_ok(), "the old key is not needed");
        key.state = KeyState::Retired;
        assert!(
            key.reseal_private_key(&key_ring(&[("newer", 3)]), &entropy).unwrap().is_none(),
            "does not sign any more"
        );
    }

    #[test]
    fn thumbprint_matches_rfc_example() {
        // RFC 8037, appendix A.3.
        assert_eq!(
            thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
