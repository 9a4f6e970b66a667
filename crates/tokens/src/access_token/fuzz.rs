//! Whatever is shown as a token, signed or not: nothing panics, and nothing is believed but what we would issue ourselves.
//!
//! `PROPTEST_CASES` says how often each is tried.

use kernel::Clock as _;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{World, world};
use super::*;

const HEADER: [&str; 12] = ["alg", "typ", "kid", "crit", "jku", "jwk", "x5u", "x5c", "b64", "cty", "", "ALG"];
const PAYLOAD: [&str; 12] = ["iss", "aud", "sub", "tid", "sid", "jti", "iat", "nbf", "exp", "scope", "", "EXP"];

/// Any JSON, with the numbers that libraries stumble over.
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

/// Changes of an object: members set, and members removed.
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

/// What is believed is exactly what it says, and in force.
fn is_as_we_issue(world: &World, payload: &Value, claims: &Claims) {
    assert_eq!(payload["iss"], world.policy.issuer);
    assert_eq!(payload["aud"], world.policy.audience);
    assert_eq!(payload["sub"], claims.user.to_string());
    assert_eq!(payload["tid"], claims.tenant.to_string());
    assert_eq!(payload["sid"], claims.session.to_string());
    assert_eq!(payload["exp"], claims.expires_at.timestamp());
    let lifetime = claims.expires_at - claims.issued_at;
    assert!(lifetime > TimeDelta::zero() && lifetime <= world.policy.lifetime);
    assert!((claims.issued_at - world.clock.now()).abs() <= world.policy.lifetime + LEEWAY);
}

proptest! {
    #[test]
    fn no_text_is_a_token(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let world = world();
        prop_assert_eq!(world.verify(&text), Err(Rejection::Invalid));
        let parts = URL_SAFE_NO_PAD.encode(&bytes);
        prop_assert_eq!(world.verify(&format!("{parts}.{parts}.{parts}")), Err(Rejection::Invalid));
        // Signed with our own key: only the signature is right.
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(world.verify(&world.sign(&world.header().to_string(), &text)).is_err());
        prop_assert!(world.verify(&world.sign(&text, &world.payload().to_string())).is_err());
    }

    #[test]
    fn hostile_claims_are_not_believed_because_they_are_signed(
        in_header in changes(&HEADER),
        in_payload in changes(&PAYLOAD),
    ) {
        let world = world();
        let (header, payload) = (changed(world.header(), &in_header), changed(world.payload(), &in_payload));
        if let Ok(claims) = world.verify(&world.sign(&header.to_string(), &payload.to_string())) {
            prop_assert_eq!(&header, &world.header());
            prop_assert_eq!(payload.as_object().map(serde_json::Map::len), Some(9));
            is_as_we_issue(&world, &payload, &claims);
        }
    }

    #[test]
    fn a_changed_token_is_none(position in any::<prop::sample::Index>(), put in any::<char>()) {
        let world = world();
        let token = world.keys.issue(&world.policy, &world.claims()).unwrap().token;
        let mut characters: Vec<char> = token.chars().collect();
        let position = position.index(characters.len());
        prop_assume!(characters[position] != put);
        characters[position] = put;
        prop_assert!(world.verify(&characters.into_iter().collect::<String>()).is_err());
    }
}
