use std::collections::HashMap;
use std::fmt;

use josekit::jwk::Jwk;
use josekit::jws::EdDSA;
use josekit::jws::alg::eddsa::{EddsaJwsSigner, EddsaJwsVerifier};
use kernel::seal::{KeyRing, OpenError};
use secrecy::ExposeSecret;
use serde::Serialize;

use crate::signing_key::seal_context;
use crate::{KeyState, SigningKey};

/// The opened keys of a deployment: one signs, several verify.
pub struct KeySet {
    signer: Option<(String, EddsaJwsSigner)>,
    verifiers: HashMap<String, EddsaJwsVerifier>,
    published: Vec<PublicKey>,
}

/// A member of the JWKS (RFC 7517, RFC 8037).
#[derive(Clone, Debug, Serialize)]
struct PublicKey {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    kid: String,
    x: String,
}

#[derive(Debug, thiserror::Error)]
pub enum UnusableKey {
    #[error("signing key {kid} {source}")]
    Sealed { kid: String, source: OpenError },
    #[error("signing key {kid} is not an Ed25519 key")]
    Malformed { kid: String },
}

impl KeySet {
    /// Opens the stored keys whose tokens are accepted.
    ///
    /// # Errors
    /// [`UnusableKey`] names the first key that cannot be used; the server must not start without it.
    pub fn open<'a>(keys: impl IntoIterator<Item = &'a SigningKey>, key_ring: &KeyRing) -> Result<Self, UnusableKey> {
        let mut set = Self { signer: None, verifiers: HashMap::new(), published: Vec::new() };
        for key in keys.into_iter().filter(|key| key.state.is_accepted()) {
            let malformed = || UnusableKey::Malformed { kid: key.kid.clone() };
            let private = key_ring
                .open(&key.private, &seal_context(&key.kid))
                .map_err(|source| UnusableKey::Sealed { kid: key.kid.clone(), source })?;
            if key.state == KeyState::Active {
                let signer = EdDSA.signer_from_der(private.expose_secret()).map_err(|_| malformed())?;
                set.signer = Some((key.kid.clone(), signer));
            }
            let mut jwk = Jwk::new("OKP");
            jwk.set_parameter("crv", Some("Ed25519".into())).map_err(|_| malformed())?;
            jwk.set_parameter("x", Some(key.public_x.as_str().into())).map_err(|_| malformed())?;
            let verifier = EdDSA.verifier_from_jwk(&jwk).map_err(|_| malformed())?;
            set.verifiers.insert(key.kid.clone(), verifier);
            set.published.push(PublicKey {
                kty: "OKP",
                crv: "Ed25519",
                alg: SigningKey::ALGORITHM,
                usage: "sig",
                kid: key.kid.clone(),
                x: key.public_x.clone(),
            });
        }
        Ok(set)
    }

    pub(crate) fn signer(&self) -> Option<(&str, &EddsaJwsSigner)> {
        self.signer.as_ref().map(|(kid, signer)| (kid.as_str(), signer))
    }

    pub(crate) fn verifier(&self, kid: &str) -> Option<&EddsaJwsVerifier> {
        self.verifiers.get(kid)
    }

    /// Whether this set accepts tokens of this key.
    #[must_use]
    pub fn knows(&self, kid: &str) -> bool {
        self.verifiers.contains_key(kid)
    }

    /// The public keys as a JSON Web Key Set (RFC 7517, section 5).
    #[must_use]
    pub fn to_jwks(&self) -> serde_json::Value {
        serde_json::json!({ "keys": self.published })
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("kids", &self.verifiers.keys()).finish_non_exhaustive()
    }
}
