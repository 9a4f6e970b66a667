use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use josekit::jwk::KeyPair as _;
use josekit::jwk::alg::ed::{EdCurve, EdKeyPair};
use kernel::Entropy;
use kernel::seal::{KeyRing, OpenError, SealError, Sealed};
use secrecy::{ExposeSecret, SecretSlice};

/// A key that signs access tokens, as it is stored.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// The RFC 7638 thumbprint of the public half.
    pub kid: String,
    pub state: KeyState,
    /// The public half: the `x` member of its JWK (RFC 8037), base64url.
    pub public_x: String,
    pub(crate) private: Sealed,
    pub created_at: DateTime<Utc>,
    /// Since when it is in its state.
    pub since: DateTime<Utc>,
}

/// The life of a key. Tokens of the first three states are accepted; one key is active at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, so that verifiers know it before it signs.
    Upcoming,
    /// Signs.
    Active,
    /// Signs no more; its tokens are accepted until the last has expired.
    Retiring,
    Retired,
    /// Not to be trusted, from any state.
    Revoked,
}

impl KeyState {
    pub const ALL: [Self; 5] = [Self::Upcoming, Self::Active, Self::Retiring, Self::Retired, Self::Revoked];

    /// The name in the API, the database and the metrics.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Upcoming => "upcoming",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }

    /// Whether tokens of a key in this state are accepted.
    #[must_use]
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Upcoming | Self::Active | Self::Retiring)
    }
}

/// The text is the name of no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such state of a signing key")]
pub struct UnknownKeyState;

impl FromStr for KeyState {
    type Err = UnknownKeyState;

    fn from_str(key: &str) -> Result<Self, UnknownKeyState> {
        Self::ALL.into_iter().find(|state| state.key() == key).ok_or(UnknownKeyState)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("no key pair could be made")]
    Generate,
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl SigningKey {
    pub(crate) const ALGORITHM: &str = "EdDSA";

    /// Makes a new key pair, its private half sealed.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn generate(
        state: KeyState,
        ring: &KeyRing,
        entropy: &dyn Entropy,
        now: DateTime<Utc>,
    ) -> Result<Self, KeyError> {
        let pair = EdKeyPair::generate(EdCurve::Ed25519).map_err(|_| KeyError::Generate)?;
        let public = pair.to_jwk_public_key();
        let public_x = public.parameter("x").and_then(|x| x.as_str()).ok_or(KeyError::Generate)?.to_owned();
        let kid = thumbprint(&public_x);
        let private: SecretSlice<u8> = pair.to_der_private_key().into();
        let private = ring.seal(private.expose_secret(), &seal_context(&kid), entropy)?;
        Ok(Self { kid, state, public_x, private, created_at: now, since: now })
    }

    /// A key as it was stored.
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
    pub const fn sealed_private_half(&self) -> &Sealed {
        &self.private
    }

    /// The private half, sealed with the first key of the ring; nothing if it is already, or if the key signs no more.
    ///
    /// # Errors
    /// [`KeyError`] when it does not open.
    pub fn sealed_anew(&self, ring: &KeyRing, entropy: &dyn Entropy) -> Result<Option<Sealed>, KeyError> {
        if !self.state.is_accepted() || ring.seals_with() == Some(self.private.key_id.as_str()) {
            return Ok(None);
        }
        let context = seal_context(&self.kid);
        let private = ring.open(&self.private, &context)?;
        Ok(Some(ring.seal(private.expose_secret(), &context, entropy)?))
    }
}

/// What the sealed private half belongs to.
pub(crate) fn seal_context(kid: &str) -> String {
    format!("{kid}|{}", SigningKey::ALGORITHM)
}

/// RFC 7638, section 3: SHA-256 over the required members in lexicographic order, without white space.
fn thumbprint(public_x: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public_x}"}}"#);
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, members.as_bytes()))
}

#[cfg(test)]
mod tests {
    use kernel::{Clock as _, SystemClock, SystemEntropy};

    use super::*;
    use crate::KeySet;

    #[test]
    fn names_of_states_are_read_back() {
        for state in KeyState::ALL {
            assert_eq!(state.key().parse(), Ok(state));
        }
        assert_eq!("".parse::<KeyState>(), Err(UnknownKeyState));
    }

    #[test]
    fn a_key_moves_to_another_key_encryption_key() {
        let ring = |ids: &[(&str, u8)]| {
            KeyRing::new(ids.iter().map(|(id, byte)| ((*id).to_owned(), vec![*byte; 32].into()))).unwrap()
        };
        let entropy = SystemEntropy::new();
        let mut key =
            SigningKey::generate(KeyState::Active, &ring(&[("old", 1)]), &entropy, SystemClock::new().now()).unwrap();
        assert!(key.sealed_anew(&ring(&[("old", 1), ("new", 2)]), &entropy).unwrap().is_none(), "it is the first's");
        assert!(key.sealed_anew(&ring(&[("new", 2)]), &entropy).is_err(), "it does not open");
        key.private = key.sealed_anew(&ring(&[("new", 2), ("old", 1)]), &entropy).unwrap().unwrap();
        assert_eq!(key.private.key_id, "new");
        assert!(KeySet::open([&key], &ring(&[("new", 2)])).is_ok(), "the old one can go");
        key.state = KeyState::Retired;
        assert!(key.sealed_anew(&ring(&[("newer", 3)]), &entropy).unwrap().is_none(), "it signs no more");
    }

    #[test]
    fn thumbprint_is_that_of_the_rfc() {
        // RFC 8037, appendix A.3.
        assert_eq!(
            thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
