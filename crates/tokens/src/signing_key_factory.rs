use chrono::{DateTime, Utc};
use kernel::Entropy;
use kernel::seal::KeyRing;
use secrecy::ExposeSecret;

use crate::signing_key::{seal_context, thumbprint};
use crate::{KeyError, KeySet, KeyState, SignatureAlgorithm, SigningKey, UnusableKey};

/// What it takes to create and open signing keys: the signature algorithm, and the key ring that seals private keys.
#[derive(Clone, Copy, Debug)]
pub struct SigningKeyFactory<'a> {
    pub algorithm: &'a dyn SignatureAlgorithm,
    pub key_ring: &'a KeyRing,
}

impl SigningKeyFactory<'_> {
    /// Generates a key pair and seals its private key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn generate(self, state: KeyState, entropy: &dyn Entropy, now: DateTime<Utc>) -> Result<SigningKey, KeyError> {
        let pair = self.algorithm.generate()?;
        let kid = thumbprint(&pair.public_x);
        let private = self.key_ring.seal(pair.private_key.expose_secret(), &seal_context(&kid), entropy)?;
        Ok(SigningKey::from_stored(kid, state, pair.public_x, private, now, now))
    }

    /// Opens the stored keys whose tokens are accepted.
    ///
    /// # Errors
    /// [`UnusableKey`] names the first key that cannot be used; the server must not start without it.
    pub fn open<'a>(self, keys: impl IntoIterator<Item = &'a SigningKey>) -> Result<KeySet, UnusableKey> {
        let mut set = KeySet::default();
        for key in keys.into_iter().filter(|key| key.state.is_accepted()) {
            let malformed = |_| UnusableKey::Malformed { kid: key.kid.clone() };
            let private = self
                .key_ring
                .open(key.sealed_private_key(), &seal_context(&key.kid))
                .map_err(|source| UnusableKey::Sealed { kid: key.kid.clone(), source })?;
            if key.state == KeyState::Active {
                set.set_signer(key, self.algorithm.signer(&private).map_err(malformed)?);
            }
            set.add_verifier(key, self.algorithm.verifier(&key.public_x).map_err(malformed)?);
        }
        Ok(set)
    }
}
