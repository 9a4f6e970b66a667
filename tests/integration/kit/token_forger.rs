//! Tokens that Parley did not issue, signed with its own keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flows::{Database as _, settle};
use kernel::Clock as _;
use kernel::seal::KeyRing;
use ring::signature::Ed25519KeyPair;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokens::SigningKey;

use super::app::TestApp;

/// The encryption keys of the test servers.
pub(crate) fn key_ring() -> KeyRing {
    KeyRing::new([("test".to_owned(), vec![7; 32].into())]).unwrap()
}

/// The deployment's signing keys, oldest first.
pub(crate) async fn signing_keys(app: &TestApp) -> Vec<SigningKey> {
    let mut tx = app.postgres.operator().await.unwrap();
    let keys = tx.signing_keys().await;
    settle(tx, keys).await.unwrap()
}

/// A stolen signing key.
pub(crate) struct TokenForger {
    pub(crate) kid: String,
    pub(crate) public_x: String,
    pair: Ed25519KeyPair,
}

impl TokenForger {
    /// Takes the newest key in this state.
    pub(crate) async fn with_key(app: &TestApp, state: tokens::KeyState) -> Self {
        let keys = signing_keys(app).await;
        let key = keys.iter().rev().find(|key| key.state == state).expect("a key is in this state");
        let private = key_ring().open(key.sealed_private_key(), &format!("{}|EdDSA", key.kid)).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private.expose_secret()).unwrap();
        Self { kid: key.kid.clone(), public_x: key.public_x.clone(), pair }
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid})
    }

    /// Signs any header and payload.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        let message = message(header, payload);
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes())))
    }

    /// A token for the session of another token, issued now.
    pub(crate) fn issue(&self, app: &TestApp, like: &str) -> String {
        let now = app.clock.now().timestamp();
        let mut payload = payload_of(like);
        for (member, time) in [("iat", now), ("nbf", now), ("exp", now + 900)] {
            payload[member] = json!(time);
        }
        self.sign(&self.header().to_string(), &payload.to_string())
    }
}

/// The signed part of a token.
pub(crate) fn message(header: &str, payload: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).expect("a token has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(crate) fn payload_of(token: &str) -> Value {
    part(token, 1)
}

/// The key id in a token's header.
pub(crate) fn kid_of(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}
