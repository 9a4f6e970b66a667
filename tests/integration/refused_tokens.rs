//! Every invalid access token is refused by one identical response. Most of them are signed with a genuine key, so that
//! the tested defect is the only one.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use kernel::Clock as _;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use ring::{hmac, signature};
use serde_json::{Value, json};
use tokens::KeyState;

use crate::kit::app::{Settings, TestApp};
use crate::kit::client::Client;
use crate::kit::token_forger::{TokenForger, message, payload_of};

/// Invalid tokens derived from a valid one, each with its defect.
struct Hostile<'a> {
    forge: &'a TokenForger,
    payload: Value,
    tokens: Vec<(String, String)>,
}

impl Hostile<'_> {
    fn add(&mut self, what: impl Into<String>, token: String) {
        self.tokens.push((what.into(), token));
    }

    fn header(&mut self, member: &str, value: Value) {
        let mut header = self.forge.header();
        let what = format!("{member}: {value}");
        header[member] = value;
        self.add(what, self.forge.sign(&header.to_string(), &self.payload.to_string()));
    }

    fn claim(&mut self, member: &str, value: Value) {
        let mut payload = self.payload.clone();
        let what = format!("{member}: {value}");
        payload[member] = value;
        self.add(what, self.forge.sign(&self.forge.header().to_string(), &payload.to_string()));
    }

    fn raw(&mut self, what: &str, header: &str, payload: &str) {
        self.add(what, self.forge.sign(header, payload));
    }

    fn algorithms(&mut self) {
        let payload = self.payload.to_string();
        for algorithm in ["none", "None", "NONE", "HS256", "ES256", "RS256", "Ed448", "eddsa", ""] {
            self.header("alg", json!(algorithm));
        }
        for algorithm in ["none", "EdDSA"] {
            let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": self.forge.kid}).to_string();
            self.add(format!("{algorithm} without a signature"), format!("{}.", message(&header, &payload)));
        }
        // The public key as an HMAC secret.
        let public = URL_SAFE_NO_PAD.decode(&self.forge.public_x).unwrap();
        let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": self.forge.kid}).to_string();
        for secret in [public.as_slice(), self.forge.public_x.as_bytes()] {
            let signed = message(&header, &payload);
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
            self.add("HS256 with the public key", format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)));
        }
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random).unwrap();
        for algorithm in ["ES256", "EdDSA"] {
            let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": self.forge.kid}).to_string();
            let signed = message(&header, &payload);
            let signature = pair.sign(&random, signed.as_bytes()).unwrap();
            self.add("another curve", format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)));
        }
        let der = signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let pair = signature::Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
        let signed = message(&self.forge.header().to_string(), &payload);
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
        self.add("another key", format!("{signed}.{signature}"));
        // A token that embeds its own key.
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let mut header = self.forge.header();
        header["jwk"] = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        let signed = message(&header.to_string(), &payload);
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
        self.add("its own key", format!("{signed}.{signature}"));
    }

    fn headers(&mut self) {
        let kid = self.forge.kid.clone();
        for value in [
            json!("A".repeat(43)),
            json!("unknown"),
            json!(""),
            json!(null),
            json!(7),
            json!([kid]),
            json!("../../../../../../etc/passwd"),
            json!("/dev/null"),
            json!("' OR '1'='1"),
            json!("x'; DROP TABLE signing_keys; --"),
            json!(format!("{kid}\u{0}")),
            json!(kid.to_lowercase()),
        ] {
            self.header("kid", value);
        }
        for (member, value) in [
            ("crit", json!([])),
            ("crit", json!(["b64"])),
            ("b64", json!(false)),
            ("b64", json!(true)),
            ("jku", json!("https://evil.example/jwks.json")),
            ("jwk", json!({"kty": "OKP"})),
            ("x5u", json!("https://evil.example/chain.pem")),
            ("x5c", json!(["MIIB"])),
            ("x5t", json!("AAAA")),
            ("zip", json!("DEF")),
            ("cty", json!("JWT")),
            ("typ", json!("JWT")),
            ("typ", json!("at+JWT")),
            ("typ", json!("application/at+jwt")),
            ("typ", json!(null)),
        ] {
            self.header(member, value);
        }
        let header = self.forge.header().to_string();
        let payload = self.payload.to_string();
        for member in ["alg", "typ", "kid"] {
            let mut without = self.forge.header();
            without.as_object_mut().unwrap().remove(member);
            self.raw(&format!("without {member}"), &without.to_string(), &payload);
        }
        for member in [format!(r#""kid":"{kid}""#), r#""alg":"EdDSA""#.to_owned(), r#""typ":"at+jwt""#.to_owned()] {
            self.raw("a repeated member", &format!("{},{member}}}", &header[..header.len() - 1]), &payload);
        }
        self.raw("an array", &json!(["EdDSA", "at+jwt", kid]).to_string(), &payload);
        self.raw("no JSON", "EdDSA", &payload);
    }

    fn claims(&mut self, now: i64) {
        for member in ["iss", "aud", "sub", "tid", "sid", "jti", "iat", "nbf", "exp"] {
            let mut without = self.payload.clone();
            without.as_object_mut().unwrap().remove(member);
            self.raw(&format!("without {member}"), &self.forge.header().to_string(), &without.to_string());
            self.claim(member, json!(null));
            self.claim(member, json!({}));
        }
        for member in ["iat", "nbf", "exp"] {
            for value in [
                json!(-1),
                json!(-now),
                json!(1.5),
                format!("{now}.0").parse().unwrap(),
                json!(now.to_string()),
                json!(1e300),
                json!(u64::MAX),
                json!(i64::MAX),
                json!((1_u64 << 53) + 1),
                json!(8_210_266_876_799_u64),
                json!(true),
            ] {
                self.claim(member, value);
            }
        }
        for (member, value) in [
            ("iss", json!("https://evil.example")),
            ("iss", json!("https://parley.test/")),
            ("aud", json!("other")),
            ("aud", json!(["parley"])),
            ("iat", json!(0)),
            ("exp", json!(0)),
            ("iat", json!(now + 31)),
            ("nbf", json!(now + 31)),
            ("exp", json!(now - 30)),
            ("exp", json!(now + 901)),
            ("exp", json!(now + 86_400)),
            ("sub", json!("not an id")),
            ("sub", json!("0190b5a2-7e2f-7000-8000-000000000000")),
            ("tid", json!("0190b5a2-7e2f-7000-8000-000000000000")),
            ("sid", json!("0190b5a2-7e2f-7000-8000-000000000000")),
            ("sid", json!("' OR 1=1 --")),
            ("sub", json!(self.payload["sub"].as_str().unwrap().to_uppercase())),
            ("permissions", json!(["crm:read"])),
        ] {
            self.claim(member, value);
        }
        let (header, payload) = (self.forge.header().to_string(), self.payload.to_string());
        for member in [format!(r#""exp":{}"#, now + 900), r#""aud":"parley""#.to_owned()] {
            self.raw("a repeated claim", &header, &format!("{},{member}}}", &payload[..payload.len() - 1]));
        }
        self.raw("no claims", &header, "null");
        self.raw("nothing", &header, "");
        self.raw("behind the claims", &header, &format!("{payload} {{}}"));
    }

    fn shapes(&mut self, token: &str) {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else { panic!("{token}") };
        let padded = |part: &str| URL_SAFE.encode(URL_SAFE_NO_PAD.decode(part).unwrap());
        for (what, shape) in [
            ("a trailing dot", format!("{token}.")),
            ("a leading dot", format!(".{token}")),
            ("two parts", format!("{header}.{payload}")),
            ("four parts", format!("{token}.{signature}")),
            ("five parts", format!("{header}..{payload}.{signature}.{signature}")),
            ("padding", format!("{}.{payload}.{signature}", padded(header))),
            ("padding of the signature", format!("{header}.{payload}.{}", padded(signature))),
            ("an equals sign", format!("{token}=")),
            ("white space inside", token.replace('.', ". ")),
            ("a tab inside", token.replace('.', ".\t")),
            ("another alphabet", format!("{header}.{payload}.+{}", &signature[1..])),
            ("half a signature", format!("{header}.{payload}.{}", &signature[..40])),
            ("another signature", format!("{header}.{payload}.{}", "A".repeat(86))),
            ("two tokens", format!("{token} {token}")),
            ("nothing", "..".to_owned()),
            ("5 KB", "a".repeat(5_000)),
            ("100 KB", "a".repeat(100_000)),
            ("5 KB behind a token", format!("{token}{}", "A".repeat(5_000))),
        ] {
            self.add(what, shape);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_tokens_get_identical_refusal() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let forge = TokenForger::with_key(&app, KeyState::Active).await;
    let ask = async |token: &str| {
        let client = app.client.with_token(token).with("x-request-id", "same");
        // The server may close an idle connection at this moment.
        match client.try_send(reqwest::Method::GET, "/auth/me", None).await {
            Ok(answer) => answer,
            Err(_) => client.get("/auth/me").await,
        }
    };

    // A re-signed token without defect is accepted, so the helper is correct.
    let payload = payload_of(&tenant.token);
    let genuine = forge.sign(&forge.header().to_string(), &payload.to_string());
    ask(&genuine).await.json(200);

    let mut hostile = Hostile { forge: &forge, payload: payload.clone(), tokens: Vec::new() };
    hostile.algorithms();
    hostile.headers();
    hostile.claims(app.clock.now().timestamp());
    hostile.shapes(&genuine);
    // The user, the session or both belong to another tenant.
    let theirs = payload_of(&other.token);
    for members in [&["tid"][..], &["sub"], &["sid"], &["sub", "sid"], &["tid", "sub"], &["tid", "sid"]] {
        let mut mixed = payload.clone();
        for member in members {
            mixed[*member] = theirs[*member].clone();
        }
        hostile.raw(&format!("{members:?} of another tenant"), &forge.header().to_string(), &mixed.to_string());
    }

    let expected = ask("x").await;
    expected.problem(401, "invalid_token");
    assert_eq!(expected.header("www-authenticate"), r#"Bearer realm="parley", error="invalid_token""#);
    assert!(hostile.tokens.len() > 150, "{}", hostile.tokens.len());
    for (what, token) in &hostile.tokens {
        let answer = ask(token).await;
        assert_eq!(answer.text, expected.text, "{what}");
        assert_eq!(answer.stable_headers(), expected.stable_headers(), "{what}");
    }
    // actix refuses a head of this size before authentication.
    let enormous = Client::new(app.client.base()).with_token(&"a".repeat(1024 * 1024));
    if let Ok(answer) = enormous.try_send(reqwest::Method::GET, "/auth/me", None).await {
        assert!(answer.status.is_client_error(), "{}", answer.status);
    }
    ask(&genuine).await.json(200);
    app.stop().await;
}
