use ring::hmac;

use crate::AppSecrets;

/// The signature is missing, malformed or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match")]
pub struct InvalidSignature;

/// Verifies the signature of a webhook over its raw body, while the body arrives. Without secrets, which is the case of an unknown
/// app, no signature is valid, and the verdict takes the same time as one about a wrong signature of a tenant's app.
#[derive(Clone, Debug)]
pub struct SignatureCheck {
    /// One for each secret.
    contexts: Vec<hmac::Context>,
    is_known: bool,
}

impl SignatureCheck {
    #[must_use]
    pub fn new(secrets: Option<&AppSecrets>) -> Self {
        let contexts = match secrets {
            Some(secrets) => secrets.keys().iter().map(hmac::Context::with_key).collect(),
            // As many as the app of a tenant has. Anyone can sign with an empty key, so even a match is refused below.
            None => vec![hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &[])); 2],
        };
        Self { contexts, is_known: secrets.is_some() }
    }

    /// Adds the next part of the body.
    pub fn update(&mut self, part: &[u8]) {
        for context in &mut self.contexts {
            context.update(part);
        }
    }

    /// The verdict about the body, in constant time.
    ///
    /// # Errors
    /// [`InvalidSignature`].
    pub fn verify(self, signature: &Signature) -> Result<(), InvalidSignature> {
        let Self { contexts, is_known } = self;
        let equals = |context: hmac::Context| {
            // HMAC's own verification is in constant time, and wants the bytes: compare HMACs of both values under one key.
            let key = hmac::Key::new(hmac::HMAC_SHA256, &signature.0);
            hmac::verify(&key, &signature.0, hmac::sign(&key, context.sign().as_ref()).as_ref()).is_ok()
        };
        let matches = contexts.into_iter().any(equals);
        if matches && is_known { Ok(()) } else { Err(InvalidSignature) }
    }
}

/// Verifies the signature over a whole body.
///
/// # Errors
/// [`InvalidSignature`].
pub fn verify_signature(
    secrets: Option<&AppSecrets>,
    signature: &Signature,
    body: &[u8],
) -> Result<(), InvalidSignature> {
    let mut check = SignatureCheck::new(secrets);
    check.update(body);
    check.verify(signature)
}

impl AppSecrets {
    /// The signature header of a body, made with the current secret. For sending samples.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> Option<String> {
        let key = self.keys().first()?;
        Some(format!("{PREFIX}{}", hex::encode(hmac::sign(key, body).as_ref())))
    }
}

/// The value of the header `X-Hub-Signature-256`: an HMAC-SHA256 of the body.
#[derive(Clone, Copy, Debug)]
pub struct Signature([u8; 32]);

const PREFIX: &str = "sha256=";

impl Signature {
    /// Parses `sha256=<64 hex digits>`. It does not verify anything, so it can be done before the body is read. The older SHA-1
    /// header is not accepted.
    ///
    /// # Errors
    /// [`InvalidSignature`].
    pub fn parse(header: &[u8]) -> Result<Self, InvalidSignature> {
        let digits = header.strip_prefix(PREFIX.as_bytes()).ok_or(InvalidSignature)?;
        let mut signature = [0; 32];
        hex::decode_to_slice(digits, &mut signature).map_err(|_| InvalidSignature)?;
        Ok(Self(signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AppSecret;

    fn secrets(current: &str, previous: Option<&str>) -> AppSecrets {
        let secret = |text: &str| AppSecret::new(text.into()).unwrap();
        AppSecrets::new(&secret(current), previous.map(secret).as_ref())
    }

    /// Secret, body and signature; the last is RFC 4231, case 2.
    const VECTORS: [(&str, &str, &str); 4] = [
        (
            "test_app_secret",
            r#"{"object":"whatsapp_business_account","entry":[]}"#,
            "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
        ),
        (
            "test_app_secret",
            r#"{"object": "whatsapp_business_account", "entry": []}"#,
            "56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a",
        ),
        (
            "otro_secreto",
            r#"{"object":"whatsapp_business_account","entry":[]}"#,
            "769b03d8c2ae6498f2d1e1f7299c0ba55448c69d741e7b0bb243d852d8a8d8c7",
        ),
        ("Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ];

    #[test]
    fn signature_verifies_over_its_exact_bytes_only() {
        for (secret, body, signature) in VECTORS {
            let header = format!("sha256={signature}");
            let claimed = Signature::parse(header.as_bytes()).unwrap();
            let verify = |secrets: AppSecrets, body: &str| verify_signature(Some(&secrets), &claimed, body.as_bytes());
            assert_eq!(secrets(secret, None).sign(body.as_bytes()).as_deref(), Some(header.as_str()));
            assert!(verify(secrets(secret, None), body).is_ok());
            assert!(verify(secrets("another", Some(secret)), body).is_ok());
            assert!(verify(secrets("another", None), body).is_err());
            assert!(verify(secrets(secret, None), &format!("{body} ")).is_err());
        }
    }

    #[test]
    fn body_may_arrive_in_parts() {
        let (secret, body, signature) = VECTORS[0];
        let claimed = Signature::parse(format!("sha256={signature}").as_bytes()).unwrap();
        for size in [1, 7, body.len()] {
            let mut check = SignatureCheck::new(Some(&secrets("another", Some(secret))));
            body.as_bytes().chunks(size).for_each(|part| check.update(part));
            assert!(check.verify(&claimed).is_ok());
        }
    }

    #[test]
    fn without_secrets_no_signature_verifies() {
        let signed_with_nothing = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[]), b"body");
        let claimed =
            Signature::parse(format!("sha256={}", hex::encode(signed_with_nothing.as_ref())).as_bytes()).unwrap();
        assert!(verify_signature(None, &claimed, b"body").is_err());
    }

    #[test]
    fn malformed_headers_are_refused() {
        let (_, _, signature) = VECTORS[0];
        for header in [
            "",
            "sha256=",
            signature,
            &format!("sha1={signature}"),
            &format!("sha256={}", &signature[1..]),
            &format!("sha256={signature}0"),
            &format!("sha256={}", "g".repeat(64)),
            &format!("sha256= {}", &signature[1..]),
            "sha256=+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5+5",
        ] {
            assert_eq!(Signature::parse(header.as_bytes()).unwrap_err(), InvalidSignature, "{header:?}");
        }
    }
}
