use kernel::ids::{SessionId, TenantId, UserId};
use kernel::seal::KeyRing;
use kernel::{Clock, ManualClock, SystemEntropy};
use serde_json::{Value, json};

use super::*;
use crate::{KeyState, SigningKey};

pub(super) struct World {
    pub(super) clock: ManualClock,
    pub(super) policy: TokenPolicy,
    pub(super) key: SigningKey,
    pub(super) keys: KeySet,
    ring: KeyRing,
}

pub(super) fn world() -> World {
    let clock = ManualClock::starting_at(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let ring = KeyRing::new([("kek".to_owned(), vec![7; 32].into())]).unwrap();
    let key = SigningKey::generate(KeyState::Active, &ring, &SystemEntropy::new(), clock.now()).unwrap();
    let keys = KeySet::open([&key], &ring).unwrap();
    let policy = TokenPolicy {
        issuer: "https://parley.example".to_owned(),
        audience: "parley".to_owned(),
        lifetime: TimeDelta::minutes(15),
    };
    World { clock, policy, key, keys, ring }
}

impl World {
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

    /// A token with a genuine signature over whatever is in it.
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
fn verifies_what_it_issued() {
    let world = world();
    let claims = world.claims();
    let Issued { token, kid } = world.keys.issue(&world.policy, &claims).unwrap();
    assert_eq!(kid, world.key.kid, "the key that signed is the one that is named");
    assert_eq!(world.keys.verify(&world.policy, &token, world.clock.now()), Ok(Verified { claims, kid }));
    assert!(world.verify(&world.sign_with(|_, _| ())).is_ok(), "the forger of these tests makes valid tokens, too");
}

#[test]
fn lives_until_its_end_and_the_leeway() {
    let world = world();
    let token = world.issue();
    world.clock.advance(-TimeDelta::seconds(30));
    assert!(world.verify(&token).is_ok());
    world.clock.advance(-TimeDelta::seconds(1));
    assert!(world.verify(&token).is_err());
    world.clock.advance(TimeDelta::seconds(31 + 15 * 60 + 29));
    assert!(world.verify(&token).is_ok());
    world.clock.advance(TimeDelta::seconds(1));
    assert!(world.verify(&token).is_err());
}

#[test]
fn refuses_other_headers() {
    let world = world();
    let hostile: &[(&str, Value)] = &[
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("eddsa")),
        ("typ", json!("JWT")),
        ("kid", json!("short")),
        ("kid", json!("")),
        ("kid", json!(format!("{}=", &world.key.kid[1..]))),
        ("kid", json!(format!("{}A", world.key.kid))),
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
        let token = world.sign_with(|header, _| header[*member] = value.clone());
        assert_eq!(world.verify(&token), Err(Rejection::Invalid), "{member} {value}");
    }
    for member in ["alg", "typ", "kid"] {
        let token = world.sign_with(|header, _| drop(header.as_object_mut().unwrap().remove(member)));
        assert_eq!(world.verify(&token), Err(Rejection::Invalid), "without {member}");
    }
}

#[test]
fn refuses_other_claims_although_signed() {
    let world = world();
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
            ("sub", json!("nobody")),
            ("admin", json!(true)),
            ("exp", json!(world.clock.now().timestamp() + 3_600)),
            ("exp", json!(world.clock.now().timestamp())),
            ("iat", json!(world.clock.now().timestamp() + 31)),
            ("nbf", json!(world.clock.now().timestamp() + 31)),
        ])
        .collect();
    for (member, value) in hostile {
        let token = world.sign_with(|_, payload| payload[member] = value.clone());
        assert_eq!(world.verify(&token), Err(Rejection::Invalid), "{member} {value}");
    }
    for member in ["iss", "aud", "sub", "tid", "sid", "jti", "iat", "nbf", "exp"] {
        let token = world.sign_with(|_, payload| drop(payload.as_object_mut().unwrap().remove(member)));
        assert_eq!(world.verify(&token), Err(Rejection::Invalid), "without {member}");
    }
}

#[test]
fn refuses_ids_in_another_form_than_ours() {
    let world = world();
    let id = world.claims().user.to_string();
    let forms = [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}"), String::new()];
    for member in ["sub", "tid", "sid", "jti"] {
        assert!(world.verify(&world.sign_with(|_, payload| payload[member] = json!(id))).is_ok(), "{member}");
        for form in &forms {
            let token = world.sign_with(|_, payload| payload[member] = json!(form));
            assert_eq!(world.verify(&token), Err(Rejection::Invalid), "{member} {form}");
        }
    }
}

#[test]
fn refuses_arrays_in_place_of_objects() {
    let world = world();
    let (header, payload) = (world.header(), world.payload());
    let members = |object: &Value, names: &[&str]| json!(names.iter().map(|name| &object[*name]).collect::<Vec<_>>());
    let as_array = members(&header, &["alg", "typ", "kid"]).to_string();
    assert!(world.verify(&world.sign(&as_array, &payload.to_string())).is_err());
    let as_array = members(&payload, &["iss", "aud", "sub", "tid", "sid", "jti", "iat", "nbf", "exp"]).to_string();
    assert!(world.verify(&world.sign(&header.to_string(), &as_array)).is_err());
}

#[test]
fn tells_itself_when_a_key_may_be_newer_than_the_set() {
    let world = world();
    let token = world.sign_with(|header, _| header["kid"] = json!("A".repeat(43)));
    assert_eq!(world.verify(&token), Err(Rejection::UnknownKey));
    // Whatever else is wrong before is wrong with any key.
    let token = world.sign_with(|header, _| {
        header["kid"] = json!("A".repeat(43));
        header["typ"] = json!("JWT");
    });
    assert_eq!(world.verify(&token), Err(Rejection::Invalid));
}

#[test]
fn refuses_repeated_members() {
    let world = world();
    let (header, payload) = (world.header().to_string(), world.payload().to_string());
    let repeated = |json: &str, member: &str| format!("{},{member}}}", &json[..json.len() - 1]);
    assert!(world.verify(&world.sign(&repeated(&header, r#""typ":"at+jwt""#), &payload)).is_err());
    assert!(world.verify(&world.sign(&header, &repeated(&payload, r#""exp":1800000900"#))).is_err());
}

#[test]
fn refuses_other_shapes() {
    let world = world();
    let token = world.issue();
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
        assert_eq!(world.verify(&shape), Err(Rejection::Invalid), "{shape:.60}");
    }
    for position in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
        assert!(world.verify(&String::from_utf8(changed).unwrap()).is_err(), "byte {position}");
    }
}

#[test]
fn refuses_the_key_of_another_deployment() {
    let (ours, theirs) = (world(), world());
    assert_eq!(ours.verify(&theirs.issue()), Err(Rejection::UnknownKey));
}

#[test]
fn does_not_start_with_a_key_that_does_not_open() {
    let world = world();
    let other = KeyRing::new([("kek".to_owned(), vec![8; 32].into())]).unwrap();
    assert!(KeySet::open([&world.key], &other).unwrap_err().to_string().contains(&world.key.kid));
    assert!(KeySet::open([&world.key], &world.ring).is_ok());
}
