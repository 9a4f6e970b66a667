//! API tests without a database: requests that are refused before one is needed.

use actix_web::body::{MessageBody, to_bytes};
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, web};
use serde_json::Value;

use super::extract::BodyLimit;
use super::middleware;
use super::operations::Audience;
use super::routes::api;
use super::state::State;
use super::testing::{access_token, secrets, state};

struct Received {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and code of a problem response; fails if it is not one.
    fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.body);
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }
}

async fn send(state: &web::Data<State>, request: TestRequest) -> Received {
    let app = App::new().wrap(from_fn(middleware::wrap_request)).configure(api(state.clone(), Audience::Everyone));
    let response = call_service(&init_service(app).await, request.to_request()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = to_bytes(response.into_body().boxed()).await.unwrap();
    // Images are not UTF-8; no test reads them.
    Received { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}

fn request(method: Method, path: &str) -> TestRequest {
    TestRequest::with_uri(path).method(method)
}

async fn problem(request: TestRequest) -> (u16, String) {
    send(&state(), request).await.problem()
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[actix_web::test]
async fn framework_errors_are_problems() {
    assert_eq!(problem(request(Method::GET, "/nowhere")).await, is(404, "not_found"));
    assert_eq!(problem(request(Method::GET, "/crm/nowhere")).await, is(404, "not_found"));
    for (path, allow) in [
        ("/whatsapp-accounts", "GET, HEAD, POST, OPTIONS"),
        ("/auth/login", "POST, OPTIONS"),
        ("/crm/contacts/x/messages", "GET, HEAD, OPTIONS"),
    ] {
        let response = send(&state(), request(Method::DELETE, path)).await;
        assert_eq!(response.problem(), is(405, "method_not_allowed"), "{path}");
        assert_eq!(response.header("allow"), Some(allow), "{path}");
    }
}

#[actix_web::test]
async fn every_response_has_the_request_id() {
    let response = send(&state(), request(Method::GET, "/healthz").insert_header(("x-request-id", "mine-1"))).await;
    assert_eq!((response.status, response.header("x-request-id")), (200, Some("mine-1")));
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    let response =
        send(&state(), request(Method::GET, "/nowhere").insert_header(("x-request-id", "not \" mine"))).await;
    assert_eq!(response.header("x-request-id").unwrap().len(), 36);
}

#[actix_web::test]
async fn anonymous_caller_gets_401_before_other_checks() {
    let malformed = request(Method::POST, "/whatsapp-accounts")
        .insert_header(("content-type", "application/json"))
        .set_payload("{ nonsense");
    let response = send(&state(), malformed).await;
    assert_eq!(response.problem(), is(401, "unauthenticated"));
    assert_eq!(response.header("www-authenticate"), Some(r#"Bearer realm="parley""#));
    for path in ["/auth/me", "/crm/contacts?limit=none", "/crm/conversations/x", "/crm/conversations?cursor=x"] {
        assert_eq!(problem(request(Method::GET, path)).await, is(401, "unauthenticated"), "{path}");
    }
    let basic = request(Method::GET, "/auth/me").insert_header(("authorization", "Basic YTpi"));
    assert_eq!(problem(basic).await, is(401, "unauthenticated"));
}

#[actix_web::test]
async fn invalid_token_is_refused_without_the_database() {
    let state = state();
    let genuine = access_token(&state);
    for token in ["", "x", "a.b.c", &genuine[..genuine.len() - 2], &genuine.replacen('.', ".x", 1)] {
        let request = request(Method::GET, "/auth/me").insert_header(("authorization", format!("Bearer {token}")));
        let response = send(&state, request).await;
        assert_eq!(response.problem(), is(401, "invalid_token"), "{token}");
        assert_eq!(response.header("www-authenticate"), Some(r#"Bearer realm="parley", error="invalid_token""#));
    }
    // A valid token reaches the database.
    let bearer = ("authorization", format!("bearer {genuine}"));
    let response = send(&state, request(Method::GET, "/auth/me").insert_header(bearer.clone())).await;
    assert_eq!((response.problem(), response.header("retry-after")), (is(503, "temporarily_unavailable"), Some("5")));
    let twice = request(Method::GET, "/auth/me").append_header(bearer.clone()).append_header(bearer);
    assert_eq!(send(&state, twice).await.problem(), is(400, "ambiguous_credentials"));
}

#[actix_web::test]
async fn oversized_body_is_refused() {
    let long = |path: &str, bytes: usize| {
        request(Method::POST, path)
            .insert_header(("x-tenant-id", "acme"))
            .insert_header(("content-type", "application/json"))
            .insert_header(("x-hub-signature-256", format!("sha256={}", "0".repeat(64))))
            .set_payload(vec![b' '; bytes])
    };
    assert_eq!(problem(long("/auth/login", BodyLimit::AUTH.0 + 1)).await, is(413, "body_too_large"));
    assert_eq!(problem(long("/auth/login", BodyLimit::AUTH.0)).await, is(400, "malformed_json"));
    assert_eq!(problem(long("/webhooks/whatsapp", BodyLimit::WEBHOOK.0 + 1)).await, is(413, "body_too_large"));
    assert_eq!(problem(long("/webhooks/whatsapp", BodyLimit::WEBHOOK.0)).await, is(401, "invalid_signature"));
    let text = request(Method::POST, "/auth/signup").insert_header(("content-type", "text/plain")).set_payload("{}");
    assert_eq!(problem(text).await, is(415, "unsupported_media_type"));
}

fn login(email: &str, password: &str) -> TestRequest {
    let body = serde_json::json!({ "email": email, "password": password });
    request(Method::POST, "/auth/login").insert_header(("x-tenant-id", "acme")).set_json(body)
}

#[actix_web::test]
async fn malformed_credentials_are_looked_up_like_valid_ones() {
    for (email, password) in
        [("ada@x.example", "correct horse"), ("no address", "correct horse"), ("ada@x.example", &"x".repeat(2_000))]
    {
        assert_eq!(problem(login(email, password)).await, is(503, "temporarily_unavailable"), "{email}");
    }
    let without_tenant =
        request(Method::POST, "/auth/login").set_json(serde_json::json!({ "email": "a", "password": "b" }));
    assert_eq!(problem(without_tenant).await, is(400, "tenant_required"));
}

fn delivery(body: &'static str, signatures: &[&str]) -> TestRequest {
    let request = request(Method::POST, "/webhooks/whatsapp").set_payload(body);
    signatures.iter().fold(request, |request, signature| request.append_header(("x-hub-signature-256", *signature)))
}

#[actix_web::test]
async fn delivery_is_refused_only_for_its_signature() {
    const BODY: &str = r#"{"entry":[{"id":"1"}]}"#;
    let signature = secrets().sign(BODY.as_bytes()).unwrap();
    let wrong = secrets().sign(b"another").unwrap();
    for signatures in [&[][..], &[wrong.as_str()], &["sha256=x"], &[&signature, &signature], &[&signature, &wrong]] {
        assert_eq!(problem(delivery(BODY, signatures)).await, is(401, "invalid_signature"), "{signatures:?}");
    }
    // With a valid signature it reaches the database, whose failure is a 503.
    let response = send(&state(), delivery(BODY, &[&signature])).await;
    assert_eq!((response.problem(), response.header("retry-after")), (is(503, "temporarily_unavailable"), Some("5")));
    let nothing = r#"{"entry":[]}"#;
    let signature = secrets().sign(nothing.as_bytes()).unwrap();
    let response = send(&state(), delivery(nothing, &[&signature])).await;
    assert_eq!((response.status, response.body.as_str()), (200, ""));
}

/// A well-formed app key.
const APP: &str = "/webhooks/whatsapp/0123456789abcdef0123456789abcdef01234567";

#[actix_web::test]
async fn app_is_looked_up_only_for_a_well_formed_request() {
    let signature = secrets().sign(b"{}").unwrap();
    let post = |path: &str, signature: &str| {
        request(Method::POST, path).insert_header(("x-hub-signature-256", signature)).set_payload("{}")
    };
    for signature in ["", "sha256=x", &signature[1..], &signature.replace("sha256", "sha1")] {
        assert_eq!(problem(post(APP, signature)).await, is(401, "invalid_signature"), "{signature}");
    }
    assert_eq!(problem(request(Method::POST, APP).set_payload("{}")).await, is(401, "invalid_signature"));
    for app in ["deployment", "x", &APP.to_uppercase()[19..], &format!("{}0", &APP[19..])] {
        let path = format!("/webhooks/whatsapp/{app}");
        assert_eq!(problem(post(&path, &signature)).await, is(401, "invalid_signature"), "{app}");
        let handshake = format!("{path}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=verify");
        assert_eq!(problem(request(Method::GET, &handshake)).await, is(403, "handshake_refused"), "{app}");
    }
    assert_eq!(problem(post(APP, &signature)).await, is(503, "temporarily_unavailable"));
    let handshake = format!("{APP}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=verify");
    assert_eq!(problem(request(Method::GET, &handshake)).await, is(503, "temporarily_unavailable"));
    assert_eq!(problem(request(Method::GET, APP)).await, is(400, "invalid_query"));
}

#[actix_web::test]
async fn handshake_returns_the_challenge() {
    let ask = |query: &str| request(Method::GET, &format!("/webhooks/whatsapp?{query}"));
    let right = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify";
    let response = send(&state(), ask(right)).await;
    assert_eq!((response.status, response.body.as_str()), (200, "1158201444"));
    assert!(response.header("content-type").unwrap().starts_with("text/plain"));
    assert_eq!(
        problem(ask(&right.replace("verify_token=verify", "verify_token=x"))).await,
        is(403, "handshake_refused")
    );
    assert_eq!(problem(ask("hub.mode=subscribe")).await, is(400, "invalid_query"));
}

#[actix_web::test]
async fn readiness_names_the_unavailable_services() {
    let response = send(&state(), request(Method::GET, "/readyz")).await;
    assert_eq!(response.problem(), is(503, "not_ready"));
    let body: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(body["checks"], serde_json::json!({ "database": "cannot be reached", "broker": "ok" }));

    let response = send(&state(), request(Method::GET, "/.well-known/jwks.json")).await;
    assert_eq!((response.status, response.header("cache-control")), (200, Some("public, max-age=300")));
    let response = send(&state(), request(Method::GET, "/openapi.json")).await;
    assert_eq!((response.status, response.header("cache-control")), (200, Some("no-store")));
}

#[actix_web::test]
async fn reference_page_loads_nothing_from_other_hosts() {
    let page = send(&state(), request(Method::GET, "/docs")).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
    let addresses = |attribute| page.body.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
    let files: Vec<&str> = addresses("src=\"").chain(addresses("href=\"")).collect();
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let response = send(&state(), request(Method::GET, &format!("/{file}"))).await;
        assert_eq!(response.status, 200, "{file}");
    }
    let starts = send(&state(), request(Method::GET, "/docs/swagger-initializer.js")).await.body;
    assert!(starts.contains(r#""url": "openapi.json""#) && starts.contains(r#""validatorUrl": "none""#), "{starts}");

    let response = send(&state(), request(Method::GET, "/docs/")).await;
    assert_eq!((response.status, response.header("location")), (308, Some("../docs")));
    assert_eq!(problem(request(Method::GET, "/docs/nothing.js")).await, is(404, "not_found"));
    let response = send(&state(), request(Method::POST, "/docs")).await;
    assert_eq!(
        (response.problem(), response.header("allow")),
        (is(405, "method_not_allowed"), Some("GET, HEAD, OPTIONS"))
    );
}
