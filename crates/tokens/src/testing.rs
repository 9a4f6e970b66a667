//! A signature algorithm for unit tests: HMAC under a key that is public. The adapter `crypto` tests Ed25519.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretSlice};

use crate::{KeyPair, SignatureAlgorithm, SignatureError, TokenSigner, TokenVerifier};

#[derive(Clone, Copy, Debug)]
pub(crate) struct FakeAlgorithm;

struct FakeKey(hmac::Key);

impl SignatureAlgorithm for FakeAlgorithm {
    fn generate(&self) -> Result<KeyPair, SignatureError> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).map_err(|_| SignatureError)?;
        Ok(KeyPair { public_x: URL_SAFE_NO_PAD.encode(key), private_key: key.to_vec().into() })
    }

    fn signer(&self, private_key: &SecretSlice<u8>) -> Result<Box<dyn TokenSigner>, SignatureError> {
        Ok(Box::new(FakeKey(hmac::Key::new(hmac::HMAC_SHA256, private_key.expose_secret()))))
    }

    fn verifier(&self, public_x: &str) -> Result<Box<dyn TokenVerifier>, SignatureError> {
        let key = URL_SAFE_NO_PAD.decode(public_x).map_err(|_| SignatureError)?;
        Ok(Box::new(FakeKey(hmac::Key::new(hmac::HMAC_SHA256, &key))))
    }
}

impl TokenSigner for FakeKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl TokenVerifier for FakeKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        hmac::verify(&self.0, message, signature).map_err(|_| SignatureError)
    }
}
