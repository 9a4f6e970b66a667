use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use josekit::jwk::KeyPair as _;
use josekit::jwk::alg::ed::{EdCurve, EdKeyPair};
use kernel::Entropy;
use kernel::seal::{KeyRing, SealError, Sealed};
use secrecy::SecretSlice;

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

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("no key pair could be made")]
    Generate,
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl SigningKey {
    pub(crate) const ALGORITHM: &str = "EdDSA";

    /// Makes a new key pair that signs from now on, its private half sealed.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn generate(ring: &KeyRing, entropy: &dyn Entropy, now: DateTime<Utc>) -> Result<Self, KeyError> {
        let pair = EdKeyPair::generate(EdCurve::Ed25519).map_err(|_| KeyError::Generate)?;
        let public = pair.to_jwk_public_key();
        let public_x = public.parameter("x").and_then(|x| x.as_str()).ok_or(KeyError::Generate)?.to_owned();
        let kid = thumbprint(&public_x);
        let private: SecretSlice<u8> = pair.to_der_private_key().into();
        let private = ring.seal(secrecy::ExposeSecret::expose_secret(&private), &seal_context(&kid), entropy)?;
        Ok(Self { kid, state: KeyState::Active, public_x, private, created_at: now })
    }

    /// A key as it was stored.
    #[must_use]
    pub const fn from_stored(
        kid: String,
        state: KeyState,
        public_x: String,
        private: Sealed,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self { kid, state, public_x, private, created_at }
    }

    #[must_use]
    pub const fn sealed_private_half(&self) -> &Sealed {
        &self.private
    }

    /// Whether tokens that it signed are accepted.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        matches!(self.state, KeyState::Upcoming | KeyState::Active | KeyState::Retiring)
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
    use super::*;

    #[test]
    fn thumbprint_is_that_of_the_rfc() {
        // RFC 8037, appendix A.3.
        assert_eq!(
            thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
