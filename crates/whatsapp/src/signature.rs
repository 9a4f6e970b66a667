use std::fmt;

use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

/// The secret of a Meta app. Never empty: with an empty key anyone could sign.
#[derive(Clone)]
pub struct AppSecret(SecretString);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must not be empty")]
pub struct EmptySecret;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 256 visible ASCII characters")]
pub struct InvalidSecret;

impl AppSecret {
    /// # Errors
    /// [`EmptySecret`], also for white space alone.
    pub fn new(secret: SecretString) -> Result<Self, EmptySecret> {
        if secret.expose_secret().trim().is_empty() { Err(EmptySecret) } else { Ok(Self(secret)) }
    }

    /// A secret entered by a tenant. Meta's are 32 hexadecimal digits. White space is refused: such a mistake could not be seen
    /// once the secret is sealed.
    ///
    /// # Errors
    /// [`InvalidSecret`].
    pub fn parse(secret: SecretString) -> Result<Self, InvalidSecret> {
        let text = secret.expose_secret();
        let valid = (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if valid { Ok(Self(secret)) } else { Err(InvalidSecret) }
    }

    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.0.expose_secret().as_bytes())
    }
}

/// The secrets that sign an app's deliveries: the current one and, for repeats of older deliveries, the previous one.
#[derive(Clone)]
pub struct AppSecrets {
    keys: Vec<hmac::Key>,
}

/// The signature is missing, malformed or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match")]
pub struct InvalidSignature;

impl AppSecrets {
    #[must_use]
    pub fn new(current: &AppSecret, previous: Option<&AppSecret>) -> Self {
        Self { keys: [Some(current), previous].into_iter().flatten().map(AppSecret::key).collect() }
    }

    /// Checks a signature over the raw body, in constant time.
    ///
    /// # Errors
    /// [`InvalidSignature`].
    pub fn verify(&self, signature: &Signature, body: &[u8]) -> Result<(), InvalidSignature> {
        if self.keys.iter().any(|key| hmac::verify(key, body, &signature.0).is_ok()) {
            Ok(())
        } else {
            Err(InvalidSignature)
        }
    }

    /// As [`verify`](Self::verify). Without secrets, which is the case of an unknown app, it always fails, in the same time as a
    /// wrong signature of a tenant's app.
    ///
    /// # Errors
    /// [`InvalidSignature`].
    pub fn verify_optional(secrets: Option<&Self>, signature: &Signature, body: &[u8]) -> Result<(), InvalidSignature> {
        if let Some(secrets) = secrets {
            return secrets.verify(signature, body);
        }
        let keys = [(); 2].map(|()| hmac::Key::new(hmac::HMAC_SHA256, &[]));
        Self { keys: keys.into() }.verify(signature, body).and(Err(InvalidSignature))
    }

    /// The signature header of a body, made with the current secret. For sending samples.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> Option<String> {
        let key = self.keys.first()?;
        Some(format!("{PREFIX}{}", hex::encode(hmac::sign(key, body).as_ref())))
    }
}

/// The value of the header `X-Hub-Signature-256`: an HMAC-SHA256 of the body.
#[derive(Clone, Copy, Debug)]
pub struct Signature([u8; 32]);

const PREFIX: &str = "sha256=";

impl Signature {
    /// Parses `sha256=<64 hex digits>`, before the body is read. The older SHA-1 header is not accepted.
    ///
    /// # Errors
    /// [`InvalidSignature`].
    pub fn parse(header: &[u8]) -> Result<Self, InvalidSignature> {
        Self::read(header).ok_or(InvalidSignature)
    }

    fn read(header: &[u8]) -> Option<Self> {
        let hex = header.strip_prefix(PREFIX.as_bytes())?;
        let mut signature = [0; 32];
        if hex.len() != 2 * signature.len() {
            return None;
        }
        for (byte, digits) in signature.iter_mut().zip(hex.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            *byte = digit(digits[0])? << 4 | digit(digits[1])?;
        }
        Some(Self(signature))
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret(***)")
    }
}

impl fmt::Debug for AppSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppSecrets({} keys)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(secrets(secret, None).sign(body.as_bytes()).as_deref(), Some(header.as_str()));
            assert!(secrets(secret, None).verify(&claimed, body.as_bytes()).is_ok());
            assert!(secrets("another", Some(secret)).verify(&claimed, body.as_bytes()).is_ok());
            assert!(secrets("another", None).verify(&claimed, body.as_bytes()).is_err());
            assert!(secrets(secret, None).verify(&claimed, format!("{body} ").as_bytes()).is_err());
        }
    }

    #[test]
    fn without_secrets_no_signature_verifies() {
        let signed_with_nothing = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[]), b"body");
        let claimed =
            Signature::parse(format!("sha256={}", hex::encode(signed_with_nothing.as_ref())).as_bytes()).unwrap();
        assert!(AppSecrets::verify_optional(None, &claimed, b"body").is_err());
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

    #[test]
    fn empty_secrets_are_refused() {
        for text in ["", " ", "\n"] {
            assert_eq!(AppSecret::new(text.into()).unwrap_err(), EmptySecret);
        }
        for text in ["", " ", "a b", "secret\n", "é", "a\u{0}", &"x".repeat(257)] {
            assert_eq!(AppSecret::parse(text.into()).unwrap_err(), InvalidSecret, "{text:?}");
        }
    }
}
