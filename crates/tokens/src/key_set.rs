use std::collections::HashMap;
use std::fmt;

use kernel::seal::OpenError;
use serde::Serialize;

use crate::{SigningKey, TokenSigner, TokenVerifier};

/// The opened keys of a deployment: one signs, several verify. [`SigningKeyFactory::open`](crate::SigningKeyFactory::open) opens
/// them.
#[derive(Default)]
pub struct KeySet {
    signer: Option<(String, Box<dyn TokenSigner>)>,
    verifiers: HashMap<String, Box<dyn TokenVerifier>>,
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
    pub(crate) fn set_signer(&mut self, key: &SigningKey, signer: Box<dyn TokenSigner>) {
        self.signer = Some((key.kid.clone(), signer));
    }

    pub(crate) fn add_verifier(&mut self, key: &SigningKey, verifier: Box<dyn TokenVerifier>) {
        self.verifiers.insert(key.kid.clone(), verifier);
        self.published.push(PublicKey {
            kty: "OKP",
            crv: "Ed25519",
            alg: SigningKey::ALGORITHM,
            usage: "sig",
            kid: key.kid.clone(),
            x: key.public_x.clone(),
        });
    }

    pub(crate) fn signer(&self) -> Option<(&str, &dyn TokenSigner)> {
        self.signer.as_ref().map(|(kid, signer)| (kid.as_str(), &**signer))
    }

    pub(crate) fn verifier(&self, kid: &str) -> Option<&dyn TokenVerifier> {
        self.verifiers.get(kid).map(|verifier| &**verifier)
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
