use josekit::jwk::alg::ed::{EdCurve, EdKeyPair};
use josekit::jwk::{Jwk, KeyPair as _};
use josekit::jws::alg::eddsa::{EddsaJwsSigner, EddsaJwsVerifier};
use josekit::jws::{EdDSA, JwsSigner as _, JwsVerifier as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use tokens::{KeyPair, SignatureAlgorithm, SignatureError, TokenSigner, TokenVerifier};

/// Ed25519 by OpenSSL. josekit only makes and verifies signatures: its payload validation accepts tokens without `exp` or
/// `aud`, any `typ` and duplicate members, and panics on huge times.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ed25519;

struct Signer(EddsaJwsSigner);

struct Verifier(EddsaJwsVerifier);

impl SignatureAlgorithm for Ed25519 {
    fn generate(&self) -> Result<KeyPair, SignatureError> {
        let pair = EdKeyPair::generate(EdCurve::Ed25519).map_err(|_| SignatureError)?;
        let public = pair.to_jwk_public_key();
        let public_x = public.parameter("x").and_then(|x| x.as_str()).ok_or(SignatureError)?.to_owned();
        Ok(KeyPair { public_x, private_key: pair.to_der_private_key().into() })
    }

    fn signer(&self, private_key: &SecretSlice<u8>) -> Result<Box<dyn TokenSigner>, SignatureError> {
        let signer = EdDSA.signer_from_der(private_key.expose_secret()).map_err(|_| SignatureError)?;
        Ok(Box::new(Signer(signer)))
    }

    fn verifier(&self, public_x: &str) -> Result<Box<dyn TokenVerifier>, SignatureError> {
        let mut jwk = Jwk::new("OKP");
        jwk.set_parameter("crv", Some("Ed25519".into())).map_err(|_| SignatureError)?;
        jwk.set_parameter("x", Some(public_x.into())).map_err(|_| SignatureError)?;
        Ok(Box::new(Verifier(EdDSA.verifier_from_jwk(&jwk).map_err(|_| SignatureError)?)))
    }
}

impl TokenSigner for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        self.0.sign(message).map_err(|_| SignatureError)
    }
}

impl TokenVerifier for Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        self.0.verify(message, signature).map_err(|_| SignatureError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_verifies_only_for_its_message_and_key() {
        let (pair, other) = (Ed25519.generate().unwrap(), Ed25519.generate().unwrap());
        let signature = Ed25519.signer(&pair.private_key).unwrap().sign(b"message").unwrap();
        let verifier = Ed25519.verifier(&pair.public_x).unwrap();
        assert_eq!(verifier.verify(b"message", &signature), Ok(()));
        assert_eq!(verifier.verify(b"other", &signature), Err(SignatureError));
        assert_eq!(verifier.verify(b"message", &signature[1..]), Err(SignatureError));
        assert_eq!(verifier.verify(b"message", b""), Err(SignatureError));
        assert!(Ed25519.verifier(&other.public_x).unwrap().verify(b"message", &signature).is_err());
    }

    #[test]
    fn malformed_key_is_refused() {
        assert!(Ed25519.signer(&vec![7; 32].into()).is_err());
        for public_x in ["", "short", "not base64url!"] {
            assert!(Ed25519.verifier(public_x).is_err(), "{public_x}");
        }
    }
}
