use kernel::ids::{SessionId, TenantId, UserId};
use kernel::seal::KeyRing;
use kernel::{Clock, ManualClock, SystemEntropy};
use serde_json::{Value, json};

use super::*;
use crate::testing::FakeAlgorithm;
use crate::{KeyState, SigningKeyFactory};

pub(super) struct TestTokens {
    pub(super) clock: ManualClock,
    pub(super) policy: TokenPolicy,
    pub(super) key: SigningKey,
    pub(super) keys: KeySet,
    key_ring: KeyRing,
}

fn factory(key_ring: &KeyRing) -> SigningKeyFactory<'_> {
    SigningKeyFactory { algorithm: &FakeAlgorithm, key_ring }
}

pub(super) fn test_tokens() -> TestTokens {
    let clock = ManualClock::starting_at(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let key_ring = KeyRing::new([("kek".to_owned(), vec![7; 32].into())]).unwrap();
    let key = factory(&key_ring).generate(KeyState::Active, &SystemEntropy::new(), clock.now()).unwrap();
    let keys = factory(&key_ring).open([&key]).unwrap();
    let policy = TokenPolicy {
        issuer: "https://parley.example".to_owned(),
        audience: "parley".to_owned(),
        lifetime: TimeDelta::minutes(15),
    };
    TestTokens { clock, policy, key, keys, key_ring }
}

impl TestTokens {
    pub(super) fn claims(&self) -> Claims {
        Claims {
            user: UserId::new(&self.clock),
            tenant: TenantId::new(&self.clock),
            session: SessionId::new(&self.clock),
            token: self.clock.new_id(),
            issued_at: self.clock.now(),
            expires_at: self.clock.now() + self.policy.lifetime,
        }
    }

    pub(super) fn verify(&self, token: &str) -> Result<Claims, Rejection> {
        self.keys.verify(&self.policy, token, self.clock.now()).map(|verified| verified.claims)
    }

    fn issue(&self) -> String {
        self.keys.issue(&self.policy, &self.claims()).unwrap().token
    }

    pub(super) fn header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.key.kid})
    }

    pub(super) fn payload(&self) -> Value {
        let claims = self.claims();
        let (iat, exp) = (claims.issued_at.timestamp(), claims.expires_at.timestamp());
        json!({
            "iss": self.policy.issuer, "aud": self.policy.audience, "sub": claims.user, "tid": claims.tenant,
            "sid": claims.session, "jti": claims.token, "iat": iat, "nbf": iat, "exp": exp,
        })
    }

    /// A token with this header and payload and a valid signature.
    pub(super) fn sign(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let (_, signer) = self.keys.signer().unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signer.sign(message.as_bytes()).unwrap()))
    }

    fn sign_with(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut payload) = (self.header(), self.payload());
        change(&mut header, &mut payload);
        self.sign(&header.to_string(), &payload.to_string())
    }
}

#[test]
fn issued_token_verifies() {
    let test_tokens = test_tokens();
    let claims = test_tokens.claims();
    let IssuedToken { token, kid } = test_tokens.keys.issue(&test_tokens.policy, &claims).unwrap();
    assert_eq!(kid, test_tokens.key.kid, "the key id is that of the signing key");
    assert_eq!(
        test_tokens.keys.verify(&test_tokens.policy, &token, test_tokens.clock.now()),
        Ok(VerifiedToken { claims, kid })
    );
    assert!(test_tokens.verify(&test_tokens.sign_with(|_, _| ())).is_ok(), "unchanged tokens of `sign_with` are valid");
}

#[test]
fn token_is_valid_until_expiry_plus_leeway() {
    let test_tokens = test_tokens();
    let token = test_tokens.issue();
    test_tokens.clock.advance(-TimeDelta::seconds(30));
    assert!(test_tokens.verify(&token).is_ok());
    test_tokens.clock.advance(-TimeDelta::seconds(1));
    assert!(test_tokens.verify(&token).is_err());
    test_tokens.clock.advance(TimeDelta::seconds(31 + 15 * 60 + 29));
    assert!(test_tokens.verify(&token).is_ok());
    test_tokens.clock.advance(TimeDelta::seconds(1));
    assert!(test_tokens.verify(&token).is_err());
}

#[test]
fn unexpected_header_is_rejected() {
    let test_tokens = test_tokens();
    let hostile: &[(&str, Value)] = &[
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("eddsa")),
        ("typ", json!("JWT")),
        ("kid", json!("short")),
        ("kid", json!("")),
        ("kid", json!(format!("{}=", &test_tokens.key.kid[1..]))),
        ("kid", json!(format!("{}A", test_tokens.key.kid))),
        ("kid", json!("../../etc/passwd")),
        ("kid", json!("' or 1=1 --")),
        ("kid", json!(7)),
        ("crit", json!([])),
        ("jku", json!("https://evil.example")),
        ("jwk", json!({})),
        ("x5u", json!("https://evil.example")),
        ("x5c", json!([])),
        ("b64", json!(false)),
    ];
    for (member, value) in hostile {
        let token = test_tokens.sign_with(|header, _| header[*member] = value.clone());
        assert_eq!(test_tokens.verify(&token), Err(Rejection::Invalid), "{member} {value}");
    }
    for member in ["alg", "typ", "kid"] {
        let token = test_tokens.sign_with(|header, _| drop(header.as_object_mut().unwrap().remove(member)));
        assert_eq!(test_tokens.verify(&token), Err(Rejection::Invalid), "without {member}");
    }
}

#[test]
fn signed_unexpected_claim_is_rejected() {
    let test_tokens = test_tokens();
    let huge = json!(18_446_744_073_709_551_615_u64);
    let hostile: Vec<(&str, Value)> = ["iat", "nbf", "exp"]
        .into_iter()
        .flat_map(|member| {
            [json!(1e300), json!(1.5), json!(-1), json!("1800000000"), json!(null), json!(1_u64 << 54), huge.clone()]
                .map(|value| (member, value))
        })
        .chain([
            ("iss", json!("https://evil.example")),
            ("aud", json!(["parley"])),
            ("aud", json!("other")),
            ("sub", json!("not an id")),
            ("admin", json!(true)),
            ("exp", json!(test_tokens.clock.now().timestamp() + 3_600)),
            ("exp", json!(test_tokens.clock.now().timestamp())),
            ("iat", json!(test_tokens.clock.now().timestamp() + 31)),
            ("nbf", json!(test_tokens.clock.now().timestamp() + 31)),
        ])
        .collect();
    for (member, value) in hostile {
        let token = test_tokens.sign_with(|_, payload| payload[member] = value.clone());
        assert_eq!(test_tokens.verify(&token), Err(Rejection::Invalid), "{member} {value}");
    }
    for member in ["iss", "aud", "sub", "tid", "sid", "jti", "iat", "nbf", "exp"] {
        let token = test_tokens.sign_with(|_, payload| drop(payload.as_object_mut().unwrap().remove(member)));
        assert_eq!(test_tokens.verify(&token), Err(Rejection::Invalid), "without {member}");
    }
}

#[test]
fn id_in_other_form_is_rejected() {
    let test_tokens = test_tokens();
    let id = test_tokens.claims().user.to_string();
    let forms = [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}"), String::new()];
    for member in ["sub", "tid", "sid", "jti"] {
        assert!(
            test_tokens.verify(&test_tokens.sign_with(|_, payload| payload[member] = json!(id))).is_ok(),
            "{member}"
        );
        for form in &forms {
            let token = test_tokens.sign_with(|_, payload| payload[member] = json!(form));
            assert_eq!(test_tokens.verify(&token), Err(Rejection::Invalid), "{member} {form}");
        }
    }
}

#[test]
fn array_in_place_of_object_is_rejected() {
    let test_tokens = test_tokens();
    let (header, payload) = (test_tokens.header(), test_tokens.payload());
    let members = |object: &Value, names: &[&str]| json!(names.iter().map(|name| &object[*name]).collect::<Vec<_>>());
    let as_array = members(&header, &["alg", "typ", "kid"]).to_string();
    assert!(test_tokens.verify(&test_tokens.sign(&as_array, &payload.to_string())).is_err());
    let as_array = members(&payload, &["iss", "aud", "sub", "tid", "sid", "jti", "iat", "nbf", "exp"]).to_string();
    assert!(test_tokens.verify(&test_tokens.sign(&header.to_string(), &as_array)).is_err());
}

#[test]
fn unknown_key_is_reported_before_claims() {
    let test_tokens = test_tokens();
    let token = test_tokens.sign_with(|header, _| header["kid"] = json!("A".repeat(43)));
    assert_eq!(test_tokens.verify(&token), Err(Rejection::UnknownKey));
    // What is checked before the key id is invalid with any key.
    let token = test_tokens.sign_with(|header, _| {
        header["kid"] = json!("A".repeat(43));
        header["typ"] = json!("JWT");
    });
    assert_eq!(test_tokens.verify(&token), Err(Rejection::Invalid));
}

#[test]
fn repeated_member_is_rejected() {
    let test_tokens = test_tokens();
    let (header, payload) = (test_tokens.header().to_string(), test_tokens.payload().to_string());
    let repeated = |json: &str, member: &str| format!("{},{member}}}", &json[..json.len() - 1]);
    assert!(test_tokens.verify(&test_tokens.sign(&repeated(&header, r#""typ":"at+jwt""#), &payload)).is_err());
    assert!(test_tokens.verify(&test_tokens.sign(&header, &repeated(&payload, r#""exp":1800000900"#))).is_err());
}

#[test]
fn malformed_token_is_rejected() {
    let test_tokens = test_tokens();
    let token = test_tokens.issue();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let shapes = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        message.to_owned(),
        format!("{message}."),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!("{token} "),
        format!("{token}\n"),
        token.replace('.', ". "),
        "a".repeat(1024 * 1024),
    ];
    for shape in shapes {
        assert_eq!(test_tokens.verify(&shape), Err(Rejection::Invalid), "{shape:.60}");
    }
    for position in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
        assert!(test_tokens.verify(&String::from_utf8(changed).unwrap()).is_err(), "byte {position}");
    }
}

#[test]
fn token_of_other_deployment_is_rejected() {
    let (ours, theirs) = (test_tokens(), test_tokens());
    assert_eq!(ours.verify(&theirs.issue()), Err(Rejection::UnknownKey));
}

#[test]
fn key_set_refuses_key_that_cannot_be_opened() {
    let test_tokens = test_tokens();
    let other = KeyRing::new([("kek".to_owned(), vec![8; 32].into())]).unwrap();
    assert!(factory(&other).open([&test_tokens.key]).unwrap_err().to_string().contains(&test_tokens.key.kid));
    assert!(factory(&test_tokens.key_ring).open([&test_tokens.key]).is_ok());
}
