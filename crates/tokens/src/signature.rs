use std::fmt::{self, Debug};

use secrecy::SecretSlice;

/// Signatures with Ed25519 (RFC 8032). A port, since domains link no cryptographic library.
pub trait SignatureAlgorithm: Send + Sync + Debug {
    /// Generates a key pair.
    ///
    /// # Errors
    /// [`SignatureError`].
    fn generate(&self) -> Result<KeyPair, SignatureError>;

    /// A signer with this private key.
    ///
    /// # Errors
    /// [`SignatureError`] if it is not an Ed25519 key.
    fn signer(&self, private_key: &SecretSlice<u8>) -> Result<Box<dyn TokenSigner>, SignatureError>;

    /// A verifier with this public key, the `x` member of its JWK.
    ///
    /// # Errors
    /// [`SignatureError`] if it is not an Ed25519 key.
    fn verifier(&self, public_x: &str) -> Result<Box<dyn TokenVerifier>, SignatureError>;
}

/// Signs with one private key.
pub trait TokenSigner: Send + Sync {
    /// # Errors
    /// [`SignatureError`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError>;
}

/// Verifies with one public key.
pub trait TokenVerifier: Send + Sync {
    /// # Errors
    /// [`SignatureError`] unless it is the message's signature.
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError>;
}

/// A new key pair.
pub struct KeyPair {
    /// The `x` member of the public key's JWK (RFC 8037), base64url.
    pub public_x: String,
    /// PKCS #8, DER.
    pub private_key: SecretSlice<u8>,
}

impl Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("public_x", &self.public_x).finish_non_exhaustive()
    }
}

/// A key or a signature is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key or the signature is invalid")]
pub struct SignatureError;
