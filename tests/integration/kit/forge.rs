//! Tokens that Parley did not make, signed with the keys that it has.

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

/// The key-encryption keys of the servers under test.
pub(crate) fn key_ring() -> KeyRing {
    KeyRing::new([("test".to_owned(), vec![7; 32].into())]).unwrap()
}

/// The deployment's signing keys, oldest first.
pub(crate) async fn signing_keys(app: &TestApp) -> Vec<SigningKey> {
    let mut tx = app.postgres.operator().await.unwrap();
    let keys = tx.signing_keys().await;
    settle(tx, keys).await.unwrap()
}

/// A signing key in the hands of somebody who should not have it.
pub(crate) struct Forge {
    pub(crate) kid: String,
    pub(crate) public_x: String,
    pair: Ed25519KeyPair,
}

impl Forge {
    /// With the newest key in a state.
    pub(crate) async fn with_key(app: &TestApp, state: tokens::KeyState) -> Self {
        let keys = signing_keys(app).await;
        let key = keys.iter().rev().find(|key| key.state == state).expect("there is such a key");
        let private = key_ring().open(key.sealed_private_half(), &format!("{}|EdDSA", key.kid)).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private.expose_secret()).unwrap();
        Self { kid: key.kid.clone(), public_x: key.public_x.clone(), pair }
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid})
    }

    /// A token with a genuine signature over whatever is in it.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        let message = message(header, payload);
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes())))
    }

    /// A token for the session of another one, as if it were issued now.
    pub(crate) fn issue(&self, app: &TestApp, like: &str) -> String {
        let now = app.clock.now().timestamp();
        let mut payload = payload_of(like);
        for (member, time) in [("iat", now), ("nbf", now), ("exp", now + 900)] {
            payload[member] = json!(time);
        }
        self.sign(&self.header().to_string(), &payload.to_string())
    }
}

/// What is signed.
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

/// Which key a token says that it is signed with.
pub(crate) fn kid_of(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}
