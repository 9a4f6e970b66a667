//! Fuzzes token verification, with valid and invalid signatures: it never panics, and accepts only tokens that this program
//! would issue.
//!
//! `PROPTEST_CASES` sets the number of cases.

use kernel::Clock as _;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{TestTokens, test_tokens};
use super::*;

const HEADER: [&str; 12] = ["alg", "typ", "kid", "crit", "jku", "jwk", "x5u", "x5c", "b64", "cty", "", "ALG"];
const PAYLOAD: [&str; 12] = ["iss", "aud", "sub", "tid", "sid", "jti", "iat", "nbf", "exp", "scope", "", "EXP"];

/// Any JSON, with numbers that JSON libraries are known to mishandle.
fn anything() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(|number| json!(number)),
        any::<u64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        (1_799_990_000_u64..1_800_010_000).prop_map(|number| json!(number)),
        Just(json!(8_210_266_876_799_u64)),
        Just(json!(9_007_199_254_740_992_u64)),
        Just(json!(1e300)),
        Just(json!(-0.0)),
    ];
    let leaf = prop_oneof![
        number,
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<String>().prop_map(Value::String),
        Just(json!("EdDSA")),
        Just(json!("parley")),
        Just(json!("at+jwt")),
        Just(json!("0190b5a2-7e2f-7000-8000-000000000000")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// Changes of an object: members to set or to remove.
fn changes(names: &'static [&'static str]) -> impl Strategy<Value = Vec<(&'static str, Option<Value>)>> {
    prop::collection::vec((prop::sample::select(names), prop::option::weighted(0.9, anything())), 0..4)
}

fn changed(mut object: Value, changes: &[(&'static str, Option<Value>)]) -> Value {
    if let Some(members) = object.as_object_mut() {
        for (name, value) in changes {
            match value {
                Some(value) => drop(members.insert((*name).to_owned(), value.clone())),
                None => drop(members.remove(*name)),
            }
        }
    }
    object
}

/// The claims are those of the payload, and are in force.
fn assert_issuable(test_tokens: &TestTokens, payload: &Value, claims: &Claims) {
    assert_eq!(payload["iss"], test_tokens.policy.issuer);
    assert_eq!(payload["aud"], test_tokens.policy.audience);
    assert_eq!(payload["sub"], claims.user.to_string());
    assert_eq!(payload["tid"], claims.tenant.to_string());
    assert_eq!(payload["sid"], claims.session.to_string());
    assert_eq!(payload["exp"], claims.expires_at.timestamp());
    let lifetime = claims.expires_at - claims.issued_at;
    assert!(lifetime > TimeDelta::zero() && lifetime <= test_tokens.policy.lifetime);
    assert!((claims.issued_at - test_tokens.clock.now()).abs() <= test_tokens.policy.lifetime + LEEWAY);
}

proptest! {
    #[test]
    fn arbitrary_text_is_rejected(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let test_tokens = test_tokens();
        prop_assert_eq!(test_tokens.verify(&text), Err(Rejection::Invalid));
        let parts = URL_SAFE_NO_PAD.encode(&bytes);
        prop_assert_eq!(test_tokens.verify(&format!("{parts}.{parts}.{parts}")), Err(Rejection::Invalid));
        // Signed with our own key: only the signature is valid.
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(test_tokens.verify(&test_tokens.sign(&test_tokens.header().to_string(), &text)).is_err());
        prop_assert!(test_tokens.verify(&test_tokens.sign(&text, &test_tokens.payload().to_string())).is_err());
    }

    #[test]
    fn signed_hostile_claims_are_rejected(
        in_header in changes(&HEADER),
        in_payload in changes(&PAYLOAD),
    ) {
        let test_tokens = test_tokens();
        let (header, payload) = (changed(test_tokens.header(), &in_header), changed(test_tokens.payload(), &in_payload));
        if let Ok(claims) = test_tokens.verify(&test_tokens.sign(&header.to_string(), &payload.to_string())) {
            prop_assert_eq!(&header, &test_tokens.header());
            prop_assert_eq!(payload.as_object().map(serde_json::Map::len), Some(9));
            assert_issuable(&test_tokens, &payload, &claims);
        }
    }

    #[test]
    fn changed_token_is_rejected(position in any::<prop::sample::Index>(), put in any::<char>()) {
        let test_tokens = test_tokens();
        let token = test_tokens.keys.issue(&test_tokens.policy, &test_tokens.claims()).unwrap().token;
        let mut characters: Vec<char> = token.chars().collect();
        let position = position.index(characters.len());
        prop_assume!(characters[position] != put);
        characters[position] = put;
        prop_assert!(test_tokens.verify(&characters.into_iter().collect::<String>()).is_err());
    }
}
