//! What HTTP clients, caches, proxies and browsers expect of any server.

use std::io::Read as _;

use flate2::read::GzDecoder;
use reqwest::Method;
use serde_json::json;

use crate::kit::app::{OperatorListener, PASSWORD, Settings, TestApp};
use crate::kit::client::{Client, Response};

const ORIGIN: &str = "https://crm.example.com";

async fn head(client: &Client, path: &str) -> Response {
    client.send(Method::HEAD, path, None).await
}

async fn options(client: &Client, path: &str) -> Response {
    client.send(Method::OPTIONS, path, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_read_is_not_sent_again() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let first = tenant.client.get("/tenant").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    for known in [tag.as_str(), "*", &format!("\"another\", {tag}")] {
        let again = tenant.client.with("if-none-match", known).get("/tenant").await;
        again.expect(304);
        assert_eq!((again.text.as_str(), again.header("etag")), ("", tag.as_str()), "{known}");
        let again = head(&tenant.client.with("if-none-match", known), "/tenant").await;
        again.expect(304);
    }
    tenant.client.patch("/tenant", &json!({"name": "Renamed"})).await.expect(200);
    let changed = tenant.client.with("if-none-match", &tag).get("/tenant").await;
    changed.expect(200);
    assert_ne!(changed.header("etag"), tag);
    // Problems, and answers to other methods, have none.
    let refused = app.client.with("if-none-match", "*").get("/tenant").await;
    refused.problem(401, "unauthenticated");
    assert_eq!(refused.header("etag"), "");
    let login = app.client.with("x-tenant-id", &tenant.slug).with("if-none-match", "*");
    let login = login.post("/auth/login", &json!({"email": tenant.email, "password": PASSWORD})).await;
    login.expect(200);
    assert_eq!(login.header("etag"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_as_get_without_a_body() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    for path in ["/tenant", "/crm/contacts", "/roles?limit=1", "/healthz", "/openapi.json", "/docs", "/docs/guide"] {
        let (read, head) = (tenant.client.get(path).await, head(&tenant.client, path).await);
        assert_eq!((head.status, head.text.as_str()), (read.status, ""), "{path}");
        for name in ["content-type", "content-length", "etag", "cache-control"] {
            assert_eq!(head.header(name), read.header(name), "{path} {name}");
        }
    }
    assert_eq!(head(&app.client, "/tenant").await.status, 401);
    assert_eq!(head(&tenant.client, "/crm/contacts/0190b5a2-7e2f-7000-8000-000000000000").await.status, 404);
    assert_eq!(head(&tenant.client, "/auth/login").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_names_the_methods_of_a_path() {
    let app = TestApp::start().await;
    for (path, allow) in [
        ("/crm/contacts", "GET, HEAD, POST, OPTIONS"),
        ("/roles/0190b5a2-7e2f-7000-8000-000000000000", "GET, HEAD, PATCH, DELETE, OPTIONS"),
        ("/auth/login", "POST, OPTIONS"),
        ("/tenants", "GET, HEAD, POST, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
    ] {
        let answer = options(&app.client, path).await;
        answer.expect(204);
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
    assert_eq!(options(&app.client, "/nowhere").await.status, 404);
}

/// The answer, whose body may be compressed.
async fn accepting(tenant: &Client, encodings: &str, path: &str) -> reqwest::Response {
    tenant.with("accept-encoding", encodings).stream(path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn long_json_is_compressed_for_those_who_accept_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let plain = tenant.client.get("/openapi.json").await;
    assert!(plain.header("content-encoding").is_empty() && plain.header("vary").contains("accept-encoding"));
    for (accepted, encoding) in [("gzip", "gzip"), ("br;q=0.5, gzip", "gzip"), ("gzip;q=0.5, br", "br")] {
        let answer = accepting(&tenant.client, accepted, "/openapi.json").await;
        let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert_eq!((header("content-encoding").as_str(), header("etag").as_str()), (encoding, plain.header("etag")));
        assert!(header("vary").to_lowercase().contains("accept-encoding"), "{}", header("vary"));
        let body = answer.bytes().await.unwrap();
        assert!(body.len() * 4 < plain.text.len(), "{} of {} bytes", body.len(), plain.text.len());
        if encoding == "gzip" {
            let mut text = String::new();
            GzDecoder::new(body.as_ref()).read_to_string(&mut text).unwrap();
            assert_eq!(text, plain.text);
        }
    }
    for (encodings, path) in [("gzip", "/healthz"), ("identity", "/openapi.json"), ("compress", "/openapi.json")] {
        let answer = accepting(&tenant.client, encodings, path).await;
        assert_eq!(answer.headers().get("content-encoding"), None, "{encodings} {path}");
    }
    let again = tenant.client.with("accept-encoding", "gzip").with("if-none-match", plain.header("etag"));
    again.get("/openapi.json").await.expect(304);
}

/// The length of a compressed body says something about its content.
#[tokio::test(flavor = "multi_thread")]
async fn body_with_a_secret_is_not_compressed() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let login = app.client.with("x-tenant-id", &tenant.slug).with("accept-encoding", "gzip, br");
    let answer = login.post("/auth/login", &json!({"email": tenant.email, "password": PASSWORD})).await;
    answer.expect(200);
    assert_eq!(answer.header("content-encoding"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_is_told_to_use_https_behind_tls() {
    let app = TestApp::start().await;
    let hsts = async |client: &Client| client.get("/healthz").await.header("strict-transport-security").to_owned();
    assert_eq!(hsts(&app.client).await, "");
    assert_eq!(hsts(&app.client.with("x-forwarded-proto", "http")).await, "");
    assert_eq!(hsts(&app.client.with("x-forwarded-proto", "https")).await, "max-age=31536000");
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_origins_alone_may_read_answers() {
    let app = TestApp::start_with(Settings { cors_origin: Some(ORIGIN), ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let preflight = |origin: &str| {
        let client = app.client.with("origin", origin).with("access-control-request-method", "PATCH");
        client.with("access-control-request-headers", "authorization, content-type, idempotency-key")
    };
    let answer = options(&preflight(ORIGIN), "/crm/contacts").await;
    assert!(answer.status.is_success(), "{} {}", answer.status, answer.text);
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    assert!(answer.header("access-control-allow-methods").contains("PATCH"));
    assert!(answer.header("access-control-allow-headers").to_lowercase().contains("authorization"));
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    let answer = tenant.client.with("origin", ORIGIN).get("/tenant").await;
    answer.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    assert!(answer.header("access-control-expose-headers").to_lowercase().contains("etag"));
    // A refused request is readable, too: the page must see why.
    let refused = app.client.with("origin", ORIGIN).get("/tenant").await;
    refused.problem(401, "unauthenticated");
    assert_eq!(refused.header("access-control-allow-origin"), ORIGIN);

    let elsewhere = "https://elsewhere.example";
    let answer = options(&preflight(elsewhere), "/crm/contacts").await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let answer = tenant.client.with("origin", elsewhere).get("/tenant").await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, ""));
    // Without a configured origin there is no CORS at all.
    let app = TestApp::start().await;
    let answer = app.client.with("origin", ORIGIN).get("/healthz").await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_listener_serves_operators_alone() {
    let app = TestApp::start_with(Settings { operator_listener: OperatorListener::Own, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let operators = app.operators();
    for path in ["/platform/audit-log", "/tenants"] {
        app.client.get(path).await.problem(404, "not_found");
        tenant.client.get(path).await.problem(404, "not_found");
        operators.get(path).await.problem(401, "unauthenticated");
    }
    for path in ["/crm/contacts", "/auth/me", "/webhooks/whatsapp"] {
        operators.get(path).await.problem(404, "not_found");
    }
    assert_eq!(operators.get("/readyz").await.status, 200);
    assert_eq!(app.client.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_no_rust_type() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    for (path, body, detail) in [
        ("/auth/logout", json!([]), "expected an object"),
        ("/auth/logout", json!({"scope": 7}), "expected one of the documented values"),
        ("/roles", json!({"name": 7, "permissions": []}), "expected a string"),
        ("/roles", json!({"name": "x", "permissions": 7}), "expected an array"),
        ("/crm/contacts", json!({"display_name": "x", "attributes": []}), "expected an object"),
    ] {
        let problem = tenant.client.post(path, &body).await.problem(422, "validation_failed");
        assert_eq!(problem.errors[0].detail, detail, "{path} {body}: {problem}");
    }
    let list = tenant.client.get("/crm/contacts?limit=many").await.problem(400, "invalid_query");
    assert!(!list.errors[0].detail.contains("i64"), "{list}");
}
